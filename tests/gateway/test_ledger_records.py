"""What Stripe says of money that moved is read strictly where it is used, and not at all where it is not."""

from __future__ import annotations

import json
from datetime import datetime, timezone
from decimal import Decimal
from urllib.parse import urlencode

import pytest

from django_generic_payments.exceptions import UnreadableObject
from django_generic_payments.gateway import BalanceTransaction, Charge, Dispute, Refund
from django_generic_payments.sandbox import Sandbox
from tests.gateway.examples import CHARGE, DISPUTE, MOVEMENT, REFUND

pytestmark = pytest.mark.core


def test_a_movement_is_read():
    movement = BalanceTransaction.from_object(MOVEMENT)

    assert (movement.id, movement.amount, movement.fee, movement.net) == ("txn_1", 12_50, 39, 12_11)
    assert movement.created == datetime.fromtimestamp(1_800_000_000, tz=timezone.utc)
    assert (movement.currency, movement.exchange_rate) == ("eur", Decimal("1.16279"))
    assert (movement.source_id, movement.payment_intent_id) == ("ch_1", "")


def test_an_expanded_charge_tells_which_payment_it_was():
    movement = BalanceTransaction.from_object({**MOVEMENT, "source": CHARGE})

    assert (movement.source_id, movement.payment_intent_id) == ("ch_1", "pi_1")


@pytest.mark.parametrize("source", [REFUND, DISPUTE], ids=["refund", "dispute"])
def test_an_expanded_refund_or_dispute_is_not_the_payment(source):
    movement = BalanceTransaction.from_object({**MOVEMENT, "source": source})

    assert (movement.source_id, movement.payment_intent_id) == (source["id"], "")


@pytest.mark.parametrize("source", [None, "txn_1"])
def test_a_movement_need_not_have_a_source_that_is_expanded(source):
    assert BalanceTransaction.from_object({**MOVEMENT, "source": source}).source_id == (source or "")


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (None, None),
        (1, Decimal(1)),
        (0.1, Decimal("0.1")),
        (5.7e-05, Decimal("0.000057")),
        (1234.56, Decimal("1234.56")),
    ],
)
def test_a_rate_is_read_as_it_is_written(sent, read):
    assert BalanceTransaction.from_object({**MOVEMENT, "exchange_rate": sent}).exchange_rate == read


@pytest.mark.parametrize("rate", ["1.1", True, float("nan"), float("inf"), 1e12, [1]])
def test_a_rate_that_is_no_number_is_refused(rate):
    with pytest.raises(UnreadableObject, match="'exchange_rate'"):
        BalanceTransaction.from_object({**MOVEMENT, "exchange_rate": rate})


def test_a_charge_is_read():
    charge = Charge.from_object({**CHARGE, "balance_transaction": "txn_1", "amount_refunded": 5_00})

    assert (charge.id, charge.livemode, charge.payment_intent_id) == ("ch_1", False, "pi_1")
    assert (charge.amount_refunded, charge.balance_transaction_id) == (5_00, "txn_1")
    assert charge.metadata == {"a": "b"}


def test_a_refund_is_read():
    refund = Refund.from_object(
        {**REFUND, "failure_reason": "declined", "failure_balance_transaction": {"id": "txn_3"}}
    )

    assert (refund.id, refund.amount, refund.currency, refund.status) == ("re_1", 5_00, "gbp", "succeeded")
    assert (refund.reason, refund.failure_reason) == ("", "declined")
    assert (refund.payment_intent_id, refund.charge_id) == ("pi_1", "ch_1")
    assert (refund.balance_transaction_id, refund.failure_balance_transaction_id) == ("txn_2", "txn_3")


def test_a_refund_of_which_stripe_has_not_decided_is_pending():
    assert Refund.from_object({**REFUND, "status": None}).status == "pending"


