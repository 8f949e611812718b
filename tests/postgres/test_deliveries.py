"""Many deliveries at the same moment."""

from __future__ import annotations

from collections import Counter

import pytest
from django.test import Client
from django.urls import reverse

from django_generic_payments.enums import SessionStatus
from django_generic_payments.models import WebhookEvent
from django_generic_payments.services import start_checkout, sync_session
from tests.postgres.racing import race
from tests.postgres.scenes import (
    ONCE,
    SEPA_IBAN,
    counts,
    deliver_again,
    delivery,
    event_of,
    inbox,
    open_at_stripe,
    told,
    with_another_id,
)
from tests.shop.models import Booking

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def pay(stripe, **price):
    booking = Booking.objects.create(**price)
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    return booking, session


def test_fifty_deliveries_of_one_event_are_one_payment_and_one_confirmation(stripe):
    booking, session = pay(stripe)
    events = [event_of(stripe, "checkout.session.completed")] * 50

    statuses = race(*(delivery(stripe, event) for event in events))

    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, events, statuses)) <= {200}
    assert (WebhookEvent.objects.count(), inbox()) == (1, {"processed": 1})
    assert counts(booking) == ONCE
    session.refresh_from_db()
    assert (session.status, session.paid_amount) == (SessionStatus.SUCCEEDED, 12_50)


def test_two_events_about_the_same_thing_are_one_payment(stripe):
    booking, _session = pay(stripe)
    first = event_of(stripe, "checkout.session.completed")
    events = [first, with_another_id(first)] * 25

    statuses = race(*(delivery(stripe, event) for event in events))

    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, events, statuses)) <= {200}
    assert inbox() == {"processed": 2}
    assert counts(booking) == ONCE


def test_the_checkout_and_its_payment_intent_report_one_payment(stripe):
    booking, session = pay(stripe)
    kinds = ("checkout.session.completed", "payment_intent.succeeded")
    events = [event_of(stripe, kind) for kind in kinds] * 25

    statuses = race(*(delivery(stripe, event) for event in events))

    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, events, statuses)) <= {200}
    assert inbox() == {"processed": 2}
    assert counts(booking) == ONCE
    session.refresh_from_db()
    assert (session.status, session.derived_status) == (SessionStatus.SUCCEEDED, SessionStatus.SUCCEEDED)


def test_completion_and_settlement_of_a_bank_debit_are_one_payment(stripe):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban=SEPA_IBAN, deliver=False)
    stripe.settle(session, deliver=False)
    kinds = ("checkout.session.completed", "checkout.session.async_payment_succeeded")
    events = [event_of(stripe, kind) for kind in kinds] * 25

    statuses = race(*(delivery(stripe, event) for event in events))

    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, events, statuses)) <= {200}
    assert inbox() == {"processed": 2}
    assert counts(booking) == ONCE
    assert told("payment_processing") <= 1
    session.refresh_from_db()
    assert (session.status, session.derived_status) == (SessionStatus.SUCCEEDED, SessionStatus.SUCCEEDED)


def test_the_webhook_and_the_return_page_book_one_payment(stripe):
    booking, session = pay(stripe)
    event = event_of(stripe, "checkout.session.completed")
    page = reverse("generic_payments:return", args=[session.pk])
    visits = [lambda: Client().get(page).status_code] * 8
    questions = [lambda: sync_session(session).status] * 8

    outcomes = race(*visits, *questions, *[delivery(stripe, event)] * 8)

    assert Counter(outcomes[:8]) == {200: 8}
    assert Counter(outcomes[8:16]) == {SessionStatus.SUCCEEDED: 8}
    statuses = outcomes[16:]
    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, [event] * 8, statuses)) <= {200}
    assert counts(booking) == ONCE


def test_fifty_payments_of_fifty_bookings_at_once_are_fifty_payments(stripe):
    paid = [pay(stripe) for _ in range(50)]
    events = [event for event in stripe.sandbox.events if event["type"] == "checkout.session.completed"]

    statuses = race(*(delivery(stripe, event) for event in events))

    assert statuses == [200] * 50
    assert Counter(Booking.objects.values_list("confirmed", flat=True)) == {1: 50}
    assert counts(paid[0][0]) == {**ONCE, "ledger rows": 50, "payment events": 50, "told": 50}
    assert open_at_stripe(stripe) == []
