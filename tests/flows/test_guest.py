"""A guest pays by a link in a mail."""

from __future__ import annotations

import pytest
from django.test import Client

from django_generic_payments.enums import SessionStatus
from django_generic_payments.models import Customer, PaymentSession
from django_generic_payments.services import start_checkout
from tests.flows.account import calls, open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def test_a_guest_follows_the_pay_link_and_pays(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    to_stripe = client.get(session.pay_url)
    outcome = stripe.pay(session, email="gus@example.com")
    page = client.get(outcome.redirect_url)

    assert session.pay_url == f"http://testserver/payments/pay/{session.pk}/"
    assert to_stripe["Location"] == session.stripe_checkout_url
    assert "Your payment has arrived" in page.content.decode()
    assert_coherent(session)
    assert session.customer.email == "gus@example.com"
    assert heard(booking) == ["payment_succeeded"]


def test_the_pay_link_says_what_became_of_it(stripe, client):
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)

    page = client.get(session.pay_url)

    assert page.status_code == 200
    assert "Your payment has arrived" in page.content.decode()


def test_a_link_that_nobody_sent_leads_nowhere(client):
    assert client.get("/payments/pay/6f1e0d3c-0000-4000-8000-000000000000/").status_code == 404


def test_two_guests_with_one_address_stay_two_payers(stripe):
    first, second = (start_checkout(Booking.objects.create()) for _ in range(2))

    stripe.pay(first, email="shared@example.com")
    stripe.pay(second, email="shared@example.com")

    assert_coherent(first)
    assert_coherent(second)
    assert first.customer != second.customer
    assert Customer.objects.filter(email="shared@example.com", user=None).count() == 2


def test_a_guest_gets_no_customer_at_stripe(stripe):
    session = start_checkout(Booking.objects.create())

    stripe.pay(session)

    assert calls(stripe, "/v1/customers") == []
    assert_coherent(session)
    assert session.customer.stripe_customer_id is None


def test_the_address_that_a_guest_left_with_the_order_is_prefilled(stripe):
    order = Order.objects.create(email="gus@example.com")

    session = start_checkout(order)

    checkout = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)
    assert checkout["customer_email"] == "gus@example.com"


def test_an_anonymous_visitor_is_a_guest(stripe):
    client = Client(enforce_csrf_checks=False)
    booking = Booking.objects.create()

    answer = client.post(f"/payments/checkout/booking/{booking.pk}/")

    session = PaymentSession.objects.get()
    assert answer["Location"] == session.stripe_checkout_url
    assert (session.owner, session.idempotency_scope) == (None, "server")


def test_the_link_of_one_guest_can_be_paid_on_another_device(stripe):
    session = start_checkout(Booking.objects.create())

    locations = {Client().get(session.pay_url)["Location"] for _ in range(2)}

    assert locations == {session.stripe_checkout_url}
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]


def test_a_payer_with_an_account_may_also_come_by_the_link(stripe, client, user):
    booking = Booking.objects.create(owner=user)
    session = start_checkout(booking, user=user)

    answer = client.get(session.pay_url)
    stripe.pay(session)

    assert answer["Location"] == session.stripe_checkout_url
    assert_coherent(session)
    assert (session.status, session.customer.user) == (SessionStatus.SUCCEEDED, user)


def test_a_mailed_link_and_the_button_of_a_user_open_the_same_checkout(stripe, user):
    booking = Booking.objects.create(owner=user)
    mailed = start_checkout(booking)

    clicked = start_checkout(booking, user=user)

    assert clicked == mailed
    assert clicked.owner == user
    assert_coherent(clicked)


def test_nobody_is_shown_the_checkout_of_a_user(stripe, user):
    booking = Booking.objects.create()
    theirs = start_checkout(booking, user=user)

    ours = start_checkout(booking)

    assert ours != theirs
    assert stripe.sandbox.checkout_session(ours.stripe_checkout_session_id)["customer"] is None


def test_a_link_outlives_the_account_of_its_payer(stripe, client, user):
    session = start_checkout(Booking.objects.create(), user=user)
    stripe.expire(session)
    user.delete()

    answer = client.get(session.pay_url)

    fresh = session.__class__.objects.exclude(pk=session.pk).get()
    assert answer["Location"] == fresh.stripe_checkout_url
