"""Money that comes late, or for something that is paid already."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import ReviewReason, SessionStatus
from django_generic_payments.exceptions import AlreadyPaid
from django_generic_payments.models import PaymentSession, Transaction
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_duplicated
from tests.flows.account import altered, post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.fixture
def booking():
    return Booking.objects.create()


@pytest.fixture
def late(stripe, booking):
    """A checkout that was paid in its last second, of which we have heard only that it expired."""
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    completed = sent(stripe, "checkout.session.completed")
    expired = {"status": "expired", "payment_status": "unpaid", "payment_intent": None}
    post(stripe, altered(completed, envelope={"type": "checkout.session.expired"}, **expired))
    session.refresh_from_db()
    assert session.status == SessionStatus.EXPIRED
    return session


def test_money_after_the_expiry_is_a_success_while_nobody_else_has_the_slot(stripe, booking, late):
    stripe.deliver(times=2)

    assert_coherent(late)
    assert (late.status, late.review_reason) == (SessionStatus.SUCCEEDED, "")
    assert heard(booking) == ["payment_expired", "payment_succeeded"]
    with pytest.raises(AlreadyPaid):
        start_checkout(booking)


@pytest.mark.parametrize("other_is_paid", [False, True])
def test_money_for_a_slot_of_another_session_is_a_duplicate(stripe, booking, late, connect, other_is_paid):
    duplicates = []
    connect(
        payment_duplicated,
        lambda payable, transaction, session, **kwargs: duplicates.append(
            (payable, transaction.gross, session)
        ),
        uid="tests.duplicates",
        sender=Booking,
    )
    other = start_checkout(booking)
    if other_is_paid:
        stripe.sandbox.pay(other.stripe_checkout_session_id)
        stripe.deliver(order=lambda events: events[-3:])

    stripe.deliver(times=2)

    assert_coherent(late)
    assert_coherent(other)
    assert (late.status, late.review_reason) == (SessionStatus.SUCCEEDED, ReviewReason.DUPLICATE)
    assert duplicates == [(booking, 12_50, late)]
    assert sorted(heard(booking)) == sorted(
        ["payment_expired", "payment_duplicated", *(["payment_succeeded"] if other_is_paid else [])]
    )
    assert Transaction.objects.count() == 1 + other_is_paid


def test_a_duplicate_leaves_the_other_checkout_as_it_is(stripe, booking, late):
    other = start_checkout(booking)
    stripe.deliver()

    stripe.pay(other)

    assert_coherent(other)
    assert (other.status, other.review_reason) == (SessionStatus.SUCCEEDED, "")
    booking.refresh_from_db()
    assert booking.confirmed == 1


def test_a_second_payment_in_one_session_is_booked_and_reviewed(stripe, booking):
    session = start_checkout(booking)
    stripe.pay(session)
    second = altered(sent(stripe, "payment_intent.succeeded"), id="pi_second", latest_charge="ch_second")

    answers = [post(stripe, second) for _ in range(2)]

    assert answers == [200, 200]
    assert_coherent(session)
    assert session.review_reason == ReviewReason.DUPLICATE
    assert (session.transactions.count(), session.paid_amount) == (2, 25_00)
    assert heard(booking) == ["payment_succeeded", "payment_duplicated"]


def test_the_reviewers_find_what_was_paid_twice(stripe, booking, late):
    start_checkout(booking)
    stripe.deliver()

    assert list(PaymentSession.objects.needing_review()) == [late]
