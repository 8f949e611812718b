"""https://docs.stripe.com/api/payment_intents/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["payment_intent"]


def payment_intent(state: State, session: JsonObject, data: JsonObject) -> JsonObject:
    """Build the intent of a checkout session from its `payment_intent_data`."""
    identifier = state.new_id("pi_3")
    return {
        "id": identifier,
        "object": "payment_intent",
        "allowed_payment_method_types": session["allowed_payment_method_types"],
        "amount": session["amount_total"],
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "application": None,
        "application_fee_amount": None,
        "automatic_payment_methods": None,
        "canceled_at": None,
        "cancellation_reason": None,
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier}_secret_{state.token(25)}",
        "confirmation_method": "automatic",
        "created": state.clock.now(),
        "currency": session["currency"],
        "customer": session["customer"],
        "customer_account": None,
        "description": data.get("description"),
        "excluded_payment_method_types": None,
        "last_payment_error": None,
        "latest_charge": None,
        "livemode": state.livemode,
        "managed_payments": {"enabled": False},
        "metadata": {key: value for key, value in data.get("metadata", {}).items() if value},
        "next_action": None,
        "on_behalf_of": None,
        "payment_method": None,
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
        "payment_record": None,
        "processing": None,
        "receipt_email": data.get("receipt_email"),
        "review": None,
        "setup_future_usage": data.get("setup_future_usage"),
        "shipping": data.get("shipping"),
        "source": None,
        "statement_descriptor": data.get("statement_descriptor"),
        "statement_descriptor_suffix": data.get("statement_descriptor_suffix"),
        "status": "requires_payment_method",
        "transfer_group": data.get("transfer_group"),
    }
