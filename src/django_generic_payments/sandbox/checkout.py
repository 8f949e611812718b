"""What happens to a checkout session: somebody pays, is declined, proves who they are, or never comes back.

https://docs.stripe.com/payments/checkout/how-checkout-works
"""

from __future__ import annotations

from . import payments
from .cards import DEBIT_FAILED, BankAccount, Card, Decline
from .changes import change
from .events import Cause, emit
from .json_object import JsonObject
from .objects.checkout_session import customer_details
from .objects.payment_intent import payment_intent
from .objects.payment_method import payment_method
from .payments import OPEN, Attempt, Result, session_of
from .records import Outcome, Payer, SandboxError
from .state import State

__all__ = [
    "authenticate",
    "cancel",
    "capture",
    "expire",
    "expire_if_open",
    "find_intent",
    "pay",
    "settle",
    "settle_if_waiting",
]


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
    method.update(state.backstage[session_id].payment_method_data)
    attempt = Attempt(confirmed_intent(state, session), means, payer, method)
    return finish(state, attempt, payments.confirm(state, attempt))


def authenticate(state: State, identifier: str, *, success: bool) -> Outcome:
    """Finish 3D Secure.

    Raises:
        SandboxError: if nobody waits for it.
    """
    if identifier in state.tables.get("checkout.session", {}):
        session_in(state, identifier, "open")
    attempt = waiting(state, identifier, "requires_action", "does not wait for 3D Secure")
    return finish(state, attempt, payments.authenticate(state, attempt, success=success))


def settle(state: State, identifier: str, *, success: bool | None) -> Outcome:
    """Let the bank say whether a delayed payment went through; None leaves it to the account used.

    Raises:
        SandboxError: if no payment waits for a bank.
    """
    if identifier in state.tables.get("checkout.session", {}):
        session_in(state, identifier, "complete")
    attempt = waiting(state, identifier, "processing", "has no payment that waits for a bank")
    failure = attempt.means.decline
    succeeds = failure is None if success is None else success
    session = session_of(state, attempt.intent)
    if session and state.unconfirmed.tells_session_first:
        tell_of_settling(state, session, succeeds=succeeds)
    result = payments.settle(state, attempt, None if succeeds else failure or DEBIT_FAILED)
    if session and not state.unconfirmed.tells_session_first:
        tell_of_settling(state, session, succeeds=succeeds)
    return outcome(state, attempt, result)


def capture(state: State, identifier: str, amount: int | None) -> None:
    """Take money that is held for a session or an intent.

    Raises:
        SandboxError: if nothing is held, or not so much.
    """
    intent = find_intent(state, identifier)
    held = intent["amount_capturable"] if intent else 0
    wanted = held if amount is None else amount
    if intent is None or not 0 < wanted <= held:
        raise SandboxError(f"{identifier} holds {held}; {wanted} cannot be captured.")
    payments.capture(state, intent, wanted)


def cancel(state: State, identifier: str) -> None:
    """End a payment that is held, or one without a session that was never made.

    Raises:
        SandboxError: if it is over, or its session can still be paid.
    """
    intent = find_intent(state, identifier)
    held = intent is not None and intent["status"] == "requires_capture"
    if intent is None or not (held or (intent["status"] in OPEN and not session_of(state, intent))):
        raise SandboxError(f"{identifier} cannot be canceled; an open session can be expired.")
    payments.cancel(state, intent, "requested_by_customer")


def expire(state: State, session_id: str, cause: Cause | None = None) -> JsonObject:
    """Expire an open session, and return it.

    Raises:
        SandboxError: if it is not open any more.
    """
    session = session_in(state, session_id, "open")
    session.update(status="expired", url=None)
    emit(state, "checkout.session.expired", session, cause)
    intent = state.get("payment_intent", session["payment_intent"])
    if intent:
        state.awaiting.pop(intent["id"], None)
    if intent and state.unconfirmed.cancels_intent_on_expiry:
        payments.cancel(state, intent, "expired", cause)
    return session


def settle_if_waiting(state: State, identifier: str) -> None:
    """Let a bank answer by itself, unless a test was faster."""
    if state.tables["payment_intent"][identifier]["status"] == "processing":
        settle(state, identifier, success=None)


