from __future__ import annotations

from django.apps import AppConfig


class PaymentsServiceConfig(AppConfig):
    name = "two_services.payments_service"
    label = "payments_service"

    def ready(self) -> None:
        from django_generic_payments.payables import register
        from two_services.payments_service.remote_bookings import RemoteBooking

        register(RemoteBooking, "booking", resolver=RemoteBooking.known_as)
