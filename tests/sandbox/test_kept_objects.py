"""What an account keeps: payment methods, customers, charges, its balance."""

from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox

from .client import Api, line_item

METHODS = "/v1/payment_methods"


@pytest.fixture
def customer(api: Api) -> str:
    return api.post("/v1/customers", {"name": "Ada"}).obj["id"]


def attach(api: Api, card: str, customer: str) -> Any:
    return api.post(f"{METHODS}/{card}/attach", {"customer": customer})


def last_event(sandbox: Sandbox) -> tuple[str, Any]:
    event = sandbox.events[-1]
    return event["type"], event["data"].get("previous_attributes")


def test_a_card_is_changed_and_let_go(api: Api, sandbox: Sandbox, customer: str) -> None:
    card = attach(api, "pm_card_visa", customer).obj["id"]
    changed = api.post(
        f"{METHODS}/{card}",
        {"billing_details": {"name": "Ada"}, "card": {"exp_year": 2040}, "metadata": {"a": "1"}},
    ).obj
    told = last_event(sandbox)
    gone = api.post(f"{METHODS}/{card}/detach").obj

    assert (changed["billing_details"]["name"], changed["card"]["exp_year"]) == ("Ada", 2040)
    assert told[0] == "payment_method.updated"
    assert set(told[1]) == {"billing_details", "card", "metadata"}
    assert last_event(sandbox) == ("payment_method.detached", {"customer": customer})
    assert gone["customer"] is None
    assert api.post(f"{METHODS}/{card}/detach").status == 400
    assert api.post(f"{METHODS}/{card}", {"metadata": {"a": "2"}}).status == 400


def test_a_card_belongs_to_one_customer(api: Api, sandbox: Sandbox, customer: str) -> None:
    other = api.post("/v1/customers", {"name": "Bob"}).obj["id"]
    card = attach(api, "pm_card_visa", customer).obj["id"]
    before = len(sandbox.events)

    assert attach(api, card, other).status == 400
    assert attach(api, card, customer).status == 200
    assert len(sandbox.events) == before


@pytest.mark.parametrize(
    ("card", "status", "code"),
    [
        ("pm_card_visa_chargeDeclined", 402, "card_declined"),
        ("pm_card_chargeDeclinedExpiredCard", 402, "expired_card"),
        ("pm_card_chargeCustomerFail", 200, None),
        ("pm_card_authenticationRequiredOnSetup", 200, None),
        ("pm_card_nobody", 404, "resource_missing"),
    ],
)
def test_a_card_that_is_declined_is_not_kept(
    api: Api, customer: str, card: str, status: int, code: str | None
) -> None:
    answer = attach(api, card, customer)

    assert (answer.status, answer.obj.get("error", {}).get("code")) == (status, code)


def test_a_card_needs_a_customer(api: Api) -> None:
    assert api.post(f"{METHODS}/pm_card_visa/attach").error["code"] == "parameter_missing"
    assert attach(api, "pm_card_visa", "cus_nobody").error["code"] == "resource_missing"
    assert api.get(f"{METHODS}/pm_nobody").status == 404


def test_kept_methods_are_listed_by_type(api: Api, customer: str) -> None:
    cards = [attach(api, "pm_card_visa", customer).obj["id"] for _ in range(2)]
    path = f"/v1/customers/{customer}/payment_methods"

    assert [each["id"] for each in api.get(path, {"type": "card"}).obj["data"]] == cards[::-1]
    assert api.get(path, {"type": "sepa_debit"}).obj["data"] == []
    assert api.get(path, {"limit": 1}).obj["has_more"]
    assert api.get("/v1/customers/cus_nobody/payment_methods").status == 404


