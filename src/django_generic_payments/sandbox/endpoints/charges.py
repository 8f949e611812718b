"""https://docs.stripe.com/api/charges"""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import invalid, missing_object
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
    array,
    choice,
    email,
    fields,
    metadata,
    text,
    unset,
    unsimulated,
)
from django_generic_payments.sandbox.routing import Call, Route

from .addresses import shipping

__all__ = ["ROUTES"]

FILTERS = ("customer", "payment_intent", "transfer_group")
LIST = {**LIST_PARAMETERS, **dict.fromkeys(FILTERS, text())}
REPORT = fields({"user_report": unset(choice("fraudulent", "safe"))}, required=["user_report"])


def fraud_details(value: Any, name: str) -> JsonObject:
    """Accept a report, or an empty one that takes it back."""
    return {key: report for key, report in REPORT(value, name).items() if report}


def retrieve(call: Call) -> JsonObject:
    """Find a charge."""
    found = call.state.get("charge", call.id)
    if found is None:
        raise missing_object("charge", call.id, "id", 404)
    return found


def update(call: Call) -> JsonObject:
    """Describe a charge, and tell only if something did change."""
    found, params = retrieve(call), dict(call.params)
    if found["transfer_group"] and params.get("transfer_group") not in (None, found["transfer_group"]):
        raise invalid("The transfer_group of a charge cannot be changed.", "transfer_group")
    previous = change(found, **{name: value for name, value in params.items() if name in found})
    if previous:
        emit(call.state, "charge.updated", found, call.cause, previous)
    return found


def list_all(call: Call) -> JsonObject:
    """List charges, newest first."""
    return list_of("charge", call, *FILTERS)


UPDATE: dict[str, Kind] = {
    "customer": unsimulated,
    "description": text(),
    "expand": array(text()),
    "fraud_details": fraud_details,
    "metadata": metadata,
    "receipt_email": email,
    "shipping": shipping,
    "transfer_group": text(),
}
ROUTES = [
    Route("GET", "/v1/charges", "list of charge", fields(LIST), list_all),
    Route("GET", "/v1/charges/{id}", "charge", fields(EXPAND_ONLY), retrieve),
    Route("POST", "/v1/charges/{id}", "charge", fields(UPDATE), update),
]
