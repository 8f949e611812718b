"""https://docs.stripe.com/api/charges/object"""

from __future__ import annotations

from django_generic_payments.sandbox.cards import Decline
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["charge", "outcome"]


#: What belongs to features that are not simulated; the balance transaction comes later at Stripe too.
NULL = (
    "application application_fee application_fee_amount balance_transaction failure_balance_transaction "
    "on_behalf_of receipt_number review source source_transfer transfer_data"
)

#: What a charge takes over from its payment intent.
INHERITED = (
    "currency customer description receipt_email shipping statement_descriptor statement_descriptor_suffix "
    "transfer_group"
)


def charge(
    state: State,
    intent: JsonObject,
    method: JsonObject,
    *,
    status: str,
    decline: Decline | None = None,
    authenticated: bool = False,
    captured: bool = True,
    risk: str = "normal",
) -> JsonObject:
    """Build one attempt to move the money of a payment intent.

    Args:
        method: the payment method object.
        status: "succeeded", "pending" or "failed".
        decline: why it failed.
        authenticated: whether the payer passed 3D Secure.
        captured: whether the money is taken at once, and not just held.
        risk: its `risk_level`.
    """
    taken = captured and status != "failed"
    identifier = state.new_id("ch_3" if method["type"] == "card" else "py_3")
    return {
        "id": identifier,
        "object": "charge",
        **dict.fromkeys(NULL.split()),
        **{name: intent[name] for name in INHERITED.split()},
        "amount": intent["amount"],
        "amount_captured": intent["amount"] if taken else 0,
        "amount_refunded": 0,
        "billing_details": dict(method["billing_details"]),
        "calculated_statement_descriptor": intent["statement_descriptor"] or "SANDBOX",
        "captured": taken,
        "created": state.clock.now(),
        "disputed": False,
        "failure_code": decline.code if decline else None,
        "failure_message": decline.message if decline else None,
        "fraud_details": {},
        "livemode": state.livemode,
        "metadata": dict(intent["metadata"]),
        "outcome": outcome(decline, risk),
        "paid": status == "succeeded",
        "payment_intent": intent["id"],
        "payment_method": method["id"],
        "payment_method_details": method_details(state, intent, method, decline, authenticated=authenticated),
        "radar_options": {},
        "receipt_url": f"https://receipts.sandbox.invalid/{identifier}",
        "refunded": False,
        "status": status,
    }


def outcome(decline: Decline | None, risk: str) -> JsonObject:
    """Build what the bank, or Stripe before it, said.

    https://docs.stripe.com/declines
    """
    told: JsonObject = {
        "advice_code": None,
        "network_advice_code": None,
        "network_decline_code": None,
        "network_status": "approved_by_network",
        "reason": None,
        "risk_level": risk,
        "seller_message": "Payment complete.",
        "type": "authorized",
    }
    if decline and decline.blocked:
        told |= {"network_status": "not_sent_to_network", "reason": "highest_risk_level"}
        told |= {"risk_level": "highest", "seller_message": "Stripe blocked this payment as too risky."}
        told |= {"type": "blocked"}
    elif decline:
        told |= {"network_status": "declined_by_network", "reason": decline.decline_code or decline.code}
        told |= {"seller_message": "The bank declined this payment.", "type": "issuer_declined"}
    return told


def method_details(
    state: State, intent: JsonObject, method: JsonObject, decline: Decline | None, *, authenticated: bool
) -> JsonObject:
    if method["type"] == "card":
        details = card_details(intent, method["card"], decline, authenticated=authenticated)
    else:
        details = {**method["sepa_debit"], "mandate": state.new_id("mandate_1")}
        del details["generated_from"]
    return {method["type"]: details, "type": method["type"]}


def card_details(
    intent: JsonObject, card: JsonObject, decline: Decline | None, *, authenticated: bool
) -> JsonObject:
    kept = "brand country exp_month exp_year fingerprint funding last4 regulated_status"
    wrong_cvc = decline is not None and decline.code == "incorrect_cvc"
    return {
        **{name: card[name] for name in kept.split()},
        "amount_authorized": None if decline else intent["amount"],
        "authorization_code": None,
        "checks": {**card["checks"], "cvc_check": "fail" if wrong_cvc else "pass"},
        "electronic_commerce_indicator": None,
        "installments": None,
        "mandate": None,
        "network": card["brand"],
        "network_transaction_id": None,
        "three_d_secure": three_d_secure() if authenticated else None,
        "transaction_link_id": None,
        "wallet": None,
    }


def three_d_secure() -> JsonObject:
    return {
        "authentication_flow": "challenge",
        "electronic_commerce_indicator": "05",
        "exemption_indicator": None,
        "result": "authenticated",
        "result_reason": None,
        "transaction_id": None,
        "version": "2.2.0",
    }
