"""What happens when somebody pays, is declined, proves who they are, settles late or never comes back.

https://docs.stripe.com/payments/checkout/how-checkout-works
"""

from __future__ import annotations

from dataclasses import dataclass

from .balance import book_charge
from .cards import DEBIT_FAILED, BankAccount, Card, Decline
from .disputes import create_for_card
from .events import Cause, emit
from .json_object import JsonObject
from .objects.charge import charge
from .objects.checkout_session import customer_details
from .objects.customer import customer
from .objects.payment_intent import payment_intent
from .objects.payment_method import payment_method
from .records import Outcome, Payer, SandboxError
from .state import State

__all__ = ["Attempt", "authenticate", "expire", "expire_if_open", "pay", "settle", "settle_if_waiting"]

NOT_AUTHENTICATED = Decline(
    "payment_intent_authentication_failure",
    "The provided PaymentMethod has failed authentication. You can provide payment_method_data or a new "
    "PaymentMethod to attempt to fulfill this PaymentIntent again.",
)


@dataclass(frozen=True)
class Attempt:
    """One payer's attempt to pay one session, which may wait for 3D Secure or for a bank."""

    session: JsonObject
    intent: JsonObject
    means: Card | BankAccount
    payer: Payer
    method: JsonObject


def pay(state: State, session_id: str, means: Card | BankAccount, payer: Payer) -> Outcome:
    """Try to pay an open session, as if the form on the hosted page was sent.

    Raises:
        SandboxError: if the session cannot be paid, or not with this kind of means.
    """
    session = session_in(state, session_id, "open")
    if means.decline and means.decline.refused_by_form:
        return refusal(session, means.decline)
    if means.type not in session["payment_method_types"]:
        offered = ", ".join(session["payment_method_types"])
        raise SandboxError(f"{session_id} does not offer {means.type}, only {offered}.")

    alter(state, session)
    method = state.add(payment_method(state, means, payer))
    attempt = Attempt(session, confirmed_intent(state, session), means, payer, method)
    if isinstance(means, BankAccount):
        return debit(state, attempt, means)
    if means.authentication:
        return ask_for_authentication(state, attempt)
    return charge_card(state, attempt)


def authenticate(state: State, session_id: str, *, success: bool) -> Outcome:
    """Finish 3D Secure.

    Raises:
        SandboxError: if nobody waits for it.
    """
    attempt = state.backstage[session_in(state, session_id, "open")["id"]].awaiting
    if attempt is None:
        raise SandboxError(f"{session_id} does not wait for 3D Secure.")
    state.backstage[session_id].awaiting = None
    attempt.intent["next_action"] = None
    if success:
        return charge_card(state, attempt, authenticated=True)
    return decline(state, attempt, NOT_AUTHENTICATED)


def settle(state: State, session_id: str, *, success: bool | None) -> Outcome:
    """Let the bank say whether a delayed payment went through; None leaves it to the account used.

    Raises:
        SandboxError: if no payment of the session waits for a bank.
    """
    attempt = state.backstage[session_in(state, session_id, "complete")["id"]].awaiting
    if attempt is None:
        raise SandboxError(f"{session_id} has no payment that waits for a bank.")
    state.backstage[session_id].awaiting = None
    failure = attempt.means.decline
    if failure is None if success is None else success:
        return settle_successfully(state, attempt)
    return settle_in_vain(state, attempt, failure or DEBIT_FAILED)


def expire(state: State, session_id: str, cause: Cause | None = None) -> JsonObject:
    """Expire an open session, and return it.

    Raises:
        SandboxError: if it is not open any more.
    """
    session = session_in(state, session_id, "open")
    state.backstage[session_id].awaiting = None
    session.update(status="expired", url=None)
    emit(state, "checkout.session.expired", session, cause)
    intent = state.get("payment_intent", session["payment_intent"])
    if intent and state.unconfirmed.cancels_intent_on_expiry:
        intent.update(status="canceled", cancellation_reason="expired", canceled_at=state.clock.now())
        intent.update(next_action=None)
        emit(state, "payment_intent.canceled", intent, cause)
    return session


def settle_if_waiting(state: State, session_id: str) -> None:
    """Let a bank answer by itself, unless a test was faster."""
    if state.backstage[session_id].awaiting:
        settle(state, session_id, success=None)


def expire_if_open(state: State, session_id: str) -> None:
    """Expire a session, unless it is paid or has expired already."""
    if state.tables["checkout.session"][session_id]["status"] == "open":
        expire(state, session_id)


def session_in(state: State, session_id: str, status: str) -> JsonObject:
    session = state.get("checkout.session", session_id)
    if session is None:
        raise SandboxError(f"There is no checkout session {session_id}.")
    if session["status"] != status:
        raise SandboxError(f"{session_id} is {session['status']}, not {status}.")
    return session


def alter(state: State, session: JsonObject) -> None:
    amount = state.alteration.pop("amount", None) or session["amount_total"]
    currency = state.alteration.pop("currency", None) or session["currency"]
    session.update(amount_total=amount, amount_subtotal=amount, currency=currency)


def confirmed_intent(state: State, session: JsonObject) -> JsonObject:
    """Return the session's intent, which comes into being with the first attempt to pay."""
    intent = state.get("payment_intent", session["payment_intent"])
    if intent is None:
        data = state.backstage[session["id"]].payment_intent_data
        intent = state.add(payment_intent(state, session, data))
        session["payment_intent"] = intent["id"]
        emit(state, "payment_intent.created", intent)
    intent.update(amount=session["amount_total"], currency=session["currency"], next_action=None)
    state.backstage[session["id"]].awaiting = None
    return intent


