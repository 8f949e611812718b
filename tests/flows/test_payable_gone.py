"""What was paid for is gone by the time the money comes."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import ReviewReason, SessionStatus
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_expired, payment_needs_review, payment_succeeded
from tests.flows.coherence import assert_coherent
from tests.shop.models import Booking, Heard, Order

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.fixture
def session(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    booking.delete()
    return session


@pytest.fixture
def reviews(connect):
    """What a receiver heard that asked for bookings which need a review."""
    calls = []
    receiver = lambda payable, event, transaction, **kwargs: calls.append((payable, transaction.gross))  # noqa: E731
    connect(payment_needs_review, receiver, uid="tests.reviews", sender=Booking)
    return calls


def test_the_money_is_booked_and_a_person_is_asked_once(stripe, session, reviews):
    stripe.pay(session, deliver=False)
    answers = stripe.deliver(times=2)

    assert {each.status for each in answers} == {200}
    assert_coherent(session)
    assert (session.status, session.review_reason) == (SessionStatus.SUCCEEDED, ReviewReason.PAYABLE_GONE)
    assert session.transactions.get().gross == 12_50
    assert reviews == [(None, 12_50)]


def test_receivers_that_asked_for_bookings_are_not_called_without_one(stripe, session, connect):
    called = []
    connect(payment_succeeded, lambda **kwargs: called.append(kwargs), uid="tests.bookings", sender=Booking)

    stripe.pay(session)

    assert called == []
    assert session.events.get(kind="payment_succeeded").note == (
        "The payable is gone: receivers that need it were not called."
    )
    assert_coherent(session)


def test_receivers_of_everything_are_called_with_none(stripe, session):
    stripe.pay(session)

    heard = Heard.objects.values_list("kind", "had_payable")
    assert sorted(heard) == [("payment_needs_review", False), ("payment_succeeded", False)]


def test_an_expiry_of_what_is_gone_needs_no_person(stripe, session, reviews, connect):
    called = []
    connect(payment_expired, lambda **kwargs: called.append(kwargs), uid="tests.expired", sender=Booking)

    stripe.expire(session)

    assert_coherent(session)
    assert (session.status, session.review_reason) == (SessionStatus.EXPIRED, "")
    assert (called, reviews) == ([], [])


def test_the_payer_of_what_is_gone_sees_a_page(stripe, client, session):
    outcome = stripe.pay(session, deliver=False)

    page = client.get(outcome.redirect_url)

    assert page.status_code == 200
    assert "We have received your payment and will look at it" in page.content.decode()


def test_the_pay_link_of_what_is_gone_sells_nothing(stripe, client, session):
    stripe.expire(session)

    answer = client.get(session.pay_url)

    assert answer.status_code in {404, 409}
    assert "Location" not in answer


def test_it_is_noticed_when_only_receivers_of_everything_are_connected(stripe):
    order = Order.objects.create()
    session = start_checkout(order)
    order.delete()

    stripe.pay(session)

    assert_coherent(session)
    assert session.review_reason == ReviewReason.PAYABLE_GONE
    assert Heard.objects.filter(kind="payment_needs_review").count() == 1
