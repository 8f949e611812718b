"""A person decides about money that does not add up: they take it as it is, or send it back."""

from __future__ import annotations

import pytest
from django.core import checks

from django_generic_payments.enums import RefundStatus, ReviewDecision, ReviewReason, SessionStatus
from django_generic_payments.exceptions import GatewayUnavailable, RefundRefused, ReviewRefused
from django_generic_payments.models import PaymentSession, Refund
from django_generic_payments.money import Money
from django_generic_payments.services import (
    accept_payment,
    payment_required,
    refund_payment,
    reject_payment,
    start_checkout,
)
from django_generic_payments.testing import override_payments, use_sandbox
from tests.flows.account import altered, calls, open_checkout, post, sent
from tests.flows.coherence import assert_coherent, heard, ledger
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

REFUNDS = "/v1/refunds"
MISMATCHES = {ReviewReason.AMOUNT: {"amount": 9_00}, ReviewReason.CURRENCY: {"currency": "eur"}}


@pytest.fixture
def booking():
    return Booking.objects.create(deposit=10_00)


@pytest.fixture(params=MISMATCHES)
def mismatch(stripe, booking, request):
    """A payment of another amount or currency than was asked for."""
    stripe.sandbox.alter_next_payment(**MISMATCHES[request.param])
    session = start_checkout(booking)
    stripe.pay(session)
    session.refresh_from_db()
    assert session.review_reason == request.param
    return session


def pay_late(stripe, booking, **how) -> PaymentSession:
    """Pay for a booking in the last second, and let us hear of the expiry first."""
    session = start_checkout(booking)
    stripe.pay(session, deliver=False, **how)
    completed = sent(stripe, "checkout.session.completed")
    expired = {"status": "expired", "payment_status": "unpaid", "payment_intent": None}
    post(stripe, altered(completed, envelope={"type": "checkout.session.expired"}, **expired))
    return session


def pay_twice(stripe, booking, **how) -> PaymentSession:
    """Return the session that was paid although another one has the slot; we have not heard of the payment yet."""
    late = pay_late(stripe, booking, **how)
    start_checkout(booking)
    return late


@pytest.fixture
def duplicate(stripe, booking):
    session = pay_twice(stripe, booking)
    stripe.deliver()
    session.refresh_from_db()
    assert session.review_reason == ReviewReason.DUPLICATE
    return session


@pytest.fixture
def orphan(stripe, booking):
    """A payment for something that is gone."""
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    identifier = booking.pk
    booking.delete()
    booking.pk = identifier
    stripe.deliver()
    session.refresh_from_db()
    assert session.review_reason == ReviewReason.PAYABLE_GONE
    return session


def timeline(session) -> list[tuple[str, str]]:
    return list(session.events.filter(kind="reviewed").order_by("created").values_list("caused_by", "note"))


def waiting() -> list[PaymentSession]:
    return list(PaymentSession.objects.needing_review())


# Taken as it is.


def test_a_mismatch_that_is_accepted_is_a_success(booking, mismatch, user):
    accept_payment(mismatch, by=user, note="Close enough.")

    assert_coherent(mismatch)
    assert heard(booking) == ["payment_needs_review", "payment_succeeded"]
    assert (mismatch.status, mismatch.slot) == (SessionStatus.SUCCEEDED, mismatch.full_slot)
    assert (mismatch.review_decision, mismatch.review_note) == (ReviewDecision.ACCEPTED, "Close enough.")
    assert mismatch.reviewed_by == f"user:{user.pk}"
    assert mismatch.reviewed_at is not None
    booking.refresh_from_db()
    assert booking.confirmed == 1
    assert waiting() == []
    assert PaymentSession.objects.succeeded().get() == mismatch


def test_who_decided_what_and_why_is_on_the_timeline(mismatch, user):
    accept_payment(mismatch, by=user, note="Close enough.")

    ((by, note),) = timeline(mismatch)
    assert by == f"user:{user.pk}"
    assert note.startswith("Accepted: Another ")
    assert note.endswith(" was paid. Close enough.")


def test_a_duplicate_that_is_accepted_is_kept_and_told_to_nobody(booking, duplicate):
    before = heard(booking)

    accept_payment(duplicate, by="Ann")

    assert_coherent(duplicate)
    assert (duplicate.slot, duplicate.review_decision) == (None, ReviewDecision.ACCEPTED)
    assert (heard(booking), waiting()) == (before, [])
    assert timeline(duplicate) == [("Ann", "Accepted: Paid although another session holds the payable.")]


