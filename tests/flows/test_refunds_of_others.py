"""Refunds that somebody makes in Stripe's dashboard, and what becomes of any refund in the days after it."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from django_generic_payments.enums import RefundStatus, ReviewReason, SessionStatus, WebhookState
from django_generic_payments.exceptions import GatewayUnavailable, RefundRefused
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.money import Money
from django_generic_payments.sandbox import Sandbox, Unconfirmed
from django_generic_payments.services import payment_required, refund_payment, start_checkout, sync_session
from django_generic_payments.testing import use_sandbox
from tests.flows.account import altered, ask, calls, open_checkout, post, sent
from tests.flows.coherence import assert_coherent, heard, ledger

pytestmark = [pytest.mark.django_db, pytest.mark.core]

REFUNDS = "/v1/refunds"
LATE = "4000000000007726"
TELLING = ["refund.created", "refund.updated", "charge.refunded", "charge.refund.updated"]
PAID, PAID_BACK = ("payment", 10_00), ("refund", -10_00)


@pytest.fixture
def late(stripe, unpaid):
    """A payment with a card whose refunds take days."""
    stripe.pay(unpaid, card=LATE)
    unpaid.refresh_from_db()
    return unpaid


def refund_row() -> Refund:
    return Refund.objects.get()


def told_of_refunds(booking) -> list[str]:
    return [kind for kind in heard(booking) if "refund" in kind]


# How much, and how it is heard.


def test_a_whole_refund_frees_the_booking(stripe, booking, session):
    stripe.refund(session, reason="requested_by_customer")

    assert_coherent(session)
    assert (session.status, session.slot, session.refundable) == (
        SessionStatus.REFUNDED,
        None,
        Money(0, "gbp"),
    )
    assert (refund_row().status, refund_row().reason, refund_row().requested_by) == (
        RefundStatus.SUCCEEDED,
        "requested_by_customer",
        "",
    )
    assert ledger(session) == [PAID, PAID_BACK]
    assert told_of_refunds(booking) == ["payment_refunded"]
    assert payment_required(booking)


def test_parts_add_up(stripe, booking, session):
    for amount, status in [
        (3_00, SessionStatus.PARTIALLY_REFUNDED),
        (3_00, SessionStatus.PARTIALLY_REFUNDED),
        (4_00, SessionStatus.REFUNDED),
    ]:
        stripe.refund(session, amount)

        assert_coherent(session)
        assert session.status == status

    assert ledger(session) == [PAID, ("refund", -3_00), ("refund", -3_00), ("refund", -4_00)]
    assert told_of_refunds(booking) == ["payment_refunded"] * 3


def test_what_went_back_in_the_dashboard_cannot_go_back_again(stripe, session):
    stripe.refund(session, 7_00)

    refund = refund_payment(session)

    assert refund.money == Money(3_00, "gbp")
    assert_coherent(session)
    assert session.status == SessionStatus.REFUNDED


@pytest.mark.parametrize("kind", TELLING)
def test_one_event_alone_tells_of_a_refund(stripe, booking, session, kind):
    stripe.refund(session, 4_00, deliver=False)

    answers = [post(stripe, sent(stripe, kind)) for _ in range(2)]

    assert answers == [200, 200]
    assert_coherent(session)
    assert session.status == SessionStatus.PARTIALLY_REFUNDED
    assert ledger(session) == [PAID, ("refund", -4_00)]
    assert told_of_refunds(booking) == ["payment_refunded"]
    assert session.transactions.get(kind="refund").fee == 0


def test_a_charge_that_tells_of_nothing_new_asks_for_no_refunds(stripe, session):
    stripe.refund(session, 4_00)
    before = len(calls(stripe, REFUNDS, "GET"))

    stripe.book_balance()
    post(stripe, altered(sent(stripe, "charge.refunded")))

    assert len(calls(stripe, REFUNDS, "GET")) == before


def test_the_reconciler_finds_a_refund_of_which_no_event_came(stripe, booking, session):
    stripe.refund(session, 4_00, deliver=False)

    for _ in range(2):
        sync_session(session)

    assert_coherent(session)
    assert ledger(session) == [PAID, ("refund", -4_00)]
    assert told_of_refunds(booking) == ["payment_refunded"]


@pytest.mark.parametrize("kind", TELLING)
def test_a_refund_heard_before_the_payment_books_and_announces_both(stripe, booking, unpaid, kind):
    stripe.pay(unpaid, deliver=False)
    stripe.refund(unpaid, 4_00, deliver=False)

    answer = post(stripe, sent(stripe, kind))

    assert answer == 200
    assert_coherent(unpaid)
    assert (unpaid.status, unpaid.paid_amount) == (SessionStatus.PARTIALLY_REFUNDED, 10_00)
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]
    stripe.deliver(times=2)
    assert_coherent(unpaid)
    assert ledger(unpaid) == [PAID, ("refund", -4_00)]
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]
    booking.refresh_from_db()
    assert booking.confirmed == 1


@pytest.mark.parametrize("fault", ["503", "connection_lost_before", "429"])
def test_a_refund_heard_before_the_payment_while_stripe_is_down_comes_again(stripe, booking, unpaid, fault):
    stripe.pay(unpaid, deliver=False)
    stripe.refund(unpaid, deliver=False)
    stripe.sandbox.fail_next(fault, method="GET", path="/v1/payment_intents/{id}")
    refund = sent(stripe, "refund.created")

    answers = [post(stripe, refund) for _ in range(2)]

    assert answers == [503, 200]
    assert_coherent(unpaid)
    assert ledger(unpaid) == [PAID, PAID_BACK]
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]


@pytest.mark.parametrize("metadata", [{}, {"generic_payments_app": "another"}])
@pytest.mark.parametrize("kind", TELLING)
def test_the_refund_of_a_payment_that_is_not_ours_leaves_its_name_and_nothing_else(stripe, kind, metadata):
    foreign = open_checkout(stripe, 5_00, metadata=metadata)
    stripe.sandbox.pay(foreign["id"])
    stripe.sandbox.refund(foreign["id"])

    answer = post(stripe, sent(stripe, kind))

    assert answer == 200
    stored = WebhookEvent.objects.get()
    assert (stored.type, stored.state, stored.body) == (kind, WebhookState.IGNORED, "")
    assert not any(model.objects.exists() for model in (PaymentSession, Refund, Transaction, PaymentEvent))


@pytest.mark.parametrize("payment_intent", [None, "pi_of_nobody"])
def test_a_refund_without_a_payment_that_stripe_knows_is_ignored(stripe, session, payment_intent):
    stripe.refund(session, deliver=False)

    answer = post(stripe, altered(sent(stripe, "refund.created"), payment_intent=payment_intent))

    assert answer == 200
    assert (WebhookEvent.objects.get(type="refund.created").state, Refund.objects.count()) == ("ignored", 0)


@pytest.mark.parametrize("kind", TELLING)
@pytest.mark.parametrize("envelope", [{"account": "acct_somebody"}, {"livemode": True}])
def test_a_refund_of_another_account_or_mode_changes_nothing(stripe, booking, session, kind, envelope):
    stripe.refund(session, deliver=False)

    answer = post(stripe, altered(sent(stripe, kind), envelope=envelope))

    assert answer == 200
    assert_coherent(session)
    assert (session.status, Refund.objects.count()) == (SessionStatus.SUCCEEDED, 0)


@pytest.mark.parametrize("kind", TELLING)
def test_of_an_event_of_a_connected_account_nothing_is_asked_and_its_name_alone_is_kept(stripe, unpaid, kind):
    stripe.pay(unpaid, deliver=False)
    stripe.refund(unpaid, deliver=False)
    asked = len(stripe.sandbox.requests)

    post(stripe, altered(sent(stripe, kind), envelope={"account": "acct_somebody"}))

    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.body) == (WebhookState.IGNORED, "")
    assert len(stripe.sandbox.requests) == asked


@pytest.mark.parametrize("alteration", [{"amount": 9_00}, {"currency": "eur"}])
@pytest.mark.parametrize("kind", TELLING)
def test_the_refund_of_a_mismatch_heard_first_books_it_for_review_and_pays_it_back(
    stripe, booking, unpaid, kind, alteration
):
    stripe.sandbox.alter_next_payment(**alteration)
    stripe.pay(unpaid, deliver=False)
    stripe.refund(unpaid, deliver=False)

    answer = post(stripe, sent(stripe, kind))
    stripe.deliver()

    assert answer == 200
    assert_coherent(unpaid)
    assert (unpaid.status, unpaid.slot) == (SessionStatus.REFUNDED, None)
    assert unpaid.review_reason == (ReviewReason.AMOUNT if "amount" in alteration else ReviewReason.CURRENCY)
    assert heard(booking) == ["payment_needs_review", "payment_refunded"]
    assert not PaymentSession.objects.needing_review().exists()


# What becomes of it later.


def test_a_refund_that_is_pending_for_days_is_booked_and_told_when_it_arrives(stripe, booking, late):
    refund = stripe.refund(late)
    assert_coherent(late)
    assert (refund_row().status, late.status) == (RefundStatus.PENDING, SessionStatus.SUCCEEDED)
    assert (late.refundable, ledger(late), told_of_refunds(booking)) == (Money(0, "gbp"), [PAID], [])
    assert not payment_required(booking)

    stripe.settle_refund(refund)

    assert_coherent(late)
    assert (refund_row().status, late.status) == (RefundStatus.SUCCEEDED, SessionStatus.REFUNDED)
    assert told_of_refunds(booking) == ["payment_refunded"]


def test_a_refund_that_was_pending_and_failed_can_be_made_again(stripe, booking, late):
    refund = stripe.refund(late, 4_00)

    stripe.settle_refund(refund, success=False)

    assert_coherent(late)
    assert (refund_row().status, refund_row().failure_reason) == (RefundStatus.FAILED, "declined")
    assert (late.status, late.refundable) == (SessionStatus.SUCCEEDED, Money(10_00, "gbp"))
    assert ledger(late) == [PAID, ("refund", -4_00), ("refund_reversal", 4_00)]
    assert told_of_refunds(booking) == ["refund_failed"]


def wait_for_payer(stripe, session) -> str:
    """Make a refund of which the payer must first say where it shall go."""
    made = ask(
        stripe,
        "POST",
        REFUNDS,
        {"payment_intent": session.stripe_payment_intent_id, "instructions_email": "pat@example.com"},
    )
    return made["id"]


def test_a_refund_that_waits_for_the_payer_is_reserved_until_it_arrives(stripe, booking, session):
    refund = wait_for_payer(stripe, session)
    stripe.deliver()
    assert_coherent(session)
    assert (refund_row().status, session.refundable) == (RefundStatus.REQUIRES_ACTION, Money(0, "gbp"))

    stripe.settle_refund(refund)

    assert_coherent(session)
    assert (refund_row().status, session.status) == (RefundStatus.SUCCEEDED, SessionStatus.REFUNDED)
    assert told_of_refunds(booking) == ["payment_refunded"]


@pytest.mark.parametrize("order", [list, lambda events: list(reversed(events))], ids=["as sent", "reversed"])
def test_a_refund_that_is_canceled_moved_nothing_and_is_told_once(stripe, booking, session, order):
    refund = wait_for_payer(stripe, session)
    ask(stripe, "POST", f"{REFUNDS}/{refund}/cancel", {})

    stripe.deliver(order=order, times=2)

    assert_coherent(session)
    assert (refund_row().status, session.status) == (RefundStatus.CANCELED, SessionStatus.SUCCEEDED)
    assert (ledger(session), session.refundable) == ([PAID], Money(10_00, "gbp"))
    assert told_of_refunds(booking) == ["refund_failed"]


def test_a_refund_that_arrived_and_failed_later_is_reversed_and_takes_the_booking_back(
    stripe, booking, session
):
    refund = stripe.refund(session)
    assert payment_required(booking)

    stripe.fail_refund(refund)

    assert_coherent(session)
    assert (refund_row().status, refund_row().failure_reason) == (RefundStatus.FAILED, "lost_or_stolen_card")
    assert (session.status, session.refundable) == (SessionStatus.SUCCEEDED, Money(10_00, "gbp"))
    assert session.slot == session.full_slot
    assert ledger(session) == [PAID, PAID_BACK, ("refund_reversal", 10_00)]
    assert told_of_refunds(booking) == ["payment_refunded", "refund_failed"]
    assert not payment_required(booking)
    assert refund_payment(session).status == RefundStatus.SUCCEEDED
    assert_coherent(session)


@pytest.mark.parametrize("lower", [True, False], ids=["lowered", "not lowered"])
def test_a_charge_that_keeps_counting_a_failed_refund_does_not_bring_it_back(booking, lower):
    with use_sandbox(Sandbox(unconfirmed=Unconfirmed(lowers_refunded_on_failure=lower))) as stripe:
        session = start_checkout(booking)
        stripe.pay(session)
        stripe.fail_refund(stripe.refund(session, 4_00))

        stripe.refund(session, 2_00)

        assert_coherent(session)
        assert session.refunded_amount == 2_00
        assert told_of_refunds(booking) == ["payment_refunded", "refund_failed", "payment_refunded"]


def test_a_refund_that_failed_when_another_session_has_the_booking_needs_a_person(stripe, booking, session):
    refund = stripe.refund(session)
    other = start_checkout(booking)

    stripe.fail_refund(refund)

    assert_coherent(session)
    assert_coherent(other)
    assert (session.status, session.slot) == (SessionStatus.SUCCEEDED, None)
    assert session.review_reason == ReviewReason.DUPLICATE
    assert list(PaymentSession.objects.needing_review()) == [session]
    assert told_of_refunds(booking) == ["payment_refunded", "refund_failed"]


@pytest.mark.parametrize("kind", ["refund.failed", "charge.refund.updated"])
def test_a_failure_that_is_heard_first_books_both_movements_and_tells_the_failure_alone(
    stripe, booking, session, kind
):
    stripe.fail_refund(stripe.refund(session, 4_00, deliver=False), deliver=False)

    answer = post(stripe, sent(stripe, kind))
    stripe.deliver(times=2)

    assert answer == 200
    assert_coherent(session)
    assert refund_row().status == RefundStatus.FAILED
    assert sorted(ledger(session)) == [PAID, ("refund", -4_00), ("refund_reversal", 4_00)]
    assert told_of_refunds(booking) == ["refund_failed"]


@pytest.mark.parametrize("times", [1, 3])
def test_the_story_told_backwards_and_repeated_comes_to_the_same(stripe, booking, session, times):
    stripe.refund(session, 1_00, deliver=False)
    stripe.fail_refund(stripe.refund(session, 4_00, deliver=False), deliver=False)

    stripe.deliver(order=lambda events: list(reversed(events)), times=times)

    assert_coherent(session)
    assert session.refunded_amount == 1_00
    assert sorted(told_of_refunds(booking)) == ["payment_refunded", "refund_failed"]


# Our own.


def test_our_own_refund_of_which_the_event_comes_before_the_answer_is_one_refund(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, Money(4_00, "gbp"), by="Ann")
    stripe.deliver(times=2)

    refund = refund_payment(session, Money(4_00, "gbp"), by="Ann", idempotency_key="another")

    assert_coherent(session)
    assert refund.money == Money(4_00, "gbp")
    first = Refund.objects.earliest("created")
    assert (first.requested_by, first.status) == ("Ann", RefundStatus.SUCCEEDED)
    assert told_of_refunds(booking) == ["payment_refunded"] * 2


def test_our_own_refund_that_fails_later_is_told(stripe, booking, session):
    refund = refund_payment(session)
    stripe.deliver()

    stripe.fail_refund(refund)

    assert_coherent(session)
    assert (refund_row().status, session.status) == (RefundStatus.FAILED, SessionStatus.SUCCEEDED)
    assert told_of_refunds(booking) == ["payment_refunded", "refund_failed"]


def test_a_refund_that_carries_the_mark_of_another_does_not_take_its_place(stripe, session):
    ours = refund_payment(session, Money(4_00, "gbp"))
    (stated,) = stripe.sandbox.refunds(session.stripe_checkout_session_id)
    ask(
        stripe,
        "POST",
        REFUNDS,
        {
            "payment_intent": session.stripe_payment_intent_id,
            "amount": "100",
            **{f"metadata[{key}]": value for key, value in stated["metadata"].items()},
        },
    )

    stripe.deliver()

    assert_coherent(session)
    ours.refresh_from_db()
    assert (ours.amount, session.refunded_amount, Refund.objects.count()) == (4_00, 5_00, 2)


def test_a_refund_of_others_is_not_taken_for_one_of_ours_that_was_never_made(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_before", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, Money(4_00, "gbp"))
    stripe.refund(session, 4_00, deliver=False)

    answer = post(stripe, sent(stripe, "charge.refunded"))

    assert answer == 200
    assert_coherent(session)
    assert ledger(session) == [PAID, ("refund", -4_00), ("refund", -4_00)]
    assert told_of_refunds(booking) == ["payment_refunded"] * 2


def test_a_refund_that_was_given_up_and_was_made_all_the_same_is_booked(stripe, booking, session):
    stripe.sandbox.fail_next("connection_lost_before", path=REFUNDS)
    with pytest.raises(GatewayUnavailable):
        refund_payment(session, Money(4_00, "gbp"))
    (lost,) = calls(stripe, REFUNDS)
    Refund.objects.update(created=timezone.now() - timedelta(hours=24))
    with pytest.raises(RefundRefused, match="never_made"):
        refund_payment(session, Money(4_00, "gbp"))

    # The call that was lost arrives after all.
    headers = {"Authorization": f"Bearer {stripe.sandbox.secret_key}"}
    stripe.sandbox.handle("POST", REFUNDS, headers, lost.raw_body)
    stripe.deliver()

    assert_coherent(session)
    assert (refund_row().status, refund_row().failure_reason) == (RefundStatus.SUCCEEDED, "")
    assert ledger(session) == [PAID, ("refund", -4_00)]
    assert told_of_refunds(booking) == ["refund_failed", "payment_refunded"]
