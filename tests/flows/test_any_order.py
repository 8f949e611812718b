"""A payment, three refunds of which one fails, and a dispute: in any order, repeated, with gaps, one outcome."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import HealthCheck, event as note, given, settings, strategies as st

from django_generic_payments.enums import DisputeStatus, RefundStatus, SessionStatus
from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.money import Money
from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.services import refund_payment, start_checkout
from django_generic_payments.testing import use_sandbox
from tests.flows.account import post, sent
from tests.flows.coherence import assert_coherent
from tests.shop.models import Booking, Heard

pytestmark = pytest.mark.django_db

# Stripe keeps our idempotency keys for a day, and our own clock stands still: all of it happens within one.
HOURS = 3 * 60 * 60
AMOUNTS = (2_00, 3_00, 5_00)  # all of it, until one of them fails

# Each example makes a booking and an account of its own, so that the database may be shared.
stories = settings(
    max_examples=settings().max_examples * 3 // 5, suppress_health_check=[HealthCheck.function_scoped_fixture]
)


class History:
    """What happened at Stripe, of which we have heard nothing, or only that it was paid."""

    def __init__(self, stripe, *, ours: bool, failing: int, ending: str, pauses: list[int]) -> None:
        self.stripe, self.ending, self.ours = stripe, ending, ours
        self._pauses = iter(pauses)
        self.booking = Booking.objects.create(deposit=10_00)
        self.session = start_checkout(self.booking)
        stripe.pay(self.session, deliver=False)
        if ours:
            # Only then can we send anything back ourselves.
            assert post(stripe, sent(stripe, "checkout.session.completed")) == 200
        self.refunds = [self._refund(index, amount) for index, amount in enumerate(AMOUNTS)]
        self.failed = self.refunds[failing]
        self._then(stripe.book_balance)
        self.dispute = self._then(stripe.dispute, self.session)
        self._then(stripe.fail_refund, self.failed)
        self._then(stripe.close_dispute, self.dispute, ending)
        self.events = stripe.sandbox.events

    def _refund(self, index: int, amount: int) -> str:
        if index or not self.ours:
            return self._then(self.stripe.refund, self.session, amount)
        # Ours, and the answer gets lost.
        self.stripe.sandbox.fail_next("connection_lost_after", path="/v1/refunds")
        with pytest.raises(GatewayUnavailable):
            refund_payment(self.session, Money(amount, "gbp"))
        return sent(self.stripe, "refund.created")["data"]["object"]["id"]

    def _then(self, happen, *args):
        self.stripe.advance(next(self._pauses), deliver=False)
        return happen(*args, deliver=False)

    @property
    def enough(self) -> list[list[dict[str, object]]]:
        """Return the events of which one each must arrive, because nothing else tells what they do."""
        last = "charge.dispute.funds_reinstated" if self.ending == "won" else "charge.dispute.closed"
        told = [
            self._telling(refund, "failed" if refund == self.failed else "succeeded")
            for refund in self.refunds
        ]
        return [*told, [event for event in self.events if event["type"] == last]]

    def _telling(self, refund: str, status: str) -> list[dict[str, object]]:
        objects = ((event, event["data"]["object"]) for event in self.events)
        return [event for event, obj in objects if obj["id"] == refund and obj["status"] == status]

    @property
    def ledger(self) -> list[tuple[str, str, int]]:
        """Return the ledger that this comes to."""
        disputed = self.stripe.sandbox.disputes(self.session.stripe_checkout_session_id)
        moved = [each["id"] for each in disputed[0]["balance_transactions"]]
        intent = disputed[0]["payment_intent"]
        failed = AMOUNTS[self.refunds.index(self.failed)]
        return sorted(
            [
                ("payment", intent, 10_00),
                *(("refund", refund, -amount) for refund, amount in zip(self.refunds, AMOUNTS, strict=True)),
                ("refund_reversal", self.failed, failed),
                ("dispute", moved[0], -10_00),
                *(("dispute_reversal", each, 10_00) for each in moved[1:]),
            ]
        )


histories = st.fixed_dictionaries(
    {
        "ours": st.booleans(),
        "failing": st.integers(0, 2),
        "ending": st.sampled_from(["won", "lost"]),
        "pauses": st.lists(st.sampled_from([0, 0, HOURS]), min_size=7, max_size=7),
    }
)


@stories
@given(how=histories, data=st.data())
def test_whatever_is_heard_in_whatever_order_comes_to_the_same(how, data):
    with use_sandbox(Sandbox(clock=Clock(1_900_000_000))) as stripe:
        history = History(stripe, **how)
        deliveries = data.draw(deliveries_of(history), label="deliveries")
        note(f"{len(deliveries)} deliveries of {len(history.events)} events")

        answers = [post(stripe, each) for each in deliveries]

        assert set(answers) == {200}
        assert_outcome(history)


@pytest.mark.parametrize("ours", [False, True])
@pytest.mark.parametrize("ending", ["won", "lost"])
@pytest.mark.parametrize("times", [1, 2])
@pytest.mark.parametrize("order", [list, lambda events: list(reversed(events))], ids=["as sent", "reversed"])
@pytest.mark.core
def test_all_of_it_as_sent_and_backwards_comes_to_the_same(ours, ending, times, order):
    with use_sandbox() as stripe:
        history = History(stripe, ours=ours, failing=1, ending=ending, pauses=[0] * 7)

        stripe.deliver(order=order, times=times)

        assert_outcome(history)


def deliveries_of(history):
    """Choose what arrives: enough of it, anything beyond that, as often as it likes, in any order."""
    needed = st.tuples(*(st.sampled_from(each) for each in history.enough))
    beyond = st.lists(st.sampled_from(history.events), max_size=len(history.events))
    at_last = st.sampled_from(
        [
            [],
            [sent(history.stripe, "payment_intent.succeeded")],
            [sent(history.stripe, "checkout.session.completed")],
        ]
    )
    shuffled = st.tuples(needed, beyond).flatmap(lambda both: st.permutations([*both[0], *both[1]]))
    return st.tuples(shuffled, at_last).map(lambda both: [*both[0], *both[1]])


def assert_outcome(history) -> None:
    session, failed = history.session, AMOUNTS[history.refunds.index(history.failed)]
    assert_coherent(session)
    assert session.status == SessionStatus.PARTIALLY_REFUNDED
    assert (session.paid_amount, session.refunded_amount) == (10_00, 10_00 - failed)
    assert (session.slot, session.review_reason) == (session.full_slot, "")
    rows = session.transactions.values_list("kind", "source_id", "gross")
    assert sorted(rows) == history.ledger
    assert dict(session.refunds.values_list("stripe_refund_id", "status")) == {
        refund: RefundStatus.FAILED if refund == history.failed else RefundStatus.SUCCEEDED
        for refund in history.refunds
    }
    assert session.disputes.get().status == DisputeStatus(history.ending)
    assert_told(history)


def assert_told(history) -> None:
    told = Counter(
        Heard.objects.filter(receiver="shop.write_down", payable_id=str(history.booking.pk)).values_list(
            "kind", flat=True
        )
    )
    assert told["payment_succeeded"] == told["refund_failed"] == told["dispute_closed"] == 1
    # Whoever hears of the end first is not told of the beginning.
    assert told["dispute_opened"] <= 1
    assert 2 <= told["payment_refunded"] <= 3
    assert told.keys() <= {
        "payment_succeeded",
        "payment_refunded",
        "refund_failed",
        "dispute_opened",
        "dispute_closed",
    }
    history.booking.refresh_from_db()
    assert history.booking.confirmed == 1
