"""https://docs.stripe.com/api/customers"""

from __future__ import annotations

from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import missing_object
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, PAGE_PARAMETERS, equal, list_of, page
from django_generic_payments.sandbox.objects.customer import customer
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
    anything,
    array,
    choice,
    email,
    fields,
    integer,
    metadata,
    text,
    unset,
    unsimulated,
)
from django_generic_payments.sandbox.routing import Call, Route

from .addresses import address
from .payment_method_options import METHOD_TYPES

__all__ = ["ROUTES"]


WRITABLE: dict[str, Kind] = {
    "address": unset(address),
    "balance": integer(),
    "business_name": unsimulated,
    "cash_balance": unsimulated,
    "description": unset(text()),
    "email": unset(email),
    "expand": array(text()),
    "individual_name": unsimulated,
    "invoice_prefix": unsimulated,
    "invoice_settings": unsimulated,
    "metadata": metadata,
    "name": unset(text(256)),
    "next_invoice_sequence": unsimulated,
    "phone": unset(text(20)),
    "preferred_locales": array(text()),
    "shipping": unset(
        fields({"address": address, "name": text(), "phone": text()}, required=["address", "name"])
    ),
    "source": unsimulated,
    "tax": anything,
    "tax_exempt": unset(choice("exempt", "none", "reverse")),
    "validate": anything,
}

CREATE = {**WRITABLE, "payment_method": unsimulated, "tax_id_data": unsimulated, "test_clock": unsimulated}
UPDATE = {**WRITABLE, "default_source": unsimulated}
LIST = {**LIST_PARAMETERS, "email": text(), "test_clock": unsimulated}
LIST_METHODS: dict[str, Kind] = {
    **PAGE_PARAMETERS,
    "allow_redisplay": choice("always", "limited", "unspecified"),
    "type": choice(*METHOD_TYPES.split()),
}


def create(call: Call) -> JsonObject:
    """Create a customer."""
    created = call.state.add(customer(call.state, call.params))
    emit(call.state, "customer.created", created, call.cause)
    return created


def retrieve(call: Call) -> JsonObject:
    """Find a customer, or what is left of one that was deleted."""
    return call.state.get("deleted customer", call.id) or known(call)


def known(call: Call) -> JsonObject:
    found = call.state.get("customer", call.id)
    if found is None:
        raise missing_object("customer", call.id, "id", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change a customer, and tell only if something did change."""
    found = known(call)
    previous = change(found, **{name: value for name, value in call.params.items() if name in found})
    if previous:
        emit(call.state, "customer.updated", found, call.cause, previous)
    return found


def delete(call: Call) -> JsonObject:
    """Delete a customer for good, with the payment methods that were kept."""
    state, found = call.state, known(call)
    state.remove(found)
    for method in state.tables.get("payment_method", {}).values():
        if method["customer"] == found["id"]:
            method["customer"] = None
            del state.means[method["id"]]
    left = {"id": found["id"], "object": "customer", "deleted": True}
    state.tables.setdefault("deleted customer", {})[found["id"]] = left
    emit(state, "customer.deleted", found, call.cause)
    return left


def list_methods(call: Call) -> JsonObject:
    """List what a customer keeps to pay with, newest first."""
    known(call)
    kept = (
        method
        for method in call.state.newest_first("payment_method")
        if method["customer"] == call.id and equal(method, call.params, "type", "allow_redisplay")
    )
    return page(kept, call.params, call.path)


def list_all(call: Call) -> JsonObject:
    """List customers, newest first."""
    return list_of("customer", call, "email")


ONE = "/v1/customers/{id}"
ROUTES = [
    Route("POST", "/v1/customers", "customer", fields(CREATE), create),
    Route("GET", "/v1/customers", "list of customer", fields(LIST), list_all),
    Route("GET", ONE, "customer", fields(EXPAND_ONLY), retrieve),
    Route("POST", ONE, "customer", fields(UPDATE), update),
    Route("DELETE", ONE, "customer", fields({}), delete),
    Route("GET", f"{ONE}/payment_methods", "list of payment_method", fields(LIST_METHODS), list_methods),
]
