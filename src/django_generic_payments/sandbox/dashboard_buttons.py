"""The buttons of an object: what can happen to it in its state."""

from __future__ import annotations

from .currencies import exponent
from .dashboard_elements import CHECK, FIELD, HIDDEN, Button, select
from .disputes import ENDINGS, REASONS
from .engine import Sandbox
from .json_object import JsonObject
from .markup import Markup, fill, join
from .payments import OPEN

__all__ = ["buttons_for"]


def buttons_for(sandbox: Sandbox, obj: JsonObject) -> list[Button]:
    kind, state = obj["object"], sandbox.state
    if kind == "checkout.session":
        if obj["status"] == "open":
            return [Button("Expire", "expire")]
        intent = state.get("payment_intent", obj["payment_intent"])
        return buttons_for(sandbox, intent) if intent else []
    if kind == "payment_intent":
        return intent_buttons(sandbox, obj)
    if kind == "charge" and obj["balance_transaction"] is None and obj["captured"]:
        return [Button("Book every sale now", "book")]
    if kind == "refund":
        waits = [Button("Let it arrive", "settle_refund", look="main")]
        fails = [Button("Let it fail", "fail_refund")]
        return {"pending": waits + fails, "requires_action": waits + fails, "succeeded": fails}.get(
            obj["status"], []
        )
    if kind == "dispute":
        return dispute_buttons(obj)
    return []


def intent_buttons(sandbox: Sandbox, intent: JsonObject) -> list[Button]:
    rest = amount_field(intent, sandbox)
    if intent["status"] == "processing":
        return [Button("Let it settle", "settle", look="main"), Button("Let it fail", "fail")]
    if intent["status"] == "requires_action":
        return [
            Button("Authenticate", "authenticate", look="main"),
            Button("Fail the authentication", "fail_authentication"),
            *cancel_button(sandbox, intent),
        ]
    if intent["status"] == "requires_capture":
        return [Button("Capture", "capture", rest, "main"), Button("Cancel", "cancel")]
    charge = sandbox.state.get("charge", intent["latest_charge"])
    if intent["status"] != "succeeded" or charge is None:
        return cancel_button(sandbox, intent)
    reasons = select("Reason", "reason", ["", "requested_by_customer", "duplicate", "fraudulent"])
    buttons = [
        Button(
            "Dispute",
            "dispute",
            join(
                [
                    select("Reason", "reason", ["fraudulent", *sorted(REASONS - {"fraudulent"})]),
                    fill(CHECK, name="inquiry", label="only an inquiry"),
                ]
            ),
        )
    ]
    if not charge["refunded"]:
        buttons.insert(0, Button("Refund", "refund", join([rest, reasons]), "main"))
    if charge["balance_transaction"] is None:
        buttons.append(Button("Book every sale now", "book"))
    return buttons


def cancel_button(sandbox: Sandbox, intent: JsonObject) -> list[Button]:
    """Offer to give up what was never paid; with a session, that is expired instead."""
    belongs_to_session = intent["id"] in sandbox.state.session_of_intent
    return [Button("Cancel", "cancel")] if intent["status"] in OPEN and not belongs_to_session else []


def dispute_buttons(dispute: JsonObject) -> list[Button]:
    now = dispute["status"]
    offered = {"won": ("close_won", "Won"), "lost": ("close_lost", "Lost")}
    buttons = [Button(label, action) for ending, (action, label) in offered.items() if now in ENDINGS[ending]]
    if now in ENDINGS["warning_closed"]:
        buttons += [
            Button("Escalate to a dispute", "escalate"),
            Button("Close the inquiry", "close_warning"),
        ]
    if now == "lost":
        buttons.append(Button("Appeal", "appeal"))
    return buttons


def amount_field(intent: JsonObject, sandbox: Sandbox) -> Markup:
    charge = sandbox.state.get("charge", intent["latest_charge"]) or {
        "amount_captured": 0,
        "amount_refunded": 0,
    }
    rest = intent["amount_capturable"] or charge["amount_captured"] - charge["amount_refunded"]
    label = f"Amount in {intent['currency'].upper()}"
    return join(
        [
            fill(FIELD, label=label, name="amount", value=plain_amount(rest, intent["currency"])),
            fill(HIDDEN, name="currency", value=intent["currency"]),
        ]
    )


def plain_amount(amount: int, currency: str) -> str:
    decimals = exponent(currency)
    whole, rest = divmod(amount, 10**decimals)
    return f"{whole}.{rest:0{decimals}d}" if decimals else str(whole)
