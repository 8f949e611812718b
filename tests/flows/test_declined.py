"""A card is declined, or 3D Secure asks who pays."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import EventKind, SessionStatus
from django_generic_payments.models import PaymentEvent
from django_generic_payments.services import start_checkout
from tests.flows.account import calls, open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

ASKS_FOR_3D_SECURE = "4000002500003155"


def test_a_declined_card_leaves_the_checkout_open_and_tells_nobody(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    outcome = stripe.decline(session)

    assert (outcome.status, outcome.decline_code) == ("declined", "generic_decline")
    assert_coherent(session)
    assert session.status == SessionStatus.PENDING
    assert heard(booking) == []


def test_declined_then_paid_is_one_payment(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    stripe.decline(session)
    stripe.decline(session, card="4000000000009995")
    stripe.pay(session)

    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    assert heard(booking) == ["payment_succeeded"]
    assert len(calls(stripe)) == 1


def test_every_decline_is_a_line_of_the_timeline_once(stripe):
    session = start_checkout(Booking.objects.create())

    stripe.decline(session, deliver=False)
    stripe.decline(session, card="4000000000009995", deliver=False)
    stripe.deliver(times=3)

    notes = PaymentEvent.objects.filter(session=session, kind=EventKind.ATTEMPT_FAILED)
    assert sorted(notes.values_list("note", flat=True)) == ["generic_decline", "insufficient_funds"]
    assert_coherent(session)


def test_a_decline_that_is_heard_after_the_payment_changes_nothing(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.decline(session, deliver=False)
    stripe.pay(session, deliver=False)

    stripe.deliver(order=lambda events: list(reversed(events)))

    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED
    assert heard(booking) == ["payment_succeeded"]


def test_a_payer_who_proves_who_they_are_has_paid(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    asked = stripe.pay(session, card=ASKS_FOR_3D_SECURE)
    assert_coherent(session)
    before = session.status
    outcome = stripe.authenticate(session)

    assert (asked.status, before) == ("requires_action", SessionStatus.PENDING)
    assert outcome.status == "succeeded"
    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED
    assert heard(booking) == ["payment_succeeded"]


def test_a_payer_who_fails_3d_secure_may_try_another_card(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, card=ASKS_FOR_3D_SECURE)

    failed = stripe.authenticate(session, success=False)
    assert_coherent(session)
    before = session.status, heard(booking)
    stripe.pay(session)

    assert (failed.status, before) == ("declined", (SessionStatus.PENDING, []))
    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED
    assert heard(booking) == ["payment_succeeded"]


def test_3d_secure_that_is_followed_by_a_decline_is_no_payment(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, card="4000008400001629")

    outcome = stripe.authenticate(session)

    assert outcome.status == "declined"
    assert_coherent(session)
    assert session.status == SessionStatus.PENDING
    assert heard(booking) == []
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]
