"""Verifying a request to the webhook and reading its envelope. Nothing here touches the database."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, NoReturn

from django_generic_payments.conf import Settings
from django_generic_payments.exceptions import UnreadableObject, WebhookRejected
from django_generic_payments.gateway import verify_signature
from django_generic_payments.gateway.records import FieldReader

__all__ = ["LARGEST_BODY", "StripeEvent", "read_event", "read_stored"]

#: Bytes. Stripe's own events stay far below.
LARGEST_BODY = 512 * 1024

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,255}")
_DEEPEST = 64


@dataclass(frozen=True)
class StripeEvent:
    """A snapshot event. Source: https://docs.stripe.com/api/events/object."""

    id: str
    type: str
    api_version: str
    livemode: bool
    account: str
    created: datetime
    object: Mapping[str, Any]
    body: str
    #: The idempotency key of the call that caused it, ``""`` if it was none of ours.
    idempotency_key: str = ""

    def __repr__(self) -> str:
        return f"StripeEvent({self.id}, {self.type})"


def read_event(body: bytes, header: str, settings: Settings) -> StripeEvent:
    """
    Return the event in a request that Stripe signed.

    The body is parsed only after it is verified, and with ``json``: the SDK's ``construct_event`` costs many times as
    much. Raises ``WebhookRejected`` and nothing else.
    """
    if len(body) > LARGEST_BODY:
        raise WebhookRejected("body is too large")
    verify_signature(body, header, settings.webhook_secrets, tolerance=settings.WEBHOOK_TOLERANCE)
    return _read_envelope(body.decode("utf-8"))


def read_stored(body: str) -> StripeEvent:
    """Return the event in a body that was verified when it came, and stored. Raises ``WebhookRejected``."""
    return _read_envelope(body)


def _read_envelope(body: str) -> StripeEvent:
    if _is_deep(body):
        raise WebhookRejected("body is nested too deeply")
    try:
        data = json.loads(body, parse_constant=_refuse_constant)
    except ValueError as error:  # also an integer of too many digits
        raise WebhookRejected("body is not JSON") from error
    if not isinstance(data, dict) or data.get("object") != "event":
        raise WebhookRejected("body is no snapshot event")
    read = FieldReader(data, "event")
    try:
        container = data.get("data")
        stripe_object = container.get("object") if isinstance(container, dict) else None
        if not isinstance(stripe_object, dict):
            raise WebhookRejected("event has no object")
        event = StripeEvent(
            id=read.text("id"),
            type=read.text("type"),
            api_version=read.optional_text("api_version"),
            livemode=read.flag("livemode"),
            account=read.optional_text("account"),
            created=read.moment("created"),
            object=stripe_object,
            body=body,
            idempotency_key=_idempotency_key(data.get("request")),
        )
    except UnreadableObject as error:
        raise WebhookRejected("event lacks a field") from error
    names = (event.id, event.type, event.api_version or "-", event.account or "-")
    if not all(_NAME.fullmatch(name) for name in names) or len(event.api_version) > 64:
        raise WebhookRejected("event has a malformed name")
    return event


def _idempotency_key(request: object) -> str:
    key = request.get("idempotency_key") if isinstance(request, dict) else None
    return key if isinstance(key, str) else ""


def _is_deep(body: str) -> bool:
    # Counted before parsing, which recurses. Brackets inside of strings count too, which no event comes near.
    if body.count("[") + body.count("{") <= _DEEPEST:
        return False
    depth = deepest = 0
    for character in re.findall(r'"(?:[^"\\]|\\.)*"|[\[\]{}]', body):
        if character in "[{":
            depth += 1
            deepest = max(deepest, depth)
        elif character in "]}":
            depth -= 1
    return deepest > _DEEPEST


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")
