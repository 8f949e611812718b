"""What everything here is made of: JSON objects as Stripe sends them."""

from __future__ import annotations

from typing import Any, TypeAlias

__all__ = ["JsonObject", "snapshot"]

JsonObject: TypeAlias = dict[str, Any]


def snapshot(value: Any) -> Any:
    """Copy a JSON value so deeply that no later change shows in the copy."""
    # Several times faster than copy.deepcopy, which keeps a memo that JSON does not need.
    if isinstance(value, dict):
        return {key: snapshot(item) for key, item in value.items()}
    if isinstance(value, list):
        return [snapshot(item) for item in value]
    return value
