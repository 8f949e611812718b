"""https://docs.stripe.com/api/payment_methods"""

from __future__ import annotations

from django_generic_payments.sandbox.cards import Card, Decline, card_named
from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import ApiError, invalid, missing_object, missing_parameter
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
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
from .payment_intents import check_customer, check_usable, method_named

__all__ = ["ROUTES"]

BILLING: dict[str, Kind] = {
    "address": unset(address),
    "email": unset(email),
    "name": unset(text()),
    "phone": unset(text()),
    "tax_id": unsimulated,
}
CARD: dict[str, Kind] = {
    "exp_month": integer(1, 12),
    "exp_year": integer(2000, 2100),
    "networks": unsimulated,
}
UPDATE: dict[str, Kind] = {
    **EXPAND_ONLY,
    "allow_redisplay": choice("always", "limited", "unspecified"),
    "billing_details": fields(BILLING),
    "card": fields(CARD),
    "metadata": metadata,
    "us_bank_account": unsimulated,
}
ATTACH: dict[str, Kind] = {**EXPAND_ONLY, "customer": text(), "customer_account": unsimulated}


def retrieve(call: Call) -> JsonObject:
    """Find a payment method."""
    found = call.state.get("payment_method", call.id)
    if found is None:
        raise missing_object("PaymentMethod", call.id, "payment_method", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change a payment method that a customer keeps."""
    found, params = retrieve(call), dict(call.params)
    if found["customer"] is None:
        message = "You must save this PaymentMethod to a customer before you can update it, because it is not attached."
        raise ApiError(message)
    if "card" in params and found["type"] != "card":
        raise invalid(f"This PaymentMethod is a {found['type']} and has no card.", "card")
    for name in ("billing_details", "card"):
        if name in params:
            params[name] = {**found[name], **params[name]}
    previous = change(found, **{name: value for name, value in params.items() if name in found})
    if previous:
        emit(call.state, "payment_method.updated", found, call.cause, previous)
    return found


def check_attach(call: Call) -> None:
    """Ask for the customer."""
    if "customer" not in call.params:
        raise missing_parameter("customer")


def attach(call: Call) -> JsonObject:
    """Keep a payment method for a customer; a card that is declined at once cannot be kept."""
    state, customer = call.state, call.params["customer"]
    check_customer(state, call.params)
    found = method_named(state, call.id) if card_named(call.id) else retrieve(call)
    if found["customer"] not in (None, customer):
        message = "The payment method you provided has already been attached to a customer."
        raise ApiError(message)
    check_usable(state, found)
    refusal = refused(state.means[found["id"]])
    if refusal:
        details = {"decline_code": refusal.decline_code} if refusal.decline_code else {}
        raise ApiError(refusal.message, status=402, kind="card_error", code=refusal.code, details=details)
    if found["customer"] is None:
        found["customer"] = customer
        emit(state, "payment_method.attached", found, call.cause)
    return found


def refused(means: object) -> Decline | None:
    if not isinstance(means, Card) or means.attaches or means.authentication or means.decline is None:
        return None
    return None if means.decline.blocked else means.decline


def detach(call: Call) -> JsonObject:
    """Let go of a payment method, which can never be attached again."""
    found = retrieve(call)
    if found["customer"] is None:
        message = "The payment method you provided is not attached to a customer so detachment is impossible."
        raise ApiError(message)
    previous = change(found, customer=None)
    del call.state.means[call.id]
    emit(call.state, "payment_method.detached", found, call.cause, previous)
    return found


ONE = "/v1/payment_methods/{id}"
ROUTES = [
    Route("GET", ONE, "payment_method", fields(EXPAND_ONLY), retrieve),
    Route("POST", ONE, "payment_method", fields(UPDATE), update),
    Route("POST", f"{ONE}/attach", "payment_method", fields(ATTACH), attach, check_attach),
    Route("POST", f"{ONE}/detach", "payment_method", fields(EXPAND_ONLY), detach),
]
