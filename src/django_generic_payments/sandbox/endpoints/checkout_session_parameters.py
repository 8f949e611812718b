"""Which parameters a checkout session takes.

https://docs.stripe.com/api/checkout/sessions/create
"""

from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox.amounts import currency
from django_generic_payments.sandbox.errors import not_simulated
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.lists import LIST_PARAMETERS
from django_generic_payments.sandbox.parameters import (
    Kind,
    anything,
    array,
    boolean,
    choice,
    email,
    fields,
    integer,
    metadata,
    text,
    unless,
    unset,
    unsimulated,
    web_address,
)

from .addresses import shipping_of_checkout
from .payment_method_options import METHOD_TYPES, OF_SESSION

__all__ = ["CREATE", "LIST", "OLD_UI_MODES", "UPDATE"]

LOCALES = (
    "auto bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl "
    "pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)
FONTS = (
    "be_vietnam_pro bitter chakra_petch default hahmlet inconsolata inter lato lora m_plus_1_code montserrat "
    "noto_sans noto_sans_jp noto_serif nunito open_sans pridi pt_sans pt_serif raleway roboto roboto_slab "
    "source_sans_pro titillium_web ubuntu_mono zen_maru_gothic"
)


def switched_off(value: Any, name: str) -> JsonObject:
    """Accept a feature only if it is switched off, because switched on it is not simulated."""
    off: JsonObject = fields({"enabled": unless(True, boolean), "invoice_data": anything})(value, name)
    return off


#: What `ui_mode` was called until 2026, as far as it is simulated.
OLD_UI_MODES = ("hosted",)


def ui_mode(value: Any, name: str) -> str:
    """Accept the hosted page, by whichever name."""
    if value in ("elements", "embedded_page", "form"):
        raise not_simulated(f"{name}={value}")
    known: str = choice("hosted_page", *OLD_UI_MODES)(value, name)
    return known


PRODUCT_DATA = fields(
    {
        "description": text(),
        "images": array(text(), 8),
        "metadata": metadata,
        "name": text(),
        "tax_code": anything,
        "tax_details": anything,
        "unit_label": text(),
    },
    required=["name"],
)

PRICE_DATA = fields(
    {
        "currency": currency,
        "product": text(),
        "product_data": PRODUCT_DATA,
        "recurring": unsimulated,
        "tax_behavior": choice("exclusive", "inclusive", "unspecified"),
        "unit_amount": integer(0),
        "unit_amount_decimal": unsimulated,
    },
    required=["currency"],
)

LINE_ITEM = fields(
    {
        "adjustable_quantity": fields(
            {"enabled": boolean, "maximum": integer(1, 999_999), "minimum": integer(0)}, required=["enabled"]
        ),
        "metadata": metadata,
        "price": text(),
        "price_data": PRICE_DATA,
        "quantity": integer(1, 999_999),
        "tax_rates": unsimulated,
    }
)

PAYMENT_INTENT_DATA = fields(
    {
        "application_fee_amount": unsimulated,
        "capture_method": choice("automatic", "automatic_async", "manual"),
        "description": text(1000),
        "metadata": metadata,
        "on_behalf_of": unsimulated,
        "receipt_email": text(),
        "setup_future_usage": choice("off_session", "on_session"),
        "shipping": shipping_of_checkout,
        "statement_descriptor": text(22),
        "statement_descriptor_suffix": text(22),
        "transfer_data": unsimulated,
        "transfer_group": text(),
    }
)

COLLECTED_NAME = fields({"enabled": boolean, "optional": boolean}, required=["enabled"])

MESSAGE = unset(fields({"message": text(1200)}, required=["message"]))

PICTURE = fields({"file": text(), "type": choice("file", "url"), "url": web_address}, required=["type"])

BRANDING = fields(
    {
        "background_color": unset(text()),
        "border_style": unset(choice("pill", "rectangular", "rounded")),
        "button_color": unset(text()),
        "display_name": text(),
        "font_family": unset(choice(*FONTS.split())),
        "icon": PICTURE,
        "logo": PICTURE,
    }
)

REDISPLAY = ("always", "limited", "unspecified")

#: The page neither shows what is saved nor lets the payer save anything.
SAVED = fields(
    {
        "allow_redisplay_filters": array(choice(*REDISPLAY)),
        "payment_method_remove": unless("enabled", choice("disabled", "enabled")),
        "payment_method_save": unless("enabled", choice("disabled", "enabled")),
    }
)

CREATE: dict[str, Kind] = {
    "adaptive_pricing": fields({"enabled": boolean}),
    "after_expiration": unsimulated,
    "allow_promotion_codes": boolean,
    "allowed_payment_method_types": array(choice(*METHOD_TYPES.split())),
    "automatic_tax": switched_off,
    "billing_address_collection": choice("auto", "required"),
    "branding_settings": BRANDING,
    "cancel_url": web_address,
    "client_reference_id": text(200),
    "consent_collection": fields(
        {
            "payment_method_reuse_agreement": fields({"position": choice("auto", "hidden")}),
            "promotions": choice("auto", "none"),
            "terms_of_service": choice("none", "required"),
        }
    ),
    "currency": currency,
    "custom_fields": unsimulated,
    "custom_text": fields(
        dict.fromkeys(("after_submit", "shipping_address", "submit", "terms_of_service_acceptance"), MESSAGE)
    ),
    "customer": text(),
    "customer_account": unsimulated,
    "customer_creation": choice("always", "if_required"),
    "customer_email": email,
    "customer_update": fields(dict.fromkeys(("address", "name", "shipping"), choice("auto", "never"))),
    "discounts": unsimulated,
    "excluded_payment_method_types": array(choice(*METHOD_TYPES.split())),
    "expand": array(text()),
    "expires_at": integer(),
    "integration_identifier": text(),
    "invoice_creation": switched_off,
    "line_items": array(LINE_ITEM),
    "locale": choice(*LOCALES.split()),
    "managed_payments": switched_off,
    "metadata": metadata,
    "mode": unless("setup", unless("subscription", choice("payment", "setup", "subscription"))),
    "name_collection": fields({"business": COLLECTED_NAME, "individual": COLLECTED_NAME}),
    "optional_items": unsimulated,
    "origin_context": choice("mobile_app", "web"),
    "payment_intent_data": PAYMENT_INTENT_DATA,
    "payment_method_collection": unsimulated,
    "payment_method_configuration": text(),
    "payment_method_data": fields({"allow_redisplay": choice(*REDISPLAY)}),
    "payment_method_options": OF_SESSION,
    "permissions": unsimulated,
    "phone_number_collection": fields({"enabled": boolean}, required=["enabled"]),
    "redirect_on_completion": unsimulated,
    "return_url": unsimulated,
    "saved_payment_method_options": SAVED,
    "setup_intent_data": unsimulated,
    "shipping_address_collection": fields(
        {"allowed_countries": array(text(2), 250)}, required=["allowed_countries"]
    ),
    "shipping_options": unsimulated,
    "submit_type": choice("auto", "book", "donate", "pay", "subscribe"),
    "subscription_data": unsimulated,
    "success_url": web_address,
    "tax_id_collection": fields(
        {"enabled": boolean, "required": choice("if_supported", "never")}, required=["enabled"]
    ),
    "ui_mode": ui_mode,
    "wallet_options": fields({"link": fields({"display": choice("auto", "never")})}),
}

LIST: dict[str, Kind] = {
    **LIST_PARAMETERS,
    "customer": text(),
    "customer_account": unsimulated,
    "customer_details": fields({"email": text()}, required=["email"]),
    "payment_intent": text(),
    "payment_link": unsimulated,
    "status": choice("complete", "expired", "open"),
    "subscription": unsimulated,
}


UPDATE: dict[str, Kind] = {
    "collected_information": unsimulated,
    "expand": array(text()),
    "line_items": unsimulated,
    "metadata": metadata,
    "payment_intent_data": fields(
        {
            "description": unset(text(1000)),
            "metadata": metadata,
            "setup_future_usage": unset(choice("off_session", "on_session")),
            "statement_descriptor": unset(text(22)),
            "statement_descriptor_suffix": unset(text(22)),
        }
    ),
    "shipping_options": unsimulated,
}
