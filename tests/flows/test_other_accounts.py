"""The keys change: from test to live mode, to another account, or to a sandbox that has forgotten everything."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import CheckoutClosed
from django_generic_payments.models import PaymentSession
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.services import cancel_checkout, payment_required, start_checkout
from django_generic_payments.services.checkout import resume_checkout
from django_generic_payments.testing import override_payments, use_sandbox
from tests.flows.account import open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.fixture
def booking():
    return Booking.objects.create()


def live():
    return use_sandbox(Sandbox(secret_key="sk_live_sandbox"))


def test_what_was_paid_in_test_mode_is_not_paid_in_live_mode(stripe, booking):
    stripe.pay(start_checkout(booking))
    assert not payment_required(booking)

    with live() as account:
        assert payment_required(booking)
        session = start_checkout(booking)
        assert open_checkouts(account) == [session.stripe_checkout_session_id]

    assert session.livemode
    assert_coherent(session)


def test_a_pay_link_of_test_mode_leads_nowhere_in_live_mode(stripe, booking):
    session = start_checkout(booking)

    with live(), pytest.raises(CheckoutClosed, match="other mode"):
        resume_checkout(session)


@pytest.mark.parametrize("change", ["the price", "nothing but time"])
def test_a_checkout_that_stripe_does_not_know_is_replaced(booking, change):
    with use_sandbox():
        lost = start_checkout(booking)
    if change == "the price":
        booking.deposit = 20_00
    else:
        PaymentSession.objects.update(expires_at=lost.created)

    with use_sandbox() as account:
        session = start_checkout(booking)
        assert open_checkouts(account) == [session.stripe_checkout_session_id]

    lost.refresh_from_db()
    assert lost.slot is None
    assert_coherent(lost)
    assert_coherent(session)


def test_a_checkout_that_stripe_does_not_know_can_be_canceled(booking):
    with use_sandbox():
        lost = start_checkout(booking)

    with use_sandbox():
        assert cancel_checkout(booking) == [lost]

    assert_coherent(lost)
    assert (lost.status, heard(booking)) == (SessionStatus.CANCELED, ["payment_canceled"])


def test_a_checkout_that_was_asked_for_under_another_name_is_asked_for_again(stripe, booking):
    stripe.sandbox.fail_next("connection_lost_before")
    with override_payments(APP_NAME="before"), pytest.raises(Exception, match="lost"):
        start_checkout(booking)

    session = start_checkout(booking)

    assert session.status == SessionStatus.PENDING
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]
    assert PaymentSession.objects.count() == 2
