"""Where the demo plays: a database of its own, the site and the sandbox, all on this machine and gone at the end."""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from django.conf import global_settings, settings
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management import call_command
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection, connections
from django.test import override_settings
from django.urls import reverse

from demo.frontend import Frontend
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.server import SandboxServer
from django_generic_payments.testing import override_payments

# Of what the site has in production, the demo can have neither https nor collected files.
AT_HOME = {
    "SECURE_SSL_REDIRECT": False,
    "SESSION_COOKIE_SECURE": False,
    "CSRF_COOKIE_SECURE": False,
    "STORAGES": global_settings.STORAGES,
    "MIDDLEWARE": [name for name in settings.MIDDLEWARE if not name.startswith("whitenoise.")],
    # All its visitors come from one address, and would use up the rate of one.
    "REST_FRAMEWORK": {
        **settings.REST_FRAMEWORK,
        "DEFAULT_THROTTLE_RATES": dict.fromkeys(["bookings", "payments_checkout", "payments_sync"]),
    },
}


class PortTaken(Exception):
    """Somebody else listens on a port."""

    def __init__(self, port: int, option: str, reason: str) -> None:
        super().__init__(f"Port {port} of this machine cannot be had ({reason}).")
        self.port = port
        self.option = option


@dataclass(frozen=True)
class Stage:
    """The addresses of the site, its webhook and the frontend, if there is one, and the sandbox that plays Stripe."""

    address: str
    webhook: str
    stripe: SandboxServer
    frontend: str | None = None


@contextmanager
def stage(port: int = 0, frontend_port: int | None = None) -> Iterator[Stage]:
    """Set up everything; the site listens on this port, or on a free one, and so does the frontend if it is wanted."""
    with (
        demo_database(),
        override_settings(**AT_HOME),
        site(port) as address,
        frontend(frontend_port, address) as page,
    ):
        call_command("loaddata", "rooms", "products", verbosity=0)
        sandbox = Sandbox(secret_key="sk_test_sandbox", webhook_secret="whsec_sandbox")
        webhook = address + reverse("generic_payments:stripe-webhook")
        with (
            SandboxServer(sandbox, webhook_url=webhook) as stripe,
            override_payments(
                ENABLED=True,
                STRIPE_SECRET_KEY=sandbox.secret_key,
                STRIPE_WEBHOOK_SECRET=sandbox.webhook_secret,
                STRIPE_API_BASE=stripe.url,
                BASE_URL=address,
                ALLOWED_REDIRECT_HOSTS=[urlsplit(page).netloc] if page else [],
            ),
            # As visitors see it: with the site's own pages for what goes wrong.
            override_settings(
                DEBUG=False,
                SECURE_CSP=policy_with(stripe.url),
                ALLOWED_HOSTS=["127.0.0.1", "localhost"],
                CORS_ALLOWED_ORIGINS=[page] if page else [],
                CSRF_TRUSTED_ORIGINS=[page] if page else [],
            ),
        ):
            yield Stage(address, webhook, stripe, page)


def policy_with(origin: str) -> dict[str, Any]:
    """Return the site's content security policy, with the sandbox in the place of Stripe."""
    policy = getattr(settings, "SECURE_CSP", {})
    return {**policy, "form-action": ["'self'", origin]} if policy else {}


@contextmanager
def demo_database() -> Iterator[None]:
    """A database beside the configured one, made afresh and dropped at the end."""
    configured = connection.settings_dict["NAME"]
    with tempfile.TemporaryDirectory() as folder:
        name = f"harbour_demo_{os.getpid()}"
        is_file = connection.vendor == "sqlite"
        connection.settings_dict["TEST"]["NAME"] = str(Path(folder, f"{name}.sqlite3")) if is_file else name
        connection.creation.create_test_db(verbosity=0, autoclobber=True)
        try:
            yield
        finally:
            connections.close_all()
            connection.creation.destroy_test_db(configured, verbosity=0)


class SilentHandler(WSGIRequestHandler):
    """The demo tells its own story: no line for each request."""

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadedWSGIServer):
    daemon_threads = True


@contextmanager
def site(port: int) -> Iterator[str]:
    """The site, for the browsers of this machine."""
    with serving(StaticFilesHandler(get_wsgi_application()), port, "--port") as address:
        yield address


@contextmanager
def frontend(port: int | None, api: str) -> Iterator[str | None]:
    """The page of another origin that uses the API, or nothing."""
    if port is None:
        yield None
        return
    with serving(Frontend(api), port, "--frontend-port") as address:
        yield address


@contextmanager
def serving(application: Any, port: int, option: str) -> Iterator[str]:
    """Serve an application in a thread. Raises ``PortTaken``, which names the option that chooses another."""
    try:
        server = Server(("127.0.0.1", port), SilentHandler)
    except OSError as error:
        raise PortTaken(port, option, str(error.strerror)) from error
    server.set_app(application)
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
