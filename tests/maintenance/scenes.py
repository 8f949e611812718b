"""What a worker finds: rows of each kind that wait, and time that passes."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.db.models import F

from django_generic_payments.enums import WebhookState
from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, WebhookEvent
from django_generic_payments.services import refund_payment, start_checkout
from django_generic_payments.testing import PaymentsSandbox
from tests.flows.account import CHECKOUTS, post, sent
from tests.shop.models import Booking

BALANCE = "/v1/balance_transactions/{id}"
REFUNDS = "/v1/refunds"
#: Attempts after which nothing is tried any more: the first, five after longer and longer pauses, one a day for a week.
ATTEMPTS = 13


class Troubled:
    """A receiver that raises the first times it is called."""

    def __init__(self, failures: float) -> None:
        self.failures = failures
        self.sessions: list[Any] = []

    def __call__(self, session: PaymentSession, **kwargs: Any) -> None:
        self.sessions.append(session.pk)
        if len(self.sessions) <= self.failures:
            raise RuntimeError("the mail server is down")


def let_pass(time: timedelta, stripe: PaymentsSandbox | None = None) -> None:
    """Move what we remember so far into the past, and Stripe's clock on."""
    for model in (WebhookEvent, PaymentEvent, Refund, PaymentSession):
        model.objects.update(created=F("created") - time)
        model.objects.exclude(next_attempt_at=None).update(next_attempt_at=F("next_attempt_at") - time)
    if stripe is not None:
        stripe.advance(int(time.total_seconds()), deliver=False)


def paid(stripe: PaymentsSandbox) -> PaymentSession:
    """Return a session that is paid, and whose receivers have been called once."""
    session = start_checkout(Booking.objects.create(deposit=10_00))
    stripe.pay(session, deliver=False)
    post(stripe, sent(stripe, "checkout.session.completed"))
    session.refresh_from_db()
    return session


def failed_event(stripe: PaymentsSandbox) -> WebhookEvent:
    """Return an event that could not be applied because Stripe had to be asked what the payment cost."""
    paid(stripe)
    stripe.book_balance(deliver=False)
    stripe.sandbox.fail_next("503", method="GET", path=BALANCE)
    assert post(stripe, sent(stripe, "charge.updated")) == 503
    return WebhookEvent.objects.get(state=WebhookState.FAILED)


def unanswered_refund(stripe: PaymentsSandbox, failure: str = "503") -> Refund:
    """Return a refund that was asked for, and of which nobody knows whether it was made."""
    session = paid(stripe)
    stripe.sandbox.fail_next(failure, path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session)
    return session.refunds.get()


def unanswered_checkout(
    stripe: PaymentsSandbox, failure: str = "503", deposit: int = 10_00
) -> PaymentSession:
    """Return a session whose checkout was asked for, and of which nobody knows whether it is open."""
    stripe.sandbox.fail_next(failure, path=CHECKOUTS)
    booking = Booking.objects.create(deposit=deposit)
    with pytest.raises(GatewayUnavailable):
        start_checkout(booking)
    return PaymentSession.objects.for_payable(booking).get()


def sent_back(stripe: PaymentsSandbox, session: PaymentSession) -> list[int]:
    """Return the amounts that went back at Stripe."""
    return [each["amount"] for each in stripe.sandbox.refunds(session.stripe_checkout_session_id)]
