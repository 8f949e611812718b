"""Changing objects, and telling what they were as `previous_attributes` do."""

from __future__ import annotations

from typing import Any

from .json_object import JsonObject

__all__ = ["change"]


def change(obj: JsonObject, **values: Any) -> JsonObject:
    """Change an object and return what was, where it is no more; metadata is merged.

    Of metadata only the keys that changed are returned, null if they are new.
    """
    if "metadata" in values:
        values["metadata"] = merged(obj["metadata"], values["metadata"])
    previous = {name: obj.get(name) for name in values if obj.get(name) != values[name]}
    if "metadata" in previous:
        old, new = obj["metadata"], values["metadata"]
        previous["metadata"] = {key: old.get(key) for key in {**old, **new} if old.get(key) != new.get(key)}
    obj.update(values)
    return previous


def merged(known: JsonObject, sent: JsonObject) -> JsonObject:
    """Set and unset keys; nothing at all unsets every key."""
    return {key: value for key, value in {**(known if sent else {}), **sent}.items() if value}
