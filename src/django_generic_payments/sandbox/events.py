"""What happened, told once per event, and what the endpoint has not acknowledged yet."""

from __future__ import annotations

import json
from typing import NamedTuple

from .json_object import JsonObject, snapshot
from .state import API_VERSION, State
from .webhook_endpoint import WebhookEndpoint

__all__ = ["Cause", "acknowledge", "emit", "encode"]


class Cause(NamedTuple):
    """The API call that made something happen; both null if the payer or time did."""

    request_id: str | None = None
    idempotency_key: str | None = None


def emit(
    state: State, kind: str, obj: JsonObject, cause: Cause | None = None, previous: JsonObject | None = None
) -> None:
    """Record that something happened to an object, as the object is at this moment.

    https://docs.stripe.com/api/events/object
    """
    for _ in range(state.event_mishaps.count(kind)):
        record(state, build(state, kind, obj, cause or Cause(), previous))


def build(state: State, kind: str, obj: JsonObject, cause: Cause, previous: JsonObject | None) -> JsonObject:
    event: JsonObject = {
        "id": state.new_id("evt_1"),
        "object": "event",
        "api_version": API_VERSION,
        "created": state.clock.now(),
        "data": {"object": snapshot(obj)},
        "livemode": state.livemode,
        "pending_webhooks": 0,
        "request": {"id": cause.request_id, "idempotency_key": cause.idempotency_key},
        "type": kind,
    }
    if previous is not None:
        event["data"]["previous_attributes"] = snapshot(previous)
    return event


def record(state: State, event: JsonObject) -> None:
    endpoints = [each for each in state.webhook_endpoints.values() if each.wants(event["type"])]
    event["pending_webhooks"] = len(endpoints)
    state.add(event)
    for endpoint in endpoints:
        endpoint.pending.append(event)
    for observer in state.observers:
        observer.event(event)
    for listener in state.listeners:
        listener(event)


def acknowledge(state: State, endpoint: WebhookEndpoint, event: JsonObject, *, received: bool) -> None:
    """Stop delivering an event, because it was received or because it is lost for good."""
    with state.lock:
        # An event that never arrived keeps its count, so that `delivery_success=false` finds it.
        if received and any(other is event for other in endpoint.pending):
            event["pending_webhooks"] -= 1
        endpoint.forget(event)


def encode(event: JsonObject) -> bytes:
    """Write an event as Stripe sends it."""
    return json.dumps(event, indent=2, ensure_ascii=False).encode()
