"""The application's configuration."""

from __future__ import annotations

from django.apps import AppConfig
from django.utils.translation import gettext_lazy as _

from django_generic_payments.exceptions import ConfigurationError

__all__ = ["CallbacksConfig"]


class CallbacksConfig(AppConfig):
    """Give the worker one more chore. The ``receivers`` module is found as every app's is."""

    name = "django_generic_payments.contrib.callbacks"
    label = "generic_payments_callbacks"
    verbose_name = _("Payment callbacks")
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        """Add the chore. Raises ``ConfigurationError`` without the package that signs."""
        try:
            from django_generic_payments.contrib.callbacks.sending import CHORE
        except ModuleNotFoundError as error:
            if error.name != "standardwebhooks":
                raise
            raise ConfigurationError(
                "Callbacks are signed by the package standardwebhooks, which is not installed: "
                'pip install "django-generic-payments[callbacks]"'
            ) from error
        from django_generic_payments.maintenance.work import add_chore

        add_chore(CHORE)
