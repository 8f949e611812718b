from __future__ import annotations

import re
from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError, Unconfirmed

from .client import Api, line_item

REFUNDED = ["refund.created", "charge.refunded", "refund.updated", "charge.refund.updated"]
LATE, LOST = "4000000000007726", "4000000000005126"


@pytest.fixture
def session(api: Api, sandbox: Sandbox) -> str:
    """A paid session over 39.98 EUR."""
    return paid(api)


def paid(api: Api, card: str = "4242424242424242", **changes: Any) -> str:
    session = api.create_session(**changes)["id"]
    api.sandbox.pay(session, card=card)
    return session


def intent_of(api: Api, session: str) -> str:
    return api.sandbox.checkout_session(session)["payment_intent"]


def charge_of(api: Api, session: str) -> dict[str, Any]:
    (charge,) = api.get("/v1/charges", {"payment_intent": intent_of(api, session)}).obj["data"]
    return charge


def refund(api: Api, session: str, **params: Any) -> dict[str, Any]:
    """Refund a payment by the API."""
    answer = api.post("/v1/refunds", {"payment_intent": intent_of(api, session), **params})
    assert answer.status == 200, answer.obj
    return answer.obj


def events_after_payment(sandbox: Sandbox) -> list[dict[str, Any]]:
    return sandbox.events[4:]


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in events_after_payment(sandbox)]


def previous(event: dict[str, Any]) -> dict[str, Any]:
    return event["data"]["previous_attributes"]


# What a refund is.


def test_a_payment_is_refunded_in_full(api: Api, sandbox: Sandbox, session: str, clock: Clock) -> None:
    made = refund(api, session, reason="requested_by_customer", metadata={"order": "7"})

    charge = charge_of(api, session)
    assert made["id"].startswith("re_")
    assert (made["status"], made["amount"], made["currency"]) == ("succeeded", 3998, "eur")
    assert (made["charge"], made["payment_intent"]) == (charge["id"], intent_of(api, session))
    assert (made["reason"], made["metadata"], made["created"]) == (
        "requested_by_customer",
        {"order": "7"},
        clock.now(),
    )
    assert (charge["amount_refunded"], charge["refunded"]) == (3998, True)
    assert "refunds" not in charge


def test_a_charge_can_be_named_instead_of_its_intent(api: Api, session: str) -> None:
    charge = charge_of(api, session)["id"]

    made = api.post("/v1/refunds", {"charge": charge}).obj

    assert (made["charge"], made["amount"]) == (charge, 3998)


def test_a_charge_is_refunded_part_by_part_until_nothing_is_left(api: Api, session: str) -> None:
    states = []
    for amount in (1000, 2000, 998):
        refund(api, session, amount=amount)
        charge = charge_of(api, session)
        states.append((charge["amount_refunded"], charge["refunded"]))

    assert states == [(1000, False), (3000, False), (3998, True)]


def test_the_rest_is_refunded_without_an_amount(api: Api, session: str) -> None:
    refund(api, session, amount=1000)

    assert refund(api, session)["amount"] == 2998


def test_a_refund_takes_over_the_customer_of_the_payment(api: Api) -> None:
    customer = api.post("/v1/customers").obj["id"]

    assert refund(api, paid(api, customer=customer))["customer"] == customer


def test_a_debit_is_refunded_as_a_payment(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban="AT611904300234573201")
    sandbox.settle(session)

    made = refund(api, session)

    assert made["id"].startswith("pyr_")
    assert made["destination_details"]["type"] == "eu_bank_transfer"
    assert [line["type"] for line in sandbox.balance_transactions()] == ["payment_refund"]


# What is told.


def test_the_events_of_a_refund_come_in_the_order_of_stripe(api: Api, sandbox: Sandbox, session: str) -> None:
    made = refund(api, session, amount=1000)

    created, refunded, updated, deprecated = events_after_payment(sandbox)
    assert types(sandbox) == REFUNDED
    assert created["data"]["object"]["id"] == made["id"]
    assert refunded["data"]["object"]["amount_refunded"] == 1000
    assert previous(refunded) == {"amount_refunded": 0}
    assert updated["data"] == deprecated["data"]
    assert updated["data"]["object"] == made


