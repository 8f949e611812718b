"""
Which events are understood, and the facts in each.

Every one of them reaches the right status alone, without the others: deliveries may be late, lost, repeated or swapped.
Source: https://docs.stripe.com/api/events/types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from django_generic_payments.gateway import Charge, CheckoutSession, Dispute, PaymentIntent, Refund
from django_generic_payments.services.facts import (
    ChargeFacts,
    DisputeFacts,
    Facts,
    RefundFacts,
    Statement,
    closed_by,
    facts_of_charge,
    facts_of_checkout,
    facts_of_dispute,
    facts_of_intent,
    facts_of_refund,
)

if TYPE_CHECKING:
    from django_generic_payments.webhooks.intake import StripeEvent

__all__ = ["HANDLERS", "statement_of"]

Handler = Callable[["StripeEvent"], Statement]


def statement_of(event: StripeEvent) -> Statement | None:
    """Return what an event says, ``None`` for a type that is not understood. Raises ``UnreadableObject``."""
    handler = HANDLERS.get(event.type)
    return replace(handler(event), event_livemode=event.livemode) if handler else None


def _checkout(event: StripeEvent) -> Facts:
    return facts_of_checkout(CheckoutSession.from_object(event.object), event.created, account=event.account)


def _checkout_expired(event: StripeEvent) -> Facts:
    return closed_by(_checkout(event), event.idempotency_key)


def _checkout_failed(event: StripeEvent) -> Facts:
    checkout = CheckoutSession.from_object(event.object)
    return facts_of_checkout(checkout, event.created, account=event.account, failed=True)


def _intent(event: StripeEvent) -> Facts:
    return facts_of_intent(PaymentIntent.from_object(event.object), event.created, account=event.account)


def _intent_declined(event: StripeEvent) -> Facts:
    # A note, even where a debit is on its way: the decline of an earlier attempt may arrive after it.
    intent = PaymentIntent.from_object(event.object)
    return facts_of_intent(intent, event.created, account=event.account, declined=True)


def _refund(event: StripeEvent) -> RefundFacts:
    refund = Refund.from_object(event.object)
    return facts_of_refund(refund, event.created, livemode=event.livemode, account=event.account)


def _dispute(event: StripeEvent) -> DisputeFacts:
    return facts_of_dispute(Dispute.from_object(event.object), event.created, account=event.account)


def _charge(event: StripeEvent) -> ChargeFacts:
    return facts_of_charge(Charge.from_object(event.object), event.created, account=event.account)


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": _checkout,
    "checkout.session.async_payment_succeeded": _checkout,
    "checkout.session.async_payment_failed": _checkout_failed,
    "checkout.session.expired": _checkout_expired,
    "payment_intent.succeeded": _intent,
    "payment_intent.processing": _intent,
    "payment_intent.payment_failed": _intent_declined,
    "payment_intent.canceled": _intent,
    "charge.updated": _charge,
    "charge.refunded": _charge,
    "refund.created": _refund,
    "refund.updated": _refund,
    "refund.failed": _refund,
    "charge.refund.updated": _refund,
    "charge.dispute.created": _dispute,
    "charge.dispute.updated": _dispute,
    "charge.dispute.closed": _dispute,
    "charge.dispute.funds_withdrawn": _dispute,
    "charge.dispute.funds_reinstated": _dispute,
}
