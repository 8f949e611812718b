"""What things cost: statements, calls to Stripe, stored bytes. The numbers are exact, so that a change is seen."""

from __future__ import annotations

from collections import Counter
from contextlib import contextmanager
from datetime import timedelta

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import connection
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from django_generic_payments.maintenance.work import _chores, work_off
from django_generic_payments.models import (
    Customer,
    Dispute,
    PaymentEvent,
    PaymentSession,
    Refund,
    Transaction,
    WebhookEvent,
)
from django_generic_payments.services import payment_required, refund_payment, start_checkout
from django_generic_payments.services.announcements import SIGNALS
from django_generic_payments.signals import payment_succeeded
from tests.shop.models import Booking, Heard
from tests.shop.receivers import confirm_booking, write_down

# Real transactions: inside the one of a test there is no COMMIT to be counted.
pytestmark = pytest.mark.django_db(transaction=True)

DATA = {"SELECT", "INSERT", "UPDATE", "DELETE"}
WRITES_DOWN = "shop.write_down.payment_succeeded"


class Bill:
    """What was asked of the database, and of Stripe."""

    def __init__(self):
        self.statements = Counter()
        self.calls = 0

    @property
    def data(self):
        return sum(count for word, count in self.statements.items() if word in DATA)

    def __repr__(self):
        return f"{dict(self.statements)}, {self.calls} calls to Stripe"


@contextmanager
def bill_of(stripe):
    bill, calls = Bill(), len(stripe.sandbox.requests)
    with CaptureQueriesContext(connection) as queries:
        yield bill
    bill.statements.update(query["sql"].split()[0].upper() for query in queries.captured_queries)
    bill.calls = len(stripe.sandbox.requests) - calls


@pytest.fixture
def no_receiver():
    """Nobody hears of a payment."""
    payment_succeeded.disconnect(sender=Booking, dispatch_uid="shop.confirm")
    payment_succeeded.disconnect(dispatch_uid=WRITES_DOWN)
    yield
    payment_succeeded.connect(confirm_booking, sender=Booking, dispatch_uid="shop.confirm")
    payment_succeeded.connect(write_down, dispatch_uid=WRITES_DOWN)


@pytest.fixture
def one_receiver():
    """Only the receiver that confirms a booking hears of its payment."""
    payment_succeeded.disconnect(dispatch_uid=WRITES_DOWN)
    yield
    payment_succeeded.connect(write_down, dispatch_uid=WRITES_DOWN)


@pytest.fixture(params=["user", "guest"])
def payer(request, django_user_model):
    """A payer with an account, and one without: the database then has to keep the address."""
    return django_user_model.objects.create_user("ann") if request.param == "user" else None


def paid_checkout(stripe, payer):
    """Return what delivers the event of a paid checkout."""
    session = start_checkout(Booking.objects.create(owner=payer), user=payer)
    stripe.pay(session, deliver=False)
    return delivery_of(stripe, "checkout.session.completed")


def delivery_of(stripe, kind):
    (event,) = [event for event in stripe.sandbox.events if event["type"] == kind]
    return lambda: stripe.post(*stripe.sandbox.message(event))


def test_a_paid_checkout_without_a_receiver_takes_five_statements_and_one_for_a_guest(
    stripe, payer, no_receiver
):
    deliver = paid_checkout(stripe, payer)

    with bill_of(stripe) as bill:
        assert deliver() == 200

    assert (bill.data, bill.calls) == (5 if payer else 6, 0), bill
    assert (bill.statements["BEGIN"], bill.statements["COMMIT"], bill.statements["SAVEPOINT"]) == (1, 1, 0), (
        bill
    )


def test_a_paid_checkout_with_a_receiver_takes_eight_statements_and_one_for_a_guest(
    stripe, payer, one_receiver
):
    deliver = paid_checkout(stripe, payer)

    with bill_of(stripe) as bill:
        assert deliver() == 200

    assert Booking.objects.get().confirmed == 1
    assert (bill.data, bill.calls) == (8 if payer else 9, 0), bill
    assert (bill.statements["BEGIN"], bill.statements["COMMIT"], bill.statements["SAVEPOINT"]) == (2, 2, 0), (
        bill
    )


def test_a_repetition_takes_two_statements(stripe, payer):
    deliver = paid_checkout(stripe, payer)
    deliver()

    with bill_of(stripe) as bill:
        assert deliver() == 200

    assert (bill.data, bill.calls) == (2, 0), bill


