"""https://docs.stripe.com/api/disputes/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["EVIDENCE_FILES", "EVIDENCE_TEXTS", "dispute"]

EVIDENCE_TEXTS = (
    "access_activity_log billing_address cancellation_policy_disclosure cancellation_rebuttal "
    "customer_email_address customer_name customer_purchase_ip duplicate_charge_explanation "
    "duplicate_charge_id product_description refund_policy_disclosure refund_refusal_explanation "
    "service_date shipping_address shipping_carrier shipping_date shipping_tracking_number uncategorized_text"
)
EVIDENCE_FILES = (
    "cancellation_policy customer_communication customer_signature duplicate_charge_documentation receipt "
    "refund_policy service_documentation shipping_documentation uncategorized_file"
)

#: What Visa calls it.
NETWORK_CODES = {
    "credit_not_processed": "13.6",
    "duplicate": "12.6.1",
    "fraudulent": "10.4",
    "product_not_received": "13.1",
    "product_unacceptable": "13.3",
    "subscription_canceled": "13.2",
}

NINE_DAYS = 9 * 24 * 60 * 60


def dispute(state: State, charge: JsonObject, *, amount: int, reason: str, inquiry: bool) -> JsonObject:
    """Build a dispute over a charge, which moves no money yet.

    Args:
        inquiry: whether the bank only asks.
    """
    now = state.clock.now()
    made: JsonObject = {
        "id": state.new_id("du_1"),
        "object": "dispute",
        "amount": amount,
        "balance_transactions": [],
        "charge": charge["id"],
        "created": now,
        "currency": charge["currency"],
        "enhanced_eligibility_types": [],
        "evidence": {**dict.fromkeys(f"{EVIDENCE_TEXTS} {EVIDENCE_FILES}".split()), "enhanced_evidence": {}},
        "evidence_details": {
            "due_by": now + NINE_DAYS,
            "enhanced_eligibility": {},
            "has_evidence": False,
            "past_due": False,
            "submission_count": 0,
            "submission_method": "not_submitted",
        },
        "intended_submission_method": None,
        "is_charge_refundable": inquiry,
        "livemode": state.livemode,
        "metadata": {},
        "payment_intent": charge["payment_intent"],
        "reason": reason,
        "status": "warning_needs_response" if inquiry else "needs_response",
    }
    card = charge["payment_method_details"].get("card")
    if card:
        details = {
            "brand": card["brand"],
            "case_type": "inquiry" if inquiry else "chargeback",
            "network": card["network"],
            "network_reason_code": NETWORK_CODES.get(reason),
        }
        made["payment_method_details"] = {"card": details, "type": "card"}
    return made
