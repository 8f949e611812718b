from __future__ import annotations

from django.urls import path

from bookings import views

app_name = "bookings"

urlpatterns = [
    path("", views.RoomList.as_view(), name="rooms"),
    path("rooms/<slug:slug>/", views.RoomDetail.as_view(), name="room"),
    path("bookings/", views.BookingList.as_view(), name="list"),
    path("bookings/<uuid:pk>/", views.BookingDetail.as_view(), name="detail"),
    path("bookings/<uuid:pk>/share/", views.share, name="share"),
    path("bookings/<uuid:pk>/cancel/", views.cancel, name="cancel"),
    path("receipts/<uuid:receipt_id>/thank-you/", views.BookingReturn.as_view(), name="return"),
    path("receipts/<uuid:receipt_id>/not-paid/", views.BookingNotPaid.as_view(), name="not-paid"),
]
