"""Deliveries that meet while a receiver is at work."""

from __future__ import annotations

import threading

import pytest
from django.db import transaction
from django.utils import timezone

from django_generic_payments.enums import Cause
from django_generic_payments.gateway import get_gateway
from django_generic_payments.models import PaymentEvent, PaymentSession, WebhookEvent
from django_generic_payments.services import start_checkout
from django_generic_payments.services.bookkeeping import apply_facts
from django_generic_payments.services.facts import Learnt, facts_of_checkout
from tests.postgres.racing import PATIENCE, in_the_background, wait_until_somebody_waits
from tests.postgres.scenes import ONCE, counts, delivery, event_of
from tests.shop.models import Booking

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def booking():
    return Booking.objects.create()


@pytest.fixture
def deliver(stripe, booking):
    """Deliver the event of a paid checkout."""
    stripe.pay(start_checkout(booking), deliver=False)
    return delivery(stripe, event_of(stripe, "checkout.session.completed"))


def test_a_repetition_is_not_acknowledged_while_the_first_is_still_serving(deliver, booking, stage):
    stage.hold()
    with in_the_background(deliver) as first:
        stage.wait_for_entry()
        with in_the_background(deliver) as second:
            wait_until_somebody_waits()
            assert not second.done()
            stage.let_everybody_go()

    assert (first.result(), second.result()) == (200, 200)
    assert stage.entries == 1
    assert counts(booking) == ONCE


def test_a_repetition_serves_what_the_first_failed_to_serve(deliver, booking, stage):
    stage.hold()
    stage.failures_to_come = 1
    with in_the_background(deliver) as first:
        stage.wait_for_entry()
        with in_the_background(deliver) as second:
            wait_until_somebody_waits()
            assert not second.done()
            stage.let_everybody_go()

    assert (first.result(), second.result()) == (503, 200)
    assert stage.entries == 2
    assert counts(booking) == ONCE
    assert PaymentEvent.objects.get().owed_receivers == []


def test_a_receiver_that_always_fails_is_never_acknowledged_and_keeps_no_other_from_being_told(
    deliver, booking, stage
):
    stage.failures_to_come = 100

    assert [deliver(), deliver(), deliver()] == [503, 503, 503]

    assert counts(booking) == ONCE
    assert PaymentEvent.objects.get().owed_receivers == ["tests.stage"]
    stage.failures_to_come = 0
    assert deliver() == 200
    assert stage.entries == 4


def test_who_waits_five_seconds_for_a_lock_is_asked_to_come_again(stripe, booking, deliver, stage):
    """Both at once, as each takes the five seconds: a lock on the session, and a receiver that does not end."""
    other = Booking.objects.create()
    locked = start_checkout(other)
    stripe.pay(locked, deliver=False)
    events = [event for event in stripe.sandbox.events if event["type"] == "checkout.session.completed"]
    deliver_locked = delivery(stripe, events[-1])

    stage.hold()
    with in_the_background(deliver) as serving:
        stage.wait_for_entry()
        with transaction.atomic(), in_the_background(deliver) as behind_receiver:
            PaymentSession.objects.select_for_update().get(pk=locked.pk)
            with in_the_background(deliver_locked) as behind_lock:
                assert behind_lock.result(PATIENCE) == 503
                assert behind_receiver.result(PATIENCE) == 503
        assert not serving.done()
        stage.let_everybody_go()

    assert serving.result() == 200
    assert WebhookEvent.objects.get(state="failed").stripe_event_id == events[-1]["id"]
    assert (deliver(), deliver_locked()) == (200, 200)
    for each in (booking, other):
        assert counts(each) == {**ONCE, "ledger rows": 2, "payment events": 2, "told": 2}


def test_what_was_booked_while_a_delivery_waited_is_told_before_it_is_acknowledged(stripe, booking, deliver):
    session = PaymentSession.objects.get()
    checkout = get_gateway().retrieve_checkout_session(session.stripe_checkout_session_id)

    has_locked, may_go_on = threading.Event(), threading.Event()

    def book_and_die():
        # A return page that books the payment, and dies before it has told anybody.
        with transaction.atomic():
            locked = PaymentSession.objects.locked().get(pk=session.pk)
            has_locked.set()
            assert may_go_on.wait(PATIENCE)
            apply_facts(locked, facts_of_checkout(checkout, timezone.now()), Learnt(Cause.RETURN_PAGE))

    with in_the_background(book_and_die):
        assert has_locked.wait(PATIENCE)
        with in_the_background(deliver) as webhook:
            wait_until_somebody_waits()
            may_go_on.set()

    assert webhook.result() == 200
    assert counts(booking) == ONCE
