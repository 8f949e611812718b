"""Receivers ask for refunds: of what they were told of, of something else, and of what is gone."""

from __future__ import annotations

from datetime import timedelta

import pytest

from django_generic_payments.enums import RefundStatus
from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund
from django_generic_payments.money import Money
from django_generic_payments.services import refund_payment, resume_refunds, start_checkout
from django_generic_payments.signals import payment_needs_review, payment_refunded, payment_succeeded
from django_generic_payments.testing import override_payments
from tests.flows.account import altered, post, sent
from tests.flows.coherence import assert_coherent, ledger
from tests.shop.models import Booking

pytestmark = pytest.mark.django_db

REFUNDS = "/v1/refunds"


def pay(stripe, booking=None, **payer):
    session = start_checkout(booking or Booking.objects.create(deposit=10_00))
    stripe.pay(session, **payer)
    session.refresh_from_db()
    return session


def sent_back(stripe, session):
    return [each["amount"] for each in stripe.sandbox.refunds(session.stripe_checkout_session_id)]


@pytest.mark.core
def test_no_webhook_is_acknowledged_before_the_refund_that_it_caused_is_sent_not_even_of_another_session(
    stripe, connect
):
    old = pay(stripe)

    def upgrade(**kwargs):
        refund_payment(old, idempotency_key="upgrade")

    connect(payment_succeeded, upgrade, uid="tests.upgrade", sender=Booking)
    stripe.pay(start_checkout(Booking.objects.create()), deliver=False)
    completed = sent(stripe, "checkout.session.completed")
    stripe.sandbox.fail_next("503", path=REFUNDS, times=2)

    answers = [post(stripe, completed) for _ in range(4)]

    assert answers == [503, 503, 200, 200]
    assert sent_back(stripe, old) == [10_00]


def test_a_payable_that_is_gone_when_money_goes_back_is_no_matter_for_a_review(stripe, connect):
    heard = []
    connect(payment_refunded, lambda **kwargs: heard.append("refunded"), uid="tests.refunded", sender=Booking)
    connect(payment_needs_review, lambda **kwargs: heard.append("review"), uid="tests.review")
    booking = Booking.objects.create(deposit=10_00)
    session = pay(stripe, booking)
    booking.delete()

    refund_payment(session, Money(5_00, "gbp"))
    stripe.deliver()

    assert_coherent(session)
    assert (session.review_reason, heard) == ("", [])
    assert not PaymentEvent.objects.filter(kind="payment_needs_review").exists()
    assert session in PaymentSession.objects.succeeded()


@pytest.mark.core
def test_the_true_payment_is_booked_although_a_wrong_one_came_first(stripe):
    session = start_checkout(Booking.objects.create(deposit=10_00))
    stripe.pay(session, deliver=False)
    completed = sent(stripe, "checkout.session.completed")
    wrong = altered(completed, id="cs_of_somebody_else", payment_intent="pi_of_somebody_else")

    for event in (wrong, completed, completed):
        assert post(stripe, event) == 200

    session.refresh_from_db()
    assert ledger(session) == [("payment", 10_00), ("payment", 10_00)]
    assert session.paid_amount == 20_00


def test_of_two_payments_in_one_session_each_is_sent_back_by_its_own_refund(stripe):
    session = start_checkout(Booking.objects.create(deposit=10_00))
    stripe.pay(session, deliver=False)
    completed = sent(stripe, "checkout.session.completed")
    post(stripe, completed)
    again = altered(completed, payment_intent="pi_2", amount_total=7_00)
    post(stripe, again)
    session.refresh_from_db()
    assert session.refundable == Money(10_00, "gbp")

    refund_payment(session)

    assert session.refundable == Money(7_00, "gbp")
    assert session.transactions.refundable()[0].source_id == "pi_2"


def test_a_call_of_a_process_that_is_gone_is_taken_up_by_the_next_of_the_same_amount(stripe):
    session = pay(stripe)
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, Money(3_00, "gbp"))
    # Killed, it could not even write down that nobody answered.
    refund = Refund.objects.get()
    Refund.objects.update(last_error="", created=refund.created - timedelta(minutes=5))

    refund_payment(session, Money(3_00, "gbp"))

    assert sent_back(stripe, session) == [3_00]


def test_what_remains_goes_back_although_a_part_has_no_answer_yet(stripe):
    session = pay(stripe)
    stripe.sandbox.fail_next("503", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, Money(3_00, "gbp"))

    rest = refund_payment(session)

    assert rest.money == Money(7_00, "gbp")
    assert Refund.objects.requested().get().money == Money(3_00, "gbp")
    assert refund_payment(session).money == Money(
        3_00, "gbp"
    )  # nothing remains, so it is the part that is meant


@pytest.mark.core
def test_a_cron_job_sends_what_could_not_be_sent(stripe):
    session = pay(stripe)
    stripe.sandbox.fail_next("503", path=REFUNDS, times=2)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session)
    assert resume_refunds() == 0  # it is not old enough to be given up by whoever called
    refund = Refund.objects.get()
    Refund.objects.update(created=refund.created - timedelta(minutes=5))

    assert [resume_refunds(), resume_refunds(), resume_refunds()] == [0, 1, 0]

    assert sent_back(stripe, session) == [10_00]
    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED


@pytest.mark.core
def test_a_cron_job_leaves_the_refunds_of_the_other_mode_alone(stripe):
    session = pay(stripe)
    stripe.sandbox.fail_next("503", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session)
    Refund.objects.update(created=session.created - timedelta(minutes=5))
    asked = len(stripe.sandbox.requests)

    with override_payments(STRIPE_SECRET_KEY="sk_live_abc"):
        assert resume_refunds() == 0

    assert len(stripe.sandbox.requests) == asked
    assert Refund.objects.get().status == RefundStatus.REQUESTED
