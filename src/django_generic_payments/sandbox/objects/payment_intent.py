"""https://docs.stripe.com/api/payment_intents/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["payment_intent"]


#: What belongs to features that are not simulated, or is not known before the first attempt.
NULL = (
    "application application_fee_amount automatic_payment_methods canceled_at cancellation_reason "
    "customer_account excluded_payment_method_types last_payment_error latest_charge next_action on_behalf_of "
    "payment_method payment_record processing review source"
)

#: Parameters of `payment_intent_data` that come back as they were sent, or null.
PLAIN = (
    "description receipt_email setup_future_usage shipping statement_descriptor statement_descriptor_suffix "
    "transfer_group"
)


def payment_intent(state: State, session: JsonObject, data: JsonObject) -> JsonObject:
    """Build the intent of a checkout session from its `payment_intent_data`."""
    identifier = state.new_id("pi_3")
    return {
        "id": identifier,
        "object": "payment_intent",
        **dict.fromkeys(NULL.split()),
        **{name: data.get(name) for name in PLAIN.split()},
        "allowed_payment_method_types": session["allowed_payment_method_types"],
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier}_secret_{state.token(25)}",
        "confirmation_method": "automatic",
        "created": state.clock.now(),
        "currency": session["currency"],
        "customer": session["customer"],
        "livemode": state.livemode,
        "managed_payments": {"enabled": False},
        "metadata": {key: value for key, value in data.get("metadata", {}).items() if value},
        "payment_method_configuration_details": session["payment_method_configuration_details"],
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "payment_method_types": list(session["payment_method_types"]),
        "status": "requires_payment_method",
    }
