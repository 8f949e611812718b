"""https://docs.stripe.com/api/balance_transactions/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["balance_transaction"]

TWO_DAYS = 2 * 24 * 60 * 60


def balance_transaction(
    state: State,
    source: JsonObject,
    *,
    kind: str,
    category: str,
    description: str | None,
    amount: int,
    currency: str,
    fees: list[JsonObject],
    exchange_rate: float | None,
    at_once: bool,
) -> JsonObject:
    """Build one line of the account's ledger.

    Args:
        source: the object that moved the money.
        kind: its `type`.
        category: its `reporting_category`.
        fees: its `fee_details`.
        at_once: whether it is available now.
    """
    now = state.clock.now()
    fee = sum(each["amount"] for each in fees)
    return {
        "id": state.new_id("txn_3"),
        "object": "balance_transaction",
        "amount": amount,
        "available_on": now if at_once else now + TWO_DAYS,
        "balance_type": "payments",
        "created": now,
        "currency": currency,
        "description": description,
        "exchange_rate": exchange_rate,
        "fee": fee,
        "fee_details": fees,
        "net": amount - fee,
        "reporting_category": category,
        "source": source["id"],
        "status": "available" if at_once else "pending",
        "type": kind,
    }
