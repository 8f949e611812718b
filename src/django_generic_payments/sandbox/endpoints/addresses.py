"""The parameters of an address and of a delivery, which several operations take."""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.parameters import Kind, fields, text, unset

__all__ = ["ADDRESS_FIELDS", "address", "shipping"]

ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")


def address(value: Any, name: str) -> JsonObject:
    """Accept an address, and fill it up."""
    given = fields(dict.fromkeys(ADDRESS_FIELDS, unset(text())))(value, name)
    return {**dict.fromkeys(ADDRESS_FIELDS), **given}


SHIPPING_FIELDS: dict[str, Kind] = {
    "address": address,
    **dict.fromkeys(("carrier", "name", "phone", "tracking_number"), text()),
}

#: Accept where something is sent to.
shipping = fields(SHIPPING_FIELDS, required=["address", "name"])
