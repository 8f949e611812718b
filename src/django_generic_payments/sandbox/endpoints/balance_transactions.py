"""https://docs.stripe.com/api/balance_transactions"""

from __future__ import annotations

from django_generic_payments.sandbox.errors import missing_object
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.parameters import EXPAND_ONLY, fields, text, unsimulated
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

FILTERS = ("currency", "source", "type")
LIST = {**LIST_PARAMETERS, **dict.fromkeys(FILTERS, text()), "payout": unsimulated}


def retrieve(call: Call) -> JsonObject:
    """Find a line of the ledger."""
    found = call.state.get("balance_transaction", call.id)
    if found is None:
        raise missing_object("balance transaction", call.id, "id", 404)
    return found


def list_all(call: Call) -> JsonObject:
    """List the ledger, newest first."""
    return list_of("balance_transaction", call, *FILTERS)


ALL, ONE = "/v1/balance_transactions", "/v1/balance_transactions/{id}"
ROUTES = [
    Route("GET", ALL, "list of balance_transaction", fields(LIST), list_all),
    Route("GET", ONE, "balance_transaction", fields(EXPAND_ONLY), retrieve),
]