def test_only_a_full_refund_changes_whether_a_charge_is_refunded(
    api: Api, sandbox: Sandbox, session: str
) -> None:
    refund(api, session, amount=1000)
    refund(api, session)

    told = [previous(event) for event in sandbox.events if event["type"] == "charge.refunded"]
    assert told == [{"amount_refunded": 0}, {"amount_refunded": 1000, "refunded": False}]


def test_the_bank_s_reference_is_known_a_moment_later(api: Api, sandbox: Sandbox, session: str) -> None:
    refund(api, session)

    created, _, updated, _ = (event["data"] for event in events_after_payment(sandbox))
    assert created["object"]["destination_details"]["card"]["reference_status"] == "pending"
    assert updated["object"]["destination_details"]["card"]["reference_status"] == "available"
    assert updated["previous_attributes"]["destination_details"]["card"]["reference_status"] == "pending"


def test_the_events_of_a_refund_by_the_api_name_the_call(api: Api, sandbox: Sandbox, session: str) -> None:
    intent = intent_of(api, session)

    answer = api.post("/v1/refunds", {"payment_intent": intent}, key="refund-1")

    cause = {"id": answer.headers["Request-Id"], "idempotency_key": "refund-1"}
    assert [event["request"] for event in events_after_payment(sandbox)] == [cause] * 4


def test_a_refund_from_the_dashboard_tells_the_same_and_names_no_call(
    api: Api, sandbox: Sandbox, session: str
) -> None:
    identifier = sandbox.refund(session, 1500, reason="duplicate")

    made = api.get(f"/v1/refunds/{identifier}").obj
    assert (made["amount"], made["reason"], made["status"]) == (1500, "duplicate", "succeeded")
    assert types(sandbox) == REFUNDED
    assert {tuple(event["request"].values()) for event in sandbox.events} == {(None, None)}


# The ledger.


def test_a_refund_is_booked_at_once_and_costs_nothing(api: Api, sandbox: Sandbox, session: str) -> None:
    made = refund(api, session, amount=1000)

    (line,) = sandbox.balance_transactions()
    assert made["balance_transaction"] == line["id"]
    assert (line["amount"], line["fee"], line["net"], line["fee_details"]) == (-1000, 0, -1000, [])
    assert (line["type"], line["reporting_category"], line["source"]) == ("refund", "refund", made["id"])
    assert events_after_payment(sandbox)[0]["data"]["object"]["balance_transaction"] == line["id"]


def test_a_refund_is_booked_in_the_settlement_currency(clock: Clock) -> None:
    api = Api(Sandbox(clock=clock, settlement_currency="gbp"))
    session = paid(api)
    api.sandbox.book_balance()

    refund(api, session)

    sale, line = api.sandbox.balance_transactions()
    assert (line["amount"], line["currency"], line["exchange_rate"]) == (-sale["amount"], "gbp", 0.86)


# What is refused.


def test_a_refund_needs_a_payment(api: Api) -> None:
    answer = api.post("/v1/refunds", {"amount": 100})

    assert (answer.status, answer.error["code"]) == (400, "parameter_missing")
    assert "payment_intent or charge" in answer.error["message"]


def test_a_refund_is_of_one_payment(api: Api, session: str) -> None:
    charge = charge_of(api, session)

    answer = api.post("/v1/refunds", {"charge": charge["id"], "payment_intent": charge["payment_intent"]})

    assert (answer.status, answer.error["param"]) == (400, "charge")


@pytest.mark.parametrize(("name", "value"), [("charge", "ch_unknown"), ("payment_intent", "pi_unknown")])
def test_an_unknown_payment_is_not_found(api: Api, name: str, value: str) -> None:
    answer = api.post("/v1/refunds", {name: value})

    assert (answer.status, answer.error) == (
        400,
        {
            "code": "resource_missing",
            "message": f"No such {name}: '{value}'",
            "param": name,
            "type": "invalid_request_error",
        },
    )


def test_what_was_declined_cannot_be_refunded(api: Api, sandbox: Sandbox) -> None:
    session = paid(api, "4000000000000002")
    intent = intent_of(api, session)

    answer = api.post("/v1/refunds", {"payment_intent": intent})
    charge = api.post("/v1/refunds", {"charge": charge_of(api, session)["id"]})

    assert answer.status == 400
    assert (
        answer.error["message"]
        == f"This PaymentIntent ({intent}) does not have a successful charge to refund."
    )
    assert "is failed and cannot be refunded" in charge.error["message"]


