from __future__ import annotations

from django.urls import path

from two_services.bookings_service import api

urlpatterns = [
    path("api/bookings/", api.BookingsView.as_view()),
    path("api/bookings/<uuid:pk>/", api.BookingView.as_view()),
    path("api/bookings/<uuid:pk>/confirm-payment/", api.ConfirmPaymentView.as_view()),
    path("api/bookings/webhook/payment/", api.receive_payment),
]
