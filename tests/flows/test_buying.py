"""A payer buys something."""

from __future__ import annotations

import re

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory

from django_generic_payments.enums import DeliveryState, SessionStatus, TransactionKind
from django_generic_payments.exceptions import AlreadyPaid, NothingToPay
from django_generic_payments.models import Customer, PaymentEvent, PaymentSession, Transaction, WebhookEvent
from django_generic_payments.services import payment_required, start_checkout
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking, Heard, LateBooking, SuiteBooking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def button(payable, user) -> str:
    request = RequestFactory().get("/")
    request.user = user
    template = Template("{% load generic_payments %}{% pay_button payable %}")
    return template.render(RequestContext(request, {"payable": payable})).strip()


def test_a_paid_checkout_confirms_the_booking_once(stripe):
    booking = Booking.objects.create()

    session = start_checkout(booking)
    outcome = stripe.pay(session)

    assert outcome.status == "succeeded"
    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    payment = Transaction.objects.get()
    assert (payment.kind, payment.gross, payment.currency) == (TransactionKind.PAYMENT, 12_50, "gbp")
    assert payment.source_id == outcome.payment_intent
    event = PaymentEvent.objects.get()
    assert (event.kind, event.state, event.owed_to) == ("payment_succeeded", DeliveryState.DELIVERED, "")
    assert Heard.objects.get().kind == "payment_succeeded"
    assert stripe.sandbox.pending == []


def test_a_payer_presses_the_button_pays_and_comes_back(stripe, client, user):
    booking = Booking.objects.create(owner=user)
    client.force_login(user)
    action = re.search(r'action="([^"]+)"', button(booking, user))[1]

    to_stripe = client.post(action)
    session = PaymentSession.objects.get()
    outcome = stripe.pay(session)
    back = client.get(outcome.redirect_url)

    assert (to_stripe.status_code, to_stripe["Location"]) == (303, session.stripe_checkout_url)
    assert "Your payment has arrived" in back.content.decode()
    assert_coherent(session)
    booking.refresh_from_db()
    assert (booking.confirmed, session.owner) == (1, user)
    assert button(booking, user) == ""


def test_a_stranger_finds_no_door_to_the_booking_of_another(stripe, client, user, django_user_model):
    booking = Booking.objects.create(owner=user)
    stranger = django_user_model.objects.create_user("eve")
    client.force_login(stranger)

    answer = client.post(f"/payments/checkout/booking/{booking.pk}/")

    assert answer.status_code == 404
    assert button(booking, stranger) == ""
    assert (PaymentSession.objects.count(), stripe.sandbox.requests) == (0, [])


def test_a_guest_leaves_their_address_with_the_payment(stripe):
    session = start_checkout(Booking.objects.create())

    stripe.pay(session, email="guest@example.com", name="Gus Guest", phone="+441234567890")

    session.refresh_from_db()
    assert session.customer is not None
    assert (session.customer.email, session.customer.name) == ("guest@example.com", "Gus Guest")
    assert session.customer.phone == "+441234567890"
    assert session.customer.stripe_customer_id is None
    assert Customer.objects.count() == 1


def test_a_payer_with_an_account_has_one_customer_at_stripe(stripe, user):
    first = start_checkout(Booking.objects.create(owner=user), user=user)
    second = start_checkout(Booking.objects.create(owner=user), user=user)

    customer = Customer.objects.get()
    assert first.customer == second.customer == customer
    assert stripe.sandbox.customer(customer.stripe_customer_id)["email"] == user.email
    assert stripe.sandbox.checkout_session(second.stripe_checkout_session_id)["customer"] == (
        customer.stripe_customer_id
    )


def test_what_is_paid_is_not_sold_again(stripe):
    booking = Booking.objects.create()
    assert payment_required(booking)
    session = start_checkout(booking)
    stripe.pay(session)

    with pytest.raises(AlreadyPaid) as refused:
        start_checkout(booking)

    assert refused.value.session == session
    assert not payment_required(booking)


def test_what_costs_nothing_needs_no_payment(stripe):
    free = Booking.objects.create(deposit=0)

    with pytest.raises(NothingToPay):
        start_checkout(free)

    assert not payment_required(free)
    assert stripe.sandbox.requests == []


def test_what_is_free_because_it_is_paid_is_said_to_be_paid(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session)
    booking.deposit = 0

    with pytest.raises(AlreadyPaid) as refused:
        start_checkout(booking)

    assert refused.value.session == session


@pytest.mark.parametrize("kind", [LateBooking, SuiteBooking])
def test_a_proxy_or_a_child_is_bought_as_the_booking_it_is(stripe, kind):
    booking = kind.objects.create()

    session = start_checkout(booking)
    stripe.pay(session)

    assert_coherent(session)
    assert (session.payable_type, session.payable_id) == ("booking", str(booking.pk))
    assert Booking.objects.get(pk=booking.pk).confirmed == 1
    with pytest.raises(AlreadyPaid):
        start_checkout(Booking.objects.get(pk=booking.pk))


def test_two_bookings_are_paid_independently(stripe):
    first, second = Booking.objects.create(), Booking.objects.create()
    paid, waiting = start_checkout(first), start_checkout(second)

    stripe.pay(paid)

    assert_coherent(paid)
    assert_coherent(waiting)
    assert (paid.status, waiting.status) == (SessionStatus.SUCCEEDED, SessionStatus.PENDING)
    assert (heard(first), heard(second)) == (["payment_succeeded"], [])


def test_every_webhook_of_a_payment_is_kept_or_counted(stripe):
    stripe.pay(start_checkout(Booking.objects.create()))

    rows = {row.type: row for row in WebhookEvent.objects.all()}
    assert rows["checkout.session.completed"].state == "processed"
    assert rows["payment_intent.succeeded"].state == "processed"
    assert (rows["charge.succeeded"].state, rows["charge.succeeded"].body) == ("ignored", "")
    assert rows["checkout.session.completed"].body.startswith("{\n")
