"""The parameters of an address and of a delivery, which several operations take."""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.parameters import Kind, fields, text, unset

__all__ = ["address", "shipping", "shipping_of_checkout"]

ADDRESS_FIELDS = ("city", "country", "line1", "line2", "postal_code", "state")


def address_with(*required: str) -> Kind:
    """Accept an address that has at least these fields, and fill it up."""
    table = fields(dict.fromkeys(ADDRESS_FIELDS, unset(text())), required=required)

    def read(value: Any, name: str) -> JsonObject:
        return {**dict.fromkeys(ADDRESS_FIELDS), **table(value, name)}

    return read


def shipping_to(address: Kind) -> Kind:
    """Accept where something is sent to."""
    others = dict.fromkeys(("carrier", "name", "phone", "tracking_number"), text())
    return fields({"address": address, **others}, required=["address", "name"])


address = address_with()
shipping = shipping_to(address)
shipping_of_checkout = shipping_to(address_with("line1"))
