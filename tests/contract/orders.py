"""What is ordered in the tests of the contract."""

from __future__ import annotations

import secrets
from typing import Any

import stripe

__all__ = ["checkout_params", "new_key", "pay", "payment_params"]


def new_key() -> str:
    """Make up an idempotency key that no other run has used."""
    return f"contract-{secrets.token_hex(12)}"


def checkout_params(**changes: Any) -> Any:
    """Order two teas for 39.98 EUR."""
    return {
        "mode": "payment",
        "success_url": "https://shop.example/done?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/cancel",
        "line_items": [
            {
                "quantity": 2,
                "price_data": {"currency": "eur", "unit_amount": 1999, "product_data": {"name": "Tea"}},
            }
        ],
        **changes,
    }


def payment_params(method: str = "pm_card_visa", **changes: Any) -> Any:
    """Order a payment of 20.00 EUR that is confirmed at once."""
    return {
        "amount": 2000,
        "currency": "eur",
        "payment_method": method,
        "confirm": True,
        "automatic_payment_methods": {"enabled": True, "allow_redirects": "never"},
        **changes,
    }


def pay(client: stripe.StripeClient, method: str = "pm_card_visa", **changes: Any) -> stripe.PaymentIntent:
    """Pay 20.00 EUR."""
    return client.v1.payment_intents.create(payment_params(method, **changes))