def test_a_forgery_takes_none(stripe):
    paid_checkout(stripe, None)
    body, headers = stripe.sandbox.message(stripe.sandbox.events[-1], secret="whsec_of_somebody_else")

    with bill_of(stripe) as bill:
        assert stripe.post(body, headers) == 400

    assert (sum(bill.statements.values()), bill.calls) == (0, 0), bill


def test_the_payment_intent_after_the_checkout_takes_four_statements(stripe, payer):
    paid_checkout(stripe, payer)()
    deliver = delivery_of(stripe, "payment_intent.succeeded")

    with bill_of(stripe) as bill:
        assert deliver() == 200

    # The fourth looks again whether anybody is owed what somebody else has booked meanwhile.
    assert (bill.data, bill.calls) == (4, 0), bill


def test_an_event_of_no_interest_takes_one_statement(stripe):
    paid_checkout(stripe, None)
    deliver = delivery_of(stripe, "charge.succeeded")

    with bill_of(stripe) as bill:
        assert deliver() == 200

    assert (bill.data, bill.calls) == (1, 0), bill


def test_a_new_checkout_takes_one_call_and_three_statements(stripe):
    booking = Booking.objects.create()

    with bill_of(stripe) as bill:
        start_checkout(booking)

    assert (bill.data, bill.calls) == (3, 1), bill


def test_a_checkout_that_is_open_takes_no_call(stripe):
    booking = Booking.objects.create()
    start_checkout(booking)

    with bill_of(stripe) as bill:
        start_checkout(booking)

    assert (bill.data, bill.calls) == (2, 0), bill


def test_the_pay_button_takes_one_statement(stripe):
    booking = Booking.objects.create()
    request = RequestFactory().get("/")
    request.user = AnonymousUser()
    template = Template("{% load generic_payments %}{% pay_button booking %}")

    with bill_of(stripe) as bill:
        html = template.render(Context({"request": request, "booking": booking}))

    assert "<form" in html
    assert (bill.data, bill.calls) == (1, 0), bill


def test_asking_whether_a_payment_is_due_takes_one_statement(stripe):
    booking = Booking.objects.create()

    with bill_of(stripe) as bill:
        assert payment_required(booking)

    assert (bill.data, bill.calls) == (1, 0), bill


def test_coming_back_after_the_webhook_asks_nothing_of_stripe(stripe):
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)

    with bill_of(stripe) as bill:
        assert come_back(session).status_code == 200

    assert (bill.data, bill.calls) == (3, 0), bill


def test_coming_back_before_the_webhook_asks_stripe_once(stripe, one_receiver):
    session = start_checkout(Booking.objects.create())
    stripe.pay(session, deliver=False)

    with bill_of(stripe) as bill:
        assert come_back(session).status_code == 200

    assert Booking.objects.get().confirmed == 1
    assert (bill.data, bill.calls) == (11, 1), bill


def test_the_sessions_of_many_payables_take_one_statement(stripe):
    bookings = [Booking.objects.create() for _ in range(20)]
    for booking in bookings[:5]:
        start_checkout(booking)

    with bill_of(stripe) as bill:
        assert len(PaymentSession.objects.for_payables(bookings)) == 5

    assert (bill.data, bill.calls) == (1, 0), bill


def come_back(session):
    return Client().get(reverse("generic_payments:return", args=[session.pk]))


# Money that goes back. Nobody hears of it.


@pytest.fixture
def paid(stripe):
    """A paid session, of which all that Stripe has said so far was delivered."""
    for name, signal in SIGNALS.items():
        signal.disconnect(dispatch_uid=f"shop.write_down.{name}")
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)
    session.refresh_from_db()
    yield session
    for name, signal in SIGNALS.items():
        signal.connect(write_down, dispatch_uid=f"shop.write_down.{name}")


def asked_of(stripe, bill):
    """Return what Stripe was asked last."""
    last = stripe.sandbox.requests[-bill.calls :] if bill.calls else []
    return [f"{each.method} {each.path.split('/')[2]}" for each in last]


def test_a_refund_takes_one_call_and_another_for_its_fee(stripe, paid):
    with bill_of(stripe) as bill:
        refund_payment(paid)

    assert asked_of(stripe, bill) == ["POST refunds", "GET balance_transactions"]
    assert bill.data == 21, bill
    assert (bill.statements["BEGIN"], bill.statements["COMMIT"], bill.statements["SAVEPOINT"]) == (2, 2, 0), (
        bill
    )


