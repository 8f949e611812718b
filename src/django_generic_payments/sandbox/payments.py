"""What becomes of a payment intent: a charge, a hold, a debit that settles late, a decline.

https://docs.stripe.com/payments/paymentintents/lifecycle
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from .balance import book_charge
from .cards import NEEDS_AUTHENTICATION, BankAccount, Card, Decline
from .changes import change
from .disputes import create_for_card
from .events import Cause, emit
from .json_object import JsonObject
from .objects.charge import charge
from .objects.customer import customer
from .objects.early_fraud_warning import early_fraud_warning
from .records import Payer
from .state import State

__all__ = [
    "OPEN",
    "Attempt",
    "Result",
    "authenticate",
    "cancel",
    "capture",
    "confirm",
    "follow_up",
    "release_if_held",
    "session_of",
    "settle",
]

#: The statuses of an intent that can still be changed, tried and given up.
OPEN = ("requires_payment_method", "requires_confirmation", "requires_action")

#: How long a bank holds money that is not captured.
SEVEN_DAYS = 7 * 24 * 60 * 60

NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again.",
)


@dataclass(frozen=True)
class Attempt:
    """One attempt to pay one intent, which may wait for 3D Secure or for a bank.

    `alone` is whether the payer is not there to prove who they are, `may_ask` whether the attempt may wait for
    that rather than fail, `return_url` where the payer goes after that, and `cause` the call that began it.
    """

    intent: JsonObject
    means: Card | BankAccount
    payer: Payer
    method: JsonObject
    cause: Cause = field(default_factory=Cause)
    alone: bool = False
    may_ask: bool = True
    return_url: str | None = None


@dataclass(frozen=True)
class Result:
    """What became of an attempt: "succeeded", "held", "processing", "requires_action" or "declined"."""

    status: str
    decline: Decline | None = None


def confirm(state: State, attempt: Attempt) -> Result:
    """Try to pay."""
    state.awaiting.pop(attempt.intent["id"], None)
    attempt.intent.update(next_action=None)
    if isinstance(attempt.means, BankAccount):
        return debit(state, attempt)
    if not attempt.means.authentication or (attempt.alone and attempt.means.alone):
        return charge_card(state, attempt)
    if attempt.alone or not attempt.may_ask:
        return decline(state, attempt, NEEDS_AUTHENTICATION)
    return ask_for_authentication(state, attempt)


def authenticate(state: State, attempt: Attempt, *, success: bool) -> Result:
    """Finish 3D Secure, or fail it."""
    del state.awaiting[attempt.intent["id"]]
    attempt.intent["next_action"] = None
    if success:
        return charge_card(state, attempt, authenticated=True)
    return decline(state, attempt, NOT_AUTHENTICATED)


def settle(state: State, attempt: Attempt, failure: Decline | None) -> Result:
    """Let the bank say whether a delayed payment went through."""
    intent = attempt.intent
    del state.awaiting[intent["id"]]
    charged = charge_of(state, intent)
    if failure is None:
        charged.update(status="succeeded", paid=True)
        receive(state, attempt, charged)
        return Result("succeeded")
    charged.update(status="failed", amount_captured=0, captured=False)
    charged.update(failure_code=failure.code, failure_message=failure.message)
    emit(state, "charge.failed", charged)
    fail_intent(state, attempt, failure, charged)
    return Result("declined", failure)


def capture(state: State, intent: JsonObject, amount: int, cause: Cause | None = None) -> None:
    """Take money that is held, or a part of it, which lets the rest go."""
    charged = charge_of(state, intent)
    charged.update(captured=True, amount_captured=amount)
    intent.update(status="succeeded", amount_received=amount, amount_capturable=0)
    emit(state, "charge.captured", charged, cause)
    emit(state, "payment_intent.succeeded", intent, cause)
    state.remind_of_bank("book", charged["id"])
    session = session_of(state, intent)
    if session:
        # No event tells of that.
        session["payment_status"] = "paid"
    follow_up(state, intent)


def cancel(state: State, intent: JsonObject, reason: str | None, cause: Cause | None = None) -> None:
    """End an intent that is not paid, and let go what is held."""
    state.awaiting.pop(intent["id"], None)
    held = intent["status"] == "requires_capture"
    end(state, intent, reason)
    if held:
        previous = let_go(state, intent)
        emit(state, "charge.refunded", charge_of(state, intent), cause, previous)
    emit(state, "payment_intent.canceled", intent, cause)


def release_if_held(state: State, identifier: str) -> None:
    """Let a hold end, unless it was captured or canceled."""
    intent = state.tables["payment_intent"][identifier]
    if intent["status"] == "requires_capture":
        end(state, intent, "automatic")
        let_go(state, intent)
        emit(state, "payment_intent.canceled", intent)
        emit(state, "charge.expired", charge_of(state, intent))


def end(state: State, intent: JsonObject, reason: str | None) -> None:
    intent.update(status="canceled", cancellation_reason=reason, canceled_at=state.clock.now())
    intent.update(next_action=None, amount_capturable=0)


def let_go(state: State, intent: JsonObject) -> JsonObject:
    charged = charge_of(state, intent)
    return change(charged, amount_refunded=charged["amount"], refunded=True)


def ask_for_authentication(state: State, attempt: Attempt) -> Result:
    intent = attempt.intent
    session = session_of(state, intent)
    address = f"{state.checkout_base}/c/pay/{session['id'] if session else intent['id']}/authenticate"
    intent.update(
        status="requires_action",
        payment_method=attempt.method["id"],
        last_payment_error=None,
        next_action=next_action(attempt, address),
    )
    # What comes of it later, no call has caused.
    state.awaiting[intent["id"]] = replace(attempt, cause=Cause())
    emit(state, "payment_intent.requires_action", intent, attempt.cause)
    return Result("requires_action")


def next_action(attempt: Attempt, address: str) -> JsonObject:
    if attempt.return_url:
        return {
            "type": "redirect_to_url",
            "redirect_to_url": {"return_url": attempt.return_url, "url": address},
        }
    return {
        "type": "use_stripe_sdk",
        "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": address},
    }


def charge_card(state: State, attempt: Attempt, *, authenticated: bool = False) -> Result:
    intent, means = attempt.intent, attempt.means
    if means.decline:
        return decline(state, attempt, means.decline, authenticated=authenticated)
    create_customer(state, attempt)
    keep_method(state, attempt)
    held = intent["capture_method"] == "manual"
    charged = charge(
        state,
        intent,
        attempt.method,
        status="succeeded",
        authenticated=authenticated,
        captured=not held,
        risk=means.risk if isinstance(means, Card) else "normal",
    )
    if held:
        return hold(state, attempt, charged)
    receive(state, attempt, charged)
    return Result("succeeded")


def hold(state: State, attempt: Attempt, charged: JsonObject) -> Result:
    intent = attempt.intent
    take(state, attempt, charged, status="requires_capture", amount_capturable=charged["amount"])
    emit(state, "payment_intent.amount_capturable_updated", intent, attempt.cause)
    emit(state, "charge.succeeded", charged, attempt.cause)
    state.remind(state.clock.now() + SEVEN_DAYS, "release", intent["id"])
    return Result("held")


def decline(state: State, attempt: Attempt, reason: Decline, *, authenticated: bool = False) -> Result:
    charged = None
    # Who fails 3D Secure never gets as far as a charge.
    if reason is not NOT_AUTHENTICATED:
        charged = state.add(
            charge(
                state,
                attempt.intent,
                attempt.method,
                status="failed",
                decline=reason,
                authenticated=authenticated,
            )
        )
        emit(state, "charge.failed", charged, attempt.cause)
    fail_intent(state, attempt, reason, charged)
    return Result("declined", reason)


def debit(state: State, attempt: Attempt) -> Result:
    intent = attempt.intent
    create_customer(state, attempt)
    keep_method(state, attempt)
    charged = charge(state, intent, attempt.method, status="pending")
    take(state, attempt, charged, status="processing")
    emit(state, "payment_intent.processing", intent, attempt.cause)
    emit(state, "charge.pending", charged, attempt.cause)
    state.awaiting[intent["id"]] = replace(attempt, cause=Cause())
    remind_of_settling(state, attempt)
    return Result("processing")


def remind_of_settling(state: State, attempt: Attempt) -> None:
    """Note when the bank answers by itself, if it does."""
    after = attempt.means.settles_after if isinstance(attempt.means, BankAccount) else None
    wait = state.settle_after if after is None else after
    if wait is not None:
        state.remind(state.clock.now() + wait, "settle", attempt.intent["id"])


def receive(state: State, attempt: Attempt, charged: JsonObject) -> None:
    intent = attempt.intent
    take(state, attempt, charged, status="succeeded", amount_received=charged["amount"])
    if intent["capture_method"] == "automatic":
        book_charge(state, charged)
    else:
        state.remind_of_bank("book", charged["id"])
    emit(state, "charge.succeeded", charged, attempt.cause)
    emit(state, "payment_intent.succeeded", intent, attempt.cause)


def take(state: State, attempt: Attempt, charged: JsonObject, **changes: Any) -> None:
    """Note a charge that was not declined, and what it makes of its intent."""
    state.add(charged)
    state.means[charged["id"]] = attempt.means
    attempt.intent.update(
        latest_charge=charged["id"],
        payment_method=attempt.method["id"],
        last_payment_error=None,
        **changes,
    )


def follow_up(state: State, intent: JsonObject) -> None:
    """Let happen after the sale what the card is known for."""
    charged = charge_of(state, intent)
    means = state.means[charged["id"]]
    if not isinstance(means, Card):
        return
    if means.fraud_warning:
        warning = state.add(early_fraud_warning(state, charged))
        emit(state, "radar.early_fraud_warning.created", warning)
    create_for_card(state, charged, means)


def charge_of(state: State, intent: JsonObject) -> JsonObject:
    return state.tables["charge"][intent["latest_charge"]]


def session_of(state: State, intent: JsonObject) -> JsonObject | None:
    """Return the session that an intent belongs to, if it does."""
    return state.get("checkout.session", state.session_of_intent.get(intent["id"]))


def create_customer(state: State, attempt: Attempt) -> None:
    """Make a customer of the payer, if the session is to make one of everybody."""
    session = session_of(state, attempt.intent)
    if session and session["customer"] is None and session["customer_creation"] == "always":
        created = state.add(customer(state, attempt.payer._asdict()))
        session["customer"] = attempt.intent["customer"] = created["id"]
        emit(state, "customer.created", created)


def keep_method(state: State, attempt: Attempt) -> None:
    """Save what was paid with for the customer, if that was asked for; what nobody saves is used up."""
    intent, method = attempt.intent, attempt.method
    if intent["setup_future_usage"] and intent["customer"] and method["customer"] is None:
        method["customer"] = intent["customer"]
        state.means[method["id"]] = attempt.means
        emit(state, "payment_method.attached", method, attempt.cause)
    elif method["customer"] is None:
        state.means.pop(method["id"], None)


def fail_intent(state: State, attempt: Attempt, reason: Decline, charged: JsonObject | None) -> None:
    error: JsonObject = {
        "code": reason.code,
        "doc_url": f"https://stripe.com/docs/error-codes/{reason.code.replace('_', '-')}",
        "message": reason.message,
        "payment_method": attempt.method,
        "type": "card_error" if charged and attempt.means.type == "card" else "invalid_request_error",
    }
    if charged:
        error["charge"] = attempt.intent["latest_charge"] = charged["id"]
    if reason.decline_code:
        error["decline_code"] = reason.decline_code
    attempt.intent.update(
        status="requires_payment_method", payment_method=None, next_action=None, last_payment_error=error
    )
    emit(state, "payment_intent.payment_failed", attempt.intent, attempt.cause)
