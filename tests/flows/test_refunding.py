"""We send money back: wholly, in parts, once, and whatever becomes of the call."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone

from django_generic_payments.enums import RefundStatus, SessionStatus
from django_generic_payments.exceptions import GatewayUnavailable, IdempotencyKeyReused, RefundRefused
from django_generic_payments.models import PaymentSession, Refund
from django_generic_payments.money import Money
from django_generic_payments.services import payment_required, refund_payment, start_checkout, sync_session
from tests.flows.account import calls
from tests.flows.coherence import assert_coherent, heard, ledger

pytestmark = [pytest.mark.django_db, pytest.mark.core]

REFUNDS = "/v1/refunds"


def gbp(amount):
    return Money(amount, "gbp")


def refunds_at_stripe(stripe, session):
    return [each["amount"] for each in stripe.sandbox.refunds(session.stripe_checkout_session_id)]


# Whole and in parts.


def test_all_of_it_goes_back_and_the_booking_can_be_paid_for_again(stripe, booking, session):
    refund = refund_payment(session)
    stripe.deliver()

    assert_coherent(session)
    assert (refund.status, refund.money) == (RefundStatus.SUCCEEDED, gbp(10_00))
    assert (session.status, session.slot, session.refundable) == (SessionStatus.REFUNDED, None, gbp(0))
    assert ledger(session) == [("payment", 10_00), ("refund", -10_00)]
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]
    assert payment_required(booking)
    assert start_checkout(booking).pk != session.pk


def test_three_parts_are_three_refunds(stripe, booking, session):
    for amount in (3_00, 3_00, 4_00):
        refund_payment(session, gbp(amount))
        stripe.deliver()

    assert_coherent(session)
    assert session.status == SessionStatus.REFUNDED
    assert refunds_at_stripe(stripe, session) == [3_00, 3_00, 4_00]
    assert heard(booking) == ["payment_succeeded", *["payment_refunded"] * 3]


def test_a_part_leaves_the_rest(session, booking):
    refund_payment(session, gbp(3_00))

    assert_coherent(session)
    assert (session.status, session.refundable) == (SessionStatus.PARTIALLY_REFUNDED, gbp(7_00))
    assert not payment_required(booking)
    assert refund_payment(session).money == gbp(7_00)


@pytest.mark.parametrize(
    "amount", [gbp(0), gbp(10_01), Money(1_00, "eur"), gbp(999_999)], ids=lambda money: str(money)
)
def test_nothing_too_much_and_another_currency_are_refused(stripe, session, amount):
    with pytest.raises(RefundRefused, match=r"10\.00 GBP can be sent back, and not"):
        refund_payment(session, amount)

    assert (Refund.objects.count(), calls(stripe, REFUNDS)) == (0, [])


def test_what_went_back_already_does_not_go_back_again(stripe, session):
    refund_payment(session)

    with pytest.raises(RefundRefused, match=r"0\.00 GBP can be sent back"):
        refund_payment(session)
    assert len(calls(stripe, REFUNDS)) == 1


def test_what_is_not_paid_cannot_go_back(stripe, booking):
    with pytest.raises(RefundRefused, match="is not paid"):
        refund_payment(start_checkout(booking))


def test_a_reason_is_one_of_stripes(stripe, session):
    with pytest.raises(ValueError, match="'bored' is no reason that Stripe takes"):
        refund_payment(session, reason="bored")

    refund_payment(session, reason="requested_by_customer", by="Ann")

    (stated,) = stripe.sandbox.refunds(session.stripe_checkout_session_id)
    assert stated["reason"] == "requested_by_customer"
    assert (Refund.objects.get().requested_by, Refund.objects.get().reason) == (
        "Ann",
        "requested_by_customer",
    )


def test_who_asked_for_it_is_on_the_timeline_by_their_number(session, user):
    refund_payment(session, by=user)

    assert Refund.objects.get().requested_by == f"user:{user.pk}"
    assert session.events.get(kind="payment_refunded").caused_by == f"user:{user.pk}"


# Keys.


def test_the_same_key_is_one_refund(stripe, session):
    first, second = (refund_payment(session, gbp(2_00), idempotency_key="k") for _ in range(2))

    assert first.pk == second.pk
    assert refunds_at_stripe(stripe, session) == [2_00]


@pytest.mark.parametrize("other", [{"amount": gbp(3_00)}, {"amount": gbp(2_00), "reason": "duplicate"}])
def test_the_same_key_for_another_refund_is_refused(stripe, session, other):
    refund_payment(session, gbp(2_00), idempotency_key="k")

    with pytest.raises(IdempotencyKeyReused):
        refund_payment(session, **other, idempotency_key="k")
    assert refunds_at_stripe(stripe, session) == [2_00]


def test_without_a_key_the_same_amount_twice_is_two_refunds(stripe, session):
    for _ in range(2):
        refund_payment(session, gbp(2_00))

    assert refunds_at_stripe(stripe, session) == [2_00, 2_00]


# Calls of which nobody knows what became.


@pytest.mark.parametrize("fault", ["connection_lost_before", "connection_lost_after", "503", "429", "409"])
def test_a_call_without_an_answer_is_taken_up_again_and_never_made_twice(stripe, booking, session, fault):
    stripe.sandbox.fail_next(fault, path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, gbp(4_00))
    assert Refund.objects.get().status == RefundStatus.REQUESTED
    session.refresh_from_db()
    assert session.refundable == gbp(6_00)

    refund_payment(session, gbp(4_00))
    stripe.deliver()

    assert_coherent(session)
    assert refunds_at_stripe(stripe, session) == [4_00]
    assert (Refund.objects.get().status, Refund.objects.get().last_error) == (RefundStatus.SUCCEEDED, "")
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]
    first, second = calls(stripe, REFUNDS)
    assert (first.raw_body, first.idempotency_key) == (second.raw_body, second.idempotency_key)


def test_an_answer_that_was_lost_is_made_good_by_the_webhook(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session)

    stripe.deliver()

    assert_coherent(session)
    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert len(calls(stripe, REFUNDS)) == 1
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]


def test_an_answer_that_was_lost_is_made_good_by_asking(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session)

    sync_session(session)

    assert_coherent(session)
    assert refunds_at_stripe(stripe, session) == [10_00]
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]


def grow_old(refund):
    Refund.objects.filter(pk=refund.pk).update(created=timezone.now() - timedelta(hours=24))


def test_after_a_day_a_refund_is_looked_for_and_never_asked_for_again(stripe, session):
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, gbp(4_00))
    grow_old(Refund.objects.get())

    refund = refund_payment(session, gbp(4_00))

    assert refund.status == RefundStatus.SUCCEEDED
    assert len(calls(stripe, REFUNDS)) == 1
    assert refunds_at_stripe(stripe, session) == [4_00]


def test_after_a_day_a_refund_that_was_never_made_is_given_up_and_told(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_before", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, gbp(4_00))
    grow_old(Refund.objects.get())

    with pytest.raises(RefundRefused, match="never_made"):
        refund_payment(session, gbp(4_00))

    assert_coherent(session)
    assert (Refund.objects.get().status, session.refundable) == (RefundStatus.FAILED, gbp(10_00))
    assert heard(booking) == ["payment_succeeded", "refund_failed"]


def test_an_error_that_stripe_keeps_is_never_asked_around_with_another_key(stripe, session):
    stripe.sandbox.fail_next("500", path=REFUNDS)
    for _ in range(3):
        with pytest.raises(GatewayUnavailable):
            refund_payment(session, gbp(4_00))

    assert Refund.objects.count() == 1
    assert len({call.idempotency_key for call in calls(stripe, REFUNDS)}) == 1


def test_a_refusal_of_stripe_frees_what_was_reserved_and_is_told(stripe, booking, session):
    stripe.refund(session, deliver=False)  # in the dashboard, and we have not heard yet

    with pytest.raises(RefundRefused, match="charge_already_refunded") as refused:
        refund_payment(session, gbp(4_00))

    assert refused.value.refund.status == RefundStatus.FAILED
    assert heard(booking) == ["payment_succeeded", "refund_failed"]
    stripe.deliver()
    assert_coherent(session)
    assert session.status == SessionStatus.REFUNDED


# Inside a transaction.


@pytest.mark.django_db(transaction=True)
def test_inside_a_transaction_it_is_reserved_and_sent_after_the_commit(stripe, booking, session):
    with transaction.atomic():
        refund = refund_payment(session)
        assert (refund.status, calls(stripe, REFUNDS)) == (RefundStatus.REQUESTED, [])

    refund.refresh_from_db()
    assert refund.status == RefundStatus.SUCCEEDED
    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]


@pytest.mark.django_db(transaction=True)
def test_rolled_back_nothing_has_happened(stripe, session):
    with pytest.raises(ZeroDivisionError), transaction.atomic():  # noqa: PT012
        refund_payment(session)
        1 / 0  # noqa: B018

    assert (Refund.objects.count(), calls(stripe, REFUNDS)) == (0, [])
    assert PaymentSession.objects.get().refundable == gbp(10_00)


@pytest.mark.django_db(transaction=True)
def test_what_could_not_be_sent_after_the_commit_is_sent_with_the_next_webhook(stripe, session):
    stripe.sandbox.fail_next("503", path=REFUNDS)
    with transaction.atomic():
        refund_payment(session)
    assert Refund.objects.get().status == RefundStatus.REQUESTED

    stripe.book_balance()

    assert Refund.objects.get().status == RefundStatus.SUCCEEDED
    assert refunds_at_stripe(stripe, session) == [10_00]
