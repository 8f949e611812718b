"""What moves on the account's balance: sales come in late, refunds and disputes go out at once.

https://docs.stripe.com/payments/payment-intents/asynchronous-capture
"""

from __future__ import annotations

from decimal import Decimal
from typing import NamedTuple

from .cards import Card
from .events import emit
from .exchange import convert, is_exchanged, rate, round_money
from .json_object import JsonObject
from .objects.balance_transaction import balance_transaction
from .state import State

__all__ = [
    "Movement",
    "book",
    "book_all",
    "book_charge",
    "book_late",
    "dispute_fee",
    "make_available",
    "settlement_currency",
    "totals",
]

#: What a sale costs besides its percentage, in minor units; elsewhere it is the percentage alone.
FIXED_FEE = {
    **{"aud": 30, "cad": 30, "chf": 30, "czk": 500, "dkk": 180, "eur": 20, "gbp": 20, "huf": 8500},
    **{"jpy": 30, "kwd": 70, "nok": 200, "pln": 100, "ron": 100, "sek": 180, "usd": 30},
}
PERCENTAGE = Decimal("0.015")

#: What a dispute costs, in minor units; elsewhere nothing.
DISPUTE_FEE = {"aud": 2500, "cad": 1500, "chf": 2000, "eur": 2000, "gbp": 2000, "jpy": 1500, "usd": 1500}


class Movement(NamedTuple):
    """What moves, in the currency of the charge, and what it is called in the ledger."""

    kind: str
    category: str
    amount: int
    currency: str
    description: str | None = None


def book(
    state: State,
    source: JsonObject,
    movement: Movement,
    fee: JsonObject | None = None,
    *,
    at_once: bool = False,
) -> JsonObject:
    """Write a movement into the ledger, in the currency that the account settles in.

    Args:
        fee: what it costs, as one of `fee_details` without its currency.
        at_once: whether the money is available now, and not in two days.
    """
    currency = settlement_currency(state, movement.currency)
    exchanged = currency != movement.currency
    amount = convert(movement.amount, movement.currency, currency) if exchanged else movement.amount
    line = state.add(
        balance_transaction(
            state,
            source,
            kind=movement.kind,
            category=movement.category,
            description=movement.description,
            amount=amount,
            currency=currency,
            fees=[{**fee, "currency": currency}] if fee and fee["amount"] else [],
            exchange_rate=float(rate(movement.currency, currency)) if exchanged else None,
            at_once=at_once,
        )
    )
    if not at_once:
        state.remind(line["available_on"], "make_available", line["id"])
    return line


def make_available(state: State, identifier: str) -> None:
    """Let the account have the money of a line."""
    state.tables["balance_transaction"][identifier]["status"] = "available"


def totals(state: State, status: str) -> list[JsonObject]:
    """Return what the account has in each currency, of the lines that are "available" or "pending"."""
    sums: dict[str, int] = {settlement_currency(state, "eur"): 0}
    for line in state.tables.get("balance_transaction", {}).values():
        sums[line["currency"]] = sums.get(line["currency"], 0) + line["net"] * (line["status"] == status)
    return [
        {"amount": amount, "currency": currency, "source_types": {"card": amount}}
        for currency, amount in sums.items()
    ]


def book_charge(state: State, charge: JsonObject) -> None:
    """Book a sale, with what Stripe keeps of it."""
    kind = "charge" if "card" in charge["payment_method_details"] else "payment"
    currency = settlement_currency(state, charge["currency"])
    amount = charge["amount_captured"]
    if currency != charge["currency"]:
        amount = convert(amount, charge["currency"], currency)
    movement = Movement(kind, "charge", charge["amount_captured"], charge["currency"], charge["description"])
    fee = {
        "amount": round_money(amount * PERCENTAGE, currency) + FIXED_FEE.get(currency, 0),
        "application": None,
        "description": "Stripe processing fees",
        "type": "stripe_fee",
    }
    means = state.means[charge["id"]]
    at_once = isinstance(means, Card) and means.at_once
    charge["balance_transaction"] = book(state, charge, movement, fee, at_once=at_once)["id"]


def book_late(state: State, charge: JsonObject) -> None:
    """Book a sale that waits, and tell of it; no call caused that."""
    if charge["balance_transaction"] is None:
        book_charge(state, charge)
        emit(state, "charge.updated", charge, previous={"balance_transaction": None})


def book_all(state: State) -> None:
    """Book every sale that waits, oldest first."""
    for charge in list(state.tables.get("charge", {}).values()):
        if charge["status"] == "succeeded" and charge["captured"]:
            book_late(state, charge)


def settlement_currency(state: State, currency: str) -> str:
    """Return the currency in which the account keeps money of a currency."""
    if state.settlement_currency and is_exchanged(currency):
        return state.settlement_currency
    return currency


def dispute_fee(state: State, currency: str) -> JsonObject:
    """Return what Stripe charges for a dispute over a charge in a currency."""
    return {
        "amount": DISPUTE_FEE.get(settlement_currency(state, currency), 0),
        "application": None,
        "description": "Dispute fee",
        "type": "stripe_fee",
    }
