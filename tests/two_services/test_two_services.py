"""Bookings in one service and payments in another, each with a database of its own, and either of them may be down."""

from __future__ import annotations

import base64
import json
import secrets
import subprocess
import sys
from contextlib import ExitStack
from datetime import date, timedelta

import pytest
from django.conf import settings

from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.server import SandboxServer
from tests.databases import postgres_database
from tests.example import EXAMPLE, needs_example
from tests.two_services.services import Service, call, free_port, is_open, stop, wait_until

pytestmark = [pytest.mark.crash, needs_example]


class House:
    """Both services, the worker of the payments, and Stripe."""

    def __init__(self, folder, databases):
        self.order = folder / "die_at"
        self.order.write_text("")
        secret = "whsec_" + base64.b64encode(secrets.token_bytes(32)).decode()
        payments_port, bookings_port = free_port(), free_port()
        self.sandbox = Sandbox()
        # It speaks as Stripe does: that is held against the schema in other tests.
        self.sandbox.state.observers = []
        self.stripe = SandboxServer(
            self.sandbox, webhook_url=f"http://127.0.0.1:{payments_port}/payments/webhook/stripe/"
        )
        self.stripe.start()
        self.bookings = Service(
            "tests.two_services.fragile",
            {
                "DATABASE_URL": databases["bookings"],
                "PAYMENTS_URL": f"http://127.0.0.1:{payments_port}",
                "PAYMENTS_WEBHOOK_CALLBACK_SECRET": secret,
                "DIE_AT": str(self.order),
            },
            bookings_port,
            folder / "bookings.log",
        )
        self.payments = Service(
            "two_services.payments_service.settings",
            {
                "DATABASE_URL": databases["payments"],
                "DJANGO_SECRET_KEY": secrets.token_hex(25),
                "BOOKINGS_URL": f"http://127.0.0.1:{bookings_port}",
                "BASE_URL": f"http://127.0.0.1:{payments_port}",
                "STRIPE_SECRET_KEY": self.sandbox.secret_key,
                "STRIPE_WEBHOOK_SECRET": self.sandbox.webhook_secret,
                "STRIPE_API_BASE": self.stripe.url,
                "PAYMENTS_WEBHOOK_CALLBACK_URL": f"http://127.0.0.1:{bookings_port}/api/bookings/webhook/payment/",
                "PAYMENTS_WEBHOOK_CALLBACK_SECRET": secret,
                "CALLBACK_ALLOW_PRIVATE": "True",
            },
            payments_port,
            folder / "payments.log",
        )
        for service in (self.bookings, self.payments):
            service.run("migrate", "--verbosity", "0")

    def open(self):
        """Let both services run, whatever became of them before."""
        self.order.write_text("")
        for service in (self.bookings, self.payments):
            service.kill()
            service.serve()

    def close(self):
        self.bookings.kill()
        self.payments.kill()
        self.stripe.stop()

    def book(self):
        """Book a room, and return the booking and its checkout."""
        arrival = date(2030, 5, 1)
        asked = {
            "room": "harbour-view",
            "starts_on": arrival.isoformat(),
            "ends_on": (arrival + timedelta(days=2)).isoformat(),
            "name": "Gil Guest",
            "email": "gil@example.com",
        }
        status, booking = call(f"{self.bookings.address}/api/bookings/", asked)
        assert status == 201, booking
        payable = {"payable_type": "booking", "payable_id": booking["id"]}
        status, checkout = call(f"{self.payments.address}/api/payments/checkout/", payable)
        assert status == 201, checkout
        return booking, checkout

    def pay(self, checkout):
        """Pay at Stripe, and wait until the payments service has heard of it."""
        authorization = {"Authorization": f"Bearer {self.sandbox.secret_key}"}
        listed = self.sandbox.handle("GET", "/v1/checkout/sessions?limit=100", authorization, None)
        (checkout_id,) = [
            each["id"] for each in json.loads(listed.body)["data"] if each["url"] == checkout["checkout_url"]
        ]
        self.sandbox.pay(checkout_id)
        assert self.stripe.sender.wait_until_sent(60)

    def status_of(self, booking):
        return call(f"{self.bookings.address}/api/bookings/{booking['id']}/")[1]["status"]

    def letters(self, booking):
        code = (
            "from two_services.bookings_service.models import Letter;"
            f"print(Letter.objects.filter(booking={booking['id']!r}).count())"
        )
        return int(self.bookings.run("shell", "-c", code).splitlines()[-1])

    def callbacks(self, booking):
        """The state of each callback of a booking, and how often it was tried."""
        code = (
            "from django_generic_payments.contrib.callbacks.models import Callback;"
            f"mine = Callback.objects.filter(event__session__payable_id={booking['id']!r});"
            "print([*mine.values_list('state', 'attempts', 'response_status')])"
        )
        return self.payments.run("shell", "-c", code).splitlines()[-1]

    def deliver(self):
        """Let time pass, so that what failed is due again, and the worker look once; return what it says."""
        code = (
            "from django.core.management import call_command;"
            "from django.utils import timezone;"
            "from django_generic_payments.contrib.callbacks.models import Callback;"
            "Callback.objects.filter(state='owed').update(next_attempt_at=timezone.now());"
            "call_command('payments_work', once=True)"
        )
        return self.payments.run("shell", "-c", code)


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    folder, names = tmp_path_factory.mktemp("two_services"), ("bookings", "payments")
    with ExitStack() as stack:
        if settings.DATABASES["default"]["ENGINE"].endswith("postgresql"):
            databases = {name: stack.enter_context(postgres_database()) for name in names}
        else:
            databases = {name: f"sqlite:///{folder / name}.sqlite3" for name in names}
        house = House(folder, databases)
        stack.callback(house.close)
        yield house


