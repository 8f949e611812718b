from __future__ import annotations

from django.urls import path

from bookings.api import views

app_name = "bookings-api"

urlpatterns = [
    path("rooms/", views.RoomsView.as_view(), name="rooms"),
    path("bookings/", views.BookingsView.as_view(), name="bookings"),
    path("bookings/<uuid:pk>/", views.BookingView.as_view(), name="booking"),
    path("bookings/<uuid:pk>/confirm-payment/", views.ConfirmPaymentView.as_view(), name="confirm-payment"),
    path("bookings/webhook/payment/", views.receive_payment, name="payment-webhook"),
    path("csrf/", views.CsrfView.as_view(), name="csrf"),
]
