from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError

from .client import Api, line_item

CREATED, UPDATED, CLOSED = "charge.dispute.created", "charge.dispute.updated", "charge.dispute.closed"
WITHDRAWN, REINSTATED = "charge.dispute.funds_withdrawn", "charge.dispute.funds_reinstated"


@pytest.fixture
def session(api: Api, sandbox: Sandbox) -> str:
    """A paid session over 39.98 EUR."""
    return paid(api)


def paid(api: Api, card: str = "4242424242424242", **changes: Any) -> str:
    session = api.create_session(**changes)["id"]
    api.sandbox.pay(session, card=card)
    return session


def charge_of(api: Api, session: str) -> dict[str, Any]:
    intent = api.sandbox.checkout_session(session)["payment_intent"]
    (charge,) = api.get("/v1/charges", {"payment_intent": intent}).obj["data"]
    return charge


def read(api: Api, identifier: str) -> dict[str, Any]:
    return api.get(f"/v1/disputes/{identifier}").obj


def answer(api: Api, dispute: str, words: str) -> dict[str, Any]:
    """Submit evidence that the bank decides by."""
    return api.post(f"/v1/disputes/{dispute}", {"evidence": {"uncategorized_text": words}}).obj


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.events[4:]]


def statuses(sandbox: Sandbox) -> list[str]:
    return [event["data"]["object"]["status"] for event in sandbox.events[4:]]


def amounts(sandbox: Sandbox) -> list[tuple[int, int]]:
    return [(line["amount"], line["fee"]) for line in sandbox.balance_transactions()]


# How a dispute begins.


def test_a_dispute_takes_the_money_back(api: Api, sandbox: Sandbox, session: str, clock: Clock) -> None:
    dispute = read(api, sandbox.dispute(session))

    charge = charge_of(api, session)
    assert (dispute["status"], dispute["reason"]) == ("needs_response", "fraudulent")
    assert (dispute["amount"], dispute["currency"]) == (3998, "eur")
    assert (dispute["charge"], dispute["payment_intent"]) == (charge["id"], charge["payment_intent"])
    assert dispute["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert dispute["payment_method_details"]["card"]["network_reason_code"] == "10.4"
    assert dispute["evidence_details"]["due_by"] > clock.now()
    assert dispute["is_charge_refundable"] is False
    assert charge["disputed"] is True


def test_a_dispute_is_told_before_the_money_is_withdrawn(api: Api, sandbox: Sandbox, session: str) -> None:
    sandbox.dispute(session)

    created, withdrawn = (event["data"] for event in sandbox.events[4:])
    assert types(sandbox) == [CREATED, WITHDRAWN]
    assert created["object"]["balance_transactions"] == []
    assert withdrawn["object"]["balance_transactions"] == sandbox.balance_transactions()
    assert withdrawn["previous_attributes"] == {"balance_transactions": []}
    assert {tuple(event["request"].values()) for event in sandbox.events} == {(None, None)}


def test_a_dispute_is_booked_with_its_fee(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)

    (line,) = sandbox.balance_transactions()
    assert (line["type"], line["reporting_category"]) == ("adjustment", "dispute")
    assert (line["amount"], line["fee"], line["net"]) == (-3998, 2000, -5998)
    assert line["fee_details"][0]["description"] == "Dispute fee"
    assert line["source"] == dispute


def test_a_dispute_is_booked_in_the_settlement_currency(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, settlement_currency="usd")

    sandbox.dispute(paid(Api(sandbox)))

    (line,) = sandbox.balance_transactions()
    assert (line["amount"], line["fee"], line["currency"]) == (-4318, 1500, "usd")
    assert line["fee_details"][0]["currency"] == "usd"


@pytest.mark.parametrize("amount", [1000, 5000])
def test_a_dispute_may_be_over_another_amount_than_the_charge(
    api: Api, sandbox: Sandbox, session: str, amount: int
) -> None:
    dispute = read(api, sandbox.dispute(session, amount=amount, reason="duplicate"))

    assert (dispute["amount"], dispute["reason"]) == (amount, "duplicate")
    assert sandbox.balance_transactions()[0]["amount"] == -amount


def test_a_debit_is_disputed_without_a_card(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban="AT611904300234573201")
    sandbox.settle(session)

    dispute = read(api, sandbox.dispute(session, reason="debit_not_authorized", inquiry=True))
    sandbox.escalate_dispute(dispute["id"])

    assert "payment_method_details" not in dispute
    assert read(api, dispute["id"])["status"] == "needs_response"


@pytest.mark.parametrize(
    ("card", "reasons", "told", "withdrawn"),
    [
        ("4000000000000259", ["fraudulent"], [CREATED, WITHDRAWN], [-3998]),
        ("4000000000002685", ["product_not_received"], [CREATED, WITHDRAWN], [-3998]),
        ("4000000000001976", ["general"], [CREATED], []),
        (
            "4000000404000079",
            ["fraudulent", "product_not_received"],
            [CREATED, WITHDRAWN] * 2,
            [-1999, -1999],
        ),
    ],
)
def test_some_cards_are_disputed_right_after_the_payment(
    api: Api, sandbox: Sandbox, card: str, reasons: list[str], told: list[str], withdrawn: list[int]
) -> None:
    session = paid(api, card)

    assert sandbox.events[3]["type"] == "checkout.session.completed"
    assert types(sandbox) == told
    assert [dispute["reason"] for dispute in sandbox.disputes(session)] == reasons
    assert [line["amount"] for line in sandbox.balance_transactions()] == withdrawn


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 4001), ("kwd", 5010)])
def test_two_disputes_share_the_amount_in_the_steps_of_its_currency(
    api: Api, sandbox: Sandbox, currency: str, amount: int
) -> None:
    items = [{**line_item(currency=currency, unit_amount=amount), "quantity": 1}]
    session = paid(api, "4000000404000079", line_items=items)

    first, second = (dispute["amount"] for dispute in sandbox.disputes(session))
    assert first + second == amount
    assert (first, second) == {"jpy": (2000, 2001), "kwd": (2500, 2510)}[currency]


