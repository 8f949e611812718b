"""What Stripe says of money that moved: charges, balance transactions, refunds and disputes, as frozen dataclasses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import Any

from django_generic_payments.gateway.records import FieldReader

__all__ = ["BalanceTransaction", "Charge", "Dispute", "Refund"]


@dataclass(frozen=True)
class BalanceTransaction:
    """
    A movement of the account's balance, in the currency it is settled in.

    ``source_id`` is the charge, refund or dispute it belongs to, ``payment_intent_id`` that of an expanded charge:
    refunds and disputes have one too, and are not the payment.
    Source: https://docs.stripe.com/api/balance_transactions/object.
    """

    id: str
    created: datetime
    amount: int
    fee: int
    net: int
    currency: str
    exchange_rate: Decimal | None
    source_id: str
    payment_intent_id: str

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> BalanceTransaction:
        """Read the object. Raises ``UnreadableObject``."""
        read = FieldReader(data, "balance_transaction")
        source = data.get("source")
        return cls(
            id=read.text("id"),
            created=read.moment("created"),
            amount=read.integer("amount"),
            fee=read.integer("fee"),
            net=read.integer("net"),
            currency=read.text("currency").lower(),
            exchange_rate=read.optional_decimal("exchange_rate"),
            source_id=read.reference("source"),
            payment_intent_id=_intent_of(source) if isinstance(source, Mapping) else "",
        )


@dataclass(frozen=True)
class Charge:
    """One attempt to charge. Source: https://docs.stripe.com/api/charges/object."""

    id: str
    livemode: bool
    payment_intent_id: str
    amount_refunded: int
    balance_transaction_id: str
    metadata: Mapping[str, str]

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> Charge:
        """Read the object. Raises ``UnreadableObject``."""
        read = FieldReader(data, "charge")
        return cls(
            id=read.text("id"),
            livemode=read.flag("livemode"),
            payment_intent_id=read.reference("payment_intent"),
            amount_refunded=read.integer("amount_refunded"),
            balance_transaction_id=read.reference("balance_transaction"),
            metadata=read.metadata(),
        )


@dataclass(frozen=True)
class Refund:
    """Money on its way back to a payer. Source: https://docs.stripe.com/api/refunds/object."""

    id: str
    created: datetime
    amount: int
    currency: str
    status: str
    reason: str
    failure_reason: str
    payment_intent_id: str
    charge_id: str
    balance_transaction_id: str
    failure_balance_transaction_id: str
    metadata: Mapping[str, str]

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> Refund:
        """Read the object. Raises ``UnreadableObject``."""
        read = FieldReader(data, "refund")
        return cls(
            id=read.text("id"),
            created=read.moment("created"),
            amount=read.integer("amount"),
            currency=read.text("currency").lower(),
            # Null while Stripe has not decided: https://docs.stripe.com/api/refunds/object#refund_object-status.
            status=read.optional_text("status") or "pending",
            reason=read.optional_text("reason"),
            failure_reason=read.optional_text("failure_reason"),
            payment_intent_id=read.reference("payment_intent"),
            charge_id=read.reference("charge"),
            balance_transaction_id=read.reference("balance_transaction"),
            failure_balance_transaction_id=read.reference("failure_balance_transaction"),
            metadata=read.metadata(),
        )


@dataclass(frozen=True)
class Dispute:
    """A payer's objection at their bank. Source: https://docs.stripe.com/api/disputes/object."""

    id: str
    created: datetime
    livemode: bool
    amount: int
    currency: str
    status: str
    reason: str
    payment_intent_id: str
    charge_id: str
    evidence_due_by: datetime | None
    balance_transactions: tuple[BalanceTransaction, ...]

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> Dispute:
        """Read the object. Raises ``UnreadableObject``."""
        read = FieldReader(data, "dispute")
        details = data.get("evidence_details")
        due = FieldReader(details if isinstance(details, Mapping) else {}, "dispute")
        return cls(
            id=read.text("id"),
            created=read.moment("created"),
            livemode=read.flag("livemode"),
            amount=read.integer("amount"),
            currency=read.text("currency").lower(),
            status=read.text("status"),
            reason=read.optional_text("reason"),
            payment_intent_id=read.reference("payment_intent"),
            charge_id=read.reference("charge"),
            # Zero where no answer is possible.
            evidence_due_by=due.moment("due_by") if due.optional_integer("due_by") else None,
            balance_transactions=tuple(
                BalanceTransaction.from_object(each) for each in read.objects("balance_transactions")
            ),
        )


def _intent_of(source: Mapping[str, Any]) -> str:
    value = source.get("payment_intent") if source.get("object") == "charge" else None
    return value if isinstance(value, str) else ""
