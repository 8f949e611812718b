"""Which events are understood, and that each of them alone reaches the right status."""

from __future__ import annotations

import itertools
import json

import pytest
from django.utils import timezone

from django_generic_payments.enums import Cause, SessionStatus
from django_generic_payments.exceptions import UnreadableObject
from django_generic_payments.models import PaymentEvent, PaymentSession, Transaction
from django_generic_payments.services import start_checkout
from django_generic_payments.services.bookkeeping import apply_facts
from django_generic_payments.services.facts import Facts, Learnt, marker
from django_generic_payments.webhooks.handlers import HANDLERS, statement_of
from django_generic_payments.webhooks.intake import StripeEvent
from tests.shop.models import Booking

pytestmark = [pytest.mark.core, pytest.mark.django_db]

FACTS = ("completed_at", "processing_at", "paid_at", "failed_at", "expired_at", "canceled_at")
DEBIT = "AT611904300234573201"


def event_of(kind, obj):
    return StripeEvent(
        id="evt_1",
        type=kind,
        api_version="",
        livemode=False,
        account="",
        created=timezone.now(),
        object=obj,
        body=json.dumps(obj),
    )


def test_the_table_is_the_documented_one():
    assert set(HANDLERS) == {
        "checkout.session.completed",
        "checkout.session.async_payment_succeeded",
        "checkout.session.async_payment_failed",
        "checkout.session.expired",
        "payment_intent.succeeded",
        "payment_intent.processing",
        "payment_intent.payment_failed",
        "payment_intent.canceled",
        "charge.updated",
        "charge.refunded",
        "refund.created",
        "refund.updated",
        "refund.failed",
        "charge.refund.updated",
        "charge.dispute.created",
        "charge.dispute.updated",
        "charge.dispute.closed",
        "charge.dispute.funds_withdrawn",
        "charge.dispute.funds_reinstated",
    }


@pytest.mark.parametrize("kind", ["customer.created", "ping", "", "CHECKOUT.SESSION.COMPLETED"])
def test_another_type_is_not_understood(kind):
    assert statement_of(event_of(kind, {})) is None


@pytest.mark.parametrize("kind", HANDLERS)
def test_an_object_without_what_is_needed_is_not_guessed_at(kind):
    with pytest.raises(UnreadableObject):
        statement_of(event_of(kind, {"id": "x"}))


def deliver_only(stripe, *kinds):
    """Deliver the events of these types and lose the others."""
    lost = {event["type"] for event in stripe.sandbox.pending} - set(kinds)
    answers = stripe.deliver(drop=lost)
    assert {answer.event_type for answer in answers} == set(kinds)
    assert all(answer.status == 200 for answer in answers)


def status_of(session):
    session.refresh_from_db()
    return SessionStatus(session.status)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.succeeded"])
def test_each_event_of_a_card_payment_is_enough(stripe, kind):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)

    deliver_only(stripe, kind)

    booking.refresh_from_db()
    assert (status_of(session), booking.confirmed) == (SessionStatus.SUCCEEDED, 1)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.processing"])
def test_each_event_of_a_debit_under_way_is_enough(stripe, kind):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban=DEBIT, deliver=False)

    deliver_only(stripe, kind)

    booking.refresh_from_db()
    assert (status_of(session), booking.confirmed) == (SessionStatus.PROCESSING, 0)


@pytest.mark.parametrize("kind", ["checkout.session.async_payment_succeeded", "payment_intent.succeeded"])
def test_each_event_of_a_debit_that_arrived_is_enough(stripe, kind):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban=DEBIT, deliver=False)
    stripe.settle(session, success=True, deliver=False)

    deliver_only(stripe, kind)

    booking.refresh_from_db()
    assert (status_of(session), booking.confirmed) == (SessionStatus.SUCCEEDED, 1)


def test_a_debit_that_failed_is_told_by_the_event_of_the_checkout(stripe):
    session = start_checkout(Booking.objects.create(currency="eur"))
    stripe.pay(session, iban=DEBIT, deliver=False)
    stripe.settle(session, success=False, deliver=False)

    deliver_only(stripe, "checkout.session.async_payment_failed")

    assert status_of(session) is SessionStatus.FAILED
    assert session.slot is None


def test_a_checkout_that_ran_out_is_expired(stripe):
    session = start_checkout(Booking.objects.create())
    stripe.expire(session, deliver=False)

    deliver_only(stripe, "checkout.session.expired")

    assert status_of(session) is SessionStatus.EXPIRED
    assert session.slot is None


def test_a_declined_card_is_a_note_and_no_end(stripe):
    session = start_checkout(Booking.objects.create())
    stripe.decline(session, card="4000000000009995", deliver=False)

    deliver_only(stripe, "payment_intent.payment_failed")

    assert status_of(session) is SessionStatus.PENDING
    note = PaymentEvent.objects.get()
    assert (note.kind, note.note, note.state) == ("attempt_failed", "insufficient_funds", "delivered")


# Facts.


def facts_for(session, **fields):
    values = marker(session)
    return Facts(
        **{
            "occurred_at": timezone.now(),
            "livemode": False,
            "app": values["generic_payments_app"],
            "session_id": session.pk,
            "checkout_session_id": "cs_1",
            "payment_intent_id": "pi_1",
            "amount": session.amount,
            "currency": session.currency,
            **fields,
        }
    )


PAID = {"completed": True, "paid": True}
HISTORY = {
    "processing": {"completed": True, "processing": True},
    "paid": PAID,
    "paid again": PAID,
    "expired": {"expired": True, "payment_intent_id": ""},
    "declined": {"declined": "generic_decline"},
}


@pytest.mark.parametrize("order", list(itertools.permutations(HISTORY)), ids=lambda order: ",".join(order))
def test_the_order_of_what_is_heard_does_not_matter(order):
    booking = Booking.objects.create()
    session = PaymentSession.objects.create(
        payable_type="booking",
        payable_id=str(booking.pk),
        slot=f"test/booking:{booking.pk}:",
        amount=12_50,
        currency="gbp",
        livemode=False,
    )
    known: set[str] = set()

    for name in order:
        apply_facts(session, facts_for(session, **HISTORY[name]), Learnt(Cause.WEBHOOK, f"evt_{name}"))
        now_known = {fact for fact in FACTS if getattr(session, fact)}
        assert known <= now_known, "a fact was unset"
        assert session.status == session.derived_status
        known = now_known

    session.refresh_from_db()
    assert session.status == SessionStatus.SUCCEEDED
    assert session.slot == session.full_slot
    assert (session.paid_amount, session.review_reason) == (12_50, "")
    assert Transaction.objects.count() == 1
    assert PaymentEvent.objects.filter(kind="payment_succeeded").count() == 1


def test_what_is_heard_again_changes_nothing(django_assert_num_queries):
    session = PaymentSession.objects.create(
        payable_type="booking",
        payable_id="1",
        slot="booking:1:",
        amount=12_50,
        currency="gbp",
        livemode=False,
    )
    apply_facts(session, facts_for(session, **PAID), Learnt(Cause.WEBHOOK, "evt_1"))
    before = {fact: getattr(session, fact) for fact in FACTS}

    with django_assert_num_queries(0):
        events = apply_facts(session, facts_for(session, **PAID), Learnt(Cause.RETURN_PAGE))

    assert events == []
    assert {fact: getattr(session, fact) for fact in FACTS} == before
