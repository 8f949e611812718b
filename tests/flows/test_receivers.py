"""Receivers fail, misbehave, come and go; the money is booked whatever they do."""

from __future__ import annotations

import pytest
from django.db import DatabaseError, IntegrityError, transaction
from django.db.models import F

from django_generic_payments.enums import DeliveryState, SessionStatus
from django_generic_payments.models import PaymentSession, Transaction
from django_generic_payments.services import cancel_checkout, start_checkout
from django_generic_payments.signals import payment_succeeded
from tests.flows.account import open_checkouts, post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking, Order
from tests.shop.receivers import write_down

pytestmark = pytest.mark.django_db

WRITE_DOWN = "shop.write_down.payment_succeeded"


@pytest.fixture
def unheard():
    """Nobody but the receivers with a sender hear of a success."""
    payment_succeeded.disconnect(dispatch_uid=WRITE_DOWN)
    yield
    payment_succeeded.connect(write_down, dispatch_uid=WRITE_DOWN)


class Troubled:
    """A receiver that raises the first times it is called."""

    def __init__(self, failures: float) -> None:
        self.failures = failures
        self.events = []

    def __call__(self, payable, event, **kwargs):
        self.events.append(event.pk)
        Booking.objects.filter(pk=payable.pk).update(confirmed=F("confirmed") + 100)
        if len(self.events) <= self.failures:
            raise RuntimeError("the mail server is down")


@pytest.mark.core
def test_a_receiver_that_fails_once_is_called_again_and_nobody_else_is(stripe, connect):
    troubled = Troubled(failures=1)
    connect(payment_succeeded, troubled, uid="tests.troubled", sender=Booking)
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    completed = sent(stripe, "checkout.session.completed")

    first = post(stripe, completed)
    assert_coherent(session, owed=True)
    noted = session.events.get()
    second = post(stripe, completed)

    assert (first, second) == (503, 200)
    assert (noted.attempts, noted.last_error) == (1, "tests.troubled: RuntimeError")
    assert noted.owed_receivers == ["tests.troubled"]
    assert_coherent(session)
    booking.refresh_from_db()
    assert booking.confirmed == 101  # what the failed call wrote was rolled back
    assert troubled.events == [noted.pk, noted.pk]
    assert heard(booking) == ["payment_succeeded"]


@pytest.mark.core
def test_a_receiver_that_always_fails_keeps_no_money_from_being_booked(stripe, connect):
    connect(payment_succeeded, Troubled(failures=float("inf")), uid="tests.troubled")
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)

    answers = [each for _ in range(3) for each in stripe.deliver()]

    assert 503 in {each.status for each in answers[-2:]}
    assert_coherent(session, owed=True)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    assert Transaction.objects.get().gross == booking.deposit
    assert heard(booking) == ["payment_succeeded"]
    event = session.events.get()
    assert (event.state, event.owed_receivers) == (DeliveryState.OWED, ["tests.troubled"])
    assert event.attempts > 1
    assert event.next_attempt_at > event.created


@pytest.mark.core
def test_every_event_of_the_session_asks_to_come_again_while_one_is_owed(stripe, connect):
    troubled = Troubled(failures=1)
    connect(payment_succeeded, troubled, uid="tests.troubled")
    session = start_checkout(Booking.objects.create())
    stripe.pay(session, deliver=False)

    first = post(stripe, sent(stripe, "payment_intent.succeeded"))
    other = post(stripe, sent(stripe, "checkout.session.completed"))

    assert (first, other) == (503, 200)
    assert len(troubled.events) == 2
    assert_coherent(session)


@pytest.mark.core
@pytest.mark.parametrize("failing_first", [False, True])
def test_the_order_of_the_receivers_saves_nobody_from_being_called(stripe, connect, failing_first):
    calm, troubled = Troubled(failures=0), Troubled(failures=float("inf"))
    pair = [("tests.troubled", troubled), ("tests.calm", calm)]
    for uid, receiver in pair if failing_first else reversed(pair):
        connect(payment_succeeded, receiver, uid=uid)
    session = start_checkout(Booking.objects.create())

    stripe.pay(session)
    stripe.deliver()

    assert len(calm.events) == 1
    assert len(troubled.events) > 1
    assert_coherent(session, owed=True)


@pytest.mark.core
def test_a_receiver_that_swallows_a_database_error_is_not_taken_for_served(stripe, connect):
    called = []

    def swallows(session, **kwargs):
        called.append(session.pk)
        if len(called) == 1:
            try:
                PaymentSession(pk=session.pk, amount=1, livemode=False).save(force_insert=True)
            except IntegrityError:
                return

    connect(payment_succeeded, swallows, uid="tests.swallows")
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    completed = sent(stripe, "checkout.session.completed")

    first = post(stripe, completed)
    assert_coherent(session, owed=True)
    second = post(stripe, completed)

    assert (first, second) == (503, 200)
    assert_coherent(session)
    assert session.events.get().last_error == "tests.swallows: TransactionBroken"
    assert heard(booking) == ["payment_succeeded"]


