"""https://docs.stripe.com/api/accounts, https://docs.stripe.com/api/balance"""

from __future__ import annotations

from django_generic_payments.sandbox.balance import settlement_currency, totals
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.objects.account import account
from django_generic_payments.sandbox.parameters import EXPAND_ONLY, fields
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]


def retrieve(call: Call) -> JsonObject:
    """Find the account that the key belongs to."""
    return account(call.state, settlement_currency(call.state, "eur"))


def retrieve_balance(call: Call) -> JsonObject:
    """Add up the ledger."""
    return {
        "object": "balance",
        "available": totals(call.state, "available"),
        "livemode": call.state.livemode,
        "pending": totals(call.state, "pending"),
    }


EXPAND = fields(EXPAND_ONLY)
ROUTES = [
    Route("GET", "/v1/account", "account", EXPAND, retrieve),
    Route("GET", "/v1/balance", "balance", EXPAND, retrieve_balance),
]
