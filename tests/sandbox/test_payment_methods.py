"""How often a payment method can be used, and by whom."""

from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox

from .client import Answer, Api

METHODS = "/v1/payment_methods"
WAY_BACK = "https://shop.example/done"


@pytest.fixture
def customer(api: Api) -> str:
    return api.post("/v1/customers", {"name": "Ada"}).obj["id"]


def pay(api: Api, method: str, **params: Any) -> Answer:
    known = {"amount": 2000, "currency": "eur", "confirm": True}
    if params.get("confirm", True):
        known["return_url"] = WAY_BACK
    return api.post("/v1/payment_intents", {**known, "payment_method": method, **params})


def attach(api: Api, method: str, customer: str) -> Answer:
    return api.post(f"{METHODS}/{method}/attach", {"customer": customer})


def last_event(sandbox: Sandbox) -> tuple[str, Any]:
    event = sandbox.events[-1]
    return event["type"], event["data"].get("previous_attributes")


def kept_through_checkout(api: Api, customer: str, **means: str) -> str:
    """Pay a session in a way that is kept for later, and return the payment method."""
    session = api.create_session(
        customer=customer, payment_intent_data={"setup_future_usage": "off_session"}
    )["id"]
    api.sandbox.pay(session, **means)
    (kept,) = api.get(f"/v1/customers/{customer}/payment_methods").obj["data"]
    return kept["id"]


def test_a_card_that_is_kept_pays_again_and_again(api: Api, customer: str) -> None:
    card = attach(api, "pm_card_visa", customer).obj["id"]

    assert [pay(api, card, customer=customer).obj["status"] for _ in range(2)] == ["succeeded"] * 2


def test_a_card_that_was_kept_through_checkout_pays_without_its_owner(
    api: Api, sandbox: Sandbox, customer: str
) -> None:
    card = kept_through_checkout(api, customer)

    paid = pay(api, card, customer=customer, off_session=True).obj

    assert (paid["status"], paid["payment_method"]) == ("succeeded", card)
    attached = [event["data"] for event in sandbox.events if event["type"] == "payment_method.attached"]
    assert [data["object"]["id"] for data in attached] == [card]


@pytest.mark.parametrize(
    ("success", "status", "told"),
    [
        (True, "succeeded", ["charge.succeeded", "payment_intent.succeeded"]),
        (False, "requires_payment_method", ["charge.failed", "payment_intent.payment_failed"]),
    ],
)
def test_an_account_that_was_kept_through_checkout_is_debited_again(
    api: Api, sandbox: Sandbox, customer: str, success: bool, status: str, told: list[str]
) -> None:
    account = kept_through_checkout(api, customer, iban="AT611904300234573201")
    intent = pay(api, account, customer=customer).obj
    before = [event["type"] for event in sandbox.events]

    outcome = sandbox.settle(intent["id"], success=success)

    assert intent["status"] == "processing"
    assert before[-2:] == ["payment_intent.processing", "charge.pending"]
    assert (outcome.payment_intent, outcome.checkout_session) == (intent["id"], "")
    assert sandbox.payment_intent(intent["id"])["status"] == status
    assert [event["type"] for event in sandbox.events][len(before) :] == told


def test_an_account_cannot_pay_what_is_held_first(api: Api, customer: str) -> None:
    account = kept_through_checkout(api, customer, iban="AT611904300234573201")

    refused = pay(api, account, customer=customer, capture_method="manual")

    assert (refused.status, refused.error["param"]) == (400, "payment_method")
    assert "allows only: card" in refused.error["message"]


def test_a_card_that_nobody_keeps_pays_once(api: Api, customer: str) -> None:
    card = pay(api, "pm_card_visa").obj["payment_method"]

    for refused in (pay(api, card), attach(api, card, customer)):
        assert (refused.status, refused.error["param"]) == (400, "payment_method")
        assert "may not be used again" in refused.error["message"]


