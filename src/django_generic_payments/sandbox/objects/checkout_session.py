"""https://docs.stripe.com/api/checkout/sessions/object"""

from __future__ import annotations

from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.state import State

__all__ = ["checkout_session", "customer_details"]

#: What belongs to features that are not simulated, or is not known before somebody pays.
NULL = (
    "after_expiration client_secret collected_information consent consent_collection currency_conversion "
    "customer_account invoice payment_intent payment_link permissions recovered_from "
    "saved_payment_method_options setup_intent shipping_address_collection shipping_cost subscription "
    "wallet_options"
)

#: Parameters that come back as they were sent, or null.
PLAIN = (
    "allow_promotion_codes allowed_payment_method_types billing_address_collection cancel_url "
    "client_reference_id customer customer_email integration_identifier locale origin_context submit_type "
    "success_url"
)

#: Parameters that come back filled up with the rest of their shape, if they were sent.
FILLED_UP: dict[str, JsonObject] = {
    "branding_settings": {
        "background_color": "#ffffff",
        "border_style": "rounded",
        "button_color": "#0074d4",
        # Stripe puts the name of the account here, and this account has none.
        "display_name": "",
        "font_family": "default",
        "icon": None,
        "logo": None,
    },
    "consent_collection": {
        "payment_method_reuse_agreement": None,
        "promotions": None,
        "terms_of_service": None,
    },
    "name_collection": {},
    "saved_payment_method_options": {
        "allow_redisplay_filters": None,
        "payment_method_remove": None,
        "payment_method_save": None,
    },
    "shipping_address_collection": {},
    "tax_id_collection": {"required": "never"},
    "wallet_options": {},
}


def checkout_session(
    state: State, params: JsonObject, *, total: int, currency: str, method_types: list[str]
) -> JsonObject:
    """Build an open session for a hosted page. It has no payment intent before the payer confirms."""
    prefix, now = ("cs_live_" if state.livemode else "cs_test_"), state.clock.now()
    identifier = state.new_id(prefix + "a1", 56)
    session: JsonObject = {
        "id": identifier,
        "object": "checkout.session",
        **dict.fromkeys(NULL.split()),
        **{name: params.get(name) for name in PLAIN.split()},
        "adaptive_pricing": params.get("adaptive_pricing", {"enabled": False}),
        "amount_subtotal": total,
        "amount_total": total,
        "automatic_tax": {"enabled": False, "liability": None, "provider": None, "status": None},
        "created": now,
        "currency": currency,
        "custom_fields": [],
        "custom_text": custom_text(params),
        "customer_creation": None if "customer" in params else params.get("customer_creation", "if_required"),
        "customer_details": prefilled(state, params),
        "discounts": [],
        "expires_at": params.get("expires_at", now + 24 * 60 * 60),
        "invoice_creation": {"enabled": False, "invoice_data": invoice_data()},
        "livemode": state.livemode,
        "managed_payments": {"enabled": False},
        "metadata": {key: value for key, value in params.get("metadata", {}).items() if value},
        "mode": "payment",
        "payment_method_collection": "if_required",
        "payment_method_configuration_details": configuration(params),
        "payment_method_options": {"card": {"request_three_d_secure": "automatic"}},
        "payment_method_types": method_types,
        "payment_status": "unpaid",
        "phone_number_collection": params.get("phone_number_collection", {"enabled": False}),
        "shipping_options": [],
        "status": "open",
        "total_details": {"amount_discount": 0, "amount_shipping": 0, "amount_tax": 0},
        "ui_mode": "hosted_page",
        # The fragment makes the address as long as a real one: a column of 200 characters must not pass.
        "url": f"{state.checkout_base}/c/pay/{identifier}#fid{state.token(240)}",
    }
    session.update(
        {name: filled_up(rest, params[name]) for name, rest in FILLED_UP.items() if name in params}
    )
    return session


def filled_up(rest: JsonObject, sent: JsonObject) -> JsonObject:
    return {**rest, **{name: value for name, value in sent.items() if value is not None}}


def customer_details(email: str | None, name: str | None = None, phone: str | None = None) -> JsonObject:
    """Build what is known of the payer."""
    return {
        "address": None,
        "business_name": None,
        "email": email,
        "individual_name": None,
        "name": name,
        "phone": phone,
        "tax_exempt": "none",
        "tax_ids": None,
    }


def prefilled(state: State, params: JsonObject) -> JsonObject | None:
    customer = state.get("customer", params.get("customer")) or {}
    email = params.get("customer_email") or customer.get("email")
    return customer_details(email) if email else None


def custom_text(params: JsonObject) -> JsonObject:
    places = ("after_submit", "shipping_address", "submit", "terms_of_service_acceptance")
    return {place: params.get("custom_text", {}).get(place) for place in places}


def configuration(params: JsonObject) -> JsonObject | None:
    identifier = params.get("payment_method_configuration")
    return identifier and {"id": identifier, "parent": None}


def invoice_data() -> JsonObject:
    return {
        "account_tax_ids": None,
        "custom_fields": None,
        "description": None,
        "footer": None,
        "issuer": None,
        "metadata": {},
        "rendering_options": None,
    }
