"""``manage.py demo``: a booking is made, paid and confirmed over HTTP, against the sandbox."""

from __future__ import annotations

import logging
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.contrib.staticfiles.handlers import StaticFilesHandler
from django.core.management.base import BaseCommand, CommandError
from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
from django.core.wsgi import get_wsgi_application
from django.db import connection
from django.urls import reverse

from bookings.models import Booking
from bookings.visitor import Visitor
from django_generic_payments.models import PaymentSession, Transaction, WebhookEvent
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.server import SandboxServer
from django_generic_payments.testing import override_payments

REPEATS = 5


class Command(BaseCommand):
    """Play the purchase, print each step, and fail if anything is not as it should be."""

    help = "Books a room, pays its deposit on the sandbox, and shows that repeated webhooks change nothing."

    def handle(self, *args: Any, **options: Any) -> None:
        # What is refused on purpose below would be told twice: by the log, and by the demo.
        logging.disable(logging.WARNING)
        with demo_database(), site() as address:
            sandbox = Sandbox(secret_key="sk_test_sandbox", webhook_secret="whsec_sandbox")
            webhook = address + reverse("generic_payments:stripe-webhook")
            with (
                SandboxServer(sandbox, webhook_url=webhook) as stripe,
                override_payments(
                    STRIPE_SECRET_KEY=sandbox.secret_key,
                    STRIPE_WEBHOOK_SECRET=sandbox.webhook_secret,
                    STRIPE_API_BASE=stripe.url,
                    BASE_URL=address,
                ),
            ):
                self.say(f"The site runs at {address}, a small Stripe at {stripe.url}. No money moves.")
                self.buy(address, stripe)
                self.show_money()
                self.repeat(sandbox, webhook)
                self.forge(sandbox, webhook)
        self.say("Done: paid once, confirmed once.")

    def buy(self, address: str, stripe: SandboxServer) -> None:
        """Let a visitor book and pay."""
        ann = get_user_model().objects.create_user("ann", "ann@example.com", "demo")
        booking = Booking.objects.create(
            owner=ann, room="Room with a view", starts_on=date.today() + timedelta(days=30), nights=2
        )
        self.step("Ann books", f"{booking}, {booking.nights} nights")
        browser = Visitor().open(address + "/login/").submit(username="ann", password="demo")
        browser.open(booking.get_absolute_url())
        self.step("The page says", browser.reads(r'<p class="status">.*?</p>'))
        self.step("The button says", browser.reads(r"<button.*?</button>"))
        browser.submit()
        self.step("It leads to", f"{browser.address[:60]}…")
        browser.submit(number="4000000000000002", email="ann@example.com", name="Ann", method="card")
        wait_for_webhooks(stripe)
        self.step("A declined card", self.session_status())
        browser.submit(number="4242424242424242", email="ann@example.com", name="Ann", method="card")
        wait_for_webhooks(stripe)
        self.step("Another card, back at", browser.address)
        self.step("The page says", browser.reads(r'<p class="status">.*?</p>'))
        self.expect(Booking.objects.get().confirmations == 1, "The booking is not confirmed once.")

    def show_money(self) -> None:
        """Print the ledger and the inbox."""
        for row in Transaction.objects.all():
            self.step("In the ledger", f"{row.kind} of {row.session.money}")
        for row in WebhookEvent.objects.exclude(state="ignored").order_by("created"):
            self.step("In the inbox", f"{row.type}, {row.state}")
        ignored = WebhookEvent.objects.filter(state="ignored").count()
        self.step("Of no use to us", f"{ignored} more events, counted and not kept")

    def repeat(self, sandbox: Sandbox, webhook: str) -> None:
        """Deliver the event of the payment again and again."""
        paid = next(event for event in sandbox.events if event["type"] == "checkout.session.completed")
        answers = [post(webhook, *sandbox.message(paid)) for _ in range(REPEATS)]
        self.step(f"The webhook {REPEATS} times more", f"answers {answers}")
        booking = Booking.objects.get()
        self.step("Payments, confirmations", f"{Transaction.objects.count()}, {booking.confirmations}")
        self.expect(answers == [200] * REPEATS, "A repeated webhook was refused.")
        self.expect((Transaction.objects.count(), booking.confirmations) == (1, 1), "Something was doubled.")

    def forge(self, sandbox: Sandbox, webhook: str) -> None:
        """Deliver an event that somebody else signed."""
        body, headers = sandbox.message(sandbox.events[-1], secret="whsec_of_somebody_else")
        answer = post(webhook, body, headers)
        self.step("A forged webhook", f"answer {answer}")
        self.expect(answer == 400, "A forged webhook was accepted.")

    def session_status(self) -> str:
        session = PaymentSession.objects.get()
        notes = session.events.filter(kind="attempt_failed").values_list("note", flat=True)
        return f"{session.get_status_display().lower()}; on the timeline: {', '.join(notes)}"

    def say(self, text: str) -> None:
        self.stdout.write(self.style.MIGRATE_HEADING(text))

    def step(self, what: str, text: str) -> None:
        self.stdout.write(f"  {what:<26} {text}")

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise CommandError(otherwise)


class SilentHandler(WSGIRequestHandler):
    """The demo tells its own story: no line for each request."""

    def log_message(self, *args: Any) -> None:
        pass


class Server(ThreadedWSGIServer):
    daemon_threads = True


@contextmanager
def demo_database() -> Iterator[None]:
    """A database of its own, made afresh and dropped at the end."""
    old_name = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        yield
    finally:
        connection.creation.destroy_test_db(old_name, verbosity=0)


@contextmanager
def site() -> Iterator[str]:
    """The site on a free port of this machine."""
    server = Server(("127.0.0.1", 0), SilentHandler)
    server.set_app(StaticFilesHandler(get_wsgi_application()))
    thread = threading.Thread(target=server.serve_forever, args=[0.05], daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def wait_for_webhooks(stripe: SandboxServer) -> None:
    """Wait until every webhook so far has been answered."""
    for _attempt in range(200):
        if not stripe.sandbox.pending:
            return
        time.sleep(0.05)
    raise CommandError("The webhooks were not accepted.")


def post(address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post as Stripe does, and return the status of the answer."""
    request = urllib.request.Request(address, data=body, headers=dict(headers))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