def test_what_cannot_be_shared_is_disputed_once(api: Api, sandbox: Sandbox) -> None:
    sandbox.alter_next_payment(amount=1)

    session = paid(api, "4000000404000079")

    assert [dispute["amount"] for dispute in sandbox.disputes(session)] == [1]


def test_what_cannot_be_disputed_is_told_in_clear_words(api: Api, sandbox: Sandbox, session: str) -> None:
    with pytest.raises(SandboxError, match="has not been paid"):
        sandbox.dispute(api.create_session()["id"])
    with pytest.raises(SandboxError, match="There is no dispute reason 'regret'"):
        sandbox.dispute(session, reason="regret")
    with pytest.raises(SandboxError, match="over a positive amount, not over 0"):
        sandbox.dispute(session, amount=0)
    with pytest.raises(SandboxError, match="There is no dispute du_unknown"):
        sandbox.close_dispute("du_unknown", "won")


# Refunds of what is disputed.


def test_what_is_charged_back_cannot_be_refunded(api: Api, sandbox: Sandbox, session: str) -> None:
    sandbox.dispute(session)
    charge = charge_of(api, session)["id"]

    refused = api.post("/v1/refunds", {"charge": charge})

    assert (refused.status, refused.error["code"]) == (400, "charge_disputed")
    assert refused.error["message"] == f"Charge {charge} has been charged back; cannot issue a refund."


def test_what_the_bank_only_asks_about_can_be_refunded(api: Api, sandbox: Sandbox, session: str) -> None:
    sandbox.dispute(session, inquiry=True)

    assert api.post("/v1/refunds", {"charge": charge_of(api, session)["id"]}).status == 200


# How a dispute ends.


def test_a_dispute_that_is_won_brings_the_money_back(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)

    sandbox.close_dispute(dispute, "won")

    out, back = sandbox.balance_transactions()
    assert types(sandbox)[2:] == [CLOSED, REINSTATED]
    assert sandbox.events[-2]["data"]["previous_attributes"]["status"] == "needs_response"
    assert (back["amount"], back["fee"], back["reporting_category"]) == (3998, 0, "dispute_reversal")
    assert read(api, dispute)["balance_transactions"] == [out, back]
    assert api.post("/v1/refunds", {"charge": charge_of(api, session)["id"]}).status == 200


def test_a_dispute_that_is_lost_moves_nothing_more(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)

    sandbox.close_dispute(dispute, "lost")

    assert types(sandbox)[2:] == [CLOSED]
    assert amounts(sandbox) == [(-3998, 2000)]
    assert read(api, dispute)["is_charge_refundable"] is False


def test_an_inquiry_moves_no_money_and_is_closed(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session, inquiry=True)
    assert read(api, dispute)["status"] == "warning_needs_response"
    assert read(api, dispute)["payment_method_details"]["card"]["case_type"] == "inquiry"

    sandbox.close_dispute(dispute, "warning_closed")

    assert types(sandbox) == [CREATED, CLOSED]
    assert sandbox.balance_transactions() == []


def test_an_inquiry_that_escalates_becomes_a_dispute(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session, inquiry=True)

    sandbox.escalate_dispute(dispute)

    now = read(api, dispute)
    assert types(sandbox) == [CREATED, UPDATED, WITHDRAWN]
    assert (now["status"], now["is_charge_refundable"]) == ("needs_response", False)
    assert now["payment_method_details"]["card"]["case_type"] == "chargeback"
    assert amounts(sandbox) == [(-3998, 2000)]
    with pytest.raises(SandboxError, match="is needs_response and cannot be escalated"):
        sandbox.escalate_dispute(dispute)


