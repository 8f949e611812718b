"""`expand[]`: objects in place of their ids.

https://docs.stripe.com/api/expanding_objects
"""

from __future__ import annotations

from .errors import invalid
from .json_object import JsonObject
from .lists import page
from .state import State

__all__ = ["check_expandable", "expand"]

#: What may be expanded and what is then there. None is always null here, and may be asked for all the same.
EXPANDABLE: dict[str, dict[str, str | None]] = {
    # Its source is a charge, a refund or a dispute; between them they have these.
    "balance_transaction": {"source": "source"},
    "source": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "payment_intent": "payment_intent",
    },
    "billing_portal.session": {"configuration": None},
    "charge": {
        "balance_transaction": "balance_transaction",
        "customer": "customer",
        "payment_intent": "payment_intent",
        "refunds": "list of refund",
        **dict.fromkeys(("application", "application_fee", "on_behalf_of"), None),
        **dict.fromkeys(("failure_balance_transaction", "review", "source_transfer"), None),
    },
    "checkout.session": {
        "customer": "customer",
        "line_items": "list of item",
        "payment_intent": "payment_intent",
        **dict.fromkeys(("invoice", "payment_link", "setup_intent", "subscription"), None),
    },
    "customer": {"test_clock": None},
    "dispute": {"charge": "charge", "payment_intent": "payment_intent"},
    "payment_intent": {
        "customer": "customer",
        "latest_charge": "charge",
        "payment_method": "payment_method",
        **dict.fromkeys(("application", "on_behalf_of", "payment_record", "review"), None),
    },
    "payment_method": {"customer": "customer"},
    "refund": {
        "balance_transaction": "balance_transaction",
        "charge": "charge",
        "customer": "customer",
        "failure_balance_transaction": "balance_transaction",
        "payment_intent": "payment_intent",
        "payment_method": "payment_method",
        **dict.fromkeys(("source_transfer_reversal", "transfer_reversal"), None),
    },
}

DEEPEST = 4


def check_expandable(kind: str, paths: list[str]) -> None:
    """Refuse paths that lead to nothing expandable, before anything is done.

    Args:
        kind: what the operation returns, such as "charge" or "list of charge".

    Raises:
        ApiError: for the first such path.
    """
    for index, path in enumerate(paths):
        steps = path.split(".")
        if len(steps) > DEEPEST:
            message = f"You cannot expand more than {DEEPEST} levels of a property. Property: {path}"
            raise invalid(message, f"expand[{index}]")
        reached: str | None = kind
        for step in steps:
            listed = (reached or "").removeprefix("list of ")
            known = {"data": listed} if listed != reached else EXPANDABLE.get(listed, {})
            if reached is not None and step not in known:
                raise invalid(f"This property cannot be expanded ({path}).", f"expand[{index}]")
            reached = known.get(step)


def expand(state: State, obj: JsonObject, paths: list[str]) -> JsonObject:
    """Return an object with accepted paths expanded, and the stored objects untouched."""
    for path in paths:
        obj = expand_one(state, obj, path.split("."))
    return obj


def expand_one(state: State, obj: JsonObject, steps: list[str]) -> JsonObject:
    name, *rest = steps
    if obj["object"] == "list":
        return {**obj, "data": [expand_one(state, item, rest) if rest else item for item in obj["data"]]}
    inner = inner_object(state, obj, name)
    if inner is None:
        return obj
    return {**obj, name: expand_one(state, inner, rest) if rest else inner}


def inner_object(state: State, obj: JsonObject, name: str) -> JsonObject | None:
    if name == "line_items" and name not in obj:
        items = state.backstage[obj["id"]].line_items
        return page(items, {}, f"/v1/checkout/sessions/{obj['id']}/line_items")
    if name == "refunds":
        refunds = [refund for refund in state.newest_first("refund") if refund["charge"] == obj["id"]]
        return page(refunds, {}, f"/v1/charges/{obj['id']}/refunds")
    # What is there only at times, such as a refund's failure, is not there to be expanded either.
    value: JsonObject | str | None = obj.get(name)
    return state.get_any(value) if isinstance(value, str) else value
