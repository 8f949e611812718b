"""A payer leaves the checkout, and it runs out."""

from __future__ import annotations

import time

import pytest

from django_generic_payments.enums import SessionStatus
from django_generic_payments.models import PaymentSession
from django_generic_payments.sandbox import Clock, Sandbox, Unconfirmed
from django_generic_payments.services import payment_required, start_checkout
from django_generic_payments.testing import use_sandbox
from tests.flows.account import open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = pytest.mark.django_db

DAY = 24 * 60 * 60


@pytest.fixture
def yesterday():
    """A sandbox whose clock is a day behind ours, so that what is opened now has run out once the clock catches up."""
    with use_sandbox(Sandbox(clock=Clock(start=int(time.time()) - DAY - 60))) as sandbox:
        yield sandbox


@pytest.mark.core
def test_a_checkout_that_nobody_pays_expires_and_says_so_once(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    stripe.advance(DAY)
    stripe.deliver(times=2)

    assert_coherent(session)
    assert session.status == SessionStatus.EXPIRED
    assert heard(booking) == ["payment_expired"]
    assert payment_required(booking)


@pytest.mark.core
def test_after_an_expiry_the_booking_can_be_paid(stripe):
    booking = Booking.objects.create()
    first = start_checkout(booking)
    stripe.expire(first)

    second = start_checkout(booking)
    stripe.pay(second)

    assert second != first
    assert_coherent(first)
    assert_coherent(second)
    assert (first.status, second.status) == (SessionStatus.EXPIRED, SessionStatus.SUCCEEDED)
    assert heard(booking) == ["payment_expired", "payment_succeeded"]


@pytest.mark.core
def test_the_pay_link_of_an_expired_checkout_opens_a_new_one_at_todays_price(stripe, client):
    booking = Booking.objects.create(deposit=10_00)
    first = start_checkout(booking)
    stripe.advance(DAY + 1)
    Booking.objects.update(deposit=20_00)

    to_stripe = client.get(first.pay_url)

    second = PaymentSession.objects.exclude(pk=first.pk).get()
    assert (to_stripe.status_code, to_stripe["Location"]) == (303, second.stripe_checkout_url)
    assert second.amount == 20_00
    stripe.pay(second)
    assert_coherent(second)
    assert second.status == SessionStatus.SUCCEEDED


def test_the_pay_link_finds_out_by_itself_that_the_checkout_has_run_out(yesterday, client):
    booking = Booking.objects.create(deposit=10_00)
    first = start_checkout(booking)
    yesterday.advance(DAY + 60, deliver=False)
    Booking.objects.update(deposit=20_00)

    to_stripe = client.get(first.pay_url)

    assert_coherent(first)
    second = PaymentSession.objects.exclude(pk=first.pk).get()
    assert first.status == SessionStatus.EXPIRED
    assert to_stripe["Location"] == second.stripe_checkout_url
    assert (second.amount, open_checkouts(yesterday)) == (20_00, [second.stripe_checkout_session_id])


def test_an_expiry_that_is_heard_after_the_next_checkout_was_opened_cancels_nothing(yesterday):
    booking = Booking.objects.create()
    first = start_checkout(booking)
    yesterday.advance(DAY + 60, deliver=False)

    second = start_checkout(booking)
    before = heard(booking)
    yesterday.deliver()

    assert_coherent(first)
    assert_coherent(second)
    assert second.status == SessionStatus.PENDING
    assert heard(booking) == before == []


def test_a_link_that_is_followed_twice_after_the_expiry_opens_one_checkout(stripe, client):
    first = start_checkout(Booking.objects.create())
    stripe.expire(first)

    locations = {client.get(first.pay_url)["Location"] for _ in range(2)}

    assert len(locations) == 1
    assert len(open_checkouts(stripe)) == 1


@pytest.mark.parametrize("cancels_intent", [False, True])
def test_a_payer_who_was_declined_and_left_may_come_back_by_the_pay_link(client, cancels_intent):
    # Stripe does not document whether the payment intent is canceled when its checkout expires.
    with use_sandbox(Sandbox(unconfirmed=Unconfirmed(cancels_intent_on_expiry=cancels_intent))) as stripe:
        booking = Booking.objects.create()
        first = start_checkout(booking)
        stripe.decline(first)
        stripe.expire(first)

        to_stripe = client.get(first.pay_url)

        assert_coherent(first)
        second = PaymentSession.objects.exclude(pk=first.pk).get()
        assert to_stripe["Location"] == second.stripe_checkout_url
        assert (first.status, heard(booking)) == (SessionStatus.EXPIRED, ["payment_expired"])


def test_an_intent_that_is_canceled_first_is_the_same_expiry():
    with use_sandbox(Sandbox(unconfirmed=Unconfirmed(cancels_intent_on_expiry=True))) as stripe:
        booking = Booking.objects.create()
        session = start_checkout(booking)
        stripe.decline(session)
        stripe.expire(session, deliver=False)

        stripe.deliver(order=lambda events: list(reversed(events)))

        assert_coherent(session)
        assert (session.status, heard(booking)) == (SessionStatus.EXPIRED, ["payment_expired"])


def test_a_payer_who_goes_back_from_stripe_finds_the_way_to_pay(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    checkout = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)

    page = client.get(checkout["cancel_url"])

    assert "This is not paid yet" in page.content.decode()
    assert f"/payments/pay/{session.pk}/" in page.content.decode()
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.PENDING, [])
