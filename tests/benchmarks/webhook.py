"""
``python -m tests.benchmarks.webhook [ROUNDS]``: what the webhook of a paid checkout costs, over the floor.

The floor is the cheapest webhook in plain Django that is idempotent at all: verify, insert the event's id, update the
payment, insert a ledger row, commit. It keeps none of our other promises. Both take the same events in turns, through
the whole WSGI application, and what is told is the median of the ratios of each round.
"""

from __future__ import annotations

import io
import json
import os
import statistics
import sys
import time
from collections.abc import Callable

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")

import django

django.setup()

from django.contrib.auth.decorators import login_not_required
from django.core.handlers.wsgi import WSGIHandler
from django.db import IntegrityError, connection, models, transaction
from django.http import HttpRequest, HttpResponse
from django.test import override_settings
from django.urls import include, path
from django.utils import timezone
from django.views.decorators.csrf import csrf_exempt

from django_generic_payments.conf import get_settings
from django_generic_payments.gateway import verify_signature
from django_generic_payments.models import Transaction
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.testing import use_sandbox
from tests.shop.models import Booking

EVENTS_IN_A_ROUND = 25
WARM_UP = 3


class FloorPayment(models.Model):
    checkout = models.CharField(max_length=255, unique=True)
    status = models.CharField(max_length=32, default="pending")
    paid_at = models.DateTimeField(null=True)

    class Meta:
        app_label = "benchmarks"


class FloorEvent(models.Model):
    stripe_id = models.CharField(max_length=255, unique=True)

    class Meta:
        app_label = "benchmarks"


class FloorEntry(models.Model):
    payment = models.ForeignKey(FloorPayment, on_delete=models.PROTECT)
    amount = models.BigIntegerField()
    currency = models.CharField(max_length=3)

    class Meta:
        app_label = "benchmarks"


@csrf_exempt
@login_not_required
def floor(request: HttpRequest) -> HttpResponse:
    settings = get_settings()
    verify_signature(
        request.body, request.headers["Stripe-Signature"], settings.webhook_secrets, tolerance=300
    )
    event = json.loads(request.body)
    checkout = event["data"]["object"]
    try:
        with transaction.atomic():
            FloorEvent.objects.create(stripe_id=event["id"])
            payment = FloorPayment.objects.filter(checkout=checkout["id"])
            payment.update(status="paid", paid_at=timezone.now())
            FloorEntry.objects.create(
                payment_id=FLOOR_KEYS[checkout["id"]],
                amount=checkout["amount_total"],
                currency=checkout["currency"],
            )
    except IntegrityError:
        pass
    return HttpResponse()


FLOOR_KEYS: dict[str, int] = {}

urlpatterns = [
    path("floor/", floor),
    path("payments/", include("django_generic_payments.urls")),
]


def main(rounds: int) -> None:
    # A database of its own, dropped at the end, and one connection for all requests.
    connection.settings_dict["CONN_MAX_AGE"] = None
    before = connection.settings_dict["NAME"]
    connection.creation.create_test_db(verbosity=0, autoclobber=True)
    try:
        with connection.schema_editor() as editor:
            for table in (FloorPayment, FloorEvent, FloorEntry):
                editor.create_model(table)
        with override_settings(ROOT_URLCONF=__name__), one_receiver():
            measure(rounds)
    finally:
        connection.creation.destroy_test_db(before, verbosity=0)


class one_receiver:  # noqa: N801 (used like a function)
    """Only the receiver that confirms a booking hears of its payment."""

    def __enter__(self) -> None:
        payment_succeeded.disconnect(dispatch_uid="shop.write_down.payment_succeeded")

    def __exit__(self, *_exc_info: object) -> None:
        """The process ends."""


def measure(rounds: int) -> None:
    application = WSGIHandler()
    ratios: dict[str, list[float]] = {"CPU": [], "wall": []}
    costs: dict[str, list[float]] = {"floor": [], "ours": []}
    for number in range(WARM_UP + rounds):
        requests = prepare(EVENTS_IN_A_ROUND)
        subjects = {"floor": "/floor/", "ours": "/payments/webhook/stripe/"}
        order = list(subjects) if number % 2 else list(reversed(subjects))
        took = {name: run(application, subjects[name], requests) for name in order}
        if number < WARM_UP:
            continue
        for index, what in enumerate(("CPU", "wall")):
            ratios[what].append(took["ours"][index] / took["floor"][index])
        for name, (cpu, _wall) in took.items():
            costs[name].append(cpu / EVENTS_IN_A_ROUND * 1000)
    expected = EVENTS_IN_A_ROUND * (WARM_UP + rounds)
    assert Transaction.objects.count() == FloorEntry.objects.count() == expected
    assert Booking.objects.filter(confirmed=1).count() == expected
    print(f"{connection.vendor}, {rounds} rounds of {EVENTS_IN_A_ROUND} events, one receiver")
    for name, values in costs.items():
        print(f"  {name:<6} {statistics.median(values):6.2f} ms CPU for an event")
    for what, values in ratios.items():
        tenth, ninetieth = statistics.quantiles(values, n=10)[0], statistics.quantiles(values, n=10)[-1]
        print(
            f"  {what:<6} {statistics.median(values):6.2f} times the floor ({tenth:.2f} to {ninetieth:.2f})"
        )


def prepare(count: int) -> list[tuple[bytes, dict[str, str]]]:
    """Let so many guests pay, and return the events that say so, not yet delivered."""
    sandbox = Sandbox(webhook_secret=get_settings().webhook_secrets[0])
    with use_sandbox(sandbox) as stripe:
        for _guest in range(count):
            session = start_checkout(Booking.objects.create())
            stripe.pay(session, deliver=False)
            payment = FloorPayment.objects.create(checkout=session.stripe_checkout_session_id)
            FLOOR_KEYS[payment.checkout] = payment.pk
    return [sandbox.message(each) for each in sandbox.events if each["type"] == "checkout.session.completed"]


def run(
    application: Callable[..., object], address: str, requests: list[tuple[bytes, dict[str, str]]]
) -> tuple[float, float]:
    """Post every request to an address, and return the seconds of CPU and of time that it took."""
    environments = [environment(address, *request) for request in requests]
    cpu, wall = time.process_time(), time.perf_counter()
    for each in environments:
        response = application(each, lambda _status, _headers: None)
        response.close()
        assert response.status_code == 200, response.content
    return time.process_time() - cpu, time.perf_counter() - wall


def environment(address: str, body: bytes, headers: dict[str, str]) -> dict[str, object]:
    named = {f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()}
    return {
        **named,
        "REQUEST_METHOD": "POST",
        "PATH_INFO": address,
        "SCRIPT_NAME": "",
        "SERVER_NAME": "testserver",
        "SERVER_PORT": "80",
        "CONTENT_TYPE": "application/json",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
        "wsgi.url_scheme": "http",
        "wsgi.errors": sys.stderr,
    }


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 40)