def test_what_is_refunded_already_cannot_be_refunded_again(api: Api, sandbox: Sandbox, session: str) -> None:
    refund(api, session)

    answer = api.post("/v1/refunds", {"payment_intent": intent_of(api, session)})

    assert (answer.status, answer.error["code"]) == (400, "charge_already_refunded")
    assert answer.error["message"] == f"Charge {charge_of(api, session)['id']} has already been refunded."
    assert len(sandbox.refunds(session)) == 1


@pytest.mark.parametrize(
    ("currency", "amount", "message"),
    [
        ("gbp", 3999, "Refund amount (£39.99) is greater than unrefunded amount on charge (£29.98)"),
        ("jpy", 3999, "Refund amount (¥3,999) is greater than unrefunded amount on charge (¥2,998)"),
        ("sek", 3999, "Refund amount (39.99 SEK) is greater than unrefunded amount on charge (29.98 SEK)"),
    ],
)
def test_no_more_is_refunded_than_is_left(api: Api, currency: str, amount: int, message: str) -> None:
    session = paid(api, line_items=[line_item(currency=currency)])
    refund(api, session, amount=1000)

    answer = api.post("/v1/refunds", {"payment_intent": intent_of(api, session), "amount": amount})

    assert (answer.status, answer.error) == (
        400,
        {"message": message, "param": "amount", "type": "invalid_request_error"},
    )


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"amount": 0}, "amount"),
        ({"amount": -1}, "amount"),
        ({"amount": "ten"}, "amount"),
        ({"reason": "expired_uncaptured_charge"}, "reason"),
        ({"currency": "eur"}, "currency"),
        ({"reverse_transfer": True}, "reverse_transfer"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_wrong_parameters_are_refused(api: Api, session: str, params: dict[str, Any], param: str) -> None:
    answer = api.post("/v1/refunds", {"payment_intent": intent_of(api, session), **params})

    assert (answer.status, answer.error["param"]) == (400, param)


def test_amounts_are_refunded_in_the_steps_of_their_currency(api: Api) -> None:
    session = paid(api, line_items=[line_item(currency="kwd", unit_amount=5000)])

    answer = api.post("/v1/refunds", {"payment_intent": intent_of(api, session), "amount": 1001})

    assert (answer.status, answer.error["param"]) == (400, "amount")
    assert "multiple of 10" in answer.error["message"]


def test_the_dashboard_refuses_in_the_same_words(api: Api, sandbox: Sandbox, session: str) -> None:
    unpaid = api.create_session()["id"]
    sandbox.refund(session)

    with pytest.raises(SandboxError, match="has already been refunded"):
        sandbox.refund(session)
    with pytest.raises(SandboxError, match="has not been paid"):
        sandbox.refund(unpaid)
    with pytest.raises(SandboxError, match="There is no refund re_unknown"):
        sandbox.fail_refund("re_unknown")


# Idempotency.


def test_the_same_key_refunds_once(api: Api, sandbox: Sandbox, session: str) -> None:
    params = {"payment_intent": intent_of(api, session), "amount": 1000}

    first, second = (api.post("/v1/refunds", params, key="refund-1") for _ in range(2))

    assert second.obj == first.obj
    assert second.headers["Idempotent-Replayed"] == "true"
    assert len(sandbox.refunds(session)) == 1
    assert len(events_after_payment(sandbox)) == 4


def test_a_refusal_is_kept_under_its_key(api: Api, sandbox: Sandbox, session: str) -> None:
    params = {"payment_intent": intent_of(api, session), "amount": 1000}
    whole = sandbox.refund(session)
    refused = api.post("/v1/refunds", params, key="refund-1")
    sandbox.fail_refund(whole)

    again = api.post("/v1/refunds", params, key="refund-1")

    assert refused.error["code"] == "charge_already_refunded"
    assert (again.status, again.obj) == (400, refused.obj)
    assert api.post("/v1/refunds", params, key="refund-2").status == 200


# Reading.


def test_refunds_are_read_one_by_one(api: Api, session: str) -> None:
    made = refund(api, session)

    assert api.get(f"/v1/refunds/{made['id']}").obj == made
    missing = api.get("/v1/refunds/re_unknown")
    assert (missing.status, missing.error["code"]) == (404, "resource_missing")


def test_refunds_are_listed_by_payment_and_time(
    api: Api, sandbox: Sandbox, session: str, clock: Clock
) -> None:
    first = refund(api, session, amount=100)["id"]
    second = refund(api, session, amount=200)["id"]
    sandbox.advance(30)
    other = paid(api)
    third = refund(api, other)["id"]

    def ids(**params: Any) -> list[str]:
        return [obj["id"] for obj in api.get("/v1/refunds", params).obj["data"]]

    assert ids() == [third, second, first]
    assert ids(payment_intent=intent_of(api, session)) == [second, first]
    assert ids(charge=charge_of(api, other)["id"]) == [third]
    assert ids(created={"gte": clock.now()}) == [third]
    assert ids(created={"lt": clock.now()}) == [second, first]
    assert ids(limit=1) == [third]
    assert ids(limit=1, starting_after=third) == [second]
    assert ids(limit=1, ending_before=first) == [second]


def test_ids_in_a_refund_are_expanded(api: Api, session: str) -> None:
    expand = ["charge", "payment_intent.latest_charge", "balance_transaction.source", "payment_method"]

    made = refund(api, session, expand=expand)

    assert made["charge"]["object"] == "charge"
    assert made["payment_intent"]["latest_charge"]["amount_refunded"] == 3998
    assert made["balance_transaction"]["source"]["id"] == made["id"]
    assert made["payment_method"]["card"]["last4"] == "4242"


def test_a_failure_that_did_not_happen_is_not_expanded(api: Api, session: str) -> None:
    made = refund(api, session, expand=["failure_balance_transaction"])

    assert "failure_balance_transaction" not in made


def test_the_refunds_of_a_charge_are_there_when_they_are_expanded(api: Api, session: str) -> None:
    ids = [refund(api, session, amount=amount)["id"] for amount in (100, 200)]
    charge = charge_of(api, session)["id"]

    found = api.get(f"/v1/charges/{charge}", {"expand": ["refunds.data.balance_transaction"]}).obj
    intent = api.get(
        f"/v1/payment_intents/{found['payment_intent']}", {"expand": ["latest_charge.refunds"]}
    ).obj

    assert [obj["id"] for obj in found["refunds"]["data"]] == ids[::-1]
    assert found["refunds"]["url"] == f"/v1/charges/{charge}/refunds"
    assert found["refunds"]["data"][0]["balance_transaction"]["amount"] == -200
    assert len(intent["latest_charge"]["refunds"]["data"]) == 2


def test_the_sandbox_hands_out_copies_of_the_refunds_of_a_session(
    api: Api, sandbox: Sandbox, session: str
) -> None:
    ids = [sandbox.refund(session, amount) for amount in (100, 200)]
    sandbox.refund(paid(api))

    sandbox.refunds(session)[0]["amount"] = 1

    assert [made["id"] for made in sandbox.refunds(session)] == ids
    assert [made["amount"] for made in sandbox.refunds(session)] == [100, 200]
    assert sandbox.refunds(api.create_session()["id"]) == []


# Changing.


def test_the_metadata_of_a_refund_are_merged(api: Api, sandbox: Sandbox, session: str) -> None:
    made = refund(api, session, metadata={"a": "1", "b": "2"})
    path = f"/v1/refunds/{made['id']}"

    changed = api.post(path, {"metadata": {"b": "", "c": "3"}}).obj

    assert changed["metadata"] == {"a": "1", "c": "3"}
    updated, deprecated = sandbox.events[-2:]
    assert (updated["type"], deprecated["type"]) == ("refund.updated", "charge.refund.updated")
    assert previous(updated) == {"metadata": {"b": "2", "c": None}}
    assert api.post(path, {"metadata": ""}).obj["metadata"] == {}


def test_nothing_is_told_when_nothing_changes(api: Api, sandbox: Sandbox, session: str) -> None:
    made = refund(api, session, metadata={"a": "1"})
    before = len(sandbox.events)

    api.post(f"/v1/refunds/{made['id']}", {"metadata": {"a": "1"}})
    api.post(f"/v1/refunds/{made['id']}")

    assert len(sandbox.events) == before


def test_only_metadata_can_be_changed(api: Api, session: str) -> None:
    answer = api.post(f"/v1/refunds/{refund(api, session)['id']}", {"amount": 1})

    assert (answer.status, answer.error["code"]) == (400, "parameter_unknown")


# Refunds that take their time.


def test_the_refunds_of_one_card_are_pending_until_the_bank_has_answered(api: Api, sandbox: Sandbox) -> None:
    session = paid(api, LATE)

    made = refund(api, session)

    assert (made["status"], made["pending_reason"]) == ("pending", "processing")
    assert charge_of(api, session)["amount_refunded"] == 3998
    assert types(sandbox) == REFUNDED[:2]

    sandbox.advance(60)

    (settled,) = sandbox.refunds(session)
    updated = [event for event in sandbox.events if event["type"] == "refund.updated"]
    assert settled["status"] == "succeeded"
    assert "pending_reason" not in settled
    assert len(updated) == 1
    assert previous(updated[0])["status"] == "pending"
    assert updated[0]["request"] == {"id": None, "idempotency_key": None}
    assert types(sandbox).count("charge.refund.updated") == 1


def test_a_pending_refund_can_be_settled_by_hand(api: Api, sandbox: Sandbox) -> None:
    session = paid(api, LATE)
    made = sandbox.refund(session)

    sandbox.settle_refund(made)
    sandbox.advance(3600)

    assert sandbox.refunds(session)[0]["status"] == "succeeded"
    assert types(sandbox).count("refund.updated") == 1
    with pytest.raises(SandboxError, match="is succeeded and waits for nothing"):
        sandbox.settle_refund(made)


@pytest.mark.parametrize("by_hand", [True, False])
def test_a_refund_that_succeeded_may_fail_later(api: Api, sandbox: Sandbox, by_hand: bool) -> None:
    session = paid(api, "4242424242424242" if by_hand else LOST)
    made = sandbox.refund(session, 1000)
    assert types(sandbox) == REFUNDED

    if by_hand:
        sandbox.fail_refund(made, reason="expired_or_canceled_card")
    else:
        sandbox.advance(60)

    (failed,) = sandbox.refunds(session)
    told = [event for event in sandbox.events if event["type"] == "refund.failed"]
    assert (failed["status"], failed["failure_reason"]) == ("failed", "expired_or_canceled_card")
    assert [event["data"]["object"] for event in told] == [failed]
    assert previous(told[0])["status"] == "succeeded"
    assert told[0]["request"] == {"id": None, "idempotency_key": None}


@pytest.mark.parametrize("card", [LATE, "4242424242424242"])
def test_a_failed_refund_puts_the_money_back_on_the_balance(api: Api, sandbox: Sandbox, card: str) -> None:
    session = paid(api, card)
    made = sandbox.refund(session, 1000)

    sandbox.settle_refund(made, success=False) if card == LATE else sandbox.fail_refund(made)

    (failed,) = sandbox.refunds(session)
    out, back = sandbox.balance_transactions()
    assert (out["amount"], back["amount"], back["fee"]) == (-1000, 1000, 0)
    assert (back["type"], back["reporting_category"]) == ("refund_failure", "refund_failure")
    assert (back["source"], failed["failure_balance_transaction"]) == (made, back["id"])
    expand = {"expand": ["failure_balance_transaction"]}
    assert api.get(f"/v1/refunds/{made}", expand).obj["failure_balance_transaction"] == back


def test_a_refund_fails_once(api: Api, sandbox: Sandbox, session: str) -> None:
    made = sandbox.refund(session)
    sandbox.fail_refund(made)

    with pytest.raises(SandboxError, match="is failed and cannot fail any more"):
        sandbox.fail_refund(made)


def test_a_test_that_is_faster_than_the_bank_is_not_overruled(api: Api, sandbox: Sandbox) -> None:
    late, lost = paid(api, LATE), paid(api, LOST)
    sandbox.fail_refund(sandbox.refund(late))
    sandbox.fail_refund(sandbox.refund(lost))
    before = len(sandbox.events)

    sandbox.advance(3600)

    assert {event["type"] for event in sandbox.events[before:]} == {"charge.updated"}


def test_after_a_failure_the_charge_can_be_refunded_again(api: Api, sandbox: Sandbox, session: str) -> None:
    sandbox.refund(session, 998)
    sandbox.fail_refund(sandbox.refund(session, 3000))

    charge = charge_of(api, session)
    assert (charge["amount_refunded"], charge["refunded"]) == (998, False)
    assert refund(api, session)["amount"] == 3000


def test_after_a_failure_the_charge_stays_refunded_if_stripe_turns_out_to_do_so(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, unconfirmed=Unconfirmed(lowers_refunded_on_failure=False))
    api = Api(sandbox)
    session = paid(api)

    sandbox.fail_refund(sandbox.refund(session))

    charge = charge_of(api, session)
    assert (charge["amount_refunded"], charge["refunded"]) == (3998, True)


# Refunds that wait for the payer.


def test_a_refund_may_wait_until_the_payer_has_said_where_it_shall_go(
    api: Api, sandbox: Sandbox, session: str
) -> None:
    made = refund(api, session, instructions_email="ada@example.com")

    assert made["status"] == "requires_action"
    assert made["next_action"]["display_details"]["email_sent"]["email_sent_to"] == "ada@example.com"

    sandbox.settle_refund(made["id"])

    (settled,) = sandbox.refunds(session)
    assert settled["status"] == "succeeded"
    assert "next_action" not in settled


def test_a_refund_that_waits_for_the_payer_can_be_canceled(api: Api, sandbox: Sandbox, session: str) -> None:
    made = refund(api, session, instructions_email="ada@example.com")

    canceled = api.post(f"/v1/refunds/{made['id']}/cancel", key="cancel-1").obj

    assert canceled["status"] == "canceled"
    assert charge_of(api, session)["amount_refunded"] == 0
    assert sum(line["amount"] for line in sandbox.balance_transactions()) == 0
    assert types(sandbox)[2:] == ["refund.updated", "charge.refund.updated"]
    assert sandbox.events[-1]["request"]["idempotency_key"] == "cancel-1"
    assert previous(sandbox.events[-1])["status"] == "requires_action"


@pytest.mark.parametrize("card", [LATE, "4242424242424242"])
def test_no_other_refund_can_be_canceled(api: Api, sandbox: Sandbox, card: str) -> None:
    made = sandbox.refund(paid(api, card))

    answer = api.post(f"/v1/refunds/{made}/cancel")

    assert answer.status == 400
    assert re.search("because it has a status of (pending|succeeded)", answer.error["message"])


def test_a_refund_that_nobody_claims_expires_and_brings_the_money_back(
    api: Api, sandbox: Sandbox, session: str
) -> None:
    made = refund(api, session, amount=1000, instructions_email="ada@example.com")

    expired = api.post(f"/v1/test_helpers/refunds/{made['id']}/expire")

    assert (expired.obj["status"], expired.obj["failure_reason"]) == ("failed", "unknown")
    assert charge_of(api, session)["amount_refunded"] == 0
    event = sandbox.events[-2]
    assert (event["type"], event["request"]["id"]) == ("refund.failed", expired.headers["Request-Id"])
    assert sum(line["amount"] for line in sandbox.balance_transactions()) == 0


@pytest.mark.parametrize("card", ["4242424242424242", LATE])
def test_no_other_refund_expires(api: Api, card: str) -> None:
    made = refund(api, paid(api, card))

    refused = api.post(f"/v1/test_helpers/refunds/{made['id']}/expire")

    assert (refused.status, made["status"] in refused.error["message"]) == (400, True)
    assert api.get(f"/v1/refunds/{made['id']}").obj == made


def test_what_does_not_exist_has_no_refunds_and_no_disputes(api: Api, sandbox: Sandbox) -> None:
    for ask in (sandbox.refunds, sandbox.disputes):
        with pytest.raises(SandboxError, match="no checkout session cs_nobody"):
            ask("cs_nobody")
        assert ask(api.create_session()["id"]) == []


def test_a_refund_that_nobody_claims_expires(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session).payment_intent
    waiting = api.post("/v1/refunds", {"payment_intent": intent, "instructions_email": "ada@example.com"}).obj
    done = api.post("/v1/payment_intents", {"amount": 500, "currency": "eur"})
    path = f"/v1/test_helpers/refunds/{waiting['id']}/expire"

    expired = api.post(path).obj

    assert done.status == 200
    assert (expired["status"], expired["failure_reason"]) == ("failed", "unknown")
    assert "refund.failed" in [event["type"] for event in sandbox.events]
    assert api.post(path).status == 400
