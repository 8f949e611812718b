"""What Stripe says is read strictly where it is used, and not at all where it is not."""

from __future__ import annotations

import contextlib
import dataclasses
from datetime import datetime, timezone

import pytest
from hypothesis import given, strategies as st

from django_generic_payments.exceptions import GatewayError, UnreadableObject
from django_generic_payments.gateway.records import CheckoutSession, Contact, FieldReader, PaymentIntent

pytestmark = pytest.mark.core

CHECKOUT = {
    "id": "cs_1",
    "object": "checkout.session",
    "created": 1_800_000_000,
    "livemode": False,
    "mode": "payment",
    "status": "open",
    "payment_status": "unpaid",
    "amount_total": 12_50,
    "currency": "gbp",
    "payment_intent": None,
    "metadata": {"a": "b"},
    "url": "https://checkout.example/1",
    "expires_at": 1_800_086_400,
    "customer_details": None,
}
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "created": 1_800_000_000,
    "livemode": False,
    "status": "succeeded",
    "currency": "gbp",
    "amount_received": 12_50,
    "latest_charge": "ch_1",
    "metadata": {},
    "last_payment_error": None,
}
REQUIRED = {
    CheckoutSession: ["id", "created", "livemode", "mode", "status", "payment_status", "expires_at"],
    PaymentIntent: ["id", "created", "livemode", "status", "currency", "amount_received"],
}
EXAMPLES = {CheckoutSession: CHECKOUT, PaymentIntent: INTENT}


@pytest.fixture(params=[CheckoutSession, PaymentIntent], ids=lambda cls: cls.__name__)
def record(request):
    return request.param


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


def test_records_are_frozen(record):
    with pytest.raises(dataclasses.FrozenInstanceError):
        record.from_object(EXAMPLES[record]).id = "other"


def test_fields_that_nobody_uses_may_be_anything(record):
    example = {**EXAMPLES[record], "brand_new": {"x": [1]}, "object": "renamed", "customer": 5}

    assert record.from_object(example) == record.from_object(EXAMPLES[record])


@pytest.mark.parametrize("missing", [True, False], ids=["missing", "null"])
def test_a_field_that_is_used_must_be_there(record, missing):
    for name in REQUIRED[record]:
        example = dict(EXAMPLES[record])
        del example[name]
        if not missing:
            example[name] = None

        with pytest.raises(
            UnreadableObject, match=f"has no usable '{name}'.*API version of the webhook endpoint"
        ):
            record.from_object(example)


def test_a_field_that_is_used_must_have_its_type(record):
    wrong = {
        str: [5, "", ["x"], {"id": "x"}, True],
        int: ["5", 5.0, True, 2**63, -(2**63), [5]],
        bool: [1, 0, "true", []],
    }
    for name in REQUIRED[record]:
        for value in wrong[type(EXAMPLES[record][name])]:
            with pytest.raises(UnreadableObject, match=f"'{name}'"):
                record.from_object({**EXAMPLES[record], name: value})


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


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda children: st.lists(children, max_size=3) | st.dictionaries(st.text(), children, max_size=3),
    max_leaves=8,
)


@given(st.sampled_from([CheckoutSession, PaymentIntent]), st.data())
def test_any_object_is_read_or_refused(cls, data):
    example = dict(EXAMPLES[cls])
    for name in data.draw(st.lists(st.sampled_from(sorted(example)), min_size=1, max_size=4)):
        example[name] = data.draw(json_values)

    try:
        read = cls.from_object(example)
    except UnreadableObject:
        return

    assert read.id == example["id"]
    assert isinstance(read.livemode, bool)
    assert isinstance(read.created, datetime)


@given(json_values)
def test_the_reader_raises_nothing_but_that_it_cannot_read(value):
    reader = FieldReader({"x": value}, "thing")

    for read in (
        reader.text,
        reader.optional_text,
        reader.integer,
        reader.flag,
        reader.moment,
        reader.reference,
    ):
        with contextlib.suppress(UnreadableObject):
            read("x")
