"""https://docs.stripe.com/api/customers"""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import missing_object
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.objects.customer import customer
from django_generic_payments.sandbox.parameters import (
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

__all__ = ["ROUTES"]


ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")


def address(value: Any, name: str) -> JsonObject:
    """Accept an address, and fill it up."""
    given = fields(dict.fromkeys(ADDRESS_FIELDS, unset(text())))(value, name)
    return {**dict.fromkeys(ADDRESS_FIELDS), **given}


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


def create(call: Call) -> JsonObject:
    """Create a customer."""
    created = call.state.add(customer(call.state, call.params))
    emit(call.state, "customer.created", created, call.cause)
    return created


def retrieve(call: Call) -> JsonObject:
    """Find a customer."""
    found = call.state.get("customer", call.id)
    if found is None:
        raise missing_object("customer", call.id, "id", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change a customer, and tell only if something did change."""
    found = retrieve(call)
    previous = change(found, **{name: value for name, value in call.params.items() if name in found})
    if previous:
        emit(call.state, "customer.updated", found, call.cause, previous)
    return found


def list_all(call: Call) -> JsonObject:
    """List customers, newest first."""
    return list_of("customer", call, "email")


ONE = "/v1/customers/{id}"
ROUTES = [
    Route("POST", "/v1/customers", "customer", fields(CREATE), create),
    Route("GET", "/v1/customers", "list of customer", fields(LIST), list_all),
    Route("GET", ONE, "customer", fields({"expand": array(text())}), retrieve),
    Route("POST", ONE, "customer", fields(UPDATE), update),
]
