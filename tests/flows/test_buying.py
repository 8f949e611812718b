"""A payer buys something."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import DeliveryState, SessionStatus, TransactionKind
from django_generic_payments.exceptions import AlreadyPaid
from django_generic_payments.models import Customer, PaymentEvent, Transaction, WebhookEvent
from django_generic_payments.services import payment_required, start_checkout
from tests.shop.models import Booking, Heard

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def test_a_paid_checkout_confirms_the_booking_once(stripe):
    booking = Booking.objects.create()

    session = start_checkout(booking)
    outcome = stripe.pay(session)

    assert outcome.status == "succeeded"
    session.refresh_from_db()
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    payment = Transaction.objects.get()
    assert (payment.kind, payment.gross, payment.currency) == (TransactionKind.PAYMENT, 12_50, "gbp")
    assert payment.source_id == outcome.payment_intent
    event = PaymentEvent.objects.get()
    assert (event.kind, event.state, event.owed_to) == ("payment_succeeded", DeliveryState.DELIVERED, "")
    assert Heard.objects.get().kind == "payment_succeeded"
    assert stripe.sandbox.pending == []


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


def test_every_webhook_of_a_payment_is_kept_or_counted(stripe):
    stripe.pay(start_checkout(Booking.objects.create()))

    rows = {row.type: row for row in WebhookEvent.objects.all()}
    assert rows["checkout.session.completed"].state == "processed"
    assert rows["payment_intent.succeeded"].state == "processed"
    assert (rows["charge.succeeded"].state, rows["charge.succeeded"].body) == ("ignored", "")
    assert rows["checkout.session.completed"].body.startswith("{\n")
