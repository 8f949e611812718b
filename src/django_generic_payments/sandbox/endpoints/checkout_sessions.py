"""https://docs.stripe.com/api/checkout/sessions"""

from __future__ import annotations

from django_generic_payments.sandbox.amounts import check_step, check_total as check_amount
from django_generic_payments.sandbox.changes import change
from django_generic_payments.sandbox.checkout import expire
from django_generic_payments.sandbox.eligibility import offered_types
from django_generic_payments.sandbox.errors import ApiError, invalid, missing_object, missing_parameter
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import PAGE_PARAMETERS, created_in, equal, page
from django_generic_payments.sandbox.objects.checkout_session import checkout_session
from django_generic_payments.sandbox.objects.line_item import line_item
from django_generic_payments.sandbox.parameters import EXPAND_ONLY, fields
from django_generic_payments.sandbox.routing import Call, Route
from django_generic_payments.sandbox.state import Backstage, State

from .checkout_session_parameters import CREATE, LIST, OLD_UI_MODES, UPDATE

__all__ = ["ROUTES"]

MINUTE = 60


def check_create(call: Call) -> None:
    """Refuse parameters that only together, or only now, are wrong."""
    params, now = call.params, call.state.clock.now()
    for name in ("mode", "line_items", "success_url"):
        if not params.get(name):
            raise missing_parameter(name)
    for other in ("customer_email", "customer_creation"):
        if "customer" in params and other in params:
            raise invalid(f"You may only specify one of these parameters: customer, {other}.", "customer")
    if "customer_update" in params and "customer" not in params:
        raise invalid("`customer_update` can only be used with `customer`.", "customer_update")
    if params.get("ui_mode") in OLD_UI_MODES and not call.state.unconfirmed.takes_old_ui_modes:
        raise invalid(
            "Invalid ui_mode: must be one of elements, embedded_page, form, or hosted_page", "ui_mode"
        )
    lifetime = params.get("expires_at", now + 24 * 60 * MINUTE) - now
    if lifetime < 30 * MINUTE:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise invalid(message, "expires_at")
    if lifetime > 24 * 60 * MINUTE:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise invalid(message, "expires_at")
    for index, item in enumerate(params["line_items"]):
        check_line_item(call.state, item, f"line_items[{index}]")
    check_total(params)


def check_line_item(state: State, item: JsonObject, name: str) -> None:
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
    check_step(state, price_data["unit_amount"], price_data["currency"], f"{name}[price_data][unit_amount]")


def check_total(params: JsonObject) -> None:
    currencies = {item["price_data"]["currency"] for item in params["line_items"]}
    currency = params.get("currency", min(currencies))
    if currencies != {currency}:
        raise invalid("All prices on a Checkout Session must be expressed in the same currency.", "currency")
    check_amount(total_of(params), currency, "The Checkout Session's total amount")
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
    state.backstage[session["id"]] = Backstage(
        items,
        params.get("payment_intent_data", {}),
        customer_update=params.get("customer_update", {}),
        payment_method_data=params.get("payment_method_data", {}),
    )
    state.remind(session["expires_at"], "expire", session["id"])
    return session


def total_of(params: JsonObject) -> int:
    return sum(item["price_data"]["unit_amount"] * item["quantity"] for item in params["line_items"])


def method_types(params: JsonObject) -> list[str]:
    manual = params.get("payment_intent_data", {}).get("capture_method") == "manual"
    return offered_types(params["line_items"][0]["price_data"]["currency"], params, manual=manual)


def retrieve(call: Call) -> JsonObject:
    """Find a session."""
    found = call.state.get("checkout.session", call.id)
    if found is None:
        raise missing_object("checkout.session", call.id, "session", 404)
    return found


def update(call: Call) -> JsonObject:
    """Change what can be changed of a session while it is open, and its metadata at any time."""
    session, params = retrieve(call), call.params
    if "payment_intent_data" in params:
        if session["status"] != "open":
            raise ApiError(
                f"This Checkout Session is {session['status']}, and its payment cannot be changed."
            )
        data = call.state.backstage[call.id].payment_intent_data
        known = {**dict.fromkeys(params["payment_intent_data"]), "metadata": {}, **data}
        change(known, **params["payment_intent_data"])
        call.state.backstage[call.id].payment_intent_data = known
        intent = call.state.get("payment_intent", session["payment_intent"])
        if intent:
            change(intent, **params["payment_intent_data"])
    if "metadata" in params:
        change(session, metadata=params["metadata"])
    return session


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
EXPAND = fields(EXPAND_ONLY)
ROUTES = [
    Route("POST", ALL, "checkout.session", fields(CREATE), create, check_create),
    Route("GET", ALL, "list of checkout.session", fields(LIST), list_all),
    Route("GET", ONE, "checkout.session", EXPAND, retrieve),
    Route("POST", ONE, "checkout.session", fields(UPDATE), update),
    Route("POST", f"{ONE}/expire", "checkout.session", EXPAND, expire_now),
    Route("GET", f"{ONE}/line_items", "list of item", fields(PAGE_PARAMETERS), list_line_items),
]
