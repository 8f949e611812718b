"""Lists: filters, pages and their envelope.

https://docs.stripe.com/api/pagination
"""

from __future__ import annotations

import operator
from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any

from .errors import ApiError, invalid, missing_object
from .json_object import JsonObject
from .parameters import EXPAND_ONLY, Kind, fields, integer, text
from .routing import Call

__all__ = ["LIST_PARAMETERS", "PAGE_PARAMETERS", "created_in", "equal", "list_of", "page"]

COMPARISONS = {"gt": operator.gt, "gte": operator.ge, "lt": operator.lt, "lte": operator.le}

RANGE = fields(dict.fromkeys(COMPARISONS, integer()))


def created(value: Any, name: str) -> JsonObject:
    """Accept a moment or a range of time."""
    if isinstance(value, dict):
        return dict(RANGE(value, name))
    moment = integer()(value, name)
    return {"gte": moment, "lte": moment}


#: What every list takes.
PAGE_PARAMETERS: dict[str, Kind] = {
    **EXPAND_ONLY,
    "ending_before": text(),
    "limit": integer(1, 100),
    "starting_after": text(),
}

#: What a list takes whose objects are also chosen by their age.
LIST_PARAMETERS: dict[str, Kind] = {**PAGE_PARAMETERS, "created": created}


def created_in(obj: JsonObject, bounds: JsonObject) -> bool:
    """Tell whether an object was created within a range of time."""
    return all(COMPARISONS[name](obj["created"], bound) for name, bound in bounds.items())


def equal(obj: JsonObject, params: JsonObject, *names: str) -> bool:
    """Tell whether an object has the values that were asked for."""
    return all(obj[name] == params[name] for name in names if name in params)


def list_of(kind: str, call: Call, *names: str) -> JsonObject:
    """Return a page of the objects of a kind that have the values and the age that were asked for."""
    found = (
        obj
        for obj in call.state.newest_first(kind)
        if equal(obj, call.params, *names) and created_in(obj, call.params.get("created", {}))
    )
    return page(found, call.params, call.path)


def page(found: Iterable[JsonObject], params: JsonObject, url: str) -> JsonObject:
    """Cut a page out of everything found, newest first; what comes after it is not looked at.

    Raises:
        ApiError: for a cursor that is not in the list, or for two cursors.
    """
    limit = params.get("limit", 10)
    if "starting_after" in params and "ending_before" in params:
        raise invalid("You cannot use both starting_after and ending_before.", "ending_before")
    if "ending_before" in params:
        newer = list(up_to(found, params, "ending_before"))
        return envelope(newer[-limit:], url, has_more=len(newer) > limit)
    rest = iter(found)
    if "starting_after" in params:
        deque(up_to(rest, params, "starting_after"), maxlen=0)
    data = list(islice(rest, limit + 1))
    return envelope(data[:limit], url, has_more=len(data) > limit)


def envelope(data: list[JsonObject], url: str, *, has_more: bool) -> JsonObject:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}


def up_to(found: Iterable[JsonObject], params: JsonObject, name: str) -> Iterator[JsonObject]:
    """Go through what stands before the cursor, and past the cursor itself."""
    for obj in found:
        if obj["id"] == params[name]:
            return
        yield obj
    raise no_cursor(params[name], name)


def no_cursor(identifier: str, name: str) -> ApiError:
    return missing_object("object", identifier, name)
