"""Everything at once, for a while: what is left must add up."""

from __future__ import annotations

import random
import threading
from collections import Counter
from contextlib import contextmanager, suppress

import pytest
from django.db import connection
from django.db.models import Count
from django.test import Client
from django.urls import reverse

from django_generic_payments.exceptions import (
    AlreadyPaid,
    CheckoutClosed,
    CheckoutOpen,
    GatewayUnavailable,
    IdempotencyKeyReused,
    RefundRefused,
)
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.money import Money
from django_generic_payments.sandbox import SandboxError
from django_generic_payments.services import refund_payment, start_checkout, sync_session
from django_generic_payments.signals import dispute_closed, payment_succeeded
from tests.flows.coherence import assert_coherent
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


@pytest.fixture
def generous():
    """Receivers that send some of the money back: of every third booking at once, and of whatever was disputed."""

    def send_back(session, payable, event, **kwargs):
        if event.kind == "dispute_closed" or payable.pk % 3 == 0:
            with suppress(RefundRefused):
                refund_payment(session, Money(1_00, "gbp"), force=True)

    for signal in (payment_succeeded, dispute_closed):
        signal.connect(send_back, sender=Booking, weak=False, dispatch_uid="tests.generous")
    yield
    for signal in (payment_succeeded, dispute_closed):
        signal.disconnect(sender=Booking, dispatch_uid="tests.generous")


class Traffic:
    """What payers, Stripe and impatient browsers do, chosen by dice."""

    def __init__(self, stripe, bookings, seed):
        self.stripe = stripe
        self.seed = seed
        self.bookings = bookings
        self.refused = Counter()
        self.actions = {
            self.deliver: 18,
            self.start: 10,
            self.come_back: 4,
            self.pay: 4,
            self.refund: 4,
            self.refund_in_the_dashboard: 2,
            self.fail_a_refund: 1,
            self.dispute: 1,
            self.close_a_dispute: 2,
            self.book_the_balance: 1,
            self.reconcile: 2,
        }

    def worker(self, number):
        dice = random.Random(f"{self.seed} {number}")  # noqa: S311
        client = Client()
        for _ in range(ROUNDS // THREADS):
            (action,) = dice.choices(list(self.actions), list(self.actions.values()))
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

    def refund(self, dice, client):
        for session in self.paid(dice):
            amount = dice.choice((None, Money(3_00, "gbp"), Money(5_00, "gbp")))
            key = dice.choice((None, "the key"))
            try:
                refund_payment(session, amount, idempotency_key=key)
            except (RefundRefused, GatewayUnavailable, IdempotencyKeyReused) as error:
                self.refused[type(error).__name__] += 1

    def refund_in_the_dashboard(self, dice, client):
        for session in self.paid(dice):
            with self.at_stripe():
                self.stripe.refund(session, dice.choice((None, 2_00)), deliver=False)

    def fail_a_refund(self, dice, client):
        for refund in self.some_of(dice, "refund"):
            with self.at_stripe():
                self.stripe.fail_refund(refund, deliver=False)

    def dispute(self, dice, client):
        for session in self.paid(dice):
            with self.at_stripe():
                self.stripe.dispute(session, inquiry=dice.choice((True, False)), deliver=False)

    def close_a_dispute(self, dice, client):
        for dispute in self.some_of(dice, "dispute"):
            with self.at_stripe():
                self.stripe.close_dispute(dispute, dice.choice(("won", "lost")), deliver=False)

    def book_the_balance(self, dice, client):
        self.stripe.book_balance(deliver=False)

    def reconcile(self, dice, client):
        for session in self.paid(dice):
            try:
                sync_session(session)
            except GatewayUnavailable as error:
                self.refused[type(error).__name__] += 1

    def paid(self, dice):
        paid = list(PaymentSession.objects.paid().order_by("created"))
        return [dice.choice(paid)] if paid else []

    def some_of(self, dice, kind):
        known = list(self.stripe.sandbox.state.tables.get(kind, {}))
        return [dice.choice(known)] if known else []

    @contextmanager
    def at_stripe(self):
        try:
            yield
        except SandboxError:
            self.refused["in the dashboard"] += 1


def deadlocks():
    with connection.cursor() as cursor:
        cursor.execute("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
        return cursor.fetchone()[0]


@pytest.mark.parametrize("seed", range(6))
def test_random_traffic_leaves_everything_told_once(stripe, flaky, generous, seed):
    before = deadlocks()
    bookings = [Booking.objects.create() for _ in range(BOOKINGS)]
    for each in bookings:
        start_checkout(each)
    traffic = Traffic(stripe, bookings, seed)

    outcomes = race(*[lambda number=number: traffic.worker(number) for number in range(THREADS)])

    assert outcomes == [None] * THREADS
    flaky.flaky = False
    # What is delivered may send money back, of which there is then more to deliver.
    for _ in range(3):
        assert {each.status for each in stripe.deliver()} <= {200}
    assert stripe.sandbox.pending == []
    assert flaky.failures > 0
    for session in PaymentSession.objects.paid():
        sync_session(session)
    check_what_is_left(stripe, bookings)
    check_what_went_back(stripe)
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
        Transaction.objects.payments().values_list("session__stripe_checkout_session_id", flat=True)
    ) == Counter(paid_at_stripe)
    assert not PaymentEvent.objects.owed().exists()
    assert not WebhookEvent.objects.exclude(state__in=["processed", "ignored"]).exists()
    repeated = (
        Heard.objects.values("receiver", "kind", "event_id").annotate(times=Count("id")).filter(times__gt=1)
    )
    assert list(repeated) == []
    for booking in bookings:
        sessions_of_it = PaymentSession.objects.for_payable(booking)
        booking.refresh_from_db()
        # One that was paid back can be paid for again.
        succeeded = PaymentEvent.objects.filter(session__in=sessions_of_it, kind="payment_succeeded")
        assert booking.confirmed == succeeded.count()
        assert sessions_of_it.succeeded().count() <= 1
    held = {session.stripe_checkout_session_id for session in sessions.values() if session.slot}
    assert set(open_at_stripe(stripe)) <= held


def check_what_went_back(stripe):
    assert Refund.objects.filter(status="succeeded").exists()
    for session in PaymentSession.objects.paid():
        assert_coherent(session)
        checkout_id = session.stripe_checkout_session_id
        known = session.refunds.exclude(stripe_refund_id=None)
        assert {(each.stripe_refund_id, each.amount, each.status) for each in known} == {
            (each["id"], each["amount"], each["status"]) for each in stripe.sandbox.refunds(checkout_id)
        }
        assert set(session.refunds.filter(stripe_refund_id=None).values_list("status", flat=True)) <= {
            "failed"
        }
        disputed = [
            movement["amount"]
            for each in stripe.sandbox.disputes(checkout_id)
            for movement in each["balance_transactions"]
        ]
        booked = session.transactions.filter(kind__in=["dispute", "dispute_reversal"])
        assert sorted(booked.values_list("gross", flat=True)) == sorted(disputed)


def events_of(stripe, kind):
    return [event for event in stripe.sandbox.events if event["type"] == kind]
