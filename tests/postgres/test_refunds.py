"""Many who send money back at the same moment."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import transaction

from django_generic_payments.enums import RefundStatus, ReviewReason, SessionStatus
from django_generic_payments.exceptions import GatewayUnavailable, RefundRefused
from django_generic_payments.gateway import in_process
from django_generic_payments.models import PaymentSession, Refund, Transaction
from django_generic_payments.money import Money
from django_generic_payments.services import refund_payment, start_checkout, sync_session
from django_generic_payments.signals import dispute_closed
from tests.flows.coherence import assert_coherent
from tests.postgres.racing import PATIENCE, in_the_background, race, wait_until_somebody_waits
from tests.postgres.scenes import deliver_again, delivery, event_of, told, with_another_id
from tests.shop.models import Booking

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


def gbp(amount):
    return Money(amount, "gbp")


@pytest.fixture
def session(stripe):
    session = start_checkout(Booking.objects.create(deposit=10_00))
    stripe.pay(session)
    session.refresh_from_db()
    return session


def refunds_at_stripe(stripe, session):
    return [each["amount"] for each in stripe.sandbox.refunds(session.stripe_checkout_session_id)]


class Meeting:
    """Stripe, which answers no refund before so many calls of them are under way."""

    def __init__(self, stripe, count):
        self.sandbox = stripe.sandbox
        self.barrier = threading.Barrier(count)

    def __call__(self, method, url, headers, body):
        if method == "POST" and url.endswith("/v1/refunds"):
            self.barrier.wait(PATIENCE)
        answer = self.sandbox.handle(method, url, headers, body)
        return answer.status, answer.headers, answer.body


def test_of_twenty_refunds_at_once_as_many_are_sent_as_there_is_money_for(stripe, session):
    with in_process(Meeting(stripe, 3)):
        outcomes = race(*[lambda: refund_payment(session, gbp(3_00))] * 20)

    assert Counter(map(type, outcomes)) == {Refund: 3, RefundRefused: 17}
    assert refunds_at_stripe(stripe, session) == [3_00] * 3
    stripe.deliver()
    assert_coherent(session)
    assert (session.refunded_amount, session.refundable) == (9_00, gbp(1_00))
    assert told("payment_refunded") == 3


def test_of_twenty_who_send_everything_back_one_does(stripe, session):
    outcomes = race(*[lambda: refund_payment(session)] * 20)

    assert Counter(map(type, outcomes)) == {Refund: 1, RefundRefused: 19}
    stripe.deliver()
    assert_coherent(session)
    assert (session.status, refunds_at_stripe(stripe, session)) == (SessionStatus.REFUNDED, [10_00])
    assert told("payment_refunded") == 1


def test_twenty_refunds_with_one_key_are_one_refund(stripe, session):
    outcomes = race(*[lambda: refund_payment(session, gbp(3_00), idempotency_key="k")] * 20)

    # Who asks Stripe while it works on the first call is told to come again.
    assert [each for each in outcomes if not isinstance(each, (Refund, GatewayUnavailable))] == []
    assert refund_payment(session, gbp(3_00), idempotency_key="k") == Refund.objects.get()
    stripe.deliver()
    assert_coherent(session)
    assert refunds_at_stripe(stripe, session) == [3_00]
    assert told("payment_refunded") == 1


def test_two_calls_for_one_refund_that_stripe_works_on_are_one_refund(stripe, session):
    with in_process(Meeting(stripe, 2)):
        outcomes = race(*[lambda: refund_payment(session, gbp(3_00), idempotency_key="k")] * 2)

    assert [each for each in outcomes if not isinstance(each, (Refund, GatewayUnavailable))] == []
    stripe.deliver()
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert refunds_at_stripe(stripe, session) == [3_00]
    assert_coherent(session)


@pytest.mark.parametrize("round_", range(5))
def test_the_admin_the_webhooks_and_the_reconciler_agree(stripe, session, round_):
    stripe.refund(session, 1_00, deliver=False)
    news = [event for event in stripe.sandbox.pending if "refund" in event["type"]]
    assert len(news) >= 3

    outcomes = race(
        *[lambda: refund_payment(session, gbp(3_00), idempotency_key="k", by="Ann")] * 3,
        *[lambda: refund_payment(session, gbp(6_00), by="Ben")] * 3,
        *[lambda: sync_session(session)] * 4,
        *[delivery(stripe, event) for event in news * 3],
        lambda: [each.status for each in stripe.deliver()],
    )

    refunds, syncs, statuses = outcomes[:6], outcomes[6:10], [*outcomes[10:-1], *outcomes[-1]]
    assert [
        each for each in refunds if not isinstance(each, (Refund, RefundRefused, GatewayUnavailable))
    ] == []
    assert [each for each in syncs if not isinstance(each, (PaymentSession, GatewayUnavailable))] == []
    assert set(statuses) <= {200, 503}
    assert set(deliver_again(stripe, news * 3, outcomes[10:-1])) <= {200}
    assert {each.status for each in stripe.deliver()} <= {200}
    assert_coherent(session)
    assert sorted(refunds_at_stripe(stripe, session)) == [1_00, 3_00, 6_00]
    assert Counter(Refund.objects.values_list("status", "amount")) == {
        ("succeeded", 1_00): 1,
        ("succeeded", 3_00): 1,
        ("succeeded", 6_00): 1,
    }
    assert Counter(Transaction.objects.values_list("gross", flat=True)) == {
        10_00: 1,
        -1_00: 1,
        -3_00: 1,
        -6_00: 1,
    }
    assert told("payment_refunded") == 3


def test_a_receiver_that_sends_money_back_meets_the_same_news_without_a_deadlock(stripe, session):
    dispute = stripe.dispute(session)
    stripe.close_dispute(dispute, "won", deliver=False)
    closed = event_of(stripe, "charge.dispute.closed")
    has_claimed, may_go_on = threading.Event(), threading.Event()

    def send_back(session, **kwargs):
        has_claimed.set()
        assert may_go_on.wait(PATIENCE)
        refund_payment(session, gbp(3_00), force=True)

    dispute_closed.connect(send_back, weak=False, dispatch_uid="tests.send_back")
    try:
        with in_the_background(delivery(stripe, closed)) as first:
            assert has_claimed.wait(PATIENCE)
            with in_the_background(delivery(stripe, with_another_id(closed))) as second:
                # It waits for the receiver, because it must not be acknowledged before, and holds nothing meanwhile.
                wait_until_somebody_waits()
                may_go_on.set()
    finally:
        dispute_closed.disconnect(dispatch_uid="tests.send_back")

    assert (first.result(), second.result()) == (200, 200)
    assert refunds_at_stripe(stripe, session) == [3_00]


def test_a_refund_that_comes_back_while_another_checkout_takes_the_slot_waits_for_a_person(stripe, session):
    booking = Booking.objects.get()
    refund = refund_payment(session)
    stripe.deliver()
    stripe.fail_refund(refund, deliver=False)

    has_started, may_commit = threading.Event(), threading.Event()

    def start_another():
        with transaction.atomic():
            other = start_checkout(booking)
            has_started.set()
            assert may_commit.wait(PATIENCE)
        return other

    with in_the_background(start_another) as other:
        assert has_started.wait(PATIENCE)
        with in_the_background(lambda: sync_session(session)) as reconciler:
            wait_until_somebody_waits()
            may_commit.set()

    assert reconciler.result().review_reason == ReviewReason.DUPLICATE
    assert_coherent(session)
    assert PaymentSession.objects.get(slot=session.full_slot) == other.result()
