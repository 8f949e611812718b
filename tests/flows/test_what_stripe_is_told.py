"""What a checkout says: language, lines, purposes, prices, metadata."""

from __future__ import annotations

import pytest
from django.utils import translation
from django.utils.functional import SimpleLazyObject

from django_generic_payments.exceptions import AlreadyPaid, PayableError
from django_generic_payments.models import PaymentSession
from django_generic_payments.money import Money
from django_generic_payments.services import payment_required, start_checkout
from django_generic_payments.testing import override_payments
from tests.flows.account import calls
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Basket, Booking, Order

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def checkout_of(stripe, session):
    return stripe.sandbox.checkout_session(session.stripe_checkout_session_id)


@pytest.mark.parametrize(
    ("language", "locale"),
    [
        ("de", "de"),
        ("de-at", "de"),
        ("en-gb", "en-GB"),
        ("en-us", "en"),
        ("pt-br", "pt-BR"),
        ("zh-hant", "zh-TW"),
        ("cy", "auto"),
    ],
)
def test_the_page_speaks_the_language_of_the_request(stripe, language, locale):
    with translation.override(language):
        session = start_checkout(Booking.objects.create())

    assert checkout_of(stripe, session)["locale"] == locale


def test_a_caller_without_a_language_leaves_it_to_stripe(stripe):
    with translation.override(None):
        session = start_checkout(Booking.objects.create())

    assert checkout_of(stripe, session)["locale"] == "auto"


def test_the_lines_of_a_basket_are_the_lines_of_the_checkout(stripe):
    basket = Basket.objects.create(lines=[["Tea", 3_00, 2], ["Cake", 4_50, 1]], declared=10_50)

    session = start_checkout(basket)
    lines = stripe.sandbox.line_items(session.stripe_checkout_session_id)

    assert [(each["description"], each["quantity"], each["amount_total"]) for each in lines] == [
        ("Tea", 2, 6_00),
        ("Cake", 1, 4_50),
    ]
    stripe.pay(session)
    assert_coherent(session)
    assert (session.paid_amount, session.review_reason) == (10_50, "")


@pytest.mark.parametrize("declared", [10_49, 10_51])
def test_lines_that_do_not_sum_to_the_amount_are_refused(stripe, declared):
    basket = Basket.objects.create(lines=[["Tea", 3_00, 2], ["Cake", 4_50, 1]], declared=declared)

    with pytest.raises(PayableError, match="sum to 1050"):
        start_checkout(basket)

    assert (PaymentSession.objects.count(), stripe.sandbox.requests) == (0, [])


def test_a_line_of_no_pieces_is_refused(stripe):
    basket = Basket.objects.create(lines=[["Tea", 3_00, 1], ["Cake", 4_50, 0]], declared=3_00)

    with pytest.raises(PayableError, match="quantity"):
        start_checkout(basket)

    assert stripe.sandbox.requests == []


def test_a_single_line_carries_the_description(stripe):
    booking = Booking.objects.create()

    session = start_checkout(booking)

    line = stripe.sandbox.line_items(session.stripe_checkout_session_id)[0]
    assert line["description"] == session.description == f"Deposit for booking {booking.pk}"


def test_every_purpose_has_a_slot_of_its_own(stripe):
    order = Order.objects.create()
    goods, shipping = start_checkout(order), start_checkout(order, purpose="shipping")

    stripe.pay(shipping)

    assert_coherent(goods)
    assert_coherent(shipping)
    assert shipping.money == Money(5_00, "eur")
    assert payment_required(order)
    assert not payment_required(order, purpose="shipping")
    with pytest.raises(AlreadyPaid):
        start_checkout(order, purpose="shipping")
    stripe.pay(goods)
    assert heard(order) == ["payment_succeeded", "payment_succeeded"]


def test_a_purpose_that_the_type_does_not_have_is_refused(stripe):
    for ask in (start_checkout, payment_required):
        with pytest.raises(PayableError, match="payment_purposes"):
            ask(Booking.objects.create(), purpose="tips")

    assert PaymentSession.objects.count() == 0


def test_the_payer_may_choose_among_the_prices(stripe):
    session = start_checkout(Order.objects.create(), currency="JPY")

    stripe.pay(session)

    assert_coherent(session)
    assert session.money == Money(5000, "jpy")
    payment = session.transactions.get()
    assert (payment.gross, payment.currency, session.review_reason) == (5000, "jpy", "")