def test_a_part_of_an_accepted_duplicate_that_goes_back_does_not_ask_again(stripe, duplicate):
    accept_payment(duplicate, by="Ann")

    stripe.fail_refund(stripe.refund(duplicate, 4_00))

    assert_coherent(duplicate)
    assert (duplicate.review_decision, waiting()) == (ReviewDecision.ACCEPTED, [])


def test_what_was_paid_for_something_that_is_gone_can_be_kept(booking, orphan):
    before = heard(booking)

    accept_payment(orphan, by="Ann", note="They said so.")

    assert_coherent(orphan)
    assert (heard(booking), waiting()) == (before, [])
    assert timeline(orphan) == [("Ann", "Accepted: What was paid for is gone. They said so.")]


def test_a_mismatch_is_not_accepted_for_what_another_session_has(stripe, booking, mismatch):
    refund = stripe.refund(mismatch)
    start_checkout(booking)
    stripe.fail_refund(refund)
    assert waiting() == [mismatch]

    with pytest.raises(ReviewRefused, match="Another payment holds what this one was for"):
        accept_payment(mismatch, by="Ann")

    assert_coherent(mismatch)
    assert (waiting(), timeline(mismatch)) == ([mismatch], [])


# Sent back.


def test_a_mismatch_that_is_rejected_goes_back_and_frees_the_booking(stripe, booking, mismatch, user):
    refund = reject_payment(mismatch, by=user, note="Not what we asked for.")
    stripe.deliver()

    assert_coherent(mismatch)
    assert (refund.status, refund.amount, refund.currency, refund.requested_by) == (
        RefundStatus.SUCCEEDED,
        mismatch.paid_amount,
        mismatch.transactions.payments().get().currency,
        f"user:{user.pk}",
    )
    assert (mismatch.status, mismatch.slot) == (SessionStatus.REFUNDED, None)
    assert mismatch.review_decision == ReviewDecision.REJECTED
    assert heard(booking) == ["payment_needs_review", "payment_refunded"]
    assert payment_required(booking)
    assert waiting() == []
    ((by, note),) = timeline(mismatch)
    assert (by, note.startswith("Sent back: Another ")) == (f"user:{user.pk}", True)
    assert note.endswith(" was paid. Not what we asked for.")


def test_a_duplicate_that_is_rejected_goes_back_and_leaves_the_other_alone(stripe, booking, duplicate):
    other = PaymentSession.objects.get(slot=duplicate.full_slot)

    reject_payment(duplicate, by="Ann")
    stripe.deliver()

    assert_coherent(duplicate)
    assert_coherent(other)
    assert (duplicate.status, other.slot) == (SessionStatus.REFUNDED, other.full_slot)
    (stated,) = stripe.sandbox.refunds(duplicate.stripe_checkout_session_id)
    assert stated["reason"] == "duplicate"


def test_what_was_paid_for_something_that_is_gone_can_go_back(stripe, orphan):
    reject_payment(orphan, by="Ann")
    stripe.deliver()

    assert_coherent(orphan)
    assert orphan.status == SessionStatus.REFUNDED


def pay_a_copy(stripe, session) -> None:
    """Pay another checkout that somebody made with the metadata of ours."""
    ours = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)
    copy = open_checkout(stripe, 8_00, metadata=ours["metadata"])
    stripe.sandbox.pay(copy["id"])
    stripe.deliver()


def test_of_a_session_that_was_paid_twice_the_second_payment_goes_back(stripe, booking):
    session = start_checkout(booking)
    stripe.pay(session)
    pay_a_copy(stripe, session)

    refund = reject_payment(session, by="Ann")
    stripe.deliver()

    assert_coherent(session)
    assert (refund.status, refund.amount) == (RefundStatus.SUCCEEDED, 8_00)
    assert (session.status, session.refunded_amount) == (SessionStatus.PARTIALLY_REFUNDED, 8_00)
    assert (session.slot, session.refundable) == (session.full_slot, Money(10_00, "gbp"))
    assert stripe.sandbox.refunds(session.stripe_checkout_session_id) == []


@pytest.mark.parametrize("first", [accept_payment, reject_payment])
@pytest.mark.parametrize("second", [accept_payment, reject_payment])
def test_a_decision_is_made_once(stripe, booking, mismatch, first, second):
    first(mismatch, by="Ann")
    stripe.deliver()
    before = heard(booking)

    if first is second is reject_payment:
        assert second(mismatch, by="Bob") == Refund.objects.get()
    else:
        with pytest.raises(ReviewRefused, match="waits for no decision"):
            second(mismatch, by="Bob")

    assert_coherent(mismatch)
    assert (heard(booking), mismatch.reviewed_by) == (before, "Ann")
    assert len(timeline(mismatch)) == 1
    assert len(calls(stripe, REFUNDS)) == Refund.objects.count() == (first is reject_payment)


