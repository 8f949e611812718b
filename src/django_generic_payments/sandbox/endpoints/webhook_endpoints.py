"""https://docs.stripe.com/api/webhook_endpoints"""

from __future__ import annotations

import re
from typing import Any

from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.errors import ApiError, invalid, missing_object, missing_parameter
from django_generic_payments.sandbox.event_types import EVENT_TYPES
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import PAGE_PARAMETERS, page
from django_generic_payments.sandbox.objects.webhook_endpoint import webhook_endpoint
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
    array,
    boolean,
    choice,
    fields,
    metadata,
    text,
    unless,
    unset,
    web_address,
)
from django_generic_payments.sandbox.routing import Call, Route
from django_generic_payments.sandbox.webhook_endpoint import Secret, WebhookEndpoint

__all__ = ["ROUTES"]

#: How many an account can have.
MOST = 16


def version(value: Any, name: str) -> str:
    """Accept what looks like a version of the API."""
    given: str = text()(value, name)
    if not re.fullmatch(r"20[0-9]{2}-[0-9]{2}-[0-9]{2}(\.[a-z]+)?", given):
        raise invalid(f"Invalid {name}: {given} is no version of the API.", name)
    return given


WRITABLE: dict[str, Kind] = {
    **EXPAND_ONLY,
    "description": unset(text()),
    "enabled_events": array(choice("*", *EVENT_TYPES), most=len(EVENT_TYPES)),
    "metadata": metadata,
    "url": web_address,
}
CREATE = {**WRITABLE, "api_version": version, "connect": unless(True, boolean)}
UPDATE = {**WRITABLE, "disabled": boolean}


def check_create(call: Call) -> None:
    """Ask for an address and for events, and keep to what an account can have."""
    for name in ("enabled_events", "url"):
        if not call.params.get(name):
            raise missing_parameter(name)
    check_address(call)
    if len(call.state.tables.get("webhook_endpoint", {})) >= MOST:
        raise ApiError(f"You have reached the maximum of {MOST} webhook endpoints.")


def check_address(call: Call) -> None:
    """Refuse http where money is real; in test mode it may even be an address of this machine."""
    if call.state.livemode and not call.params.get("url", "https:").startswith("https:"):
        raise invalid("Invalid URL: URL must be an https address in live mode.", "url", "url_invalid")


def create(call: Call) -> JsonObject:
    """Create an endpoint, and say its secret this once."""
    state, secret = call.state, f"whsec_{call.state.token(32)}"
    made = state.add(
        webhook_endpoint(
            state.new_id("we_1"), created=state.clock.now(), livemode=state.livemode, **call.params
        )
    )
    state.webhook_endpoints[made["id"]] = WebhookEndpoint(made, [Secret(secret)])
    return {**made, "secret": secret}


def retrieve(call: Call) -> JsonObject:
    """Find an endpoint."""
    found = call.state.get("webhook_endpoint", call.id)
    if found is None:
        raise missing_object("webhook endpoint", call.id, "webhook_endpoint", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change an endpoint; its version and its secret stay."""
    found, params = retrieve(call), dict(call.params)
    if "disabled" in params:
        params["status"] = "disabled" if params["disabled"] else "enabled"
    change(found, **{name: value for name, value in params.items() if name in found})
    return found


def delete(call: Call) -> JsonObject:
    """Delete an endpoint; what had not arrived there never will."""
    found = retrieve(call)
    call.state.remove(found)
    gone = call.state.webhook_endpoints.pop(call.id)
    for event in gone.pending:
        event["pending_webhooks"] -= 1
    return {"id": call.id, "object": "webhook_endpoint", "deleted": True}


def list_all(call: Call) -> JsonObject:
    """List endpoints, newest first."""
    return page(call.state.newest_first("webhook_endpoint"), call.params, call.path)


ALL, ONE = "/v1/webhook_endpoints", "/v1/webhook_endpoints/{id}"
ROUTES = [
    Route("POST", ALL, "webhook_endpoint", fields(CREATE), create, check_create),
    Route("GET", ALL, "list of webhook_endpoint", fields(PAGE_PARAMETERS), list_all),
    Route("GET", ONE, "webhook_endpoint", fields(EXPAND_ONLY), retrieve),
    Route("POST", ONE, "webhook_endpoint", fields(UPDATE), update, check_address),
    Route("DELETE", ONE, "webhook_endpoint", fields({}), delete),
]
