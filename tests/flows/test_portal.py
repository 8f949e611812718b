"""Payers with an account change their cards at Stripe, and come back to us."""

from __future__ import annotations

import pytest

from django_generic_payments.exceptions import GatewayUnavailable, PayableError, UnsafeRedirect
from django_generic_payments.models import Customer
from django_generic_payments.services import customer_portal_url, start_checkout
from tests.flows.account import calls
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

PORTAL = "/v1/billing_portal/sessions"


@pytest.fixture
def customer(stripe, user):
    """A user who has paid."""
    session = start_checkout(Booking.objects.create(owner=user), user=user)
    stripe.pay(session)
    return Customer.objects.get(user=user)


def test_a_customer_gets_an_address_and_comes_back_to_us(stripe, customer):
    url = customer_portal_url(customer, return_url="/account/")

    (call,) = calls(stripe, PORTAL)
    assert call.params == {
        "customer": customer.stripe_customer_id,
        "return_url": "http://testserver/account/",
    }
    assert url.startswith("https://")


def test_each_call_asks_for_a_new_address(stripe, customer):
    urls = {customer_portal_url(customer, return_url="/") for _ in range(2)}

    assert len(urls) == 2


def test_a_user_who_has_no_customer_at_stripe_yet_gets_one(stripe, user):
    customer = Customer.objects.create(user=user, livemode=False, email=user.email)

    customer_portal_url(customer, return_url="/")

    customer.refresh_from_db()
    assert calls(stripe, PORTAL)[0].params["customer"] == customer.stripe_customer_id != ""


def test_a_guest_has_none(stripe):
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)
    session.refresh_from_db()

    with pytest.raises(PayableError, match="is a guest and has no customer at Stripe"):
        customer_portal_url(session.customer, return_url="/")

    assert calls(stripe, PORTAL) == []


@pytest.mark.parametrize("url", ["https://evil.example/", "//evil.example/", "javascript:alert(1)"])
def test_nobody_is_sent_elsewhere_afterwards(stripe, customer, url):
    with pytest.raises(UnsafeRedirect):
        customer_portal_url(customer, return_url=url)

    assert calls(stripe, PORTAL) == []


def test_while_stripe_is_down_there_is_no_address(stripe, customer):
    stripe.sandbox.fail_next("503", path=PORTAL)

    with pytest.raises(GatewayUnavailable):
        customer_portal_url(customer, return_url="/")
