"""What Stripe says is read strictly where it is used, and not at all where it is not."""

from __future__ import annotations

from datetime import datetime, timezone

import pytest

from django_generic_payments.exceptions import GatewayError, UnreadableObject
from django_generic_payments.gateway.records import CheckoutSession, Contact, PaymentIntent
from tests.gateway.examples import CHECKOUT, INTENT

pytestmark = pytest.mark.core


def test_a_checkout_is_read():
    checkout = CheckoutSession.from_object(CHECKOUT)

    assert checkout.id == "cs_1"
    assert checkout.created == datetime.fromtimestamp(1_800_000_000, tz=timezone.utc)
    assert (checkout.amount_total, checkout.currency) == (12_50, "gbp")
    assert (checkout.payment_intent_id, checkout.payment_intent, checkout.contact) == ("", None, None)
    assert checkout.metadata == {"a": "b"}


def test_a_payment_intent_is_read():
    intent = PaymentIntent.from_object(INTENT)

    assert (intent.id, intent.amount_received, intent.latest_charge, intent.decline_code) == (
        "pi_1",
        12_50,
        "ch_1",
        "",
    )


def test_an_expanded_object_is_read_and_one_that_is_not_is_named():
    named = CheckoutSession.from_object({**CHECKOUT, "payment_intent": "pi_1"})
    expanded = CheckoutSession.from_object({**CHECKOUT, "payment_intent": INTENT})

    assert named.payment_intent_id == expanded.payment_intent_id == "pi_1"
    assert named.payment_intent is None
    assert expanded.payment_intent == PaymentIntent.from_object(INTENT)


def test_an_expanded_charge_is_named():
    assert PaymentIntent.from_object({**INTENT, "latest_charge": {"id": "ch_2"}}).latest_charge == "ch_2"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("amount_total", "1250"),
        ("amount_total", True),
        ("amount_total", 12.5),
        ("amount_total", 2**63),
        ("currency", 826),
        ("url", 5),
        ("metadata", "text"),
        ("metadata", []),
        ("metadata", 5),
        ("payment_intent", 5),
        ("payment_intent", ["pi_1"]),
        ("payment_intent", {}),
        ("payment_intent", {"id": 5}),
        ("payment_intent", {**INTENT, "amount_received": None}),
    ],
)
def test_an_optional_field_of_the_wrong_type_is_no_missing_one(name, value):
    with pytest.raises(UnreadableObject):
        CheckoutSession.from_object({**CHECKOUT, name: value})


@pytest.mark.parametrize(
    "name", ["amount_total", "currency", "url", "metadata", "payment_intent", "customer_details"]
)
@pytest.mark.parametrize("missing", [True, False], ids=["missing", "null"])
def test_an_optional_field_may_be_missing(name, missing):
    example = dict(CHECKOUT)
    del example[name]
    if not missing:
        example[name] = None

    checkout = CheckoutSession.from_object(example)

    assert checkout.id == "cs_1"
    if name == "metadata":
        assert checkout.metadata == {}


@pytest.mark.parametrize("moment", [10**18, -(10**18), 2**62, 10**12])
def test_a_time_that_no_calendar_has_is_refused(moment):
    with pytest.raises(UnreadableObject, match="'created'"):
        CheckoutSession.from_object({**CHECKOUT, "created": moment})


def test_an_unreadable_object_is_an_error_of_the_gateway():
    assert issubclass(UnreadableObject, (GatewayError, ValueError))


# Contacts.


def contact(**details):
    return CheckoutSession.from_object({**CHECKOUT, "customer_details": details}).contact


def test_a_contact_is_what_was_typed():
    assert contact(email="a@b.c", name="Ann", phone="+44") == Contact("a@b.c", "Ann", "+44")
    assert contact(email="a@b.c", name=None) == Contact("a@b.c", "", "")


@pytest.mark.parametrize(
    "details", [{}, {"email": None}, {"email": "", "name": ""}, {"email": 5, "name": ["x"]}]
)
def test_nothing_typed_is_no_contact(details):
    assert contact(**details) is None


@pytest.mark.parametrize("details", ["text", ["a@b.c"], 5])
def test_details_of_another_type_are_no_contact(details):
    assert CheckoutSession.from_object({**CHECKOUT, "customer_details": details}).contact is None


def test_a_contact_fits_its_columns():
    typed = contact(email="e" * 1000, name="n" * 1000, phone="p" * 1000)

    assert (len(typed.email), len(typed.name), len(typed.phone)) == (254, 255, 64)


def test_a_contact_can_be_stored_by_any_database():
    typed = contact(email="a\x00@b.c", name="\ud800Ann\udfff", phone="\x00")

    assert typed == Contact("a@b.c", "?Ann?", "")


def test_a_contact_is_not_in_the_repr():
    typed = contact(email="canary@example.com", name="Canary", phone="+44canary")

    assert "canary" not in repr(typed).lower()
    assert "canary" not in repr(
        CheckoutSession.from_object({**CHECKOUT, "customer_details": {"name": "canary"}})
    )


# Declines.


@pytest.mark.parametrize(
    ("error", "code"),
    [
        ({"decline_code": "insufficient_funds", "code": "card_declined"}, "insufficient_funds"),
        ({"code": "expired_card"}, "expired_card"),
        ({"decline_code": None, "code": None}, ""),
        ({}, ""),
        (None, ""),
        ("text", ""),
    ],
)
def test_why_an_attempt_was_declined_is_read_if_it_is_there(error, code):
    assert PaymentIntent.from_object({**INTENT, "last_payment_error": error}).decline_code == code
