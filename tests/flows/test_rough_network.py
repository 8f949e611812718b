"""Everything goes wrong by chance, reproducibly, and every booking is confirmed exactly once."""

from __future__ import annotations

import random
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest
from django.db.models import F

from django_generic_payments.enums import (
    DeliveryState,
    RefundStatus,
    SessionStatus,
    TransactionKind,
    WebhookState,
)
from django_generic_payments.exceptions import GatewayUnavailable, RefundRefused
from django_generic_payments.maintenance.work import work_off
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.sandbox import Sandbox, Turbulence
from django_generic_payments.services import refund_payment, start_checkout, sync_session
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.testing import PaymentsSandbox, use_sandbox
from tests.flows.coherence import assert_coherent
from tests.maintenance.scenes import let_pass
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


#: The same, and nothing comes twice: what Stripe delivered in vain is not delivered again.
ROUGH_WITHOUT_REPETITIONS = replace(ROUGH, never_generated=0, lost=0, late=0, twice=0)


class Moody:
    """A receiver that fails at random, with its own dice, and counts what it committed."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)  # noqa: S311
        self.failures = 0

    def __call__(self, payable: Booking, event: PaymentEvent, **kwargs: Any) -> None:
        Booking.objects.filter(pk=payable.pk).update(deposit=F("deposit") + 1)
        if self.dice.random() < 0.4:
            self.failures += 1
            raise RuntimeError("in a mood")


@pytest.fixture
def moody(request):
    moody = Moody(request.getfixturevalue("seed"))
    payment_succeeded.connect(moody, sender=Booking, weak=False, dispatch_uid="tests.moody")
    yield moody
    payment_succeeded.disconnect(sender=Booking, dispatch_uid="tests.moody")


@pytest.mark.parametrize("seed", SEEDS)
def test_a_worker_brings_everything_home_although_stripe_delivers_nothing_twice(seed, moody):
    bookings = [Booking.objects.create() for _ in range(8)]
    with use_sandbox(Sandbox(seed=seed, turbulence=ROUGH_WITHOUT_REPETITIONS)) as stripe:
        for booking in bookings:
            with suppress(GatewayUnavailable):
                start_checkout(booking)
        work_for_a_day(stripe)
        for session in PaymentSession.objects.all():
            stripe.pay(session, deliver=False)
        deliver_once(stripe)
        for session in PaymentSession.objects.all()[:4]:
            with suppress(GatewayUnavailable, RefundRefused):
                refund_payment(session)
        deliver_once(stripe)
        work_for_a_day(stripe)
        sent = [
            len(stripe.sandbox.refunds(each.stripe_checkout_session_id))
            for each in PaymentSession.objects.order_by("created")
        ]

    assert moody.failures > 0
    assert [Booking.objects.get(pk=each.pk).confirmed for each in bookings] == [1] * 8
    assert [Booking.objects.get(pk=each.pk).deposit - each.deposit for each in bookings] == [1] * 8
    assert sorted(sent) == [0] * 4 + [1] * 4
    assert Refund.objects.filter(status=RefundStatus.SUCCEEDED).count() == 4
    assert not PaymentEvent.objects.exclude(state=DeliveryState.DELIVERED).exists()
    assert not WebhookEvent.objects.filter(state__in=[WebhookState.FAILED, WebhookState.DEAD]).exists()
    for session in PaymentSession.objects.all():
        assert_coherent(session)


def deliver_once(stripe: PaymentsSandbox) -> None:
    """Let everything arrive once; what is answered by 503 is lost for good."""
    stripe.deliver()
    stripe.deliver(drop=["*"])


def work_for_a_day(stripe: PaymentsSandbox) -> None:
    """Let a worker look every quarter of an hour, less the last hours: Stripe would forget its keys."""
    for _ in range(60):
        let_pass(timedelta(minutes=15))
        work_off()


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