@pytest.mark.parametrize("inquiry", [True, False])
def test_a_dispute_that_is_prevented_is_told_as_an_update(
    api: Api, sandbox: Sandbox, session: str, inquiry: bool
) -> None:
    dispute = sandbox.dispute(session, inquiry=inquiry)
    moved = amounts(sandbox)

    sandbox.close_dispute(dispute, "prevented")

    assert (types(sandbox)[-1], read(api, dispute)["status"]) == (UPDATED, "prevented")
    assert amounts(sandbox) == moved


@pytest.mark.parametrize(("ending", "told"), [("won", [CLOSED, REINSTATED]), ("lost", [CLOSED])])
def test_a_lost_dispute_can_be_appealed(
    api: Api, sandbox: Sandbox, session: str, ending: str, told: list[str]
) -> None:
    dispute = sandbox.dispute(session)
    sandbox.close_dispute(dispute, "lost")

    sandbox.appeal_dispute(dispute, submit=True)
    sandbox.close_dispute(dispute, ending)

    assert statuses(sandbox)[2:5] == ["lost", "appeal_needs_response", "appeal_under_review"]
    assert types(sandbox)[3:] == [UPDATED, UPDATED, *told]
    assert read(api, dispute)["status"] == ending


def test_an_appeal_waits_for_evidence(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)
    sandbox.close_dispute(dispute, "lost")

    sandbox.appeal_dispute(dispute)
    evidence = {"appeal": {"card": {"reason_for_filing": "cardholder is wrong"}}}
    answered = api.post(f"/v1/disputes/{dispute}", {"evidence": evidence}).obj

    assert answered["status"] == "appeal_under_review"
    assert answered["evidence"]["appeal"] == evidence["appeal"]


@pytest.mark.parametrize(("inquiry", "status"), [(True, "won"), (True, "lost"), (False, "warning_closed")])
def test_a_dispute_ends_only_as_its_kind_can(
    sandbox: Sandbox, session: str, inquiry: bool, status: str
) -> None:
    dispute = sandbox.dispute(session, inquiry=inquiry)

    with pytest.raises(SandboxError, match=f"cannot be closed as {status}"):
        sandbox.close_dispute(dispute, status)
    with pytest.raises(SandboxError, match="No dispute ends as 'settled'"):
        sandbox.close_dispute(dispute, "settled")
    with pytest.raises(SandboxError, match="cannot be appealed; only lost can"):
        sandbox.appeal_dispute(dispute)


def test_a_dispute_ends_once(sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)
    sandbox.close_dispute(dispute, "won")

    with pytest.raises(SandboxError, match="is won and cannot be closed as lost"):
        sandbox.close_dispute(dispute, "lost")


# Evidence.


def test_evidence_is_sent_to_the_bank(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)

    evidence = {"customer_name": "Ada", "uncategorized_text": "She drank the tea."}
    made = api.post(f"/v1/disputes/{dispute}", {"evidence": evidence}, key="answer-1").obj

    assert made["status"] == "under_review"
    assert (made["evidence"]["customer_name"], made["evidence"]["receipt"]) == ("Ada", None)
    assert made["evidence_details"]["has_evidence"] is True
    assert made["evidence_details"]["submission_count"] == 1
    event = sandbox.events[-1]
    assert (event["type"], event["request"]["idempotency_key"]) == (UPDATED, "answer-1")
    assert event["data"]["previous_attributes"]["status"] == "needs_response"


def test_evidence_can_be_staged_and_sent_later(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)
    path = f"/v1/disputes/{dispute}"

    staged = api.post(path, {"evidence": {"customer_name": "Ada"}, "submit": False}).obj
    sent = api.post(path, {"submit": True}).obj

    assert (staged["status"], staged["evidence_details"]["has_evidence"]) == ("needs_response", True)
    assert staged["evidence_details"]["submission_count"] == 0
    assert (sent["status"], sent["evidence"]["customer_name"]) == ("under_review", "Ada")


def test_the_metadata_of_a_dispute_are_changed_without_sending_anything(
    api: Api, sandbox: Sandbox, session: str
) -> None:
    dispute = sandbox.dispute(session)

    params = {"metadata": {"case": "7"}, "intended_submission_method": "manual"}
    changed = api.post(f"/v1/disputes/{dispute}", params).obj

    assert (changed["status"], changed["metadata"]) == ("needs_response", {"case": "7"})
    assert changed["intended_submission_method"] == "manual"
    assert sandbox.events[-1]["data"]["previous_attributes"] == {
        "intended_submission_method": None,
        "metadata": {"case": None},
    }


