"""https://docs.stripe.com/api/webhook_endpoints/object"""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.json_object import JsonObject

__all__ = ["webhook_endpoint"]


def webhook_endpoint(identifier: str, *, created: int, livemode: bool, url: str, **params: Any) -> JsonObject:
    """Build an endpoint; its secret is not part of it after the answer that created it."""
    return {
        "id": identifier,
        "object": "webhook_endpoint",
        "api_version": params.get("api_version"),
        "application": None,
        "created": created,
        "description": params.get("description"),
        "enabled_events": params.get("enabled_events", ["*"]),
        "livemode": livemode,
        "metadata": {key: value for key, value in params.get("metadata", {}).items() if value},
        "status": "enabled",
        "url": url,
    }
