"""https://docs.stripe.com/api/payment_intents/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["payment_intent", "standalone_intent"]


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
    built = build(state, data, amount=session["amount_total"], currency=session["currency"])
    return built | {
        "allowed_payment_method_types": session["allowed_payment_method_types"],
        "customer": session["customer"],
        "payment_method_configuration_details": session["payment_method_configuration_details"],
        "payment_method_types": list(session["payment_method_types"]),
    }


def standalone_intent(state: State, params: JsonObject, method_types: list[str]) -> JsonObject:
    """Build an intent that no checkout session has, from the parameters of its creation."""
    built = build(state, params, amount=params["amount"], currency=params["currency"])
    configuration = params.get("payment_method_configuration")
    return built | {
        "allowed_payment_method_types": params.get("allowed_payment_method_types"),
        "automatic_payment_methods": {
            "allow_redirects": "always",
            **params.get("automatic_payment_methods", {"enabled": True}),
        },
        "customer": params.get("customer"),
        "excluded_payment_method_types": params.get("excluded_payment_method_types"),
        "payment_method_configuration_details": configuration and {"id": configuration, "parent": None},
        "payment_method_types": method_types,
    }


def build(state: State, data: JsonObject, *, amount: int, currency: str) -> JsonObject:
    identifier = state.new_id("pi_3")
    return {
        "id": identifier,
        "object": "payment_intent",
        **dict.fromkeys(NULL.split()),
        **{name: data.get(name) for name in PLAIN.split()},
        "amount": amount,
        "amount_capturable": 0,
        "amount_details": {"tip": {}},
        "amount_received": 0,
        "capture_method": data.get("capture_method", "automatic_async"),
        "client_secret": f"{identifier}_secret_{state.token(25)}",
        "confirmation_method": "automatic",
        "created": state.clock.now(),
        "currency": currency,
        "livemode": state.livemode,
        "managed_payments": {"enabled": False},
        "metadata": {key: value for key, value in data.get("metadata", {}).items() if value},
        "payment_method_options": {
            "card": {
                "installments": None,
                "mandate_options": None,
                "network": None,
                "request_three_d_secure": "automatic",
            }
        },
        "status": "requires_payment_method",
    }
