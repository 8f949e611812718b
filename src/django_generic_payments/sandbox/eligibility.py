"""Which payment methods a payer is offered, as the settings of an account in the euro area would have it.

https://docs.stripe.com/payments/payment-methods/dynamic-payment-methods
"""

from __future__ import annotations

from .json_object import JsonObject

__all__ = ["offered_types"]


def offered_types(currency: str, params: JsonObject, *, manual: bool) -> list[str]:
    """Return the types of methods for a price.

    Args:
        params: a request with `allowed_payment_method_types` and `excluded_payment_method_types`, or without.
        manual: whether the money is held first, which banks do for cards only.
    """
    eligible = ["card", "sepa_debit"] if currency == "eur" and not manual else ["card"]
    allowed = params.get("allowed_payment_method_types") or eligible
    excluded = params.get("excluded_payment_method_types") or []
    return [name for name in eligible if name in allowed and name not in excluded]
