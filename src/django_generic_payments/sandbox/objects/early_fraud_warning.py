"""https://docs.stripe.com/api/radar/early_fraud_warnings/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["early_fraud_warning"]


def early_fraud_warning(state: State, charge: JsonObject) -> JsonObject:
    """Build what a bank reports about a charge before it disputes it, if it ever does."""
    return {
        "id": state.new_id("issfr_1"),
        "object": "radar.early_fraud_warning",
        "actionable": True,
        "charge": charge["id"],
        "created": state.clock.now(),
        "fraud_type": "made_with_stolen_card",
        "livemode": state.livemode,
        "payment_intent": charge["payment_intent"],
    }
