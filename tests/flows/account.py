"""The Stripe account, as its owner sees it: what was asked of it, what can be paid there, what it writes."""

from __future__ import annotations

import json
from itertools import count
from typing import Any
from urllib.parse import urlencode

from django_generic_payments.sandbox import ApiRequest
from django_generic_payments.testing import PaymentsSandbox

CHECKOUTS = "/v1/checkout/sessions"

_numbers = count(1)


def calls(stripe: PaymentsSandbox, path: str = CHECKOUTS, method: str = "POST") -> list[ApiRequest]:
    """Return what was asked of one address, oldest first."""
    return [each for each in stripe.sandbox.requests if (each.method, each.path) == (method, path)]


def ask(stripe: PaymentsSandbox, method: str, path: str, params: dict[str, str]) -> dict[str, Any]:
    """Call the API as the account's owner would, and not through this package."""
    headers = {"Authorization": f"Bearer {stripe.sandbox.secret_key}"}
    query, body = ("", urlencode(params)) if method == "POST" else (f"?{urlencode(params)}", None)
    return json.loads(stripe.sandbox.handle(method, path + query, headers, body).body)


def open_checkout(
    stripe: PaymentsSandbox, amount: int, *, name: str = "Copy", metadata: dict[str, str] | None = None
) -> dict[str, Any]:
    """Open a Checkout Session that this package knows nothing of."""
    price = "line_items[0][price_data]"
    params = {
        "mode": "payment",
        "success_url": "https://example.com/",
        "line_items[0][quantity]": "1",
        f"{price}[currency]": "gbp",
        f"{price}[unit_amount]": str(amount),
        f"{price}[product_data][name]": name,
        **{f"metadata[{key}]": value for key, value in (metadata or {}).items()},
    }
    return ask(stripe, "POST", CHECKOUTS, params)


def open_checkouts(stripe: PaymentsSandbox) -> list[str]:
    """Return the ids of all Checkout Sessions that could be paid."""
    return [each["id"] for each in ask(stripe, "GET", CHECKOUTS, {"status": "open", "limit": "100"})["data"]]


def sent(stripe: PaymentsSandbox, kind: str) -> dict[str, Any]:
    """Return the last event of a type."""
    return next(event for event in reversed(stripe.sandbox.events) if event["type"] == kind)


def altered(
    event: dict[str, Any], *, envelope: dict[str, Any] | None = None, **fields: Any
) -> dict[str, Any]:
    """Return another event: a copy with an id of its own, and with other fields in its object or its envelope."""
    copy = json.loads(json.dumps(event))
    copy["data"]["object"].update(fields)
    return {**copy, "id": f"evt_altered{next(_numbers)}", **(envelope or {})}


def post(stripe: PaymentsSandbox, event: dict[str, Any]) -> int:
    """Let Stripe deliver one event, signed, and return our answer."""
    return stripe.post(*stripe.sandbox.message(event))
