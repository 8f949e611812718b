from __future__ import annotations

from django.urls import path

from bookings import views

app_name = "bookings"

urlpatterns = [
    path("", views.BookingList.as_view(), name="list"),
    path("<int:pk>/", views.BookingDetail.as_view(), name="detail"),
]