def test_the_projects_currency_is_taken_when_nobody_chooses(stripe):
    with override_payments(DEFAULT_CURRENCY="JPY"):
        session = start_checkout(Order.objects.create())

    assert session.money == Money(5000, "jpy")


@pytest.mark.parametrize("kind", [Order, Booking])
def test_a_currency_without_a_price_is_refused(stripe, kind):
    with pytest.raises(PayableError, match="price"):
        start_checkout(kind.objects.create(), currency="usd")

    assert stripe.sandbox.requests == []


def test_another_currency_replaces_the_open_checkout(stripe):
    order = Order.objects.create()
    euros = start_checkout(order)

    yen = start_checkout(order, currency="jpy")

    assert checkout_of(stripe, euros)["status"] == "expired"
    assert checkout_of(stripe, yen)["currency"] == "jpy"
    assert_coherent(euros)
    assert_coherent(yen)


def test_the_hosts_metadata_is_kept_here_and_at_stripe(stripe):
    session = start_checkout(Booking.objects.create(), metadata={"campaign": "spring"})
    outcome = stripe.pay(session)

    assert session.metadata == {"campaign": "spring"}
    assert checkout_of(stripe, session)["metadata"]["campaign"] == "spring"
    assert stripe.sandbox.payment_intent(outcome.payment_intent)["metadata"]["campaign"] == "spring"


def test_metadata_may_be_as_much_as_stripe_takes(stripe):
    most = {f"{number:040}": "x" * 500 for number in range(48)}

    session = start_checkout(Booking.objects.create(), metadata=most)

    assert len(checkout_of(stripe, session)["metadata"]) == 50


@pytest.mark.parametrize(
    "metadata",
    [
        {str(number): "x" for number in range(49)},
        {"k" * 41: "x"},
        {"": "x"},
        {"a[b]": "x"},
        {"k": "x" * 501},
        {"k": ""},
        {"k": 7},
        {"generic_payments_session": "mine"},
        {"object": "x"},
    ],
    ids=[
        "too many",
        "long key",
        "empty key",
        "brackets",
        "long value",
        "empty value",
        "number",
        "ours",
        "reserved",
    ],
)
def test_metadata_that_stripe_would_not_take_is_refused_first(stripe, metadata):
    with pytest.raises(ValueError, match="metadata"):
        start_checkout(Booking.objects.create(), metadata=metadata)

    assert (PaymentSession.objects.count(), stripe.sandbox.requests) == (0, [])


def test_the_extra_parameters_of_a_payable_reach_stripe(stripe):
    start_checkout(Order.objects.create())

    params = calls(stripe)[0].params

    assert params["submit_type"] == "book"
    assert params["payment_intent_data"]["statement_descriptor_suffix"] == "SHOP"
    assert params["payment_intent_data"]["metadata"] == params["metadata"]


def test_our_objects_at_stripe_carry_our_mark(stripe):
    with override_payments(APP_NAME="shop"):
        session = start_checkout(Booking.objects.create())
        outcome = stripe.pay(session)

    mark = {"generic_payments_app": "shop", "generic_payments_session": str(session.pk)}
    assert checkout_of(stripe, session)["metadata"] == mark
    assert stripe.sandbox.payment_intent(outcome.payment_intent)["metadata"] == mark
    assert_coherent(session)
    assert session.paid_at


def test_an_address_that_stripe_refuses_keeps_no_user_from_paying(stripe, user):
    user.email = "no address"
    user.save()

    session = start_checkout(Booking.objects.create(), user=user)
    stripe.pay(session)

    assert stripe.sandbox.customer(session.customer.stripe_customer_id)["email"] is None
    session.refresh_from_db()
    assert_coherent(session)
    assert session.paid_at


def test_an_address_that_stripe_refuses_keeps_no_guest_from_paying(stripe):
    session = start_checkout(Order.objects.create(email="no address"))

    assert checkout_of(stripe, session)["customer_email"] is None
    stripe.pay(session)
    session.refresh_from_db()
    assert_coherent(session)
    assert session.paid_at


def test_the_address_of_a_user_is_found_behind_a_lazy_object(stripe, user):
    session = start_checkout(Booking.objects.create(), user=SimpleLazyObject(lambda: user))

    assert stripe.sandbox.customer(session.customer.stripe_customer_id)["email"] == user.email
