"""Webhooks come late, twice, in any order, or never: the rows are the same."""

from __future__ import annotations

import pytest
from hypothesis import HealthCheck, given, settings, strategies as st

from django_generic_payments.enums import EventKind, SessionStatus
from django_generic_payments.models import PaymentEvent, PaymentSession, Transaction
from django_generic_payments.sandbox import Sandbox, Unconfirmed
from django_generic_payments.services import start_checkout
from django_generic_payments.services.opening import open_checkout
from django_generic_payments.testing import use_sandbox
from tests.flows.account import post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = pytest.mark.django_db

IBAN = "AT611904300234573201"

# Each example makes a booking and an account of its own, so that the database may be shared. An example is a whole
# story of ten webhooks, so that a third of the usual number is plenty.
stories = settings(
    deadline=None,
    max_examples=settings().max_examples // 3,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


def pay_by_card(stripe, session):
    stripe.decline(session, deliver=False)
    stripe.pay(session, deliver=False)


def pay_by_debit(stripe, session):
    stripe.pay(session, iban=IBAN, deliver=False)
    stripe.settle(session, deliver=False)


def fail_by_debit(stripe, session):
    stripe.pay(session, iban=IBAN, deliver=False)
    stripe.settle(session, success=False, deliver=False)


def abandon(stripe, session):
    stripe.decline(session, deliver=False)
    stripe.expire(session, deliver=False)


PAID = {
    "status": SessionStatus.SUCCEEDED,
    "amounts": (12_50, 0),
    "review": "",
    "holds the slot": True,
    "contact": "payer@example.com",
    "names its charge": True,
    "ledger": [("payment", 12_50, "eur")],
    "news": ["payment_succeeded"],
    "heard": ["payment_succeeded"],
    "confirmed": 1,
}
UNPAID = {**PAID, "amounts": (0, 0), "holds the slot": False, "ledger": [], "confirmed": 0}
OUTCOMES = {
    pay_by_card: {**PAID, "news": ["attempt_failed", "payment_succeeded"]},
    pay_by_debit: PAID,
    fail_by_debit: {
        **UNPAID,
        "status": SessionStatus.FAILED,
        "news": ["attempt_failed", "payment_failed"],
        "heard": ["payment_failed"],
    },
    abandon: {
        **UNPAID,
        "status": SessionStatus.EXPIRED,
        "contact": None,
        "news": ["attempt_failed", "payment_expired"],
        "heard": ["payment_expired"],
    },
}


def final_rows(session: PaymentSession, booking: Booking) -> dict[str, object]:
    """What a story comes to, without the times and ids of this one telling of it."""
    session.refresh_from_db()
    booking.refresh_from_db()
    ledger = Transaction.objects.filter(session=session).values_list("kind", "gross", "currency")
    # Whoever hears of the outcome first is never told that the payment was processing on the way to it.
    news = PaymentEvent.objects.filter(session=session).exclude(kind=EventKind.PAYMENT_PROCESSING)
    return {
        "status": session.status,
        "amounts": (session.paid_amount, session.refunded_amount),
        "review": session.review_reason,
        "holds the slot": session.slot is not None,
        "contact": session.customer and session.customer.email,
        "names its charge": all(each.stripe_charge_id for each in session.transactions.all()),
        "ledger": sorted(ledger),
        "news": sorted(news.values_list("kind", flat=True)),
        "heard": sorted(kind for kind in heard(booking) if kind != "payment_processing"),
        "confirmed": booking.confirmed,
    }


@stories
@given(data=st.data())
@pytest.mark.parametrize("happen", OUTCOMES)
def test_any_order_and_any_repetition_comes_to_the_same_rows(happen, data):
    def shuffled(events):
        again = data.draw(st.lists(st.sampled_from(events), max_size=4), label="again")
        return data.draw(st.permutations([*events, *again]), label="order")

    with use_sandbox() as stripe:
        booking = Booking.objects.create(currency="eur")
        session = start_checkout(booking)
        happen(stripe, session)

        answers = stripe.deliver(order=shuffled)

    assert {each.status for each in answers} == {200}
    assert_coherent(session)
    assert final_rows(session, booking) == OUTCOMES[happen]


@pytest.mark.core
@pytest.mark.parametrize(
    ("happen", "outcome"),
    [
        (pay_by_card, ["payment_succeeded"]),
        (pay_by_debit, ["payment_processing", "payment_succeeded"]),
        (fail_by_debit, ["payment_processing", "payment_failed"]),
        (abandon, ["payment_expired"]),
    ],
)
def test_events_that_come_twice_are_heard_once(stripe, happen, outcome):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    happen(stripe, session)

    answers = stripe.deliver(times=2)
    again = [post(stripe, event) for event in stripe.sandbox.events]

    assert {each.status for each in answers} | set(again) == {200}
    assert_coherent(session)
    assert heard(booking) == outcome


@pytest.mark.core
@pytest.mark.parametrize("happen", OUTCOMES)
def test_the_last_event_first_comes_to_the_same_rows(stripe, happen):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    happen(stripe, session)

    stripe.deliver(order=lambda events: list(reversed(events)))

    assert_coherent(session)
    assert final_rows(session, booking) == OUTCOMES[happen]


@pytest.mark.core
@pytest.mark.parametrize(
    ("happen", "kind", "status", "announced"),
    [
        (pay_by_card, "checkout.session.completed", SessionStatus.SUCCEEDED, ["payment_succeeded"]),
        (pay_by_card, "payment_intent.succeeded", SessionStatus.SUCCEEDED, ["payment_succeeded"]),
        (pay_by_card, "payment_intent.payment_failed", SessionStatus.PENDING, []),
        (pay_by_debit, "payment_intent.processing", SessionStatus.PROCESSING, ["payment_processing"]),
        (pay_by_debit, "checkout.session.completed", SessionStatus.PROCESSING, ["payment_processing"]),
        (pay_by_debit, "payment_intent.succeeded", SessionStatus.SUCCEEDED, ["payment_succeeded"]),
        (
            pay_by_debit,
            "checkout.session.async_payment_succeeded",
            SessionStatus.SUCCEEDED,
            ["payment_succeeded"],
        ),
        (fail_by_debit, "checkout.session.async_payment_failed", SessionStatus.FAILED, ["payment_failed"]),
        (abandon, "checkout.session.expired", SessionStatus.EXPIRED, ["payment_expired"]),
        (abandon, "payment_intent.canceled", SessionStatus.EXPIRED, ["payment_expired"]),
    ],
)
def test_one_event_alone_reaches_the_right_status(happen, kind, status, announced):
    with use_sandbox(Sandbox(unconfirmed=Unconfirmed(cancels_intent_on_expiry=True))) as stripe:
        booking = Booking.objects.create(currency="eur")
        session = start_checkout(booking)
        happen(stripe, session)

        answer = post(stripe, sent(stripe, kind))

    assert answer == 200
    assert_coherent(session)
    assert (session.status, heard(booking)) == (status, announced)


@pytest.mark.core
def test_an_event_that_overtakes_the_answer_of_the_checkout_finds_its_session(stripe):
    booking = Booking.objects.create()
    stripe.sandbox.fail_next("connection_lost_after")
    with pytest.raises(Exception, match="lost"):
        start_checkout(booking)
    session = PaymentSession.objects.get()
    checkout_id = next(iter(stripe.sandbox.state.tables["checkout.session"]))

    stripe.sandbox.pay(checkout_id)
    stripe.deliver()

    assert_coherent(session)
    assert (session.status, session.stripe_checkout_session_id) == (SessionStatus.SUCCEEDED, checkout_id)
    assert heard(booking) == ["payment_succeeded"]


def test_an_answer_of_the_api_that_is_older_than_the_event_takes_nothing_back(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    slow_twin = PaymentSession.objects.get()
    slow_twin.stripe_checkout_session_id = None
    stripe.pay(session)

    # The same key again: Stripe repeats its first answer, in which the checkout was open.
    open_checkout(slow_twin)

    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.SUCCEEDED, ["payment_succeeded"])


@pytest.mark.parametrize("first", ["payment_intent.canceled", "checkout.session.expired"])
def test_an_intent_that_somebody_canceled_is_a_canceled_payment_in_either_order(first):
    with use_sandbox(Sandbox(unconfirmed=Unconfirmed(cancels_intent_on_expiry=True))) as stripe:
        booking = Booking.objects.create(currency="eur")
        session = start_checkout(booking)
        abandon(stripe, session)
        canceled, expired = (
            sent(stripe, kind) for kind in ("payment_intent.canceled", "checkout.session.expired")
        )
        canceled["data"]["object"]["cancellation_reason"] = "abandoned"

        for event in sorted([canceled, expired], key=lambda event: event["type"] != first):
            assert post(stripe, event) == 200

    assert_coherent(session)
    assert session.status == SessionStatus.CANCELED
    assert len(heard(booking)) == 1
