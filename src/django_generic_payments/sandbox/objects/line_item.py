"""https://docs.stripe.com/api/checkout/sessions/line_items"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["line_item"]


def line_item(state: State, params: JsonObject) -> JsonObject:
    """Build a line item of a checkout session from its `price_data` and quantity."""
    price_data = params["price_data"]
    total = price_data["unit_amount"] * params["quantity"]
    adjustable = params.get("adjustable_quantity")
    return {
        "id": state.new_id("li_1"),
        "object": "item",
        "adjustable_quantity": adjustable and {"minimum": None, "maximum": None, **adjustable},
        "amount_discount": 0,
        "amount_subtotal": total,
        "amount_tax": 0,
        "amount_total": total,
        "currency": price_data["currency"],
        "description": price_data["product_data"]["name"],
        "metadata": params.get("metadata", {}),
        "price": price(state, price_data),
        "quantity": params["quantity"],
    }


def price(state: State, price_data: JsonObject) -> JsonObject:
    """Build the price that exists for this one line only, hence inactive."""
    return {
        "id": state.new_id("price_1"),
        "object": "price",
        "active": False,
        "billing_scheme": "per_unit",
        "created": state.clock.now(),
        "currency": price_data["currency"],
        "custom_unit_amount": None,
        "livemode": state.livemode,
        "lookup_key": None,
        "metadata": {},
        "nickname": None,
        "product": state.new_id("prod_", 14),
        "recurring": None,
        "tax_behavior": price_data.get("tax_behavior", "unspecified"),
        "tiers_mode": None,
        "transform_quantity": None,
        "type": "one_time",
        "unit_amount": price_data["unit_amount"],
        "unit_amount_decimal": str(price_data["unit_amount"]),
    }
