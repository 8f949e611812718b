"""https://docs.stripe.com/api/payment_intents"""

from __future__ import annotations

from django_generic_payments.sandbox.errors import missing_object
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.parameters import array, fields, text, unsimulated
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

LIST = {**LIST_PARAMETERS, "customer": text(), "customer_account": unsimulated}
RETRIEVE = {"client_secret": text(), "expand": array(text())}


def retrieve(call: Call) -> JsonObject:
    """Find a payment intent."""
    found = call.state.get("payment_intent", call.id)
    if found is None:
        raise missing_object("payment_intent", call.id, "intent", 404)
    return found


def list_all(call: Call) -> JsonObject:
    """List payment intents, newest first."""
    return list_of("payment_intent", call, "customer")


ROUTES = [
    Route("GET", "/v1/payment_intents", "list of payment_intent", fields(LIST), list_all),
    Route("GET", "/v1/payment_intents/{id}", "payment_intent", fields(RETRIEVE), retrieve),
]
