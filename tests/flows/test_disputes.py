"""A payer objects at their bank: what it takes, what it asks, and how that ends."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import DisputeStatus, RefundStatus, SessionStatus
from django_generic_payments.exceptions import RefundRefused
from django_generic_payments.models import Dispute, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.money import Money
from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.services import payment_required, refund_payment, start_checkout
from django_generic_payments.signals import dispute_opened
from django_generic_payments.testing import use_sandbox
from tests.flows.account import altered, ask, calls, post, sent
from tests.flows.coherence import assert_coherent, heard, ledger
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

REFUNDS = "/v1/refunds"
DAY = 24 * 60 * 60
PAID, TAKEN, GIVEN_BACK = ("payment", 10_00), ("dispute", -10_00), ("dispute_reversal", 10_00)
TELLING = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]


@pytest.fixture
def stripe():
    """An account whose clock stands still unless a story moves it: a second is long at a bank."""
    with use_sandbox(Sandbox(clock=Clock(1_900_000_000))) as stripe:
        yield stripe


def told(booking) -> list[str]:
    return [kind for kind in heard(booking) if kind.startswith("dispute")]


def status_of_dispute() -> str:
    return Dispute.objects.get().status


def later(stripe) -> None:
    stripe.advance(DAY)


# What opens it.


def test_a_dispute_is_told_and_what_it_took_is_booked_with_its_fee(stripe, booking, session):
    stripe.dispute(session, reason="product_not_received")

    assert_coherent(session)
    dispute = Dispute.objects.get()
    assert (dispute.session, dispute.status, dispute.reason) == (
        session,
        DisputeStatus.NEEDS_RESPONSE,
        "product_not_received",
    )
    assert (dispute.amount, dispute.currency) == (10_00, "gbp")
    assert (dispute.evidence_due_by - dispute.status_at).days == 9
    assert ledger(session) == [PAID, TAKEN]
    taken = session.transactions.get(kind="dispute")
    assert (taken.settled_gross, taken.fee, taken.net) == (-10_00, 20_00, -30_00)
    assert taken.settlement_currency == "gbp"
    assert told(booking) == ["dispute_opened"]
    assert session.status == SessionStatus.SUCCEEDED
    assert not payment_required(booking)


def test_receivers_are_handed_the_dispute(stripe, session, connect):
    handed = []
    connect(
        dispute_opened, lambda dispute, **kwargs: handed.append(dispute.stripe_dispute_id), uid="tests.handed"
    )

    made = stripe.dispute(session)

    assert handed == [made]


@pytest.mark.parametrize("kind", TELLING)
def test_one_event_alone_tells_of_a_dispute(stripe, booking, session, kind):
    stripe.dispute(session, deliver=False)

    answers = [post(stripe, sent(stripe, kind)) for _ in range(2)]

    assert answers == [200, 200]
    assert_coherent(session)
    assert told(booking) == ["dispute_opened"]
    assert ledger(session) == [PAID, *([TAKEN] if kind in TELLING[1:] else [])]


def test_a_part_of_the_payment_is_disputed(stripe, session):
    stripe.dispute(session, amount=4_00)

    assert_coherent(session)
    assert ledger(session) == [PAID, ("dispute", -4_00)]


def test_a_dispute_in_another_settlement_currency_is_booked_in_that_of_the_payment():
    booking = Booking.objects.create(deposit=1000, currency="jpy")
    with use_sandbox(Sandbox(settlement_currency="eur")) as stripe:
        session = start_checkout(booking)
        stripe.pay(session)

        stripe.close_dispute(stripe.dispute(session, amount=400), "won")

        assert_coherent(session)
        assert ledger(session) == [("payment", 1000), ("dispute", -400), ("dispute_reversal", 400)]
        taken = session.transactions.get(kind="dispute")
        assert (taken.currency, taken.settlement_currency, taken.settled_gross) == ("jpy", "eur", -244)
        assert (taken.fee, taken.net) == (20_00, -22_44)
        assert taken.exchange_rate > 0


@pytest.mark.parametrize("kind", TELLING)
def test_a_dispute_heard_before_the_payment_books_and_announces_both(stripe, booking, unpaid, kind):
    stripe.pay(unpaid, deliver=False)
    stripe.dispute(unpaid, deliver=False)

    answer = post(stripe, sent(stripe, kind))

    assert answer == 200
    assert_coherent(unpaid)
    assert heard(booking) == ["payment_succeeded", "dispute_opened"]
    stripe.deliver(times=2)
    assert_coherent(unpaid)
    assert sorted(ledger(unpaid)) == sorted([PAID, TAKEN])
    assert heard(booking) == ["payment_succeeded", "dispute_opened"]


def test_the_dispute_of_a_payment_that_is_not_ours_is_ignored(stripe, session):
    stripe.dispute(session, deliver=False)

    answer = post(stripe, altered(sent(stripe, "charge.dispute.created"), payment_intent="pi_of_nobody"))

    assert answer == 200
    stored = WebhookEvent.objects.get(type="charge.dispute.created")
    assert (stored.state, stored.body, Dispute.objects.count()) == ("ignored", "", 0)


@pytest.mark.parametrize("fields", [{"envelope": {"account": "acct_somebody"}}, {"livemode": True}])
def test_the_dispute_of_another_account_or_mode_changes_nothing(stripe, booking, session, fields):
    stripe.dispute(session, deliver=False)

    answer = post(stripe, altered(sent(stripe, "charge.dispute.funds_withdrawn"), **fields))

    assert answer == 200
    assert_coherent(session)
    assert (Dispute.objects.count(), told(booking)) == (0, [])


def test_a_dispute_without_a_date_to_answer_by_has_none(stripe, session):
    stripe.dispute(session, deliver=False)
    created = sent(stripe, "charge.dispute.created")
    details = {**created["data"]["object"]["evidence_details"], "due_by": 0}

    post(stripe, altered(created, evidence_details=details))

    assert Dispute.objects.get().evidence_due_by is None


def test_a_status_that_is_new_at_stripe_is_kept_as_it_is(stripe, booking, session):
    stripe.dispute(session)
    later(stripe)

    created = sent(stripe, "charge.dispute.created")
    post(stripe, altered(created, envelope={"created": stripe.sandbox.clock.now()}, status="pondered"))

    assert_coherent(session)
    assert (status_of_dispute(), told(booking)) == ("pondered", ["dispute_opened"])


# Inquiries.


def test_an_inquiry_moves_no_money_and_a_refund_settles_it(stripe, booking, session):
    stripe.dispute(session, inquiry=True)
    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.WARNING_NEEDS_RESPONSE, [PAID])
    assert told(booking) == ["dispute_opened"]

    refund_payment(session)
    stripe.deliver()

    assert_coherent(session)
    assert session.status == SessionStatus.REFUNDED


def test_an_inquiry_that_is_closed_is_told(stripe, booking, session):
    stripe.close_dispute(stripe.dispute(session, inquiry=True), "warning_closed")

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.WARNING_CLOSED, [PAID])
    assert told(booking) == ["dispute_opened", "dispute_closed"]


def test_an_inquiry_that_becomes_a_dispute_takes_the_money(stripe, booking, session):
    dispute = stripe.dispute(session, inquiry=True)

    stripe.escalate_dispute(dispute)

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.NEEDS_RESPONSE, [PAID, TAKEN])
    assert told(booking) == ["dispute_opened"]
    with pytest.raises(RefundRefused):
        refund_payment(session)


# How it ends.


def test_what_was_won_comes_back(stripe, booking, session):
    dispute = stripe.dispute(session)

    stripe.close_dispute(dispute, "won")

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.WON, [PAID, TAKEN, GIVEN_BACK])
    assert told(booking) == ["dispute_opened", "dispute_closed"]
    assert session.refundable == Money(10_00, "gbp")
    assert refund_payment(session).status == RefundStatus.SUCCEEDED


def test_what_was_lost_is_gone_and_cannot_go_back(stripe, booking, session):
    stripe.close_dispute(stripe.dispute(session), "lost")

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.LOST, [PAID, TAKEN])
    assert told(booking) == ["dispute_opened", "dispute_closed"]
    assert (session.status, session.refundable) == (SessionStatus.SUCCEEDED, Money(0, "gbp"))
    with pytest.raises(RefundRefused, match=r"0\.00 GBP can be sent back"):
        refund_payment(session)


def test_of_a_part_that_was_lost_the_rest_can_go_back(stripe, session):
    stripe.close_dispute(stripe.dispute(session, amount=4_00), "lost")

    session.refresh_from_db()
    assert session.refundable == Money(6_00, "gbp")


def test_a_dispute_that_was_prevented_is_closed(stripe, booking, session):
    stripe.close_dispute(stripe.dispute(session, inquiry=True), "prevented")

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.PREVENTED, [PAID])
    assert told(booking) == ["dispute_opened", "dispute_closed"]


@pytest.mark.parametrize("ending", ["won", "lost"])
@pytest.mark.parametrize("pause", [0, DAY])
def test_an_end_that_is_heard_before_the_beginning_is_told_alone(stripe, booking, session, ending, pause):
    dispute = stripe.dispute(session, deliver=False)
    stripe.advance(pause, deliver=False)
    stripe.close_dispute(dispute, ending, deliver=False)

    stripe.deliver(order=lambda events: list(reversed(events)), times=2)

    assert_coherent(session)
    assert status_of_dispute() == ending
    assert sorted(ledger(session)) == sorted([PAID, TAKEN, *([GIVEN_BACK] if ending == "won" else [])])
    assert told(booking) == ["dispute_closed"]


@pytest.mark.parametrize("lost", [TELLING, ["charge.dispute.created"], ["charge.dispute.funds_withdrawn"]])
def test_an_end_makes_good_what_was_not_heard_of_the_beginning(stripe, booking, session, lost):
    dispute = stripe.dispute(session, deliver=False)
    stripe.close_dispute(dispute, "won", deliver=False)

    stripe.deliver(drop=lost)

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.WON, [PAID, TAKEN, GIVEN_BACK])
    assert told(booking)[-1] == "dispute_closed"


@pytest.mark.parametrize("ending", ["won", "lost"])
def test_a_whole_dispute_that_is_told_again_changes_nothing(stripe, booking, session, ending):
    stripe.close_dispute(stripe.dispute(session), ending)
    before = ledger(session)

    again = [post(stripe, altered(event)) for event in stripe.sandbox.events]

    assert set(again) == {200}
    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (ending, before)
    assert told(booking) == ["dispute_opened", "dispute_closed"]


def test_what_was_lost_may_be_won_on_appeal(stripe, booking, session):
    dispute = stripe.dispute(session)
    later(stripe)
    stripe.close_dispute(dispute, "lost")
    later(stripe)
    stripe.appeal_dispute(dispute, submit=True)
    assert_coherent(session)
    assert status_of_dispute() == DisputeStatus.APPEAL_UNDER_REVIEW
    with pytest.raises(RefundRefused, match="disputes this payment"):
        refund_payment(session)
    later(stripe)

    stripe.close_dispute(dispute, "won")

    assert_coherent(session)
    assert (status_of_dispute(), ledger(session)) == (DisputeStatus.WON, [PAID, TAKEN, GIVEN_BACK])
    assert told(booking) == ["dispute_opened", "dispute_closed", "dispute_closed"]


@pytest.mark.parametrize("submit", [False, True])
def test_an_appeal_that_is_lost_too_is_lost(stripe, booking, session, submit):
    dispute = stripe.dispute(session, deliver=False)
    for step in (
        lambda: stripe.close_dispute(dispute, "lost", deliver=False),
        lambda: stripe.appeal_dispute(dispute, submit=submit, deliver=False),
        lambda: stripe.close_dispute(dispute, "lost", deliver=False),
    ):
        stripe.advance(DAY, deliver=False)
        step()

    stripe.deliver(order=lambda events: list(reversed(events)))

    assert_coherent(session)
    assert (status_of_dispute(), set(told(booking))) == (DisputeStatus.LOST, {"dispute_closed"})


def test_evidence_that_was_sent_is_a_new_status_and_no_news(stripe, booking, session):
    dispute = stripe.dispute(session)
    later(stripe)

    ask(
        stripe,
        "POST",
        f"/v1/disputes/{dispute}",
        {"evidence[uncategorized_text]": "They came.", "submit": "true"},
    )
    stripe.deliver()

    assert_coherent(session)
    assert (status_of_dispute(), told(booking)) == (DisputeStatus.UNDER_REVIEW, ["dispute_opened"])


def test_every_step_is_on_the_timeline_and_two_of_them_are_told(stripe, booking, session):
    dispute = stripe.dispute(session, inquiry=True)
    for step in (
        stripe.escalate_dispute,
        lambda each: stripe.close_dispute(each, "lost"),
        stripe.appeal_dispute,
    ):
        later(stripe)
        step(dispute)

    steps = session.events.filter(dispute__isnull=False).order_by("created").values_list("kind", "note")
    assert list(steps) == [
        ("dispute_opened", "Inquiry: needs response"),
        ("dispute_updated", "Needs response"),
        ("dispute_closed", "Lost"),
        ("dispute_updated", "Appeal: needs response"),
    ]
    assert told(booking) == ["dispute_opened", "dispute_closed"]


@pytest.mark.parametrize("order", [list, lambda events: list(reversed(events))], ids=["as sent", "reversed"])
def test_of_two_statuses_the_newer_one_counts(stripe, session, order):
    dispute = stripe.dispute(session, deliver=False)
    later_on = {"evidence[uncategorized_text]": "They came.", "submit": "true"}
    stripe.advance(DAY, deliver=False)
    ask(stripe, "POST", f"/v1/disputes/{dispute}", later_on)

    stripe.deliver(order=order)

    assert status_of_dispute() == DisputeStatus.UNDER_REVIEW


def test_an_older_status_that_stands_further_down_does_not_win(stripe, session):
    """An appeal is newer than the loss before it, and the second loss newer than the appeal."""
    dispute = stripe.dispute(session)
    for step in (
        lambda: stripe.close_dispute(dispute, "lost"),
        lambda: stripe.appeal_dispute(dispute),
        lambda: stripe.close_dispute(dispute, "lost"),
    ):
        later(stripe)
        step()

    updated = sent(stripe, "charge.dispute.updated")
    assert updated["data"]["object"]["status"] == "appeal_needs_response"
    post(stripe, altered(updated))

    assert status_of_dispute() == DisputeStatus.LOST


def test_two_disputes_of_one_payment_are_two(stripe, booking, unpaid):
    stripe.pay(unpaid, card="4000000404000079")
    first, second = Dispute.objects.order_by("created")

    stripe.close_dispute(first, "won")
    stripe.close_dispute(second, "lost")

    assert_coherent(unpaid)
    assert sorted(ledger(unpaid)) == sorted(
        [PAID, ("dispute", -5_00), ("dispute", -5_00), ("dispute_reversal", 5_00)]
    )
    assert sorted(told(booking)) == ["dispute_closed"] * 2 + ["dispute_opened"] * 2
    assert unpaid.refundable == Money(5_00, "gbp")


# Refunds meanwhile.


@pytest.mark.parametrize("answered", [False, True])
def test_an_open_dispute_keeps_money_from_going_back(stripe, session, answered):
    dispute = stripe.dispute(session)
    if answered:
        ask(
            stripe, "POST", f"/v1/disputes/{dispute}", {"evidence[uncategorized_text]": "x", "submit": "true"}
        )
        stripe.deliver()

    with pytest.raises(RefundRefused, match="disputes this payment at their bank"):
        refund_payment(session)

    assert (Refund.objects.count(), calls(stripe, REFUNDS)) == (0, [])


def test_with_force_stripe_is_asked_and_has_the_last_word(stripe, booking, session):
    stripe.dispute(session)

    with pytest.raises(RefundRefused, match="charge_disputed") as refused:
        refund_payment(session, force=True)

    assert len(calls(stripe, REFUNDS)) == 1
    assert refused.value.refund.money == Money(10_00, "gbp")
    assert_coherent(session)
    assert heard(booking)[-1] == "refund_failed"


def test_a_refund_before_a_dispute_stays(stripe, booking, session):
    refund_payment(session, Money(4_00, "gbp"))

    stripe.dispute(session, amount=6_00)

    assert_coherent(session)
    assert sorted(ledger(session)) == sorted([PAID, ("refund", -4_00), ("dispute", -6_00)])
    assert session.status == SessionStatus.PARTIALLY_REFUNDED
    assert PaymentSession.objects.get().transactions.totals()["gbp"].net == 0
    assert Transaction.objects.count() == 3