def test_a_customer_who_is_deleted_is_gone(api: Api, sandbox: Sandbox, customer: str) -> None:
    card = attach(api, "pm_card_visa", customer).obj["id"]

    deleted = api.call("DELETE", f"/v1/customers/{customer}", "", {})

    left = {"id": customer, "object": "customer", "deleted": True}
    assert (deleted.obj, api.get(f"/v1/customers/{customer}").obj) == (left, left)
    assert sandbox.events[-1]["type"] == "customer.deleted"
    assert sandbox.events[-1]["data"]["object"]["name"] == "Ada"
    assert api.get("/v1/customers").obj["data"] == []
    assert api.post(f"/v1/customers/{customer}", {"name": "Bea"}).status == 404
    assert api.get(f"{METHODS}/{card}").obj["customer"] is None
    refused = api.post("/v1/payment_intents", {"amount": 500, "currency": "eur", "customer": customer})
    assert refused.error["code"] == "resource_missing"
    assert api.call("DELETE", f"/v1/customers/{customer}", "", {}).status == 404


def test_a_charge_is_described(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])
    (charge,) = api.get("/v1/charges").obj["data"]
    path = f"/v1/charges/{charge['id']}"

    changed = api.post(
        path,
        {
            "description": "Deposit",
            "fraud_details": {"user_report": "safe"},
            "receipt_email": "ada@example.com",
            "transfer_group": "trip-7",
            "metadata": {"row": "7"},
            "shipping": {"name": "Ada", "address": {"line1": "1 Quay"}},
        },
    ).obj

    assert (changed["description"], changed["fraud_details"]) == ("Deposit", {"user_report": "safe"})
    assert changed["shipping"]["address"] == {
        **dict.fromkeys(("city", "country", "line2", "postal_code", "state")),
        "line1": "1 Quay",
    }
    told, previous = last_event(sandbox)
    assert (told, previous["description"], previous["metadata"]) == ("charge.updated", None, {"row": None})
    before = len(sandbox.events)
    assert api.post(path, {"description": "Deposit"}).status == 200
    assert len(sandbox.events) == before
    assert api.post(path, {"transfer_group": "trip-8"}).error["param"] == "transfer_group"


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


def test_the_balance_is_the_sum_of_the_ledger(api: Api, sandbox: Sandbox) -> None:
    for currency in ("eur", "usd", "eur"):
        sandbox.pay(api.create_session(line_items=[line_item(currency=currency)])["id"])
    sandbox.book_balance()
    sums: dict[str, int] = {}
    for line in sandbox.balance_transactions():
        sums[line["currency"]] = sums.get(line["currency"], 0) + line["net"]

    def amounts(what: str) -> dict[str, int]:
        return {each["currency"]: each["amount"] for each in api.get("/v1/balance").obj[what]}

    before = amounts("available"), amounts("pending")
    sandbox.advance(2 * 24 * 60 * 60)

    assert before == ({"eur": 0, "usd": 0}, sums)
    assert (amounts("available"), amounts("pending")) == (sums, {"eur": 0, "usd": 0})


def test_the_account_is_one(api: Api) -> None:
    account = api.get("/v1/account").obj

    assert (account["id"][:5], account["charges_enabled"]) == ("acct_", True)
    assert account["default_currency"] == "eur"


def test_a_session_is_changed_while_it_is_open(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(metadata={"a": "1"})["id"]
    path = f"/v1/checkout/sessions/{session}"

    api.post(path, {"payment_intent_data": {"description": "First", "metadata": {"row": "1"}}})
    intent = sandbox.pay(session, card="4000000000000002").payment_intent
    first = sandbox.payment_intent(intent)
    api.post(path, {"payment_intent_data": {"description": "Second", "metadata": {"row": "2"}}})
    sandbox.pay(session)
    changed = api.post(path, {"metadata": {"b": "2"}}).obj

    assert (first["description"], first["metadata"]) == ("First", {"row": "1"})
    assert sandbox.payment_intent(intent)["description"] == "Second"
    assert sandbox.payment_intent(intent)["metadata"] == {"row": "2"}
    assert changed["metadata"] == {"a": "1", "b": "2"}
    assert api.post(path, {"payment_intent_data": {"description": "Third"}}).status == 400
    assert "does not simulate line_items" in api.post(path, {"line_items": [line_item()]}).error["message"]
    assert api.post("/v1/checkout/sessions/cs_nobody", {"metadata": {}}).status == 404
