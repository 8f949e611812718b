"""The worker does what was left undone: once, in time, and for as long as there is hope."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from django_generic_payments.enums import DeliveryState, RefundStatus, SessionStatus, WebhookState
from django_generic_payments.maintenance.work import Chore, _chores, add_chore, work_off
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, WebhookEvent
from django_generic_payments.retries import UNDER_WAY, pause_after
from django_generic_payments.services import cancel_checkout, start_checkout
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.testing import override_payments, use_sandbox
from tests.flows.account import CHECKOUTS, calls, open_checkout, open_checkouts, post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.maintenance.scenes import (
    ATTEMPTS,
    BALANCE,
    REFUNDS,
    failed_event,
    let_pass,
    paid,
    sent_back,
    unanswered_checkout,
    unanswered_refund,
)
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
#: What passes before each attempt: the first is that of the webhook, or of whoever pressed the button.
PAUSES = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, *[DAY] * 7]


@pytest.fixture
def chore():
    """Add chores for the length of one test."""
    known = dict(_chores)

    def chore(name, take, work):
        add_chore(Chore(name, take, work))

    yield chore
    _chores.clear()
    _chores.update(known)


def work() -> dict[str, tuple[int, int]]:
    """Return what was done and what failed, by chore."""
    return {each.name: (each.done, each.failed) for each in work_off()}


def owed_event(stripe, trouble, failures: float = 1) -> PaymentEvent:
    trouble(failures)
    return paid(stripe).events.get()


# The chores.


def test_a_receiver_that_failed_is_told(stripe, trouble):
    event = owed_event(stripe, trouble)
    let_pass(MINUTE)

    assert work() == {"payment events": (1, 0)}

    event.refresh_from_db()
    assert (event.state, event.next_attempt_at) == (DeliveryState.DELIVERED, None)
    assert_coherent(event.session)
    assert heard(Booking.objects.get()) == ["payment_succeeded"]


def test_an_event_that_could_not_be_applied_is_applied(stripe):
    row = failed_event(stripe)
    let_pass(5 * MINUTE)

    assert work() == {"events of Stripe": (1, 0)}

    row.refresh_from_db()
    assert (row.state, row.last_error, row.next_attempt_at) == (WebhookState.PROCESSED, "", None)
    assert not PaymentSession.objects.get().transactions.without_fee().exists()


@pytest.mark.parametrize("failure", ["503", "connection_lost_before", "connection_lost_after", "429"])
def test_a_refund_whose_answer_was_lost_is_sent_once(stripe, failure):
    refund = unanswered_refund(stripe, failure)
    let_pass(UNDER_WAY)

    assert work() == {"refunds": (1, 0)}

    refund.refresh_from_db()
    assert (refund.status, refund.next_attempt_at) == (RefundStatus.SUCCEEDED, None)
    assert sent_back(stripe, refund.session) == [10_00]
    assert len({each.idempotency_key for each in calls(stripe, REFUNDS)}) == 1
    assert_coherent(refund.session)


@pytest.mark.parametrize("failure", ["503", "connection_lost_before", "connection_lost_after", "429"])
def test_a_checkout_whose_answer_was_lost_is_found_again_under_the_same_key(stripe, failure):
    session = unanswered_checkout(stripe, failure)
    let_pass(UNDER_WAY)

    assert work() == {"checkouts": (1, 0)}

    session.refresh_from_db()
    assert (session.status, session.next_attempt_at) == (SessionStatus.PENDING, None)
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]
    assert len({each.idempotency_key for each in calls(stripe)}) == 1
    assert_coherent(session)


def test_what_was_done_is_not_done_again(stripe, trouble):
    owed_event(stripe, trouble)
    failed_event(stripe)
    unanswered_refund(stripe)
    unanswered_checkout(stripe)
    let_pass(5 * MINUTE)
    assert work() == {
        "events of Stripe": (1, 0),
        "payment events": (1, 0),
        "refunds": (1, 0),
        "checkouts": (1, 0),
    }
    asked = len(stripe.sandbox.requests)

    for _ in range(3):
        let_pass(DAY)
        assert work() == {}

    assert len(stripe.sandbox.requests) == asked


def test_what_is_not_due_is_left_alone(stripe, trouble):
    troubled = trouble(1)
    paid(stripe)
    failed_event(stripe)
    unanswered_refund(stripe)
    unanswered_checkout(stripe)
    told, asked = len(troubled.sessions), len(stripe.sandbox.requests)

    assert work() == {}

    assert (len(troubled.sessions), len(stripe.sandbox.requests)) == (told, asked)


def test_what_fails_keeps_nothing_else_from_being_done(stripe, trouble):
    troubled = trouble()
    sessions = [paid(stripe) for _ in range(3)]
    troubled.failures = len(troubled.sessions) + 1  # the first that the worker calls
    let_pass(MINUTE)

    assert work() == {"payment events": (2, 1)}

    assert PaymentEvent.objects.owed().count() == 1
    assert sorted(troubled.sessions[3:]) == sorted(each.pk for each in sessions)


def test_nothing_is_begun_once_the_worker_is_asked_to_stop(stripe, trouble):
    troubled = trouble(3)
    for _ in range(3):
        paid(stripe)
    let_pass(MINUTE)

    (report,) = work_off(lambda: len(troubled.sessions) > 3)

    assert (report.name, report.done) == ("payment events", 1)
    assert PaymentEvent.objects.owed().count() == 2


@pytest.fixture
def chores():
    """The chores that there are, put back as they were when the test is over."""
    known = dict(_chores)
    yield _chores
    _chores.clear()
    _chores.update(known)


def test_an_app_may_add_work_of_its_own_which_is_done_after_ours(stripe, trouble, chores):
    owed_event(stripe, trouble)
    let_pass(MINUTE)
    baskets, emptied = ["one", "two"], []
    add_chore(Chore("baskets", lambda: baskets.pop() if baskets else None, lambda each: emptied.append(each)))

    assert list(work().items()) == [("payment events", (1, 0)), ("baskets", (0, 2))]

    assert emptied == ["two", "one"]


def test_an_error_in_a_chore_is_logged_without_what_it_says_and_keeps_no_other_row_waiting(chores, caplog):
    booking = Booking.objects.create()
    rows = [booking, booking]
    add_chore(Chore("bookings", lambda: rows.pop() if rows else None, lambda each: each.nothing))

    assert work() == {"bookings": (0, 2)}

    assert (
        caplog.messages
        == [f"Booking {booking.pk} could not be worked on, and is tried again later: AttributeError."] * 2
    )


# How often, and for how long.


def test_an_owed_event_is_told_after_longer_and_longer_pauses_and_then_given_up(stripe, trouble, caplog):
    event = owed_event(stripe, trouble, failures=float("inf"))

    for attempt, pause in enumerate(PAUSES, start=2):
        assert_waits(event, pause)
        let_pass(pause)
        caplog.clear()
        assert work() == {"payment events": (0, 1)}
        event.refresh_from_db()
        assert (event.attempts, event.last_error) == (attempt, "tests.troubled: RuntimeError")

    assert (event.attempts, event.state, event.next_attempt_at) == (ATTEMPTS, DeliveryState.DEAD, None)
    assert loud(caplog) == [
        f"payment_succeeded of session {event.session_id} is given up. Receivers that were not told: tests.troubled."
    ]
    let_pass(30 * DAY)
    assert work() == {}


def assert_waits(row, pause) -> None:
    waits = row.next_attempt_at - timezone.now()
    assert pause - MINUTE / 2 < waits <= pause


def loud(caplog) -> list[str]:
    return [each.getMessage() for each in caplog.records if each.levelno == logging.CRITICAL]


def test_an_event_of_stripe_is_given_up_as_loudly(stripe, caplog):
    row = failed_event(stripe)
    stripe.sandbox.fail_next("503", method="GET", path=BALANCE, times=ATTEMPTS)
    assert row.attempts == 1
    # Stripe itself comes again before that.
    assert_waits(row, 5 * MINUTE)
    row.next_attempt_at -= 4 * MINUTE
    row.save()

    for attempt, pause in enumerate(PAUSES, start=2):
        assert_waits(row, pause)
        let_pass(pause)
        caplog.clear()
        assert work() == {"events of Stripe": (0, 1)}
        row.refresh_from_db()
        assert row.attempts == attempt

    assert (row.attempts, row.state, row.next_attempt_at) == (ATTEMPTS, WebhookState.DEAD, None)
    (message,) = loud(caplog)
    assert message.startswith(f"Event {row.stripe_event_id} (charge.updated) is given up: ")
    let_pass(30 * DAY)
    assert work() == {}


def test_a_refund_is_never_given_up_and_its_waiting_gets_loud(stripe, caplog):
    refund = unanswered_refund(stripe)
    stripe.sandbox.fail_next("503", path=REFUNDS, times=20)
    # Whether it was made is looked for at Stripe once its key is forgotten.
    stripe.sandbox.fail_next("503", method="GET", path=REFUNDS, times=20)

    let_pass(UNDER_WAY, stripe)
    for attempt in range(1, 17):
        caplog.clear()
        assert work() == {"refunds": (0, 1)}
        refund.refresh_from_db()
        assert (refund.attempts, refund.last_error) == (attempt, "GatewayUnavailable")
        assert_waits(refund, pause_after(attempt))
        assert bool(loud(caplog)) == (attempt >= ATTEMPTS)
        let_pass(pause_after(attempt), stripe)

    assert loud(caplog) == [f"Refund {refund.pk} of session {refund.session_id} is not sent for a week."]
    assert refund.status == RefundStatus.REQUESTED


def test_neither_many_attempts_nor_a_long_time_alone_is_enough_to_give_up(stripe, trouble):
    event = owed_event(stripe, trouble, failures=float("inf"))

    for _ in range(ATTEMPTS):
        post(stripe, sent(stripe, "checkout.session.completed"))
    event.refresh_from_db()
    assert (event.attempts, event.state) == (ATTEMPTS + 1, DeliveryState.OWED)

    PaymentEvent.objects.update(attempts=2)
    let_pass(30 * DAY)
    work()
    event.refresh_from_db()
    assert (event.attempts, event.state) == (3, DeliveryState.OWED)


def test_an_event_that_was_given_up_is_applied_if_stripe_delivers_it_again(stripe):
    row = failed_event(stripe)
    WebhookEvent.objects.filter(pk=row.pk).update(state=WebhookState.DEAD, next_attempt_at=None)

    assert post(stripe, sent(stripe, "charge.updated")) == 200

    row.refresh_from_db()
    assert (row.state, row.last_error) == (WebhookState.PROCESSED, "")
    assert not PaymentSession.objects.get().transactions.without_fee().exists()


def test_an_attempt_counts_once_whoever_makes_it(stripe, trouble):
    event = owed_event(stripe, trouble, failures=float("inf"))

    let_pass(MINUTE)
    work()
    post(stripe, sent(stripe, "checkout.session.completed"))

    event.refresh_from_db()
    assert event.attempts == 3


def test_a_worker_that_dies_over_a_row_leaves_it_to_the_next(stripe, trouble):
    event = owed_event(stripe, trouble)
    let_pass(MINUTE)

    assert PaymentEvent.objects.take_due() == event
    assert work() == {}
    let_pass(pause_after(2))

    assert work() == {"payment events": (1, 0)}


def test_a_row_stays_taken_over_while_its_receivers_are_told_one_by_one(stripe, trouble):
    trouble(1, uid="tests.another")
    event = owed_event(stripe, trouble)
    let_pass(MINUTE)
    taken = PaymentEvent.objects.take_due()

    assert PaymentEvent.objects.claim(taken, "tests.another")

    event.refresh_from_db()
    assert event.owed_receivers == ["tests.troubled"]
    assert_waits(event, 5 * MINUTE)


# What a worker must leave alone.


def test_an_event_that_turns_out_to_be_about_somebody_else_is_ignored(stripe):
    theirs = open_checkout(stripe, 5_00)["id"]
    stripe.sandbox.pay(theirs)
    stripe.sandbox.refund(theirs)
    stripe.sandbox.fail_next("503", method="GET", path="/v1/payment_intents/{id}")
    assert post(stripe, sent(stripe, "refund.created")) == 503
    row = WebhookEvent.objects.get()
    assert row.state == WebhookState.FAILED
    let_pass(5 * MINUTE)

    assert work() == {"events of Stripe": (1, 0)}

    row.refresh_from_db()
    assert (row.state, row.body, row.last_error, row.next_attempt_at) == (WebhookState.IGNORED, "", "", None)


def test_a_live_key_never_works_on_test_mode_nor_the_other_way_round(stripe, trouble):
    owed_event(stripe, trouble)
    failed_event(stripe)
    unanswered_refund(stripe)
    unanswered_checkout(stripe)
    let_pass(5 * MINUTE)
    asked = len(stripe.sandbox.requests)

    with override_payments(STRIPE_SECRET_KEY="sk_live_abc"):
        assert work() == {}
    PaymentSession.objects.update(livemode=True)
    WebhookEvent.objects.update(livemode=True)
    assert work() == {}

    assert len(stripe.sandbox.requests) == asked


def test_a_checkout_that_was_asked_for_in_a_transaction_waits_for_its_payer(stripe):
    with transaction.atomic():
        session = start_checkout(Booking.objects.create())
    let_pass(30 * DAY)

    assert work() == {}

    session.refresh_from_db()
    assert (session.status, calls(stripe)) == (SessionStatus.CREATED, [])


@pytest.mark.parametrize("failure", ["503", "connection_lost_after"])
def test_a_checkout_that_nobody_could_open_for_a_day_is_closed_and_receivers_hear_so_once(stripe, failure):
    session = unanswered_checkout(stripe, failure)
    booking = Booking.objects.get()
    let_pass(23 * HOUR, stripe)

    assert work() == {"checkouts": (1, 0)}
    let_pass(DAY, stripe)
    stripe.deliver(times=2)
    assert work() == {}

    assert_coherent(session)
    assert (session.status, session.slot) == (SessionStatus.EXPIRED, None)
    assert heard(booking) == ["payment_expired"]
    assert start_checkout(booking) != session


def test_a_checkout_that_stripe_refuses_now_has_failed_and_receivers_hear_so(stripe, caplog):
    session = unanswered_checkout(stripe, deposit=1)  # less than Stripe charges
    booking = Booking.objects.get()
    let_pass(UNDER_WAY)

    assert work() == {"checkouts": (1, 0)}
    let_pass(DAY)
    assert work() == {}

    assert_coherent(session)
    assert (session.status, session.slot) == (SessionStatus.FAILED, None)
    assert heard(booking) == ["payment_failed"]
    assert f"Stripe refuses the checkout of session {session.pk}, which has failed" in caplog.text


def test_a_checkout_that_was_called_off_is_not_opened(stripe):
    session = unanswered_checkout(stripe)
    cancel_checkout(session)
    let_pass(UNDER_WAY)

    assert work() == {}

    assert open_checkouts(stripe) == []


def test_a_checkout_of_which_stripe_is_still_silent_is_asked_for_again_later(stripe):
    session = unanswered_checkout(stripe)
    stripe.sandbox.fail_next("503", path=CHECKOUTS, times=2)
    let_pass(UNDER_WAY)

    assert work() == {"checkouts": (0, 1)}
    session.refresh_from_db()
    assert session.attempts == 1
    assert_waits(session, MINUTE)
    let_pass(MINUTE)
    assert work() == {"checkouts": (0, 1)}
    let_pass(5 * MINUTE)
    assert work() == {"checkouts": (1, 0)}

    assert len(open_checkouts(stripe)) == 1


def test_a_refund_of_which_nobody_knows_is_looked_for_when_stripe_has_forgotten_its_key(stripe):
    refund = unanswered_refund(stripe, "connection_lost_after")
    let_pass(DAY + HOUR, stripe)

    assert work() == {"refunds": (1, 0)}

    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert sent_back(stripe, refund.session) == [10_00]
    assert Refund.objects.count() == 1


# Releases, and one kind of work beside another.


def test_a_worker_of_an_older_release_leaves_alone_what_is_owed_to_whom_it_does_not_know(stripe, trouble):
    event = owed_event(stripe, trouble)
    payment_succeeded.disconnect(dispatch_uid="tests.troubled")
    let_pass(MINUTE)

    assert work() == {"payment events": (0, 1)}
    event.refresh_from_db()
    assert (event.state, event.owed_receivers) == (DeliveryState.OWED, ["tests.troubled"])

    let_pass(DAY)
    assert work() == {"payment events": (1, 0)}
    event.refresh_from_db()
    assert event.state == DeliveryState.DELIVERED


def test_no_kind_of_work_keeps_another_waiting(chore):
    done = []
    for name in ("slow", "quick"):
        rows = [f"{name} {number}" for number in range(3)]
        chore(name, lambda rows=rows: rows.pop(0) if rows else None, lambda row: not done.append(row))

    work_off()

    assert done == ["slow 0", "quick 0", "slow 1", "quick 1", "slow 2", "quick 2"]


def test_what_cannot_be_looked_for_keeps_no_other_work_waiting(stripe, trouble, chore):
    event = owed_event(stripe, trouble)
    let_pass(MINUTE)

    def broken():
        raise LookupError("no such table")

    known = dict(_chores)
    _chores.clear()
    chore("broken", broken, lambda row: True)
    _chores.update(known)

    with pytest.raises(LookupError):
        work_off()

    event.refresh_from_db()
    assert event.state == DeliveryState.DELIVERED


# Keys of another account, or of the other mode.


def test_a_key_of_another_account_fails_no_refund(stripe):
    refund = unanswered_refund(stripe)
    let_pass(UNDER_WAY)

    with use_sandbox():
        assert work() == {"refunds": (0, 1)}

    refund.refresh_from_db()
    assert refund.status == RefundStatus.REQUESTED
    assert heard(Booking.objects.get()) == ["payment_succeeded"]
    let_pass(5 * MINUTE)
    assert work() == {"refunds": (1, 0)}
    assert_coherent(refund.session)


def test_a_key_of_the_other_mode_fails_no_refund_whoever_asks(stripe, client):
    refund = unanswered_refund(stripe)

    with use_sandbox(STRIPE_SECRET_KEY="sk_live_other") as other:
        client.get(f"/payments/return/{refund.session_id}/")
        assert other.sandbox.requests == []

    refund.refresh_from_db()
    assert refund.status == RefundStatus.REQUESTED
