"""The application's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

__all__ = ["CallbacksConfig"]


class CallbacksConfig(AppConfig):
    """Give the worker one more chore. The ``receivers`` module is found as every app's is."""

    name = "django_generic_payments.contrib.callbacks"
    label = "generic_payments_callbacks"
    verbose_name = _("Payment callbacks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the chore, and what the audit looks for. Raises ``ConfigurationError`` without the package that signs."""
        from django_generic_payments.contrib.callbacks.models import Callback
        from django_generic_payments.contrib.callbacks.sending import CHORE
        from django_generic_payments.maintenance.audit import CHECKS
        from django_generic_payments.maintenance.work import add_chore

        add_chore(CHORE)
        CHECKS["no callback was given up"] = Callback.objects.given_up
