"""Deliveries of webhooks: what is posted to an endpoint, in which order, and what becomes of it.

https://docs.stripe.com/webhooks
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from fnmatch import fnmatchcase

from .events import acknowledge, encode
from .json_object import JsonObject
from .records import Answer, Delivery, SandboxError
from .signing import signature_header
from .state import API_VERSION, State
from .webhook_endpoint import WebhookEndpoint

__all__ = ["Order", "Post", "deliver", "message", "resend"]

#: Takes the body and the headers of a request, and returns the status of the answer, or more of it.
Post = Callable[[bytes, dict[str, str]], "int | Answer"]
Order = Callable[[list[JsonObject]], list[JsonObject]]


def deliver(
    state: State,
    endpoint: WebhookEndpoint,
    post: Post,
    *,
    times: int = 1,
    order: Order | None = None,
    drop: Collection[str] = (),
) -> list[Delivery]:
    """Post what an endpoint has not acknowledged; a 2xx acknowledges it, and anything else leaves it pending."""
    patterns = [drop] if isinstance(drop, str) else drop
    waiting = []
    for event in list(endpoint.pending):
        if any(fnmatchcase(event["type"], pattern) for pattern in patterns):
            acknowledge(state, endpoint, event, received=False)
        else:
            waiting.append(event)
    if order:
        waiting = order(waiting)
    if not state.turbulence.is_calm():
        waiting, lost = state.turbulence.shake(waiting, state.dice)
        for event in lost:
            acknowledge(state, endpoint, event, received=False)
    return [attempt(state, endpoint, event, post) for event in waiting for _ in range(times)]


def resend(state: State, endpoint: WebhookEndpoint, event_id: str, post: Post) -> Delivery:
    """Post an event once more, whatever became of it before, as the dashboard's button does.

    Raises:
        SandboxError: if there is no such event.
    """
    event = state.get("event", event_id)
    if event is None:
        raise SandboxError(f"There is no event {event_id}.")
    return attempt(state, endpoint, event, post)


def message(
    state: State,
    endpoint: WebhookEndpoint,
    event: JsonObject,
    *,
    secret: str | None = None,
    timestamp: int | None = None,
) -> tuple[bytes, dict[str, str]]:
    """Return an event as Stripe posts it to an endpoint: the body and the headers."""
    # What an endpoint gets names its own version, whatever the account's is.
    body = encode({**event, "api_version": endpoint.obj["api_version"] or API_VERSION})
    secrets = endpoint.valid_secrets(state.clock.now()) if secret is None else [secret]
    headers = {
        "Accept": "*/*; q=0.5, application/xml",
        "Cache-Control": "no-cache",
        "Content-Type": "application/json; charset=utf-8",
        "Stripe-Signature": signature_header(body, secrets, timestamp, livemode=state.livemode),
        "User-Agent": "Stripe/1.0 (+https://stripe.com/docs/webhooks)",
    }
    return body, headers


def attempt(state: State, endpoint: WebhookEndpoint, event: JsonObject, post: Post) -> Delivery:
    # Without the lock: the endpoint may well call the API before it answers.
    answer = post(*message(state, endpoint, event))
    status, text = answer if isinstance(answer, tuple) else (answer, "")
    if 200 <= status < 300:
        acknowledge(state, endpoint, event, received=True)
    made = Delivery(event["id"], event["type"], status, endpoint.obj["id"], state.clock.now(), text)
    state.deliveries.append(made)
    state.changes += 1
    return made
