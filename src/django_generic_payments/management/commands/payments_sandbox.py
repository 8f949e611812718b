"""``manage.py payments_sandbox``: a small Stripe on this machine."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from django_generic_payments.conf import get_settings
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.sandbox import Sandbox, SandboxError
from django_generic_payments.sandbox.server import SandboxServer
from django_generic_payments.webhooks import webhook_path

__all__ = ["Command"]

_PORT = 8420
# Seconds: without a limit the wait could not be interrupted on Windows.
_TICK = 0.5


class Command(BaseCommand):
    """Serve the sandbox with this project's keys, and deliver its webhooks to this project."""

    help = (
        "Serves a small Stripe on this machine: the API, a checkout page, and signed webhooks to this project. "
        "No money moves, and everything is forgotten when it stops."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add where to listen, and where webhooks go."""
        parser.add_argument("--host", default="127.0.0.1", help="this machine by default, and no other")
        parser.add_argument("--port", type=int, default=_PORT, help=f"{_PORT} by default; 0 picks a free one")
        parser.add_argument("--webhook", default="", help="where webhooks go; this project's own by default")

    def handle(self, *args: Any, **options: Any) -> None:
        """Serve until Ctrl-C or SIGTERM."""
        settings = get_settings()
        webhook = options["webhook"] or _own_webhook()
        if not settings.webhook_secrets:
            raise CommandError(
                "GENERIC_PAYMENTS['STRIPE_WEBHOOK_SECRET'] is missing. For example: whsec_sandbox."
            )
        sandbox = Sandbox(secret_key=settings.STRIPE_SECRET_KEY, webhook_secret=settings.webhook_secrets[0])
        stopped = threading.Event()
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, lambda *_: stopped.set())
        try:
            with SandboxServer(
                sandbox,
                host=options["host"],
                port=options["port"],
                webhook_url=webhook,
                log=self.stdout.write,
            ) as server:
                self._introduce(server.url, webhook, settings.STRIPE_API_BASE)
                while not stopped.wait(_TICK):
                    pass
        except (SandboxError, OSError) as error:
            raise CommandError(f"The sandbox cannot be served: {error}") from error
        self.stdout.write("Stopped.")

    def _introduce(self, url: str, webhook: str, api_base: str) -> None:
        self.stdout.write(f"A small Stripe is at {url}. No money moves.")
        self.stdout.write(f"Its webhooks go to {webhook}.")
        if api_base.rstrip("/") != url:
            self.stdout.write(
                f"Set GENERIC_PAYMENTS['STRIPE_API_BASE'] to {url!r} so that this project talks to it."
            )
        self.stdout.write("Stop it with Ctrl-C.")


def _own_webhook() -> str:
    try:
        return get_settings().base_url + webhook_path()
    except ConfigurationError as error:
        raise CommandError(str(error)) from error
