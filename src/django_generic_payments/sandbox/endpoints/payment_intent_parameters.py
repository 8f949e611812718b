"""Which parameters a payment intent takes.

https://docs.stripe.com/api/payment_intents
"""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.amounts import currency
from django_generic_payments.sandbox.lists import LIST_PARAMETERS
from django_generic_payments.sandbox.parameters import (
    EXPAND_ONLY,
    Kind,
    array,
    boolean,
    choice,
    email,
    fields,
    integer,
    metadata,
    text,
    unless,
    unset,
    unsimulated,
    web_address,
)

from .addresses import shipping
from .payment_method_options import METHOD_TYPES, OF_INTENT

__all__ = ["CANCEL", "CAPTURE", "CONFIRM", "CONFIRMING", "CREATE", "LIST", "RETRIEVE", "WRITABLE"]


def off_session(value: Any, name: str) -> bool:
    """Accept whether the payer is away."""
    return False if value == "false" else bool(choice("true", "one_off", "recurring")(value, name))


TYPES = array(choice(*METHOD_TYPES.split()))

#: What can be said at any step.
DETAILS: dict[str, Kind] = {
    **EXPAND_ONLY,
    "allowed_payment_method_types": TYPES,
    "amount_details": unsimulated,
    "capture_method": choice("automatic", "automatic_async", "manual"),
    "excluded_payment_method_types": unset(TYPES),
    "hooks": unsimulated,
    "payment_details": unsimulated,
    "payment_method": text(),
    "payment_method_data": unsimulated,
    "payment_method_options": OF_INTENT,
    "receipt_email": unset(email),
    "setup_future_usage": unset(choice("off_session", "on_session")),
    "shipping": unset(shipping),
}
WRITABLE: dict[str, Kind] = {
    **DETAILS,
    "amount": integer(1),
    "application_fee_amount": unsimulated,
    "currency": currency,
    "customer": text(),
    "customer_account": unsimulated,
    "description": unset(text(1000)),
    "metadata": metadata,
    "payment_method_configuration": text(),
    "statement_descriptor": unset(text(22)),
    "statement_descriptor_suffix": unset(text(22)),
    "transfer_data": unsimulated,
    "transfer_group": text(),
}
CONFIRMING: dict[str, Kind] = {
    "confirmation_token": unsimulated,
    "error_on_requires_action": boolean,
    "mandate": unsimulated,
    "mandate_data": unsimulated,
    "off_session": off_session,
    "radar_options": unsimulated,
    "return_url": web_address,
    "use_stripe_sdk": boolean,
}
CREATE: dict[str, Kind] = {
    **WRITABLE,
    **CONFIRMING,
    "automatic_payment_methods": fields(
        {"allow_redirects": choice("always", "never"), "enabled": boolean}, required=["enabled"]
    ),
    "confirm": boolean,
    "confirmation_method": unless("manual", choice("automatic", "manual")),
    "on_behalf_of": unsimulated,
}
CONFIRM = {**DETAILS, **CONFIRMING, "amount_to_confirm": unsimulated}
CAPTURE: dict[str, Kind] = {
    **EXPAND_ONLY,
    "amount_details": unsimulated,
    "amount_to_capture": integer(1),
    "application_fee_amount": unsimulated,
    "final_capture": unless(False, boolean),
    "hooks": unsimulated,
    "metadata": metadata,
    "payment_details": unsimulated,
    "statement_descriptor": text(22),
    "statement_descriptor_suffix": text(22),
    "transfer_data": unsimulated,
}
CANCEL: dict[str, Kind] = {
    **EXPAND_ONLY,
    "cancellation_reason": choice("abandoned", "duplicate", "fraudulent", "requested_by_customer"),
}
LIST = {**LIST_PARAMETERS, "customer": text(), "customer_account": unsimulated}
RETRIEVE = {"client_secret": text(), **EXPAND_ONLY}
