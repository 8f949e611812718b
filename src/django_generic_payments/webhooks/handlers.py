"""
Which events are understood, and the facts in each.

Every one of them reaches the right status alone, without the others: deliveries may be late, lost, repeated or swapped.
Source: https://docs.stripe.com/api/events/types.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from django_generic_payments.gateway import CheckoutSession, PaymentIntent
from django_generic_payments.services.facts import Facts, closed_by, facts_of_checkout, facts_of_intent

if TYPE_CHECKING:
    from django_generic_payments.webhooks.intake import StripeEvent

__all__ = ["HANDLERS", "facts_of"]

Handler = Callable[["StripeEvent"], Facts]


def facts_of(event: StripeEvent) -> Facts | None:
    """Return the facts in an event, ``None`` for a type that is not understood. Raises ``UnreadableObject``."""
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


HANDLERS: Mapping[str, Handler] = {
    "checkout.session.completed": _checkout,
    "checkout.session.async_payment_succeeded": _checkout,
    "checkout.session.async_payment_failed": _checkout_failed,
    "checkout.session.expired": _checkout_expired,
    "payment_intent.succeeded": _intent,
    "payment_intent.processing": _intent,
    "payment_intent.payment_failed": _intent_declined,
    "payment_intent.canceled": _intent,
}
