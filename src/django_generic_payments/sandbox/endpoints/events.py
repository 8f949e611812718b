"""https://docs.stripe.com/api/events"""

from __future__ import annotations

from fnmatch import fnmatchcase

from django_generic_payments.sandbox.errors import invalid, missing_object
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS, created_in, page
from django_generic_payments.sandbox.parameters import EXPAND_ONLY, array, boolean, fields, text
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

KEPT_FOR = 30 * 24 * 60 * 60

LIST = {**LIST_PARAMETERS, "delivery_success": boolean, "type": text(), "types": array(text(), 20)}


def retrieve(call: Call) -> JsonObject:
    """Find an event of the last thirty days."""
    found = call.state.get("event", call.id)
    if found is None or not recent(call, found):
        raise missing_object("event", call.id, "id", 404)
    return found


def check_list(call: Call) -> None:
    """Refuse `type` and `types` together."""
    if "type" in call.params and "types" in call.params:
        raise invalid("You may only specify one of these parameters: type, types.", "types")


def list_all(call: Call) -> JsonObject:
    """List the events of the last thirty days, newest first."""
    params = call.params
    types = params.get("types") or [params.get("type", "*")]
    found = (
        event
        for event in call.state.newest_first("event")
        if recent(call, event)
        and created_in(event, params.get("created", {}))
        and any(fnmatchcase(event["type"], pattern) for pattern in types)
        and params.get("delivery_success") in (None, event["pending_webhooks"] == 0)
    )
    return page(found, params, call.path)


def recent(call: Call, event: JsonObject) -> bool:
    return bool(event["created"] > call.state.clock.now() - KEPT_FOR)


ROUTES = [
    Route("GET", "/v1/events", "list of event", fields(LIST), list_all, check_list),
    Route("GET", "/v1/events/{id}", "event", fields(EXPAND_ONLY), retrieve),
]
