"""https://docs.stripe.com/api/payment_intents"""

from __future__ import annotations

from django_generic_payments.sandbox import payments
from django_generic_payments.sandbox.amounts import check_step, check_total
from django_generic_payments.sandbox.cards import Decline, card_named
from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.eligibility import offered_types
from django_generic_payments.sandbox.errors import (
    ApiError,
    invalid,
    missing_object,
    missing_parameter,
    unexpected_state,
)
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject, snapshot
from django_generic_payments.sandbox.lists import list_of
from django_generic_payments.sandbox.objects.payment_intent import standalone_intent
from django_generic_payments.sandbox.objects.payment_method import payment_method
from django_generic_payments.sandbox.parameters import fields
from django_generic_payments.sandbox.payments import OPEN, Attempt
from django_generic_payments.sandbox.records import Payer
from django_generic_payments.sandbox.routing import Call, Route
from django_generic_payments.sandbox.state import State

from .payment_intent_parameters import (
    CANCEL,
    CAPTURE,
    CONFIRM,
    CONFIRMING,
    CREATE,
    LIST,
    RETRIEVE,
    WRITABLE,
)

__all__ = ["ROUTES"]

KIND = "PaymentIntent"

CANCELABLE = (*OPEN, "requires_capture")

#: What a payment that is over keeps as it is.
FIXED = ("amount", "currency", "customer", "payment_method", "capture_method")

#: What decides which payment methods are offered.
DECIDING = ("allowed_payment_method_types", "capture_method", "currency", "excluded_payment_method_types")


CREATING_ONLY = (*CONFIRMING, "confirm", "expand", "payment_method", "payment_method_options")


def check_create(call: Call) -> None:
    """Refuse what makes no payment."""
    params = call.params
    for name in ("amount", "currency"):
        if name not in params:
            raise missing_parameter(name)
    check_amount(call.state, params["amount"], params["currency"])
    types_for(params, params["currency"])
    confirming = [
        name for name in ("off_session", "error_on_requires_action", "return_url") if params.get(name)
    ]
    if confirming and not params.get("confirm"):
        raise invalid(f"You can only pass {confirming[0]} together with confirm=true.", confirming[0])


def check_amount(state: State, amount: int, code: str) -> None:
    check_step(state, amount, code, "amount")
    check_total(amount, code, "Amount", "amount")


def types_for(params: JsonObject, code: str) -> list[str]:
    types = offered_types(code, params, manual=params.get("capture_method") == "manual")
    if not types:
        raise invalid("No valid payment method types for this PaymentIntent.", "allowed_payment_method_types")
    return types


def create(call: Call) -> JsonObject:
    """Create a payment, and try it at once if asked to."""
    state, params = call.state, call.params
    check_customer(state, params)
    method = method_for(state, params)
    given = {name: value for name, value in params.items() if name not in CREATING_ONLY}
    made = standalone_intent(state, given, types_for(params, params["currency"]))
    choose(state, made, method)
    if params.get("confirm"):
        check_confirm(state, made, params)
    state.add(made)
    emit(state, "payment_intent.created", made, call.cause)
    return confirm_now(call, made) if params.get("confirm") else made


