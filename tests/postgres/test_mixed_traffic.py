"""Everything at once, for a while: what is left must add up."""

from __future__ import annotations

import random
import threading
from collections import Counter

import pytest
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from django_generic_payments.exceptions import AlreadyPaid, CheckoutClosed, CheckoutOpen, GatewayUnavailable
from django_generic_payments.models import PaymentEvent, PaymentSession, Transaction, WebhookEvent
from django_generic_payments.sandbox import SandboxError
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_succeeded
from tests.postgres.racing import race
from tests.postgres.scenes import open_at_stripe
from tests.postgres.test_checkouts import at_price
from tests.shop.models import Booking, Heard

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

#: Actions of all threads together, for each seed.
ROUNDS = 200
THREADS = 8
BOOKINGS = 10
REFUSALS = (AlreadyPaid, CheckoutClosed, CheckoutOpen, GatewayUnavailable)


class FlakyReceiver:
    """Fails at first, and every fifth time after that."""

    def __init__(self):
        self.lock = threading.Lock()
        self.calls = 0
        self.failures = 0
        self.flaky = True

    def __call__(self, payable, event, session, **kwargs):
        Heard.objects.create(
            receiver="flaky",
            kind=event.kind,
            event_id=event.pk,
            payable_type=session.payable_type,
            payable_id=session.payable_id,
            had_payable=True,
        )
        with self.lock:
            self.calls += 1
            fails = self.flaky and self.calls % 5 == 1
            self.failures += fails
        if fails:
            raise RuntimeError("The receiver fails every fifth time.")


@pytest.fixture
def flaky():
    receiver = FlakyReceiver()
    payment_succeeded.connect(receiver, sender=Booking, dispatch_uid="tests.flaky")
    yield receiver
    payment_succeeded.disconnect(sender=Booking, dispatch_uid="tests.flaky")


class Traffic:
    """What payers, Stripe and impatient browsers do, chosen by dice."""

    def __init__(self, stripe, bookings, seed):
        self.stripe = stripe
        self.seed = seed
        self.bookings = bookings
        self.refused = Counter()

    def worker(self, number):
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311
        client = Client()
        for _ in range(ROUNDS // THREADS):
            action = dice.choices((self.deliver, self.start, self.come_back, self.pay), (6, 5, 2, 1))[0]
            action(dice, client)

    def deliver(self, dice, client):
        events = self.stripe.sandbox.events
        if events:
            status = self.stripe.post(*self.stripe.sandbox.message(dice.choice(events)))
            assert status in {200, 503}

    def start(self, dice, client):
        seen = at_price(dice.choice(self.bookings), dice.choice((12_50, 12_50, 20_00)))
        try:
            start_checkout(seen)
        except REFUSALS as error:
            self.refused[type(error).__name__] += 1

    def come_back(self, dice, client):
        sessions = list(PaymentSession.objects.order_by("created").values_list("pk", flat=True))
        answer = client.get(reverse("generic_payments:return", args=[dice.choice(sessions)]))
        assert answer.status_code == 200

    def pay(self, dice, client):
        sessions = list(PaymentSession.objects.open().exclude(stripe_checkout_session_id=None))
        if sessions:
            try:
                self.stripe.pay(dice.choice(sessions), deliver=False)
            except SandboxError:
                self.refused["at the checkout"] += 1


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("seed", range(6))
def test_random_traffic_leaves_everything_told_once(stripe, flaky, seed):
    before = deadlocks()
    bookings = [Booking.objects.create() for _ in range(BOOKINGS)]
    for each in bookings:
        start_checkout(each)
    traffic = Traffic(stripe, bookings, seed)

    outcomes = race(*[lambda number=number: traffic.worker(number) for number in range(THREADS)])

    assert outcomes == [None] * THREADS
    flaky.flaky = False
    assert {each.status for each in stripe.deliver()} <= {200}
    assert stripe.sandbox.pending == []
    assert flaky.failures > 0
    check_what_is_left(stripe, bookings)
    assert deadlocks() == before


def check_what_is_left(stripe, bookings):
    paid_at_stripe = {
        event["data"]["object"]["id"] for event in events_of(stripe, "checkout.session.completed")
    }
    assert paid_at_stripe
    sessions = {session.stripe_checkout_session_id: session for session in PaymentSession.objects.all()}
    assert {key for key, session in sessions.items() if session.paid_at} == paid_at_stripe
    assert all(session.status == session.derived_status for session in sessions.values())
    assert Counter(
        Transaction.objects.values_list("session__stripe_checkout_session_id", flat=True)
    ) == Counter(paid_at_stripe)
    assert not PaymentEvent.objects.owed().exists()
    assert not WebhookEvent.objects.exclude(state__in=["processed", "ignored"]).exists()
    repeated = (
        Heard.objects.values("receiver", "kind", "event_id").annotate(times=Count("id")).filter(times__gt=1)
    )
    assert list(repeated) == []
    for booking in bookings:
        succeeded = PaymentSession.objects.for_payable(booking).succeeded().count()
        booking.refresh_from_db()
        assert booking.confirmed == succeeded <= 1
    held = {session.stripe_checkout_session_id for session in sessions.values() if session.slot}
    assert set(open_at_stripe(stripe)) <= held


def events_of(stripe, kind):
    return [event for event in stripe.sandbox.events if event["type"] == kind]
