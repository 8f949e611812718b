"""Stripe cannot be reached, or answers with an error, while a checkout is opened."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import GatewayMisconfigured, GatewayRefused, GatewayUnavailable
from django_generic_payments.models import Customer, PaymentSession
from django_generic_payments.services import payment_required, start_checkout
from django_generic_payments.testing import override_payments
from tests.flows.account import CHECKOUTS, calls, open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

CUSTOMERS = "/v1/customers"


@pytest.fixture
def booking():
    return Booking.objects.create()


@pytest.mark.parametrize("failure", ["connection_lost_before", "connection_lost_after", "503", "429", "409"])
def test_the_same_call_again_sends_the_same_bytes_under_the_same_key(stripe, booking, failure):
    stripe.sandbox.fail_next(failure)
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)

    session = start_checkout(booking)

    first, second = calls(stripe)
    assert first.raw_body == second.raw_body
    assert first.idempotency_key == second.idempotency_key == f"gp-cs-{session.pk}-1"
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]
    assert_coherent(session)
    assert (session.status, PaymentSession.objects.count()) == (SessionStatus.PENDING, 1)


def test_an_error_that_stripe_would_repeat_for_a_day_is_asked_past_with_another_key(stripe, booking):
    # Stripe keeps the answer of a key, a 500 too. Nobody was given an address to pay at, so another key is safe.
    stripe.sandbox.fail_next("500")
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)

    session = start_checkout(booking)

    assert len({each.raw_body for each in calls(stripe)}) == 1
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]
    assert_coherent(session)
    assert session.status == SessionStatus.PENDING
    stripe.pay(session)
    assert heard(booking) == ["payment_succeeded"]


@pytest.mark.parametrize("failure", ["connection_lost_before", "connection_lost_after", "500", "429"])
def test_an_unknown_outcome_takes_the_slot_and_tells_nobody(stripe, booking, failure):
    stripe.sandbox.fail_next(failure)

    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)

    session = PaymentSession.objects.get()
    assert_coherent(session)
    assert (session.status, session.slot) == (SessionStatus.CREATED, session.full_slot)
    assert (payment_required(booking), heard(booking)) == (True, [])


@pytest.mark.parametrize("failure", ["connection_lost_before", "connection_lost_after", "500", "429"])
def test_the_pay_link_resumes_what_the_call_began(stripe, client, booking, failure):
    stripe.sandbox.fail_next(failure)
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)
    session = PaymentSession.objects.get()

    to_stripe = client.get(session.pay_url)

    assert_coherent(session)
    assert to_stripe["Location"] == session.stripe_checkout_url
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]


def test_while_stripe_is_down_the_payer_sees_a_page_and_may_come_back(stripe, client, booking):
    stripe.sandbox.fail_next("connection_lost_before", times=2)
    path = f"/payments/checkout/booking/{booking.pk}/"

    down = client.post(path)
    still_down = client.get(PaymentSession.objects.get().pay_url)
    up = client.post(path)

    assert [down.status_code, still_down.status_code, up.status_code] == [503, 503, 303]
    assert "You have not been charged" in down.content.decode()
    assert down["Retry-After"] == "10"


def test_a_long_outage_never_leaves_two_checkouts_that_can_be_paid(stripe, booking):
    stripe.sandbox.fail_next("connection_lost_after", times=4)
    for _ in range(4):
        with pytest.raises(GatewayUnavailable):
            start_checkout(booking)

    session = start_checkout(booking)

    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]
    assert len({(each.idempotency_key, each.raw_body) for each in calls(stripe)}) == 1


def test_a_new_price_after_an_unknown_outcome_is_a_new_session(stripe, booking):
    stripe.sandbox.fail_next("connection_lost_before")
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)
    abandoned = PaymentSession.objects.get()
    booking.deposit = 99_00
    booking.save()

    session = start_checkout(booking)
    stripe.pay(session)

    assert_coherent(abandoned)
    assert_coherent(session)
    assert (abandoned.status, session.amount) == (SessionStatus.CANCELED, 99_00)
    assert heard(booking) == ["payment_succeeded"]


def test_a_refusal_frees_the_slot_and_says_why(stripe):
    booking = Booking.objects.create(deposit=1)  # less than Stripe charges

    with pytest.raises(GatewayRefused, match="at least"):
        start_checkout(booking)

    refused = PaymentSession.objects.get()
    assert_coherent(refused)
    assert (refused.status, heard(booking)) == (SessionStatus.FAILED, [])
    assert "at least" in refused.last_error
    booking.deposit = 10_00
    booking.save()
    session = start_checkout(booking)
    stripe.pay(session)
    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]


def test_a_wrong_secret_key_is_the_projects_fault_and_can_be_put_right(stripe, booking):
    with override_payments(STRIPE_SECRET_KEY="sk_test_revoked"), pytest.raises(GatewayMisconfigured):
        start_checkout(booking)

    session = start_checkout(booking)

    assert_coherent(session)
    assert (session.status, PaymentSession.objects.count()) == (SessionStatus.PENDING, 1)


def test_a_customer_that_stripe_has_no_more_is_replaced(stripe, user):
    gone = start_checkout(Booking.objects.create(), user=user).customer
    Customer.objects.filter(pk=gone.pk).update(stripe_customer_id="cus_deleted")

    session = start_checkout(Booking.objects.create(), user=user)

    customer = Customer.objects.get()
    assert customer.stripe_customer_id not in {"cus_deleted", gone.stripe_customer_id}
    checkout = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)
    assert checkout["customer"] == customer.stripe_customer_id
    assert_coherent(session)
    assert session.status == SessionStatus.PENDING


@pytest.mark.parametrize("failure", ["connection_lost_before", "connection_lost_after", "500", "429"])
def test_an_outage_while_the_customer_is_made_leaves_one_customer(stripe, user, booking, failure):
    stripe.sandbox.fail_next(failure, path=CUSTOMERS)
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking, user=user)

    session = start_checkout(booking, user=user)
    stripe.pay(session)

    made = [each for each in stripe.sandbox.events if each["type"] == "customer.created"]
    assert [each["data"]["object"]["id"] for each in made] == [Customer.objects.get().stripe_customer_id]
    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED


def test_an_outage_while_the_old_checkout_is_closed_opens_no_second_one(stripe, booking):
    old = start_checkout(booking)
    booking.deposit = 99_00
    booking.save()
    stripe.sandbox.fail_next("connection_lost_before", path=f"{CHECKOUTS}/{{id}}/expire")

    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)

    assert_coherent(old)
    assert old.status == SessionStatus.PENDING
    assert open_checkouts(stripe) == [old.stripe_checkout_session_id]
    new = start_checkout(booking)
    assert open_checkouts(stripe) == [new.stripe_checkout_session_id]


def test_a_closing_whose_answer_was_lost_cancels_no_booking(stripe, booking):
    old = start_checkout(booking)
    booking.deposit = 99_00
    booking.save()
    stripe.sandbox.fail_next("connection_lost_after", path=f"{CHECKOUTS}/{{id}}/expire")
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)

    new = start_checkout(booking)
    stripe.deliver()

    assert_coherent(old)
    assert_coherent(new)
    assert old.status == SessionStatus.CANCELED
    assert heard(booking) == []
