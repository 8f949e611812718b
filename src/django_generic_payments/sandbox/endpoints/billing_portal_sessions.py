"""https://docs.stripe.com/api/customer_portal/sessions"""

from __future__ import annotations

from django_generic_payments.sandbox.errors import missing_object, missing_parameter
from django_generic_payments.sandbox.events import emit
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.objects.portal_session import CONFIGURATION, portal_session
from django_generic_payments.sandbox.parameters import (
    Kind,
    array,
    choice,
    fields,
    text,
    unsimulated,
    web_address,
)
from django_generic_payments.sandbox.routing import Call, Route

__all__ = ["ROUTES"]

LOCALES = (
    "auto bg cs da de el en en-AU en-CA en-GB en-IE en-IN en-NZ en-SG es es-419 et fi fil fr fr-CA hr hu id it "
    "ja ko lt lv ms mt nb nl pl pt pt-BR ro ru sk sl sv th tr vi zh zh-HK zh-TW"
)
CREATE: dict[str, Kind] = {
    "after_expiration": unsimulated,
    "configuration": text(),
    "customer": text(),
    "customer_account": unsimulated,
    "expand": array(text()),
    "flow_data": unsimulated,
    "locale": choice(*LOCALES.split()),
    "on_behalf_of": unsimulated,
    "return_url": web_address,
}


def check_create(call: Call) -> None:
    """Ask for the customer."""
    if "customer" not in call.params:
        raise missing_parameter("customer")


def create(call: Call) -> JsonObject:
    """Let a customer in."""
    state, params = call.state, call.params
    if state.get("customer", params["customer"]) is None:
        raise missing_object("customer", params["customer"], "customer")
    if params.get("configuration", CONFIGURATION) != CONFIGURATION:
        raise missing_object("configuration", params["configuration"], "configuration")
    created = state.add(portal_session(state, params))
    emit(state, "billing_portal.session.created", created, call.cause)
    return created


ROUTES = [
    Route(
        "POST", "/v1/billing_portal/sessions", "billing_portal.session", fields(CREATE), create, check_create
    )
]
