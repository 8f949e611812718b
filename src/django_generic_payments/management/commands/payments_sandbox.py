"""``manage.py payments_sandbox``: a small Stripe on this machine."""

from __future__ import annotations

from argparse import ArgumentParser, Namespace
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_generic_payments.conf import get_settings
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.sandbox import SandboxError
from django_generic_payments.sandbox.command_line import add_arguments, serve
from django_generic_payments.webhooks.address import webhook_path

__all__ = ["Command"]


class Command(BaseCommand):
    """Serve the sandbox with this project's keys, and deliver its webhooks to this project."""

    help = (
        "Serves a small Stripe on this machine: the API, a checkout page, a dashboard, and signed webhooks to this "
        "project. No money moves, and without --state everything is forgotten when it stops."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add where to listen, where webhooks go, and what is remembered."""
        add_arguments(parser, otherwise="; this project's own by default")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        settings = get_settings()
        if not options["secret"] and not settings.webhook_secrets:
            raise CommandError(
                "GENERIC_PAYMENTS['STRIPE_WEBHOOK_SECRET'] is missing. For example: whsec_sandbox."
            )
        options["webhook"] = options["webhook"] or _own_webhook()
        secret = options["secret"] or settings.webhook_secrets[0]
        self._advise(settings.STRIPE_API_BASE, options["host"], options["port"])
        try:
            serve(
                Namespace(**options), key=settings.STRIPE_SECRET_KEY, secret=secret, write=self.stdout.write
            )
        except SandboxError as error:
            raise CommandError(f"The sandbox cannot be served: {error}") from error

    def _advise(self, api_base: str, host: str, port: int) -> None:
        url = f"http://{host}:{port}"
        if port and api_base.rstrip("/") != url:
            self.stdout.write(
                f"Set GENERIC_PAYMENTS['STRIPE_API_BASE'] to {url!r} so that this project talks to it."
            )


def _own_webhook() -> str:
    try:
        return get_settings().base_url + webhook_path()
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
