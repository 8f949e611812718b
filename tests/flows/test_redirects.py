"""Where payers are sent, and where they are not."""

from __future__ import annotations

import pytest

from django_generic_payments.exceptions import UnsafeRedirect
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from tests.flows.account import calls
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.django_db, pytest.mark.core]

UNSAFE = [
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "https:evil.example",
    "https:///evil.example",
    "http://testserver@evil.example/",
    "http://testserver:secret@evil.example/",
    "http://evil.example/",
    "http://testserver.evil.example/",
    "http://eviltestserver/",
    "http://testserver:8000/",
    "http://[::1/",
    "javascript:alert(1)",
    "java\nscript:alert(1)",
    "data:text/html,hello",
    "ftp://testserver/",
    "\x08//evil.example",
    " //evil.example",
]


@pytest.mark.parametrize("name", ["success_url", "cancel_url"])
@pytest.mark.parametrize("url", UNSAFE)
def test_no_payer_is_sent_to_a_strangers_host(stripe, url, name):
    with pytest.raises(UnsafeRedirect, match="ALLOWED_REDIRECT_HOSTS"):
        start_checkout(Booking.objects.create(), **{name: url})

    assert (PaymentSession.objects.count(), stripe.sandbox.requests) == (0, [])


@pytest.mark.parametrize(
    ("url", "lands_at"),
    [
        ("/thanks/", "http://testserver/thanks/"),
        ("thanks/", "http://testserver/thanks/"),
        ("?done=1", "http://testserver/?done=1"),
        ("http://testserver/thanks/", "http://testserver/thanks/"),
        ("https://testserver/thanks/", "https://testserver/thanks/"),
        ("https://app.example.com/thanks", "https://app.example.com/thanks"),
    ],
)
def test_a_payer_lands_on_our_hosts_and_on_those_that_are_allowed(stripe, client, url, lands_at):
    with override_payments(ALLOWED_REDIRECT_HOSTS=["app.example.com"]):
        session = start_checkout(Booking.objects.create(), success_url=url)
        outcome = stripe.pay(session)

        landing = client.get(outcome.redirect_url)

    assert (landing.status_code, landing["Location"]) == (303, lands_at)


def test_a_site_behind_https_sends_nobody_to_http(stripe):
    with override_payments(BASE_URL="https://testserver"), pytest.raises(UnsafeRedirect):
        start_checkout(Booking.objects.create(), success_url="http://testserver/thanks/")

    assert PaymentSession.objects.count() == 0


def test_stripe_gets_the_place_of_the_checkout_id_unescaped(stripe):
    session = start_checkout(Booking.objects.create())

    asked = calls(stripe)[0].params["success_url"]

    assert asked == f"http://testserver/payments/return/{session.pk}/?session_id={{CHECKOUT_SESSION_ID}}"


def test_the_payer_lands_with_the_id_of_the_checkout(stripe, client):
    session = start_checkout(Booking.objects.create(), success_url="/thanks/?checkout={CHECKOUT_SESSION_ID}")
    outcome = stripe.pay(session)

    landing = client.get(outcome.redirect_url)

    assert outcome.redirect_url.endswith(f"?session_id={session.stripe_checkout_session_id}")
    assert landing["Location"] == f"http://testserver/thanks/?checkout={session.stripe_checkout_session_id}"


def test_a_payable_may_say_itself_where_its_payers_land(stripe, client):
    order = Order.objects.create()
    session, shipping = start_checkout(order), start_checkout(order, purpose="shipping")

    landings = [client.get(stripe.pay(each).redirect_url)["Location"] for each in (session, shipping)]

    assert landings == [
        f"/orders/{order.pk}/?payment={session.pk}&purpose=",
        f"/orders/{order.pk}/?payment={shipping.pk}&purpose=shipping",
    ]


def test_the_url_of_the_caller_outweighs_the_payables(stripe, client):
    session = start_checkout(Order.objects.create(), success_url="/thanks/")

    landing = client.get(stripe.pay(session).redirect_url)

    assert landing["Location"] == "http://testserver/thanks/"


def test_a_payable_without_a_page_has_ours(stripe, client):
    session = start_checkout(Booking.objects.create())

    page = client.get(stripe.pay(session).redirect_url)

    assert page.status_code == 200
    assert session.description in page.content.decode()


def test_who_goes_back_unpaid_does_not_land_on_the_page_of_thanks(stripe, client):
    session = start_checkout(Booking.objects.create(), success_url="/thanks/")
    back = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["cancel_url"]

    page = client.get(back)

    assert "Location" not in page
    assert "This is not paid yet" in page.content.decode()


@pytest.mark.parametrize("purpose", ["", "shipping"])
def test_who_goes_back_unpaid_lands_where_the_payable_says(stripe, client, purpose):
    order = Order.objects.create()
    session = start_checkout(order, purpose=purpose, success_url="/thanks/")
    back = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["cancel_url"]

    landing = client.get(back)

    assert landing["Location"] == f"/orders/{order.pk}/basket/?payment={session.pk}&purpose={purpose}"


def test_who_goes_back_after_paying_in_another_tab_lands_where_a_payer_does(stripe, client):
    order = Order.objects.create()
    session = start_checkout(order)
    back = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["cancel_url"]
    stripe.pay(session)

    landing = client.get(back)

    assert landing["Location"] == f"/orders/{order.pk}/?payment={session.pk}&purpose="


def test_a_cancel_url_of_the_caller_goes_to_stripe_as_it_is(stripe):
    session = start_checkout(Booking.objects.create(), cancel_url="/basket/")

    checkout = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)

    assert checkout["cancel_url"] == "http://testserver/basket/"


def test_the_newest_wish_decides_where_a_reused_checkout_lands(stripe, client):
    booking = Booking.objects.create()
    start_checkout(booking, success_url="/first/")
    session = start_checkout(booking, success_url="/second/")

    landing = client.get(stripe.pay(session).redirect_url)

    assert landing["Location"] == "http://testserver/second/"
