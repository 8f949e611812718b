"""The operations of the API as a table, and the call of one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .events import Cause
from .json_object import JsonObject
from .parameters import Kind
from .state import State

__all__ = ["Call", "Route", "match"]


@dataclass(frozen=True)
class Call:
    """An operation with its parameters read and accepted; `id` is the one in the path, if there is one."""

    state: State
    id: str
    path: str
    params: JsonObject
    cause: Cause


@dataclass(frozen=True)
class Route:
    """One operation: what it returns, which parameters it takes, and what it does.

    `returns` is a kind of object, such as "charge" or "list of charge".
    `check` refuses parameters that only together are wrong; no answer is kept under an idempotency key
    before it has passed.
    """

    method: str
    template: str
    returns: str
    parameters: Kind
    run: Callable[[Call], JsonObject]
    check: Callable[[Call], None] | None = None


def match(template: str, path: str) -> str | None:
    """Return the id in a path that fits a template ("" if the template has none), or None."""
    if template == path:
        return ""
    before, braces, after = template.partition("{id}")
    if not braces or not path.startswith(before) or not path.endswith(after):
        return None
    identifier = path[len(before) : len(path) - len(after)]
    return identifier if identifier and "/" not in identifier else None
