"""The application's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.core import checks
from django.utils.module_loading import autodiscover_modules
from django.utils.translation import gettext_lazy as _

__all__ = ["GenericPaymentsConfig"]


class GenericPaymentsConfig(AppConfig):
    """Register the checks, and find the ``receivers`` module of every installed app."""

    name = "django_generic_payments"
    label = "generic_payments"
    verbose_name = _("Payments")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from django_generic_payments.checks import CHECKS

        autodiscover_modules("receivers")
        for check, options in CHECKS:
            checks.register(check, "generic_payments", **options)
