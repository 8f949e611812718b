"""https://docs.stripe.com/api/checkout/sessions"""

from __future__ import annotations

from django_generic_payments.sandbox.currencies import MINIMUM, STEP, SUPPORTED, format_amount
from django_generic_payments.sandbox.errors import ApiError, invalid, missing_object, missing_parameter
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import created_in, equal, page
from django_generic_payments.sandbox.objects.checkout_session import checkout_session
from django_generic_payments.sandbox.objects.line_item import line_item
from django_generic_payments.sandbox.parameters import array, fields, text
from django_generic_payments.sandbox.payments import expire
from django_generic_payments.sandbox.routing import Call, Route
from django_generic_payments.sandbox.state import Backstage

from .checkout_session_parameters import CREATE, LIST, LIST_LINE_ITEMS

__all__ = ["ROUTES"]

MINUTE = 60
LARGEST = 999_999_999_999


def check_create(call: Call) -> None:
    """Refuse parameters that only together, or only now, are wrong."""
    params, now = call.params, call.state.clock.now()
    for name in ("mode", "line_items", "success_url"):
        if not params.get(name):
            raise missing_parameter(name)
    for other in ("customer_email", "customer_creation"):
        if "customer" in params and other in params:
            raise invalid(f"You may only specify one of these parameters: customer, {other}.", "customer")
    lifetime = params.get("expires_at", now + 24 * 60 * MINUTE) - now
    if lifetime < 30 * MINUTE:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid(message, "expires_at")
    if lifetime > 24 * 60 * MINUTE:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid(message, "expires_at")
    for index, item in enumerate(params["line_items"]):
        check_line_item(item, f"line_items[{index}]")
    check_total(params)


def check_line_item(item: JsonObject, name: str) -> None:
    if "price" in item:
        raise missing_object("price", item["price"], f"{name}[price]")
    for key in ("price_data", "quantity"):
        if key not in item:
            raise missing_parameter(f"{name}[{key}]")
    price_data = item["price_data"]
    if "product" in price_data:
        raise missing_object("product", price_data["product"], f"{name}[price_data][product]")
    if "product_data" not in price_data:
        raise missing_parameter(f"{name}[price_data][product_data]")
    if "unit_amount" not in price_data:
        raise missing_parameter(f"{name}[price_data][unit_amount]")
    currency, amount = price_data["currency"], price_data["unit_amount"]
    if currency not in SUPPORTED:
        supported = ", ".join(sorted(SUPPORTED))
        message = f"Invalid currency: {currency}. Stripe currently supports these currencies: {supported}"
        raise invalid(message, f"{name}[price_data][currency]")
    if amount % STEP.get(currency, 1):
        message = f"Invalid amount: amounts in {currency} must be a multiple of {STEP[currency]}."
        raise invalid(message, f"{name}[price_data][unit_amount]")


def check_total(params: JsonObject) -> None:
    currencies = {item["price_data"]["currency"] for item in params["line_items"]}
    currency = params.get("currency", min(currencies))
    if currencies != {currency}:
        raise invalid("All prices on a Checkout Session must be expressed in the same currency.", "currency")
    total = total_of(params)
    if total < MINIMUM.get(currency, 1):
        least = format_amount(MINIMUM.get(currency, 1), currency)
        message = f"The Checkout Session's total amount due must add up to at least {least}"
        raise ApiError(message, code="amount_too_small")
    if total > LARGEST:
        message = (
            f"The Checkout Session's total amount must be no more than {format_amount(LARGEST, currency)}"
        )
        raise ApiError(message, code="amount_too_large")
    if not method_types(params):
        message = "No valid payment method types for this Checkout Session."
        raise invalid(message, "allowed_payment_method_types")


def create(call: Call) -> JsonObject:
    """Create a session."""
    state, params = call.state, call.params
    if "customer" in params and state.get("customer", params["customer"]) is None:
        raise missing_object("customer", params["customer"], "customer")
    items = [line_item(state, item) for item in params["line_items"]]
    session = state.add(
        checkout_session(
            state,
            params,
            total=total_of(params),
            currency=items[0]["currency"],
            method_types=method_types(params),
        )
    )
    state.backstage[session["id"]] = Backstage(items, params.get("payment_intent_data", {}))
    state.remind(session["expires_at"], "expire", session["id"])
    return session


def total_of(params: JsonObject) -> int:
    return sum(item["price_data"]["unit_amount"] * item["quantity"] for item in params["line_items"])


def method_types(params: JsonObject) -> list[str]:
    """Pick what the payer may pay with, as the settings of an account in the euro area would."""
    eligible = ["card"]
    if params["line_items"][0]["price_data"]["currency"] == "eur":
        eligible.append("sepa_debit")
    allowed = params.get("allowed_payment_method_types", eligible)
    excluded = params.get("excluded_payment_method_types", [])
    return [name for name in eligible if name in allowed and name not in excluded]


def retrieve(call: Call) -> JsonObject:
    """Find a session."""
    found = call.state.get("checkout.session", call.id)
    if found is None:
        raise missing_object("checkout.session", call.id, "session", 404)
    return found


def expire_now(call: Call) -> JsonObject:
    """Expire a session that is open."""
    session = retrieve(call)
    if session["status"] != "open":
        message = (
            'Only Checkout Sessions with a status in ["open"] can be expired. This Session has a status of '
            f"`{session['status']}`."
        )
        raise ApiError(message)
    return expire(call.state, call.id, call.cause)


def list_all(call: Call) -> JsonObject:
    """List sessions, newest first."""
    params = call.params
    email = params.get("customer_details", {}).get("email")
    found = (
        obj
        for obj in call.state.newest_first("checkout.session")
        if equal(obj, params, "customer", "payment_intent", "status")
        and created_in(obj, params.get("created", {}))
        and email in (None, (obj["customer_details"] or {}).get("email"))
    )
    return page(found, params, call.path)


def list_line_items(call: Call) -> JsonObject:
    """List what a session is for, in the order of the request."""
    session = retrieve(call)
    return page(call.state.backstage[session["id"]].line_items, call.params, call.path)


ALL, ONE = "/v1/checkout/sessions", "/v1/checkout/sessions/{id}"
EXPAND_ONLY = fields({"expand": array(text())})
ROUTES = [
    Route("POST", ALL, "checkout.session", fields(CREATE), create, check_create),
    Route("GET", ALL, "list of checkout.session", fields(LIST), list_all),
    Route("GET", ONE, "checkout.session", EXPAND_ONLY, retrieve),
    Route("POST", f"{ONE}/expire", "checkout.session", EXPAND_ONLY, expire_now),
    Route("GET", f"{ONE}/line_items", "list of item", fields(LIST_LINE_ITEMS), list_line_items),
]
