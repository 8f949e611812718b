"""https://docs.stripe.com/api/refunds"""

from __future__ import annotations

from django_generic_payments.sandbox import refunds
from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import ApiError, invalid, missing_object
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, list_of
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
    array,
    boolean,
    choice,
    email,
    fields,
    integer,
    metadata,
    text,
    unless,
    unsimulated,
)
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

CREATE: dict[str, Kind] = {
    "amount": integer(1),
    "charge": text(),
    "currency": unsimulated,
    "customer": unsimulated,
    "expand": array(text()),
    "instructions_email": email,
    "metadata": metadata,
    "origin": unsimulated,
    "payment_intent": text(),
    "reason": choice("duplicate", "fraudulent", "requested_by_customer"),
    "refund_application_fee": unless(True, boolean),
    "reverse_transfer": unless(True, boolean),
}
FILTERS = ("charge", "payment_intent")
LIST = {**LIST_PARAMETERS, **dict.fromkeys(FILTERS, text())}


def check_create(call: Call) -> None:
    """Ask for exactly one payment."""
    named = [name for name in FILTERS if name in call.params]
    if not named:
        message = "One of the following params should be provided for this request: payment_intent or charge."
        raise ApiError(message, code="parameter_missing")
    if len(named) > 1:
        raise invalid("You may only specify one of these parameters: charge, payment_intent.", "charge")


def create(call: Call) -> JsonObject:
    """Refund a payment, or a part of it."""
    return refunds.create(call.state, charge_of(call), call.params, call.cause)


def charge_of(call: Call) -> JsonObject:
    state, params = call.state, call.params
    if "charge" in params:
        charge = state.get("charge", params["charge"])
        if charge is None:
            raise missing_object("charge", params["charge"], "charge")
        return charge
    intent = state.get("payment_intent", params["payment_intent"])
    if intent is None:
        raise missing_object("payment_intent", params["payment_intent"], "payment_intent")
    charge = state.get("charge", intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise invalid(message, "payment_intent")
    return charge


def retrieve(call: Call) -> JsonObject:
    """Find a refund."""
    found = call.state.get("refund", call.id)
    if found is None:
        raise missing_object("refund", call.id, "refund", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change the metadata, which is all that can be changed."""
    found = retrieve(call)
    previous = change(found, metadata=call.params["metadata"]) if "metadata" in call.params else {}
    if previous:
        emit(call.state, "refund.updated", found, call.cause, previous)
        emit(call.state, "charge.refund.updated", found, call.cause, previous)
    return found


def cancel(call: Call) -> JsonObject:
    """Cancel a refund that waits for the payer."""
    found = retrieve(call)
    if found["status"] != "requires_action":
        message = (
            f"You cannot cancel the refund {call.id} because it has a status of {found['status']}. "
            "Only a refund with the status requires_action can be canceled."
        )
        raise ApiError(message)
    refunds.cancel(call.state, found, call.cause)
    return found


def expire(call: Call) -> JsonObject:
    """Let a refund fail because its payer never said where it shall go."""
    found = retrieve(call)
    if found["status"] != "requires_action":
        raise ApiError(
            f"Only a refund that is requires_action can be expired; this one is {found['status']}."
        )
    refunds.fail(call.state, found, "unknown", call.cause)
    return found


def list_all(call: Call) -> JsonObject:
    """List refunds, newest first."""
    return list_of("refund", call, *FILTERS)


ALL, ONE = "/v1/refunds", "/v1/refunds/{id}"
ROUTES = [
    Route("POST", ALL, "refund", fields(CREATE), create, check_create),
    Route("GET", ALL, "list of refund", fields(LIST), list_all),
    Route("GET", ONE, "refund", fields(EXPAND_ONLY), retrieve),
    Route("POST", ONE, "refund", fields({**EXPAND_ONLY, "metadata": metadata}), update),
    Route("POST", f"{ONE}/cancel", "refund", fields(EXPAND_ONLY), cancel),
    Route("POST", "/v1/test_helpers/refunds/{id}/expire", "refund", fields(EXPAND_ONLY), expire),
]