def test_a_dispute_is_read_with_what_it_moved():
    dispute = Dispute.from_object(DISPUTE)

    assert (dispute.id, dispute.amount, dispute.currency) == ("du_1", 12_50, "gbp")
    assert (dispute.status, dispute.reason) == ("needs_response", "fraudulent")
    assert (dispute.payment_intent_id, dispute.charge_id) == ("pi_1", "ch_1")
    assert dispute.evidence_due_by == datetime.fromtimestamp(1_800_777_600, tz=timezone.utc)
    assert [each.source_id for each in dispute.balance_transactions] == ["du_1"]


@pytest.mark.parametrize("details", [None, {}, {"due_by": None}, {"due_by": 0}, "text"])
def test_a_dispute_without_a_date_to_answer_by_has_none(details):
    assert Dispute.from_object({**DISPUTE, "evidence_details": details}).evidence_due_by is None


@pytest.mark.parametrize("moved", [None, "txn_1", {"data": []}, ["txn_1"], [{**MOVEMENT, "fee": None}]])
def test_a_dispute_that_does_not_say_what_it_moved_is_refused(moved):
    with pytest.raises(UnreadableObject):
        Dispute.from_object({**DISPUTE, "balance_transactions": moved})


# What the sandbox sends.


def ask(sandbox, method, path, params):
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}
    query, body = ("", urlencode(params)) if method == "POST" else (f"?{urlencode(params)}", None)
    answer = sandbox.handle(method, path + query, headers, body)
    assert answer.status == 200
    return json.loads(answer.body)


@pytest.fixture(params=[None, "eur"], ids=["one currency", "exchanged"])
def sandbox(request):
    """An account with a payment that was booked, two refunds of which one failed, and a dispute that was won."""
    sandbox = Sandbox(settlement_currency=request.param)
    checkout = ask(
        sandbox,
        "POST",
        "/v1/checkout/sessions",
        {
            "mode": "payment",
            "success_url": "https://example.com/",
            "line_items[0][quantity]": "1",
            "line_items[0][price_data][currency]": "gbp",
            "line_items[0][price_data][unit_amount]": "1250",
            "line_items[0][price_data][product_data][name]": "Thing",
        },
    )["id"]
    sandbox.pay(checkout)
    sandbox.book_balance()
    sandbox.refund(checkout, 2_00)
    sandbox.fail_refund(sandbox.refund(checkout, 3_00))
    sandbox.close_dispute(sandbox.dispute(checkout), "won")
    return sandbox


KINDS = {"charge": Charge, "refund": Refund, "dispute": Dispute, "balance_transaction": BalanceTransaction}


def test_every_event_of_the_sandbox_is_read(sandbox):
    objects = [event["data"]["object"] for event in sandbox.events]
    ours = [each for each in objects if each["object"] in KINDS]

    assert {each["object"] for each in ours} == {"charge", "refund", "dispute"}
    for each in ours:
        read = KINDS[each["object"]].from_object(each)
        assert (read.id, read.payment_intent_id) == (each["id"], each["payment_intent"])


def test_every_movement_of_the_sandbox_names_its_source_and_the_charge_its_payment(sandbox):
    listed = ask(sandbox, "GET", "/v1/balance_transactions", {"limit": "100", "expand[]": "data.source"})

    movements = [BalanceTransaction.from_object(each) for each in listed["data"]]

    assert len(movements) == 6
    assert all(each.net == each.amount - each.fee for each in movements)
    assert [each.source_id[:3] for each in movements] == ["du_", "du_", "re_", "re_", "re_", "ch_"]
    assert [bool(each.payment_intent_id) for each in movements] == [False] * 5 + [True]


def test_every_refund_of_the_sandbox_is_read(sandbox):
    listed = ask(sandbox, "GET", "/v1/refunds", {})

    failed, succeeded = (Refund.from_object(each) for each in listed["data"])

    assert (failed.status, succeeded.status) == ("failed", "succeeded")
    assert failed.failure_balance_transaction_id
    assert not succeeded.failure_balance_transaction_id
