"""https://docs.stripe.com/api/refunds/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["refund"]

#: What belongs to features that are not simulated.
NULL = "customer_account receipt_number source_transfer_reversal transfer_reversal"

TEN_DAYS = 10 * 24 * 60 * 60


def refund(state: State, charge: JsonObject, params: JsonObject, *, amount: int, status: str) -> JsonObject:
    """Build a refund of a charge.

    Args:
        params: what a call asked for: `reason`, `metadata`, `instructions_email`.
        status: "succeeded", "pending" or "requires_action".
    """
    kind = charge["payment_method_details"]["type"]
    made: JsonObject = {
        "id": state.new_id("re_3" if kind == "card" else "pyr_1"),
        "object": "refund",
        **dict.fromkeys(NULL.split()),
        "amount": amount,
        "balance_transaction": None,
        "charge": charge["id"],
        "created": state.clock.now(),
        "currency": charge["currency"],
        "customer": charge["customer"],
        "destination_details": destination(kind),
        "metadata": {key: value for key, value in params.get("metadata", {}).items() if value},
        "payment_intent": charge["payment_intent"],
        "payment_method": charge["payment_method"],
        "reason": params.get("reason"),
        "status": status,
    }
    if status == "pending":
        made["pending_reason"] = "processing"
    if "instructions_email" in params:
        made["instructions_email"] = params["instructions_email"]
    if status == "requires_action":
        made["next_action"] = next_action(state, params["instructions_email"])
    return made


def destination(kind: str) -> JsonObject:
    if kind != "card":
        return {"type": "eu_bank_transfer", "eu_bank_transfer": {"reference": None, "reference_status": None}}
    card = {
        "reference_status": "pending",
        "reference_type": "acquirer_reference_number",
        "type": "refund",
    }
    return {"card": card, "type": "card"}


def next_action(state: State, email: str) -> JsonObject:
    now = state.clock.now()
    return {
        "display_details": {
            "email_sent": {"email_sent_at": now, "email_sent_to": email},
            "expires_at": now + TEN_DAYS,
        },
        "type": "display_details",
    }
