"""Asking Stripe about payments whose events may have been lost."""

from __future__ import annotations

from contextlib import suppress
from uuid import UUID

from django.db.models import Q

from django_generic_payments.models import PaymentSession

__all__ = ["find_sessions"]


def find_sessions(name: str) -> list[PaymentSession]:
    """
    Return the payment sessions that somebody calls by this name, the oldest first.

    An id of ours, a Checkout Session (``cs_…``) or payment intent (``pi_…``) of Stripe, or a payable as ``type:id``.
    """
    conditions = Q(stripe_checkout_session_id=name) | Q(stripe_payment_intent_id=name)
    payable_type, colon, payable_id = name.partition(":")
    if colon:
        conditions |= Q(payable_type=payable_type, payable_id=payable_id)
    with suppress(ValueError):
        conditions |= Q(pk=UUID(name))
    return list(PaymentSession.objects.filter(conditions).order_by("created"))