@pytest.mark.django_db(transaction=True)
def test_a_swallowed_error_of_a_bare_query_is_noticed_where_it_breaks_the_transaction(stripe, connect):
    called = []

    def swallows(session, **kwargs):
        called.append(session.pk)
        if len(called) == 1:
            try:
                PaymentSession.objects.filter(pk=session.pk).update(amount=-1)
            except DatabaseError:
                return

    connect(payment_succeeded, swallows, uid="tests.swallows")
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)

    stripe.deliver()
    stripe.deliver()

    assert stripe.sandbox.pending == []
    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]


@pytest.mark.core
@pytest.mark.django_db(transaction=True)
def test_a_receiver_may_open_a_checkout_for_something_else(stripe, client, connect):
    order = Order.objects.create()

    def ask_for_the_rest(payable, **kwargs):
        start_checkout(order, success_url="/thanks/")

    connect(payment_succeeded, ask_for_the_rest, uid="tests.the_rest", sender=Booking)
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)

    rest = PaymentSession.objects.for_payable(order).get()
    assert (rest.status, rest.checkout_url) == (SessionStatus.CREATED, rest.pay_url)
    to_stripe = client.get(rest.pay_url)
    rest.refresh_from_db()
    stripe.pay(rest)

    assert to_stripe["Location"] == rest.stripe_checkout_url
    assert_coherent(session)
    assert_coherent(rest)
    assert heard(order) == ["payment_succeeded"]


def test_a_checkout_that_a_receiver_opened_before_it_failed_was_never_opened(stripe, connect):
    order = Order.objects.create()

    def opens_and_fails(**kwargs):
        start_checkout(order)
        raise RuntimeError("after all")

    connect(payment_succeeded, opens_and_fails, uid="tests.opens_and_fails")
    session = start_checkout(Booking.objects.create())

    stripe.pay(session)

    assert not PaymentSession.objects.for_payable(order).exists()
    assert open_checkouts(stripe) == []
    assert_coherent(session, owed=True)


def cancel_in_a_receiver(stripe, connect):
    """Let a receiver cancel a checkout that was never opened, and return the order and its session."""
    order = Order.objects.create()
    with transaction.atomic():
        unopened = start_checkout(order)
    connect(payment_succeeded, lambda **kwargs: cancel_checkout(order), uid="tests.cancel", sender=Booking)
    stripe.pay(start_checkout(Booking.objects.create()))
    return order, unopened


@pytest.mark.core
def test_a_receiver_may_cancel_what_nobody_opened_yet(stripe, connect):
    order, unopened = cancel_in_a_receiver(stripe, connect)

    assert_coherent(unopened)
    assert unopened.status == SessionStatus.CANCELED
    assert heard(order) == ["payment_canceled"]


@pytest.mark.core
@pytest.mark.django_db(transaction=True)
def test_a_receiver_may_cancel_without_the_transaction_of_a_test_too(stripe, connect):
    order, unopened = cancel_in_a_receiver(stripe, connect)

    assert_coherent(unopened)
    assert heard(order) == ["payment_canceled"]


def test_what_a_receiver_canceled_before_it_failed_is_not_canceled(stripe, connect):
    order = Order.objects.create()
    with transaction.atomic():
        unopened = start_checkout(order)

    def cancels_and_fails(**kwargs):
        cancel_checkout(order)
        raise RuntimeError("after all")

    connect(payment_succeeded, cancels_and_fails, uid="tests.cancels_and_fails", sender=Booking)
    stripe.pay(start_checkout(Booking.objects.create()))

    assert_coherent(unopened)
    assert (unopened.status, heard(order)) == (SessionStatus.CREATED, [])


@pytest.mark.core
def test_a_receiver_that_would_call_stripe_is_told_so(stripe, connect):
    order = Order.objects.create()
    opened = start_checkout(order)
    connect(payment_succeeded, lambda **kwargs: cancel_checkout(order), uid="tests.cancel", sender=Booking)
    session = start_checkout(Booking.objects.create())

    stripe.pay(session)

    assert_coherent(session, owed=True)
    assert session.events.get().last_error == "tests.cancel: TransactionOpen"
    assert_coherent(opened)
    assert opened.status == SessionStatus.PENDING


@pytest.mark.core
def test_who_connects_later_hears_nothing_old(stripe, connect):
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)
    late = Troubled(failures=0)

    connect(payment_succeeded, late, uid="tests.late")
    again = [post(stripe, event) for event in stripe.sandbox.events]

    assert set(again) == {200}
    assert late.events == []
    assert_coherent(session)


@pytest.mark.core
def test_what_is_owed_to_a_receiver_that_is_gone_is_closed(stripe, connect):
    troubled = Troubled(failures=float("inf"))
    disconnect = connect(payment_succeeded, troubled, uid="tests.troubled")
    session = start_checkout(Booking.objects.create())
    stripe.pay(session)
    calls = len(troubled.events)
    disconnect()

    answers = stripe.deliver()

    assert {each.status for each in answers} == {200}
    assert len(troubled.events) == calls
    assert_coherent(session)
    assert session.events.get().state == DeliveryState.DELIVERED


@pytest.mark.core
def test_with_no_receiver_the_event_is_born_delivered_and_the_log_says_so(stripe, caplog, unheard):
    caplog.set_level("INFO", "django_generic_payments")
    order = Order.objects.create()
    session = start_checkout(order)

    stripe.pay(session)

    assert_coherent(session)
    assert session.events.get().state == DeliveryState.DELIVERED
    assert "No receiver is connected to payment_succeeded of shop.order." in caplog.messages