def expire_if_open(state: State, session_id: str) -> None:
    """Expire a session, unless it is paid or has expired already."""
    if state.tables["checkout.session"][session_id]["status"] == "open":
        expire(state, session_id)


def find_intent(state: State, identifier: str) -> JsonObject | None:
    """Return a payment intent by its id, or by that of its session, which may have none yet.

    Raises:
        SandboxError: if there is neither.
    """
    found = state.get("payment_intent", identifier)
    if found:
        return found
    session = state.get("checkout.session", identifier)
    if session is None:
        raise SandboxError(f"There is no checkout session {identifier}.")
    return state.get("payment_intent", session["payment_intent"])


def waiting(state: State, identifier: str, status: str, complaint: str) -> Attempt:
    """Return the attempt that waits, in the status that its intent then has."""
    intent = find_intent(state, identifier) or {"id": "", "status": ""}
    attempt = state.awaiting.get(intent["id"])
    if attempt is None or intent["status"] != status:
        raise SandboxError(f"{identifier} {complaint}.")
    return attempt


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
        state.session_of_intent[intent["id"]] = session["id"]
        emit(state, "payment_intent.created", intent)
    intent.update(amount=session["amount_total"], currency=session["currency"])
    return intent


def finish(state: State, attempt: Attempt, result: Result) -> Outcome:
    session = session_of(state, attempt.intent)
    if session and result.status in ("succeeded", "held", "processing"):
        complete(state, session, attempt, is_paid=is_paid(state, result))
    if result.status == "succeeded":
        payments.follow_up(state, attempt.intent)
    return outcome(state, attempt, result)


def is_paid(state: State, result: Result) -> bool:
    return result.status == "succeeded" or (result.status == "held" and state.unconfirmed.pays_before_capture)


def complete(state: State, session: JsonObject, attempt: Attempt, *, is_paid: bool) -> None:
    payer = attempt.payer
    known = state.get("customer", session["customer"]) or {}
    session.update(
        status="complete",
        payment_status="paid" if is_paid else "unpaid",
        url=None,
        # Checkout does not let a payer change the address of a known customer.
        customer_details=customer_details(known.get("email") or payer.email, payer.name, payer.phone),
        collected_information={"business_name": None, "individual_name": None, "shipping_details": None},
    )
    update_customer(state, session, payer)
    emit(state, "checkout.session.completed", session)


def update_customer(state: State, session: JsonObject, payer: Payer) -> None:
    """Save the payer's name, if that was asked for; nobody here types in an address."""
    known = state.get("customer", session["customer"])
    if (
        known is None
        or not payer.name
        or state.backstage[session["id"]].customer_update.get("name") != "auto"
    ):
        return
    previous = change(known, name=payer.name)
    if previous:
        emit(state, "customer.updated", known, previous=previous)


def tell_of_settling(state: State, session: JsonObject, *, succeeds: bool) -> None:
    if succeeds:
        session["payment_status"] = "paid"
        emit(state, "checkout.session.async_payment_succeeded", session)
    else:
        emit(state, "checkout.session.async_payment_failed", session)


def outcome(state: State, attempt: Attempt, result: Result) -> Outcome:
    intent, session = attempt.intent, session_of(state, attempt.intent)
    identifier = session["id"] if session else ""
    if result.decline:
        return refusal(session or {"id": "", "payment_intent": intent["id"]}, result.decline)
    if result.status == "requires_action":
        address = f"{state.checkout_base}/c/pay/{identifier}/authenticate"
        return Outcome("requires_action", identifier, intent["id"], redirect_url=address)
    status = "processing" if result.status == "processing" else "succeeded"
    back = session["success_url"].replace("{CHECKOUT_SESSION_ID}", identifier) if session else ""
    return Outcome(status, identifier, intent["id"], redirect_url=back)


def refusal(session: JsonObject, reason: Decline) -> Outcome:
    return Outcome(
        "declined",
        session["id"],
        session["payment_intent"] or "",
        code=reason.code,
        decline_code=reason.decline_code,
        message=reason.message,
    )
