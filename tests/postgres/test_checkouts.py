"""Many checkouts of one thing at the same moment."""

from __future__ import annotations

import copy
import threading
from collections import Counter

import pytest
from django.db import transaction

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import AlreadyPaid, CheckoutClosed, CheckoutOpen, GatewayUnavailable
from django_generic_payments.models import PaymentSession
from django_generic_payments.sandbox import SandboxError
from django_generic_payments.services import cancel_checkout, checkout, start_checkout
from django_generic_payments.services.opening import open_checkout
from tests.postgres.racing import race, swapped
from tests.postgres.scenes import ONCE, counts, deliver_again, delivery, event_of, holder, open_at_stripe
from tests.shop.models import Booking

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

#: What a caller may be told in the crowd; all of it is gone with the next call.
TRY_AGAIN = (GatewayUnavailable, CheckoutClosed, CheckoutOpen)


def sessions_of(outcomes):
    """Return the sessions among the outcomes; the rest must be what a caller may be told."""
    sessions = [each for each in outcomes if isinstance(each, PaymentSession)]
    others = [each for each in outcomes if not isinstance(each, (PaymentSession, *TRY_AGAIN))]
    assert others == []
    return sessions


def at_price(booking, pence):
    """Return the booking as somebody sees it who knows another price."""
    seen = copy.copy(booking)
    seen.deposit = pence
    return seen


def test_fifty_checkouts_of_one_booking_are_one_session(stripe):
    booking = Booking.objects.create()

    sessions = sessions_of(race(*[lambda: start_checkout(booking)] * 50))

    assert len({session.pk for session in sessions}) == 1
    assert PaymentSession.objects.get() == holder(booking) == start_checkout(booking)
    assert open_at_stripe(stripe) == [holder(booking).stripe_checkout_session_id]


def test_fifty_checkouts_of_one_user_make_one_customer(stripe, user):
    booking = Booking.objects.create(owner=user)

    sessions_of(race(*[lambda: start_checkout(booking, user=user)] * 50))

    session = start_checkout(booking, user=user)
    assert PaymentSession.objects.get() == session
    assert session.customer.stripe_customer_id
    assert [event["type"] for event in stripe.sandbox.events].count("customer.created") == 1


def test_fifty_checkouts_with_one_idempotency_key_are_one_session(stripe):
    booking = Booking.objects.create()

    sessions = sessions_of(race(*[lambda: start_checkout(booking, idempotency_key="the key")] * 50))

    assert len({session.pk for session in sessions}) <= 1
    assert PaymentSession.objects.get() == start_checkout(booking, idempotency_key="the key")
    assert open_at_stripe(stripe) == [holder(booking).stripe_checkout_session_id]


@pytest.mark.parametrize("round_", range(3))
def test_of_two_prices_at_most_one_can_be_paid_at_any_time(stripe, round_):
    booking = Booking.objects.create()
    handed_out, payable_at_once, lock = set(), [], threading.Lock()

    def start(pence):
        session = start_checkout(at_price(booking, pence))
        with lock:
            handed_out.add(session.stripe_checkout_session_id)
            payable_at_once.append(len(handed_out & set(open_at_stripe(stripe))))
        return session

    sessions_of(race(*[lambda: start(10_00), lambda: start(20_00)] * 25))

    assert max(payable_at_once, default=0) <= 1
    last = start(30_00)
    assert holder(booking) == last
    assert open_at_stripe(stripe) == [last.stripe_checkout_session_id]
    statuses = Counter(PaymentSession.objects.exclude(pk=last.pk).values_list("status", flat=True))
    assert set(statuses) <= {SessionStatus.CANCELED}


def test_what_is_opened_a_moment_before_it_is_replaced_is_closed_at_stripe_too(stripe):
    booking = Booking.objects.create()
    with transaction.atomic():
        first = start_checkout(booking)
    replace = checkout._replace

    def open_and_replace(holder):
        open_checkout(PaymentSession.objects.get(pk=first.pk))
        replace(holder)

    with swapped(checkout, "_replace", open_and_replace):
        second = start_checkout(at_price(booking, 20_00))

    assert open_at_stripe(stripe) == [second.stripe_checkout_session_id]
    first.refresh_from_db()
    assert first.status == SessionStatus.CANCELED


def test_what_is_opened_a_moment_before_it_is_canceled_is_closed_at_stripe_too(stripe):
    with transaction.atomic():
        unopened = start_checkout(Booking.objects.create())
    open_checkout(PaymentSession.objects.get(pk=unopened.pk))

    (canceled,) = cancel_checkout(unopened)

    assert canceled.status == SessionStatus.CANCELED
    assert open_at_stripe(stripe) == []


def test_a_canceled_checkout_cannot_be_paid_although_it_was_just_being_opened(stripe):
    booking = Booking.objects.create()

    for _round in range(5):
        outcomes = race(*[lambda: start_checkout(booking), lambda: cancel_checkout(booking, by="ann")] * 10)

        sessions_of([each for each in outcomes if not isinstance(each, list)])
        held = PaymentSession.objects.filter(slot__isnull=False)
        assert set(open_at_stripe(stripe)) <= {session.stripe_checkout_session_id for session in held}
        assert len(held) <= 1


def test_a_checkout_started_while_the_payment_is_booked_is_the_same_or_refused(stripe):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    event = event_of(stripe, "checkout.session.completed")
    same = [lambda: start_checkout(booking)] * 10
    dearer = [lambda: start_checkout(at_price(booking, 20_00))] * 10

    outcomes = race(*same, *dearer, *[delivery(stripe, event)] * 10)

    for outcome in outcomes[:20]:
        assert outcome == session or isinstance(outcome, AlreadyPaid)
    assert all(isinstance(outcome, AlreadyPaid) for outcome in outcomes[10:20])
    statuses = outcomes[20:]
    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, [event] * 10, statuses)) <= {200}
    assert PaymentSession.objects.get().status == SessionStatus.SUCCEEDED
    assert open_at_stripe(stripe) == []
    assert counts(booking) == ONCE


def test_a_payer_who_pays_while_the_price_changes_pays_once(stripe):
    for _round in range(5):
        booking = Booking.objects.create()
        session, dearer = start_checkout(booking), at_price(booking, 20_00)

        paid, *starts = race(
            lambda paying=session: stripe.pay(paying, deliver=False),
            *[lambda dearer=dearer: start_checkout(dearer)] * 5,
        )
        assert {each.status for each in stripe.deliver()} <= {200}

        allowed = (PaymentSession, AlreadyPaid, *TRY_AGAIN)
        assert [each for each in starts if not isinstance(each, allowed)] == []
        session.refresh_from_db()
        if isinstance(paid, SandboxError):
            assert session.status == SessionStatus.CANCELED
            replacement = start_checkout(dearer)
            assert open_at_stripe(stripe) == [replacement.stripe_checkout_session_id]
            cancel_checkout(replacement)
        else:
            assert paid.status == "succeeded"
            assert session.status == SessionStatus.SUCCEEDED
            assert open_at_stripe(stripe) == []
        booking.refresh_from_db()
        assert booking.confirmed == (0 if isinstance(paid, SandboxError) else 1)