@pytest.mark.parametrize("decide", [accept_payment, reject_payment])
def test_a_payment_in_order_waits_for_no_decision(stripe, booking, decide):
    session = start_checkout(booking)
    stripe.pay(session)

    with pytest.raises(ReviewRefused, match="waits for no decision"):
        decide(session, by="Ann")


@pytest.mark.parametrize("decide", [accept_payment, reject_payment])
def test_what_has_gone_back_in_the_dashboard_waits_for_no_decision(stripe, booking, mismatch, decide):
    stripe.refund(mismatch)
    before = heard(booking)

    with pytest.raises(ReviewRefused, match="waits for no decision"):
        decide(mismatch, by="Ann")

    assert_coherent(mismatch)
    assert (heard(booking), mismatch.review_decision) == (before, "")


@pytest.mark.parametrize(("decide", "decision"), [(accept_payment, "accepted"), (reject_payment, "rejected")])
def test_a_mismatch_that_is_told_again_does_not_reopen_a_decision(
    stripe, booking, mismatch, decide, decision
):
    decide(mismatch, by="Ann")
    stripe.deliver()
    before = heard(booking)

    answers = [
        post(stripe, altered(sent(stripe, kind)))
        for kind in ("checkout.session.completed", "payment_intent.succeeded")
    ]

    assert answers == [200, 200]
    assert_coherent(mismatch)
    assert (mismatch.review_decision, heard(booking), waiting()) == (decision, before, [])


# When sending it back does not work.


def test_a_rejection_without_an_answer_is_taken_up_again_by_the_same_call(stripe, mismatch):
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        reject_payment(mismatch, by="Ann")

    refund = reject_payment(mismatch, by="Ann")
    stripe.deliver()

    assert_coherent(mismatch)
    assert (refund.status, mismatch.status) == (RefundStatus.SUCCEEDED, SessionStatus.REFUNDED)
    assert len({call.idempotency_key for call in calls(stripe, REFUNDS)}) == 1
    assert len(timeline(mismatch)) == 1


def test_a_rejected_payment_whose_refund_fails_needs_a_person_again(stripe, booking, mismatch):
    refund = reject_payment(mismatch, by="Ann")
    stripe.deliver()

    stripe.fail_refund(refund)

    assert_coherent(mismatch)
    assert (waiting(), mismatch.slot) == ([mismatch], mismatch.full_slot)
    assert heard(booking)[-2:] == ["payment_refunded", "refund_failed"]

    again = reject_payment(mismatch, by="Bob")
    stripe.deliver()

    assert_coherent(mismatch)
    assert (again.status, again.pk != refund.pk) == (RefundStatus.SUCCEEDED, True)
    assert (mismatch.status, waiting()) == (SessionStatus.REFUNDED, [])
    assert [by for by, _ in timeline(mismatch)] == ["Ann", "Bob"]


def test_a_rejected_payment_whose_refund_failed_can_be_accepted(stripe, booking, mismatch):
    stripe.fail_refund(reject_payment(mismatch, by="Ann"))

    accept_payment(mismatch, by="Bob")

    assert_coherent(mismatch)
    assert mismatch.status == SessionStatus.SUCCEEDED
    assert heard(booking)[-1] == "payment_succeeded"


def test_a_rejected_payment_whose_refund_stripe_refuses_needs_a_person_again(stripe, booking, mismatch):
    stripe.dispute(mismatch, deliver=False)

    with pytest.raises(RefundRefused, match="charge_disputed"):
        reject_payment(mismatch, by="Ann")
    stripe.deliver()

    assert_coherent(mismatch)
    assert waiting() == [mismatch]
    assert "refund_failed" in heard(booking)


def test_a_rejection_that_a_dispute_forbids_is_no_decision(stripe, mismatch):
    stripe.dispute(mismatch)

    with pytest.raises(RefundRefused, match="disputes this payment"):
        reject_payment(mismatch, by="Ann")

    assert_coherent(mismatch)
    assert (waiting(), timeline(mismatch), Refund.objects.count()) == ([mismatch], [], 0)


def test_a_decided_payment_that_lost_its_booking_needs_a_person_again(stripe, booking, mismatch):
    accept_payment(mismatch, by="Ann")
    refund = refund_payment(mismatch)
    start_checkout(booking)

    stripe.fail_refund(refund)

    assert_coherent(mismatch)
    assert (waiting(), mismatch.review_reason) == ([mismatch], ReviewReason.DUPLICATE)