def ask_for_authentication(state: State, attempt: Attempt) -> Outcome:
    session, intent = attempt.session, attempt.intent
    address = f"{state.checkout_base}/c/pay/{session['id']}/authenticate"
    intent.update(
        status="requires_action",
        payment_method=attempt.method["id"],
        last_payment_error=None,
        next_action={
            "type": "use_stripe_sdk",
            "use_stripe_sdk": {"type": "three_d_secure_redirect", "stripe_js": address},
        },
    )
    state.backstage[session["id"]].awaiting = attempt
    emit(state, "payment_intent.requires_action", intent)
    return Outcome("requires_action", session["id"], intent["id"], redirect_url=address)


def charge_card(state: State, attempt: Attempt, *, authenticated: bool = False) -> Outcome:
    if attempt.means.decline:
        return decline(state, attempt, attempt.means.decline, authenticated=authenticated)
    create_customer(state, attempt)
    keep_method(state, attempt)
    charged = charge(state, attempt.intent, attempt.method, status="succeeded", authenticated=authenticated)
    receive(state, attempt, charged)
    complete(state, attempt, payment_status="paid")
    if isinstance(attempt.means, Card):
        create_for_card(state, charged, attempt.means)
    return done(attempt, "succeeded")


def decline(state: State, attempt: Attempt, reason: Decline, *, authenticated: bool = False) -> Outcome:
    """Leave the session open for another attempt, as `payment_intent.payment_failed` ends nothing."""
    charged = None
    # Who fails 3D Secure never gets as far as a charge.
    if reason is not NOT_AUTHENTICATED:
        charged = charge(
            state,
            attempt.intent,
            attempt.method,
            status="failed",
            decline=reason,
            authenticated=authenticated,
        )
        state.add(charged)
        emit(state, "charge.failed", charged)
    fail_intent(state, attempt, reason, charged)
    return refusal(attempt.session, reason)


def debit(state: State, attempt: Attempt, account: BankAccount) -> Outcome:
    """Start a bank debit: the session is complete, and nothing is paid yet."""
    session, intent = attempt.session, attempt.intent
    create_customer(state, attempt)
    keep_method(state, attempt)
    charged = state.add(charge(state, intent, attempt.method, status="pending"))
    intent.update(
        status="processing",
        latest_charge=charged["id"],
        payment_method=attempt.method["id"],
        last_payment_error=None,
    )
    emit(state, "payment_intent.processing", intent)
    emit(state, "charge.pending", charged)
    complete(state, attempt, payment_status="unpaid")
    state.backstage[session["id"]].awaiting = attempt
    if account.settles_after is not None:
        state.remind(state.clock.now() + account.settles_after, "settle", session["id"])
    return done(attempt, "processing")


def settle_successfully(state: State, attempt: Attempt) -> Outcome:
    charged = state.tables["charge"][attempt.intent["latest_charge"]]
    charged.update(status="succeeded", paid=True)
    receive(state, attempt, charged)
    attempt.session["payment_status"] = "paid"
    emit(state, "checkout.session.async_payment_succeeded", attempt.session)
    return done(attempt, "succeeded")


def settle_in_vain(state: State, attempt: Attempt, reason: Decline) -> Outcome:
    charged = state.tables["charge"][attempt.intent["latest_charge"]]
    charged.update(status="failed", amount_captured=0, captured=False)
    charged.update(failure_code=reason.code, failure_message=reason.message)
    emit(state, "charge.failed", charged)
    fail_intent(state, attempt, reason, charged)
    emit(state, "checkout.session.async_payment_failed", attempt.session)
    return refusal(attempt.session, reason)


def receive(state: State, attempt: Attempt, charged: JsonObject) -> None:
    state.add(charged)
    state.means[charged["id"]] = attempt.means
    if attempt.intent["capture_method"] == "automatic":
        book_charge(state, charged)
    else:
        state.remind_of_bank("book", charged["id"])
    attempt.intent.update(
        status="succeeded",
        amount_received=charged["amount"],
        latest_charge=charged["id"],
        payment_method=attempt.method["id"],
        last_payment_error=None,
    )
    emit(state, "charge.succeeded", charged)
    emit(state, "payment_intent.succeeded", attempt.intent)


def complete(state: State, attempt: Attempt, *, payment_status: str) -> None:
    session, payer = attempt.session, attempt.payer
    known = state.get("customer", session["customer"]) or {}
    session.update(
        status="complete",
        payment_status=payment_status,
        url=None,
        # Checkout does not let a payer change the address of a known customer.
        customer_details=customer_details(known.get("email") or payer.email, payer.name, payer.phone),
        collected_information={"business_name": None, "individual_name": None, "shipping_details": None},
    )
    emit(state, "checkout.session.completed", session)


def create_customer(state: State, attempt: Attempt) -> None:
    session, payer = attempt.session, attempt.payer
    if session["customer"] is None and session["customer_creation"] == "always":
        created = state.add(customer(state, payer._asdict()))
        session["customer"] = attempt.intent["customer"] = created["id"]
        emit(state, "customer.created", created)


def keep_method(state: State, attempt: Attempt) -> None:
    """Save what was paid with for the customer, if that was asked for."""
    intent, method = attempt.intent, attempt.method
    if intent["setup_future_usage"] and intent["customer"]:
        method["customer"] = intent["customer"]
        emit(state, "payment_method.attached", method)


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
    emit(state, "payment_intent.payment_failed", attempt.intent)


def refusal(session: JsonObject, reason: Decline) -> Outcome:
    return Outcome(
        "declined",
        session["id"],
        session["payment_intent"] or "",
        code=reason.code,
        decline_code=reason.decline_code,
        message=reason.message,
    )


def done(attempt: Attempt, status: str) -> Outcome:
    session = attempt.session
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", session["id"])
    return Outcome(status, session["id"], attempt.intent["id"], redirect_url=back)
