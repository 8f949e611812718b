"""The payer is back before the webhook is."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_generic_payments.enums import Cause, SessionStatus
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_succeeded
from tests.flows.account import calls
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def test_the_return_page_asks_stripe_when_the_webhook_is_late(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    outcome = stripe.pay(session, deliver=False)

    page = client.get(outcome.redirect_url)

    assert "Your payment has arrived" in page.content.decode()
    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    assert session.events.get().cause == Cause.RETURN_PAGE


def test_the_webhook_after_the_return_page_doubles_nothing(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    outcome = stripe.pay(session, deliver=False)
    client.get(outcome.redirect_url)

    answers = stripe.deliver(times=2)

    assert {each.status for each in answers} == {200}
    assert_coherent(session)
    assert session.transactions.count() == 1
    assert heard(booking) == ["payment_succeeded"]


def test_the_return_page_after_the_webhook_asks_nobody(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    outcome = stripe.pay(session)
    asked = len(stripe.sandbox.requests)

    page = client.get(outcome.redirect_url)

    assert "Your payment has arrived" in page.content.decode()
    assert len(stripe.sandbox.requests) == asked
    assert heard(booking) == ["payment_succeeded"]


def test_a_payer_who_keeps_reloading_does_not_keep_asking_stripe(stripe, client):
    session = start_checkout(Booking.objects.create())
    path = f"/v1/checkout/sessions/{session.stripe_checkout_session_id}"

    for _ in range(5):
        client.get(f"/payments/return/{session.pk}/")

    assert len(calls(stripe, path, "GET")) == 1


@pytest.mark.parametrize("failure", ["connection_lost_before", "500", "429"])
def test_the_return_page_shows_the_payer_no_error_of_ours(stripe, client, failure):
    session = start_checkout(Booking.objects.create())
    outcome = stripe.pay(session, deliver=False)
    stripe.sandbox.fail_next(failure, method="GET", path="/v1/checkout/sessions/{id}")

    page = client.get(outcome.redirect_url)

    assert page.status_code == 200
    assert "This is not paid yet" in page.content.decode()
    stripe.deliver()
    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED


def test_a_debit_on_its_way_is_shown_as_such_and_learnt_once(stripe, client):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    outcome = stripe.pay(session, iban="AT611904300234573201", deliver=False)

    page = client.get(outcome.redirect_url)
    stripe.deliver()

    assert "Your bank is processing the payment" in page.content.decode()
    assert_coherent(session)
    assert heard(booking) == ["payment_processing"]


def test_a_debit_that_failed_is_learnt_without_its_webhook(stripe, client):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban="AT611904300234573201")
    stripe.settle(session, success=False, deliver=False)

    client.get(f"/payments/return/{session.pk}/")
    stripe.deliver()

    assert_coherent(session)
    assert session.status == SessionStatus.FAILED
    assert heard(booking) == ["payment_processing", "payment_failed"]


def test_a_receiver_that_failed_at_the_webhook_is_tried_again_by_the_return_page(stripe, client, connect):
    told = []

    def fails_first(**kwargs):
        told.append(kwargs["event"].pk)
        if len(told) == 1:
            raise RuntimeError("not now")

    connect(payment_succeeded, fails_first, uid="tests.fails_first")
    session = start_checkout(Booking.objects.create())
    outcome = stripe.pay(session, deliver=False)
    stripe.deliver(drop=["checkout.session.completed"])

    client.get(outcome.redirect_url)

    assert len(told) == 2
    assert_coherent(session)


def test_a_page_that_asks_again_and_again_does_not_use_up_the_attempts_of_a_receiver(stripe, client, connect):
    told = []

    def fails(**kwargs):
        told.append(kwargs["event"].pk)
        raise RuntimeError("not now")

    connect(payment_succeeded, fails, uid="tests.fails")
    session = start_checkout(Booking.objects.create())
    outcome = stripe.pay(session)
    before = session.events.values("attempts", "next_attempt_at").get()
    webhook_told = len(told)

    for _ in range(5):
        client.get(outcome.redirect_url)
    assert len(told) == webhook_told + 1  # as often as Stripe would be asked
    PaymentSession.objects.update(synced_at=timezone.now() - timedelta(seconds=4))
    client.get(outcome.redirect_url)

    assert len(told) == webhook_told + 2
    assert session.events.values("attempts", "next_attempt_at").get() == before
