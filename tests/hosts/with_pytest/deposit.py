"""What a host writes that tests with pytest; the documentation shows it."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from tests.shop.models import Booking


@pytest.fixture
def booking(db):
    return Booking.objects.create()


def test_a_paid_deposit_confirms_the_booking(stripe_sandbox, booking):
    stripe_sandbox.pay(start_checkout(booking))

    booking.refresh_from_db()
    assert booking.confirmed


def test_three_deliveries_confirm_once(stripe_sandbox, booking):
    stripe_sandbox.pay(start_checkout(booking), deliver=False)
    stripe_sandbox.deliver(times=3)

    booking.refresh_from_db()
    assert booking.confirmed == 1


def test_a_lost_webhook_confirms_nothing(stripe_sandbox, booking):
    stripe_sandbox.pay(start_checkout(booking), deliver=False)
    stripe_sandbox.deliver(drop=["*"])

    booking.refresh_from_db()
    assert not booking.confirmed


def test_a_call_that_times_out_is_taken_up_again(stripe_sandbox, booking):
    stripe_sandbox.sandbox.fail_next("timeout_after")
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)

    stripe_sandbox.pay(start_checkout(booking))

    assert PaymentSession.objects.get().status == SessionStatus.SUCCEEDED
