from __future__ import annotations

from django.apps import AppConfig


class BookingsServiceConfig(AppConfig):
    name = "two_services.bookings_service"
    label = "bookings"
    default_auto_field = "django.db.models.BigAutoField"