def test_a_card_that_is_used_up_cannot_even_be_chosen(api: Api) -> None:
    card = pay(api, "pm_card_visa").obj["payment_method"]
    intent = api.post("/v1/payment_intents", {"amount": 2000, "currency": "eur"}).obj["id"]

    created = pay(api, card, confirm=False)
    chosen = api.post(f"/v1/payment_intents/{intent}", {"payment_method": card})

    assert [answer.error["param"] for answer in (created, chosen)] == ["payment_method"] * 2


def test_a_card_that_paid_through_checkout_unkept_pays_once(api: Api, sandbox: Sandbox) -> None:
    outcome = sandbox.pay(api.create_session()["id"])
    card = sandbox.payment_intent(outcome.payment_intent)["payment_method"]

    assert "may not be used again" in pay(api, card).error["message"]


def test_a_card_that_was_declined_can_be_tried_again(api: Api) -> None:
    declined = pay(api, "pm_card_visa_chargeDeclined").error["payment_method"]["id"]

    assert pay(api, declined).error["code"] == "card_declined"


def test_a_card_that_was_let_go_cannot_be_used_again(api: Api, customer: str) -> None:
    card = attach(api, "pm_card_visa", customer).obj["id"]
    api.post(f"{METHODS}/{card}/detach")

    assert "may not be used again" in pay(api, card, customer=customer).error["message"]
    assert "may not be used again" in attach(api, card, customer).error["message"]


def test_a_card_that_was_let_go_is_not_confirmed_although_it_was_chosen(api: Api, customer: str) -> None:
    card = attach(api, "pm_card_visa", customer).obj["id"]
    intent = pay(api, card, customer=customer, confirm=False).obj["id"]
    api.post(f"{METHODS}/{card}/detach")

    refused = api.post(f"/v1/payment_intents/{intent}/confirm", {"return_url": WAY_BACK})

    assert (refused.status, refused.error["param"]) == (400, "payment_method")
    assert api.sandbox.payment_intent(intent)["status"] == "requires_confirmation"


def test_the_cards_of_a_deleted_customer_cannot_be_used_again(api: Api, customer: str) -> None:
    card = attach(api, "pm_card_visa", customer).obj["id"]
    api.call("DELETE", f"/v1/customers/{customer}", "", {})
    other = api.post("/v1/customers", {"name": "Bob"}).obj["id"]

    assert "may not be used again" in attach(api, card, other).error["message"]
    assert api.get(f"/v1/customers/{customer}/payment_methods").status == 404


@pytest.mark.parametrize("name", ["pm_card_chargeCustomerFail", "pm_card_radarBlock"])
def test_a_card_that_is_declined_or_blocked_later_is_kept(api: Api, customer: str, name: str) -> None:
    card = attach(api, name, customer).obj["id"]

    assert pay(api, card, customer=customer).error["code"] == "card_declined"


def test_only_a_card_has_an_expiry(api: Api, customer: str) -> None:
    account = kept_through_checkout(api, customer, iban="AT611904300234573201")

    refused = api.post(f"{METHODS}/{account}", {"card": {"exp_month": 1}})

    assert (refused.status, refused.error["param"]) == (400, "card")


def test_an_update_tells_what_was_and_nothing_if_nothing_changes(
    api: Api, sandbox: Sandbox, customer: str
) -> None:
    card = attach(api, "pm_card_visa", customer).obj
    params = {"allow_redisplay": "always", "billing_details": {"email": "ada@example.com"}}

    for _ in range(2):
        api.post(f"{METHODS}/{card['id']}", params)

    told = [event["data"] for event in sandbox.events if event["type"] == "payment_method.updated"]
    assert [data["previous_attributes"] for data in told] == [
        {"allow_redisplay": "limited", "billing_details": card["billing_details"]}
    ]


def test_kept_methods_are_listed_by_whether_they_are_shown_again(api: Api, customer: str) -> None:
    shown, hidden = (attach(api, "pm_card_visa", customer).obj["id"] for _ in range(2))
    api.post(f"{METHODS}/{shown}", {"allow_redisplay": "always"})

    def listed(value: str) -> list[str]:
        found = api.get(f"/v1/customers/{customer}/payment_methods", {"allow_redisplay": value}).obj
        return [each["id"] for each in found["data"]]

    assert (listed("always"), listed("limited")) == ([shown], [hidden])


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
