"""
What a callback says: the type of the event, when it happened, and the payment as it stood when this was written.

Amounts are integers in Stripe's minor unit, currencies lower case, times ISO 8601 in UTC. Nothing tells who paid.
"""

from __future__ import annotations

import json
from datetime import datetime, timezone
from typing import Any

from django_generic_payments.models import Dispute, PaymentEvent, PaymentSession, Refund, Transaction

__all__ = ["body_of", "type_of"]


def body_of(event: PaymentEvent) -> str:
    """Return the body of the callbacks of an event, as JSON text in ASCII."""
    payload = {
        "type": type_of(event.kind),
        "timestamp": _iso(event.occurred_at),
        "data": {"event": str(event.pk), "payment": _payment(event.session), **_involved(event)},
    }
    return json.dumps(payload, separators=(",", ":"))


def type_of(kind: str) -> str:
    """Return the type that a kind of event is told as: ``payment_needs_review`` is ``payment.needs_review``."""
    return kind.replace("_", ".", 1)


def _payment(session: PaymentSession) -> dict[str, Any]:
    return {
        "id": str(session.pk),
        "payable_type": session.payable_type,
        "payable_id": session.payable_id,
        "purpose": session.purpose,
        "status": str(session.status),
        "amount": session.amount,
        "currency": session.currency,
        "paid_amount": session.paid_amount,
        "refunded_amount": session.refunded_amount,
        "livemode": session.livemode,
        "metadata": session.metadata,
        "created": _iso(session.created),
    }


def _involved(event: PaymentEvent) -> dict[str, dict[str, Any]]:
    involved = {}
    if event.transaction:
        involved["transaction"] = _transaction(event.transaction)
    if event.refund:
        involved["refund"] = _claim(event.refund)
    if event.dispute:
        involved["dispute"] = _claim(event.dispute)
    return involved


def _transaction(row: Transaction) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "kind": str(row.kind),
        "amount": row.gross,
        "currency": row.currency,
        "occurred_at": _iso(row.occurred_at),
    }


def _claim(row: Refund | Dispute) -> dict[str, Any]:
    return {
        "id": str(row.pk),
        "amount": row.amount,
        "currency": row.currency,
        "status": str(row.status),
        "reason": row.reason,
    }


def _iso(moment: datetime) -> str:
    return moment.astimezone(timezone.utc).isoformat().replace("+00:00", "Z")