@pytest.fixture
def house(built):
    built.open()
    return built


def test_a_bookings_service_that_is_killed_for_three_deliveries_confirms_once(house):
    booking, checkout = house.book()
    house.bookings.kill()
    house.pay(checkout)

    assert "callbacks: 0 done, 1 to be tried again" in house.deliver()
    for place in ("confirmation", "answer"):
        house.order.write_text(place)
        house.bookings.serve()
        assert "callbacks: 0 done, 1 to be tried again" in house.deliver()
        assert house.bookings.is_gone()
        house.bookings.kill()

    house.bookings.serve()
    assert "callbacks: 1 done" in house.deliver()
    assert house.status_of(booking) == "confirmed"
    assert house.letters(booking) == 1
    assert house.callbacks(booking) == "[('delivered', 4, 200)]"


def test_a_running_worker_delivers_and_stops_when_it_is_asked_to(house):
    booking, checkout = house.book()
    worker = house.payments.start("payments_work", "--interval", "0.1")
    house.pay(checkout)

    wait_until(
        lambda: house.status_of(booking) == "confirmed",
        "it is confirmed",
        house.bookings.log,
        house.payments.log,
    )

    assert stop(worker) == 0
    assert house.letters(booking) == 1


def test_a_payer_who_is_faster_than_the_callback_is_not_left_waiting(house):
    booking, checkout = house.book()
    confirm = f"{house.bookings.address}/api/bookings/{booking['id']}/confirm-payment/"
    shown = {"payment": checkout["id"], "token": checkout["token"]}
    assert call(confirm, shown)[0] == 409
    house.pay(checkout)

    assert call(confirm, {**shown, "token": "made up"})[0] == 409
    assert call(confirm, shown)[1]["status"] == "confirmed"
    house.deliver()
    assert house.letters(booking) == 1


def test_the_payment_of_one_booking_does_not_confirm_another(house):
    (cheap, paid), (dear, _open) = house.book(), house.book()
    house.pay(paid)
    confirm = f"{house.bookings.address}/api/bookings/{dear['id']}/confirm-payment/"

    assert call(confirm, {"payment": paid["id"], "token": paid["token"]})[0] == 409
    house.deliver()
    assert (house.status_of(cheap), house.status_of(dear)) == ("confirmed", "pending_payment")


def test_what_cannot_be_looked_up_is_not_sold_and_what_cannot_be_asked_is_not_guessed(house):
    booking, checkout = house.book()
    shown = {"payment": checkout["id"], "token": checkout["token"]}
    payable = {"payable_type": "booking", "payable_id": booking["id"]}
    missing = {**payable, "payable_id": "00000000-0000-4000-8000-000000000000"}
    assert call(f"{house.payments.address}/api/payments/checkout/", missing)[0] == 404

    house.payments.kill()
    status, problem = call(f"{house.bookings.address}/api/bookings/{booking['id']}/confirm-payment/", shown)
    assert (status, problem["detail"][:7]) == (503, "Whether")
    house.payments.serve()
    house.bookings.kill()
    status, problem = call(f"{house.payments.address}/api/payments/checkout/", payable)
    assert (status, problem["code"]) == (503, "bookings_unavailable")
    assert not is_open(house.bookings.port)


def test_the_bookings_service_imports_nothing_of_payments():
    code = (
        "import django, sys; django.setup();"
        "import two_services.bookings_service.urls, two_services.bookings_service.wsgi;"
        "print([name for name in sys.modules if name.partition('.')[0] in ('django_generic_payments', 'stripe')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={
            "DJANGO_SETTINGS_MODULE": "two_services.bookings_service.settings",
            "PAYMENTS_WEBHOOK_CALLBACK_SECRET": "whsec_nobody",
            "PYTHONPATH": str(EXAMPLE),
        },
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.stdout.strip(), done.stderr) == ("[]", "")


def test_both_services_have_the_migrations_of_their_models(house):
    for service in (house.bookings, house.payments):
        service.run("makemigrations", "--check", "--dry-run")
