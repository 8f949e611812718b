"""https://docs.stripe.com/api/customers/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["customer"]


def customer(state: State, params: JsonObject) -> JsonObject:
    """Build a customer."""
    return {
        "id": state.new_id("cus_", 14),
        "object": "customer",
        "address": params.get("address"),
        "balance": params.get("balance", 0),
        "created": state.clock.now(),
        "currency": None,
        "customer_account": None,
        "default_source": None,
        "delinquent": False,
        "description": params.get("description"),
        "discount": None,
        "email": params.get("email"),
        "invoice_prefix": state.token(8).upper(),
        "invoice_settings": {
            "custom_fields": None,
            "default_payment_method": None,
            "footer": None,
            "rendering_options": None,
        },
        "livemode": state.livemode,
        "metadata": {key: value for key, value in params.get("metadata", {}).items() if value},
        "name": params.get("name"),
        "next_invoice_sequence": 1,
        "phone": params.get("phone"),
        "preferred_locales": params.get("preferred_locales", []),
        "shipping": params.get("shipping"),
        "tax_exempt": params.get("tax_exempt") or "none",
        "test_clock": None,
    }
