"""https://docs.stripe.com/api/charges"""

from __future__ import annotations

from django_generic_payments.sandbox.errors import missing_object
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, created_in, equal, page
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
    found = [
        obj
        for obj in call.state.newest_first("charge")
        if equal(obj, call.params, *FILTERS) and created_in(obj, call.params.get("created", {}))
    ]
    return page(found, call.params, call.path)


ROUTES = [
    Route("GET", "/v1/charges", "list of charge", fields(LIST), list_all),
    Route("GET", "/v1/charges/{id}", "charge", fields({"expand": array(text())}), retrieve),
]
