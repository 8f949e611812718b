"""https://docs.stripe.com/api/accounts/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["account"]


def account(state: State, currency: str) -> JsonObject:
    """Build the one account that there is; it may do everything that is simulated.

    Args:
        currency: what it settles in by default.
    """
    return {
        "id": "acct_1SandboxAccount00",
        "object": "account",
        "business_profile": {"name": "Sandbox", "support_email": None, "url": None},
        "business_type": "company",
        "capabilities": {"card_payments": "active", "sepa_debit_payments": "active"},
        "charges_enabled": True,
        "country": "IE",
        "default_currency": currency,
        "details_submitted": True,
        "email": "owner@sandbox.invalid",
        "payouts_enabled": True,
        "settings": {"dashboard": {"display_name": "Sandbox", "timezone": "Etc/UTC"}},
        "type": "standard",
    }
