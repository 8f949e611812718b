"""https://docs.stripe.com/api/charges"""

from __future__ import annotations

from django_generic_payments.sandbox.errors import missing_object
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.parameters import array, fields, text
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

FILTERS = ("customer", "payment_intent", "transfer_group")
LIST = {**LIST_PARAMETERS, **dict.fromkeys(FILTERS, text())}


def retrieve(call: Call) -> JsonObject:
    """Find a charge."""
    found = call.state.get("charge", call.id)
    if found is None:
        raise missing_object("charge", call.id, "id", 404)
    return found


def list_all(call: Call) -> JsonObject:
    """List charges, newest first."""
    return list_of("charge", call, *FILTERS)


ROUTES = [
    Route("GET", "/v1/charges", "list of charge", fields(LIST), list_all),
    Route("GET", "/v1/charges/{id}", "charge", fields({"expand": array(text())}), retrieve),
]
