"""What Stripe is asked for when money goes back: decided once, and frozen in the row of the refund."""

from __future__ import annotations

import json
from typing import Any
from uuid import uuid4

from django.utils import timezone

from django_generic_payments.models import PaymentEvent, Refund, Transaction
from django_generic_payments.retries import UNDER_WAY
from django_generic_payments.services.facts import MARKER_REFUND, marker

__all__ = ["REASONS", "name_of", "new_refund"]

#: Source: https://docs.stripe.com/api/refunds/create#create_refund-reason.
REASONS = ("", "duplicate", "fraudulent", "requested_by_customer")


def new_refund(
    payment: Transaction,
    amount: int,
    *,
    reason: str,
    requested_by: str,
    idempotency_key: str,
    because_of: PaymentEvent | None = None,
) -> Refund:
    """Return a row, not yet saved, that sends so much of a payment back, with what Stripe will be asked."""
    session = payment.session
    refund = Refund(
        id=uuid4(),
        session=session,
        payment=payment,
        because_of=because_of,
        amount=amount,
        currency=payment.currency,
        reason=reason,
        requested_by=requested_by,
        idempotency_key=idempotency_key,
        next_attempt_at=timezone.now() + UNDER_WAY,
    )
    params = {
        "payment_intent": payment.source_id,
        "amount": amount,
        "metadata": {**marker(session), MARKER_REFUND: str(refund.pk)},
        **({"reason": reason} if reason else {}),
    }
    refund.stripe_params = json.dumps(params, sort_keys=True)
    return refund


def name_of(by: Any) -> str:
    """Return how a user, or a name, stands in the books."""
    key = getattr(by, "pk", None)
    return f"user:{key}" if key is not None else str(by or "")[:255]