def retrieve(call: Call) -> JsonObject:
    """Find a payment intent."""
    found = call.state.get("payment_intent", call.id)
    if found is None:
        raise missing_object("payment_intent", call.id, "intent", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change a payment; once it is over only what describes it."""
    intent, params = retrieve(call), call.params
    if any(name in params for name in FIXED) and intent["status"] not in OPEN:
        raise unexpected_state(KIND, "update", intent["status"], OPEN)
    wanted = changed(call, intent)
    if "amount" in params or "currency" in params:
        check_amount(call.state, wanted["amount"], wanted["currency"])
    intent.update(wanted)
    return intent


def confirm(call: Call) -> JsonObject:
    """Try to pay."""
    intent = retrieve(call)
    refuse_session(call, intent, "confirm")
    if intent["status"] not in OPEN:
        raise unexpected_state(KIND, "confirm", intent["status"], OPEN)
    wanted = changed(call, intent)
    check_confirm(call.state, wanted, call.params)
    intent.update(wanted)
    return confirm_now(call, intent)


def capture(call: Call) -> JsonObject:
    """Take what is held, or a part of it."""
    intent, params = retrieve(call), call.params
    if intent["status"] != "requires_capture":
        raise unexpected_state(KIND, "capture", intent["status"], ["requires_capture"])
    held = intent["amount_capturable"]
    amount = {"amount_to_capture": held, **params}["amount_to_capture"]
    if amount > held:
        message = f"The amount to capture ({amount}) is more than what is held ({held})."
        raise invalid(message, "amount_to_capture", "amount_too_large")
    check_step(call.state, amount, intent["currency"], "amount_to_capture")
    change(intent, **{name: value for name, value in params.items() if name in intent})
    payments.capture(call.state, intent, amount, call.cause)
    return intent


def cancel(call: Call) -> JsonObject:
    """End a payment that is not paid."""
    intent = retrieve(call)
    if intent["status"] != "requires_capture":
        refuse_session(call, intent, "cancel")
    if intent["status"] not in CANCELABLE:
        raise unexpected_state(KIND, "cancel", intent["status"], CANCELABLE)
    payments.cancel(call.state, intent, call.params.get("cancellation_reason"), call.cause)
    return intent


def list_all(call: Call) -> JsonObject:
    """List payment intents, newest first."""
    return list_of("payment_intent", call, "customer")


def refuse_session(call: Call, intent: JsonObject, what: str) -> None:
    if payments.session_of(call.state, intent):
        message = (
            f"You can't {what} the PaymentIntent for a Checkout Session. To cancel, expire the Checkout Session "
            "instead."
        )
        raise ApiError(message, code="payment_intent_unexpected_state")


def check_customer(state: State, params: JsonObject) -> None:
    if "customer" in params and state.get("customer", params["customer"]) is None:
        raise missing_object("customer", params["customer"], "customer")


def method_for(state: State, params: JsonObject) -> JsonObject | None:
    name = params.get("payment_method")
    return None if name is None else method_named(state, name)


def method_named(state: State, name: str) -> JsonObject:
    """Find a payment method, or make one of the names that always exist."""
    found = state.get("payment_method", name)
    if found:
        return found
    known = card_named(name)
    if known is None:
        raise missing_object("PaymentMethod", name, "payment_method")
    method = state.add(payment_method(state, known, Payer(None, None, None)))
    state.means[method["id"]] = known
    return method


def check_usable(state: State, method: JsonObject) -> None:
    """Refuse a payment method that was used without a customer, or that its customer let go of."""
    if method["id"] not in state.means:
        message = (
            "The provided PaymentMethod was previously used without being attached to a Customer or was detached "
            "from a Customer, and may not be used again. To use a PaymentMethod multiple times, you must attach "
            "it to a Customer first."
        )
        raise invalid(message, "payment_method")


def choose(state: State, intent: JsonObject, method: JsonObject | None) -> None:
    if method is None:
        return
    check_usable(state, method)
    if method["type"] not in intent["payment_method_types"]:
        offered = ", ".join(intent["payment_method_types"])
        message = f"The payment method is a {method['type']}, and this PaymentIntent allows only: {offered}."
        raise invalid(message, "payment_method")
    if method["customer"] not in (None, intent["customer"]):
        message = "The provided PaymentMethod belongs to another customer, or this PaymentIntent has none."
        raise invalid(message, "payment_method")
    intent.update(payment_method=method["id"], status="requires_confirmation", next_action=None)


def changed(call: Call, intent: JsonObject) -> JsonObject:
    """Return an intent as it is to become, which is refused as a whole or not at all."""
    state, params = call.state, call.params
    check_customer(state, params)
    wanted = {**intent, "last_payment_error": None}
    plain = {
        name: value
        for name, value in params.items()
        if name in intent and name not in ("payment_method", "payment_method_options")
    }
    change(wanted, **plain)
    if any(name in params for name in DECIDING):
        wanted["payment_method_types"] = types_for(wanted, wanted["currency"])
    choose(state, wanted, method_for(state, params))
    return wanted


def check_confirm(state: State, intent: JsonObject, params: JsonObject) -> None:
    """Refuse an attempt to pay before anything is written."""
    method = state.get("payment_method", intent["payment_method"])
    if method is None:
        message = (
            "You cannot confirm this PaymentIntent because it's missing a payment method. You can either update "
            "the PaymentIntent with a payment method and then confirm it again, or confirm it again directly "
            "with a payment method."
        )
        raise ApiError(message, code="payment_intent_unexpected_state")
    check_usable(state, method)
    check_return_address(intent, params)


def confirm_now(call: Call, intent: JsonObject) -> JsonObject:
    """Try to pay, and answer 402 if that is declined."""
    state, params = call.state, call.params
    method = state.tables["payment_method"][intent["payment_method"]]
    means, details = state.means[method["id"]], method["billing_details"]
    payer = Payer(details["email"], details["name"], details["phone"])
    attempt = Attempt(
        intent,
        means,
        payer,
        method,
        call.cause,
        alone=params.get("off_session", False),
        may_ask=not params.get("error_on_requires_action"),
        return_url=None if params.get("use_stripe_sdk") else params.get("return_url"),
    )
    result = payments.confirm(state, attempt)
    if result.decline:
        raise card_error(state, intent, method, result.decline)
    if result.status == "succeeded":
        payments.follow_up(state, intent)
    return intent


def check_return_address(intent: JsonObject, params: JsonObject) -> None:
    automatic = intent["automatic_payment_methods"] or {}
    if automatic.get("allow_redirects") != "always" or params.get("return_url") or params.get("off_session"):
        return
    if params.get("use_stripe_sdk") or params.get("error_on_requires_action"):
        return
    message = (
        "This PaymentIntent is configured to accept payment methods enabled in your Dashboard. Because some of "
        "these payment methods might redirect your customer off of your page, you must provide a `return_url`. "
        "If you don't want to accept redirect-based payment methods, set "
        "`automatic_payment_methods[enabled]` to `true` and `automatic_payment_methods[allow_redirects]` to "
        "`never` when creating Setup Intents and Payment Intents."
    )
    raise ApiError(message)


def card_error(state: State, intent: JsonObject, method: JsonObject, reason: Decline) -> ApiError:
    """Build the answer to an attempt that was declined."""
    details: JsonObject = {"payment_intent": snapshot(intent), "payment_method": snapshot(method)}
    if intent["latest_charge"]:
        details["charge"] = intent["latest_charge"]
    if reason.decline_code:
        details["decline_code"] = reason.decline_code
    return ApiError(reason.message, status=402, kind="card_error", code=reason.code, details=details)


ALL, ONE = "/v1/payment_intents", "/v1/payment_intents/{id}"
ROUTES = [
    Route("POST", ALL, "payment_intent", fields(CREATE), create, check_create),
    Route("GET", ALL, "list of payment_intent", fields(LIST), list_all),
    Route("GET", ONE, "payment_intent", fields(RETRIEVE), retrieve),
    Route("POST", ONE, "payment_intent", fields(WRITABLE), update),
    Route("POST", f"{ONE}/confirm", "payment_intent", fields(CONFIRM), confirm),
    Route("POST", f"{ONE}/capture", "payment_intent", fields(CAPTURE), capture),
    Route("POST", f"{ONE}/cancel", "payment_intent", fields(CANCEL), cancel),
]
