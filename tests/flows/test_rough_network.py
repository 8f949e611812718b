"""Everything goes wrong by chance, reproducibly, and every booking is confirmed exactly once."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import pytest

from django_generic_payments.enums import SessionStatus, TransactionKind
from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.models import PaymentSession, Transaction
from django_generic_payments.sandbox import Sandbox, Turbulence
from django_generic_payments.services import refund_payment, start_checkout, sync_session
from django_generic_payments.testing import use_sandbox
from tests.shop.models import Booking
from tests.thoroughness import IS_THOROUGH

pytestmark = pytest.mark.django_db(transaction=True)

ROUGH = Turbulence(
    never_generated=0.1,
    two_events=0.2,
    lost=0.2,
    late=0.4,
    twice=0.4,
    swapped=0.5,
    calls=dict.fromkeys(
        ("connection_lost_before", "connection_lost_after", "timeout_before", "timeout_after", "503", "429"),
        0.07,
    ),
)
SEEDS = range(10 if IS_THOROUGH else 3)

Answer = TypeVar("Answer")


def insist(call: Callable[[], Answer]) -> Answer:
    """Do what a person does who is told that Stripe cannot be reached: try again."""
    for _ in range(30):
        try:
            return call()
        except GatewayUnavailable:
            continue
    raise AssertionError("Thirty attempts, and Stripe was never reached.")


@pytest.mark.parametrize("seed", SEEDS)
def test_every_booking_is_confirmed_and_refunded_once(seed):
    bookings = [Booking.objects.create() for _ in range(8)]
    with use_sandbox(Sandbox(seed=seed, turbulence=ROUGH)) as stripe:
        for booking in bookings:
            session = insist(lambda booking=booking: start_checkout(booking))
            stripe.pay(session, deliver=False)
            stripe.deliver()
        for _ in range(10):
            stripe.deliver()
        # Whose webhook was lost for good comes back by the return page, which asks.
        for session in PaymentSession.objects.all():
            insist(lambda session=session: sync_session(session))
        for session in PaymentSession.objects.all()[:4]:
            insist(lambda session=session: refund_payment(session))
        for _ in range(10):
            stripe.deliver()
        sent = [
            len(stripe.sandbox.refunds(each.stripe_checkout_session_id))
            for each in PaymentSession.objects.all()
        ]

    assert [Booking.objects.get(pk=booking.pk).confirmed for booking in bookings] == [1] * 8
    assert sorted(sent) == [0] * 4 + [1] * 4
    assert PaymentSession.objects.filter(status=SessionStatus.SUCCEEDED).count() == 4
    assert PaymentSession.objects.filter(status=SessionStatus.REFUNDED).count() == 4
    kinds = list(Transaction.objects.values_list("kind", flat=True))
    assert (kinds.count(TransactionKind.PAYMENT), kinds.count(TransactionKind.REFUND)) == (8, 4)