# By itself.


def assert_sent_back(stripe, late) -> None:
    assert_coherent(late)
    assert (late.status, late.slot, ledger(late)) == (
        SessionStatus.REFUNDED,
        None,
        [("payment", 10_00), ("refund", -10_00)],
    )
    (stated,) = stripe.sandbox.refunds(late.stripe_checkout_session_id)
    assert (stated["reason"], stated["amount"]) == ("duplicate", 10_00)
    assert waiting() == []


@pytest.mark.parametrize("times", [1, 3])
@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.succeeded"])
def test_a_second_payment_goes_back_before_its_webhook_is_answered(booking, times, kind):
    with use_sandbox(DUPLICATES="refund") as stripe:
        late = pay_twice(stripe, booking)

        answers = [post(stripe, sent(stripe, kind)) for _ in range(times)]

        assert answers == [200] * times
        assert len(calls(stripe, REFUNDS)) == 1
        assert_sent_back(stripe, late)
        stripe.deliver(times=2)
        assert_sent_back(stripe, late)
        assert heard(booking) == ["payment_expired", "payment_duplicated", "payment_refunded"]


@pytest.mark.parametrize("fault", ["503", "connection_lost_before", "connection_lost_after"])
def test_a_second_payment_that_cannot_go_back_yet_is_not_acknowledged(booking, fault):
    with use_sandbox(DUPLICATES="refund") as stripe:
        late = pay_twice(stripe, booking)
        stripe.sandbox.fail_next(fault, path=REFUNDS)
        completed = sent(stripe, "checkout.session.completed")

        answers = [post(stripe, completed) for _ in range(3)]

        assert answers == [503, 200, 200]
        assert_sent_back(stripe, late)
        assert len({call.idempotency_key for call in calls(stripe, REFUNDS)}) == 1


def test_a_second_payment_whose_refund_fails_needs_a_person(booking):
    with use_sandbox(DUPLICATES="refund") as stripe:
        late = pay_twice(stripe, booking)
        stripe.deliver()

        stripe.fail_refund(Refund.objects.get())

        assert_coherent(late)
        assert waiting() == [late]
        reject_payment(late, by="Ann")
        assert_coherent(late)
        assert late.status == SessionStatus.REFUNDED


def test_nobody_decides_about_a_payment_that_went_back_by_itself(booking):
    with use_sandbox(DUPLICATES="refund") as stripe:
        late = pay_twice(stripe, booking)
        stripe.deliver()

        with pytest.raises(ReviewRefused):
            reject_payment(late, by="Ann")
        assert len(calls(stripe, REFUNDS)) == 1


def test_a_second_payment_in_a_session_goes_back_and_the_first_stays(booking):
    with use_sandbox(DUPLICATES="refund") as stripe:
        session = start_checkout(booking)
        stripe.pay(session)
        second = altered(sent(stripe, "payment_intent.succeeded"), id="pi_second", latest_charge="ch_second")

        post(stripe, second)

        (call,) = calls(stripe, REFUNDS)
        assert (call.params["payment_intent"], call.params["amount"]) == ("pi_second", "1000")
        # Stripe does not know of it, which tells of a wrong key and not of the refund.
        assert Refund.objects.get().status == RefundStatus.REQUESTED


def test_a_second_payment_that_goes_back_decides_nothing_about_the_first(booking):
    with use_sandbox(DUPLICATES="refund") as stripe:
        stripe.sandbox.alter_next_payment(amount=9_00)
        session = start_checkout(booking)
        stripe.pay(session)

        pay_a_copy(stripe, session)

        assert_coherent(session)
        assert (session.review_reason, session.refunded_amount) == (ReviewReason.AMOUNT, 8_00)
        assert waiting() == [session]
        assert reject_payment(session, by="Ann").amount == 9_00


def test_a_second_payment_is_kept_unless_the_project_says_otherwise(stripe, duplicate):
    assert_coherent(duplicate)
    assert (duplicate.status, waiting()) == (SessionStatus.SUCCEEDED, [duplicate])
    assert (Refund.objects.count(), calls(stripe, REFUNDS)) == (0, [])


@pytest.mark.parametrize("value", ["", "keep", None, True, ["refund"], {"refund": 1}])
def test_e003_another_word_for_what_becomes_of_duplicates(value):
    with override_payments(DUPLICATES=value):
        messages = checks.run_checks(tags=["generic_payments"])

    (message,) = [each for each in messages if "DUPLICATES" in each.msg]
    assert message.id == "generic_payments.E003"
    assert message.msg.endswith("must be 'review' or 'refund'.")
