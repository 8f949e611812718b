"""A checkout is started inside a transaction: ATOMIC_REQUESTS, the admin, a management command."""

from __future__ import annotations

import pytest
from django.db import transaction

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import AlreadyPaid, CheckoutOpen, TransactionOpen
from django_generic_payments.models import Customer, PaymentSession
from django_generic_payments.services import cancel_checkout, start_checkout
from tests.flows.account import calls, open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def test_the_payer_goes_to_the_pay_link_and_from_there_to_stripe(stripe, client):
    with transaction.atomic():
        booking = Booking.objects.create()
        session = start_checkout(booking)

    assert session.checkout_url == session.pay_url
    assert stripe.sandbox.requests == []
    to_stripe = client.get(session.checkout_url)
    assert_coherent(session)
    assert (to_stripe.status_code, to_stripe["Location"]) == (303, session.stripe_checkout_url)
    stripe.pay(session)
    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED
    assert heard(booking) == ["payment_succeeded"]


@pytest.mark.django_db(transaction=True)
def test_it_is_the_same_without_the_transaction_of_a_test(stripe, client):
    with transaction.atomic():
        booking = Booking.objects.create()
        session = start_checkout(booking)

    client.get(session.checkout_url)
    stripe.pay(session)

    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]


def test_a_rollback_leaves_nothing_here_nor_at_stripe(stripe, user):
    with transaction.atomic():
        start_checkout(Booking.objects.create(), user=user)
        transaction.set_rollback(True)

    assert (PaymentSession.objects.count(), Customer.objects.count(), Booking.objects.count()) == (0, 0, 0)
    assert stripe.sandbox.requests == []


def test_the_checkout_that_is_open_is_used_inside_a_transaction_too(stripe):
    booking = Booking.objects.create()
    opened = start_checkout(booking)

    with transaction.atomic():
        session = start_checkout(booking)

    assert (session, session.checkout_url) == (opened, opened.stripe_checkout_url)
    assert len(calls(stripe)) == 1


def test_another_price_cannot_replace_an_open_checkout_there(stripe):
    booking = Booking.objects.create()
    opened = start_checkout(booking)
    booking.deposit = 99_00

    with transaction.atomic(), pytest.raises(CheckoutOpen, match="on_commit") as refused:
        start_checkout(booking)

    assert refused.value.session == opened
    assert open_checkouts(stripe) == [opened.stripe_checkout_session_id]
    assert_coherent(opened)
    assert opened.status == SessionStatus.PENDING


def test_another_price_replaces_what_was_never_opened(stripe, client):
    booking = Booking.objects.create()
    with transaction.atomic():
        first = start_checkout(booking)
        booking.deposit = 99_00
        booking.save()
        second = start_checkout(booking)

    answers = [client.get(each.pay_url) for each in (second, first)]

    assert_coherent(first)
    assert_coherent(second)
    assert (first.status, second.status) == (SessionStatus.CANCELED, SessionStatus.PENDING)
    assert {each["Location"] for each in answers} == {second.stripe_checkout_url}
    assert heard(booking) == []


def test_what_is_paid_is_refused_there_too(stripe):
    booking = Booking.objects.create()
    stripe.pay(start_checkout(booking))

    with transaction.atomic(), pytest.raises(AlreadyPaid):
        start_checkout(booking)

    assert PaymentSession.objects.count() == 1


def test_an_open_checkout_is_not_canceled_there(stripe):
    session = start_checkout(Booking.objects.create())

    with transaction.atomic(), pytest.raises(TransactionOpen):
        cancel_checkout(session)

    assert_coherent(session)
    assert session.status == SessionStatus.PENDING


@pytest.mark.django_db(transaction=True)
def test_what_was_never_opened_is_canceled_there_and_announced_after_the_commit(stripe):
    booking = Booking.objects.create()
    with transaction.atomic():
        session = start_checkout(booking)

    with transaction.atomic():
        cancel_checkout(session)
        before = heard(booking)

    assert (before, heard(booking)) == ([], ["payment_canceled"])
    assert_coherent(session)
    assert stripe.sandbox.requests == []


@pytest.mark.django_db(transaction=True)
def test_a_cancellation_that_is_rolled_back_was_none(stripe):
    booking = Booking.objects.create()
    with transaction.atomic():
        session = start_checkout(booking)

    with transaction.atomic():
        cancel_checkout(session)
        transaction.set_rollback(True)

    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.CREATED, [])


def test_a_payer_with_an_account_gets_their_customer_when_they_arrive(stripe, client, user):
    with transaction.atomic():
        session = start_checkout(Booking.objects.create(owner=user), user=user)

    client.get(session.pay_url)

    assert_coherent(session)
    checkout = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)
    assert checkout["customer"] == Customer.objects.get(user=user).stripe_customer_id


def test_the_sandbox_pays_what_was_started_there_by_following_the_link(stripe):
    booking = Booking.objects.create()
    with transaction.atomic():
        session = start_checkout(booking)

    stripe.pay(session)

    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]
