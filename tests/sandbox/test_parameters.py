from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from django_generic_payments.sandbox.endpoints import (
    charges,
    checkout_session_parameters as sessions,
    customers,
    events,
    payment_intents,
)
from django_generic_payments.sandbox.lists import PAGE_PARAMETERS
from django_generic_payments.sandbox.parameters import decode

CREATE = "Checkout.Sessions.Checkout.SessionCreateParams"


@pytest.mark.parametrize(
    ("table", "schema"),
    [
        (customers.CREATE, "Customers.CustomerCreateParams"),
        (customers.UPDATE, "Customers.CustomerUpdateParams"),
        (customers.LIST, "Customers.CustomerListParams"),
        (charges.LIST, "Charges.ChargeListParams"),
        (events.LIST, "Events.EventListParams"),
        (payment_intents.LIST, "PaymentIntents.PaymentIntentListParams"),
        (sessions.CREATE, CREATE),
        (sessions.LINE_ITEM, f"{CREATE}.LineItem"),
        (sessions.PRICE_DATA, f"{CREATE}.LineItem.PriceData"),
        (sessions.PRODUCT_DATA, f"{CREATE}.LineItem.PriceData.ProductData"),
        (sessions.PAYMENT_INTENT_DATA, f"{CREATE}.PaymentIntentData"),
        (sessions.LIST, "Checkout.Sessions.Checkout.SessionListParams"),
        (PAGE_PARAMETERS, "Checkout.Sessions.Checkout.SessionListLineItemsParams"),
    ],
)
def test_the_tables_name_what_stripe_names(stripe_schema: Any, table: Any, schema: str) -> None:
    if stripe_schema is None:
        pytest.skip("STRIPE_OPENAPI_DIR is not set.")
    known = stripe_schema.schemas[schema]

    assert set(names(table)) == set(known["properties"])


def test_locales_and_methods_are_those_of_stripe(stripe_schema: Any) -> None:
    if stripe_schema is None:
        pytest.skip("STRIPE_OPENAPI_DIR is not set.")
    known = stripe_schema.schemas[CREATE]["properties"]

    assert sessions.LOCALES.split() == known["locale"]["enum"]
    assert sessions.METHOD_TYPES.split() == known["allowed_payment_method_types"]["items"]["enum"]


def names(table: Any) -> Any:
    """The names in a table, which `fields` may have wrapped."""
    if isinstance(table, Mapping):
        return table
    return next(cell.cell_contents for cell in table.__closure__ if isinstance(cell.cell_contents, Mapping))


@pytest.mark.parametrize(
    ("form", "decoded"),
    [
        ("", {}),
        ("a=1&b=", {"a": "1", "b": ""}),
        ("a[b][0][c]=1&a[b][1][c]=2", {"a": {"b": {"0": {"c": "1"}, "1": {"c": "2"}}}}),
        ("a[]=1&a[]=2", {"a": {"0": "1", "1": "2"}}),
        ("a%5Bb%5D=%C3%BC+x", {"a": {"b": "ü x"}}),
        ("metadata[a key]=1", {"metadata": {"a key": "1"}}),
    ],
)
def test_a_form_is_decoded_by_its_brackets(form: str, decoded: dict[str, Any]) -> None:
    assert decode(form) == decoded