@pytest.mark.parametrize(
    ("words", "told", "ending"),
    [
        ("winning_evidence", [UPDATED, CLOSED, REINSTATED], "won"),
        ("losing_evidence", [UPDATED, CLOSED], "lost"),
        ("escalate_inquiry_evidence", [UPDATED], "under_review"),
        ("She drank the tea.", [UPDATED], "under_review"),
    ],
)
def test_some_words_decide_a_dispute(
    api: Api, sandbox: Sandbox, session: str, words: str, told: list[str], ending: str
) -> None:
    dispute = sandbox.dispute(session)

    answered = answer(api, dispute, words)

    assert answered["status"] == "under_review"
    assert types(sandbox)[2:] == told
    assert read(api, dispute)["status"] == ending


@pytest.mark.parametrize(
    ("words", "told", "ending"),
    [
        ("winning_evidence", [UPDATED, CLOSED], "warning_closed"),
        ("losing_evidence", [UPDATED, CLOSED], "warning_closed"),
        ("escalate_inquiry_evidence", [UPDATED, UPDATED, WITHDRAWN], "needs_response"),
        ("She drank the tea.", [UPDATED], "warning_under_review"),
    ],
)
def test_some_words_decide_an_inquiry(
    api: Api, sandbox: Sandbox, session: str, words: str, told: list[str], ending: str
) -> None:
    dispute = sandbox.dispute(session, inquiry=True)

    answered = answer(api, dispute, words)

    assert answered["status"] == "warning_under_review"
    assert types(sandbox)[1:] == told
    assert read(api, dispute)["status"] == ending


def test_a_decision_names_no_call(api: Api, sandbox: Sandbox, session: str) -> None:
    answer(api, sandbox.dispute(session), "losing_evidence")

    updated, closed = sandbox.events[-2:]
    assert updated["request"]["id"] is not None
    assert closed["request"] == {"id": None, "idempotency_key": None}


@pytest.mark.parametrize(
    "params", [{"evidence": {"customer_name": "Ada"}}, {"submit": True}, {"evidence": {"receipt": "file_1"}}]
)
def test_what_is_closed_takes_no_evidence(
    api: Api, sandbox: Sandbox, session: str, params: dict[str, Any]
) -> None:
    dispute = sandbox.dispute(session)
    sandbox.close_dispute(dispute, "lost")

    assert api.post(f"/v1/disputes/{dispute}", params).status == 400
    assert read(api, dispute)["status"] == "lost"


def test_a_loss_is_accepted_by_the_api(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)

    closed = api.post(f"/v1/disputes/{dispute}/close", key="close-1").obj

    assert closed["status"] == "lost"
    assert (types(sandbox)[-1], sandbox.events[-1]["request"]["idempotency_key"]) == (CLOSED, "close-1")
    assert api.post(f"/v1/disputes/{dispute}/close").status == 400


# Reading.


def test_disputes_are_listed_by_payment_and_time(
    api: Api, sandbox: Sandbox, session: str, clock: Clock
) -> None:
    first = sandbox.dispute(session, amount=1000)
    second = sandbox.dispute(session, amount=2000)
    sandbox.advance(30)
    other = paid(api)
    third = sandbox.dispute(other)

    def ids(**params: Any) -> list[str]:
        return [obj["id"] for obj in api.get("/v1/disputes", params).obj["data"]]

    assert ids() == [third, second, first]
    assert ids(charge=charge_of(api, session)["id"]) == [second, first]
    assert ids(payment_intent=charge_of(api, other)["payment_intent"]) == [third]
    assert ids(created={"gte": clock.now()}) == [third]
    assert ids(limit=1, starting_after=third) == [second]
    assert [dispute["id"] for dispute in sandbox.disputes(session)] == [first, second]


def test_ids_in_a_dispute_are_expanded(api: Api, sandbox: Sandbox, session: str) -> None:
    dispute = sandbox.dispute(session)

    found = api.get(f"/v1/disputes/{dispute}", {"expand": ["charge.customer", "payment_intent"]}).obj
    lines = api.get("/v1/balance_transactions", {"expand": ["data.source.charge"]}).obj["data"]

    assert (found["charge"]["disputed"], found["payment_intent"]["status"]) == (True, "succeeded")
    assert (lines[0]["source"]["id"], lines[0]["source"]["charge"]["object"]) == (dispute, "charge")


def test_an_unknown_dispute_is_not_found(api: Api) -> None:
    for found in (api.get("/v1/disputes/du_1"), api.post("/v1/disputes/du_1/close")):
        assert (found.status, found.error["code"]) == (404, "resource_missing")