def test_news_of_a_refund_of_ours_asks_nothing(stripe, paid):
    refund_payment(paid)

    for kind, statements in (("refund.created", 8), ("refund.updated", 8), ("charge.refunded", 5)):
        deliver = delivery_of(stripe, kind)
        with bill_of(stripe) as bill:
            assert deliver() == 200
        assert (bill.data, bill.calls) == (statements, 0), (kind, bill)


def test_news_of_a_refund_in_the_dashboard_asks_what_it_cost(stripe, paid):
    stripe.refund(paid, deliver=False)
    first, second = (delivery_of(stripe, kind) for kind in ("refund.updated", "refund.created"))

    with bill_of(stripe) as bill:
        assert first() == 200
    assert asked_of(stripe, bill) == ["GET balance_transactions"]
    assert bill.data == 12, bill

    with bill_of(stripe) as bill:
        assert second() == 200
    assert (bill.data, bill.calls) == (8, 0), bill


def test_that_a_charge_was_refunded_asks_for_the_refunds_we_do_not_know(stripe, paid):
    stripe.refund(paid, deliver=False)
    deliver = delivery_of(stripe, "charge.refunded")

    with bill_of(stripe) as bill:
        assert deliver() == 200

    assert asked_of(stripe, bill) == ["GET refunds", "GET balance_transactions"]
    assert bill.data == 13, bill


def test_that_a_charge_was_booked_asks_what_it_cost_once(stripe, paid):
    stripe.book_balance(deliver=False)
    deliver = delivery_of(stripe, "charge.updated")

    with bill_of(stripe) as bill:
        assert deliver() == 200
    assert asked_of(stripe, bill) == ["GET balance_transactions"]
    assert bill.data == 7, bill

    with bill_of(stripe) as bill:
        assert deliver() == 200
    assert (bill.data, bill.calls) == (4, 0), bill


def test_news_of_a_dispute_asks_nothing(stripe, paid):
    stripe.dispute(paid, deliver=False)

    for kind, statements in (("charge.dispute.created", 6), ("charge.dispute.funds_withdrawn", 6)):
        deliver = delivery_of(stripe, kind)
        with bill_of(stripe) as bill:
            assert deliver() == 200
        assert (bill.data, bill.calls) == (statements, 0), (kind, bill)


@pytest.mark.parametrize("waits", [False, True], ids=["empty", "waiting"])
def test_a_look_of_a_worker_that_finds_nothing_due_takes_one_statement_for_each_chore(stripe, waits):
    if waits:
        start_checkout(Booking.objects.create())
        PaymentSession.objects.update(next_attempt_at=timezone.now() + timedelta(hours=1))

    with bill_of(stripe) as bill:
        assert work_off() == []

    chores = len(_chores)
    assert (bill.statements["SELECT"], bill.data, bill.calls) == (chores, chores, 0), bill
    # Only where rows are locked is a transaction needed.
    transactions = chores if connection.features.has_select_for_update else 0
    assert (bill.statements["BEGIN"], bill.statements["COMMIT"]) == (transactions, transactions), bill
    assert sum(bill.statements.values()) == chores + 2 * transactions, bill


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL is not the test database")
def test_a_paid_checkout_stores_at_most_twelve_kilobytes(stripe, record_property):
    tables = (Customer, PaymentSession, Transaction, Refund, Dispute, WebhookEvent, PaymentEvent)

    def stored():
        with connection.cursor() as cursor:
            names = [table._meta.db_table for table in tables]
            cursor.execute(
                "SELECT sum(pg_total_relation_size(name::regclass)) FROM unnest(%s::text[]) name", [names]
            )
            return int(cursor.fetchone()[0])

    def buy(times):
        for _ in range(times):
            stripe.pay(start_checkout(Booking.objects.create()))
        # What autovacuum does once enough has changed, here at a known moment: old versions of rows make room.
        with connection.cursor() as cursor:
            cursor.execute("VACUUM")

    # Every index begins with a page or two: what counts is the growth.
    buy(100)
    before = stored()
    for _ in range(3):
        buy(100)
    per_checkout = (stored() - before) / 300

    record_property("bytes per paid checkout", per_checkout)
    assert Heard.objects.count() == 400
    assert per_checkout <= 12_000
