from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.sandbox.cards import CARDS

from .client import Api


class Row(NamedTuple):
    """A card as Stripe lists it: what becomes of a payment, after 3D Secure if it asks for that."""

    number: str
    name: str
    code: str = ""
    decline_code: str = ""
    asks: bool = False


LISTED = [
    Row("4242424242424242", "pm_card_visa"),
    Row("5555555555554444", "pm_card_mastercard"),
    Row("378282246310005", "pm_card_amex"),
    Row("4000056655665556", "pm_card_visa_debit"),
    Row("4000000000000002", "pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
    Row(
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
    ),
    Row("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
    Row("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "card_declined", "stolen_card"),
    Row("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "expired_card"),
    Row("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc"),
    Row("4000000000000119", "pm_card_chargeDeclinedProcessingError", "processing_error"),
    Row(
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "card_declined",
        "card_velocity_exceeded",
    ),
    Row("4000000000000341", "pm_card_chargeCustomerFail", "card_declined", "generic_decline"),
    Row("4000002500003155", "pm_card_authenticationRequiredOnSetup", asks=True),
    Row("4000002760003184", "pm_card_authenticationRequired", asks=True),
    Row("4000003800000446", "pm_card_authenticationRequiredSetupForOffSession", asks=True),
    Row(
        "4000008260003178",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "card_declined",
        "insufficient_funds",
        asks=True,
    ),
    Row("4000000000003220", "pm_card_threeDSecure2Required", asks=True),
    Row(
        "4000008400001629",
        "pm_card_threeDSecureRequiredChargeDeclined",
        "card_declined",
        "generic_decline",
        asks=True,
    ),
    Row("4000000000000259", "pm_card_createDispute"),
    Row("4000000000002685", "pm_card_createDisputeProductNotReceived"),
    Row("4000000000001976", "pm_card_createDisputeInquiry"),
    Row("4000000000005423", "pm_card_createIssuerFraudRecord"),
    Row("4000000404000079", "pm_card_createMultipleDisputes"),
    Row("4000000000007726", "pm_card_pendingRefund"),
    Row("4000000000005126", "pm_card_refundFail"),
    Row("4000000000000077", "pm_card_bypassPending"),
    Row("4000003720000278", "pm_card_bypassPendingInternational"),
    Row("4100000000000019", "pm_card_radarBlock", "card_declined", "fraudulent"),
    Row("4000000000004954", "pm_card_riskLevelHighest", "card_declined", "fraudulent"),
    Row("4000000000009235", "pm_card_riskLevelElevated"),
]
every_card = pytest.mark.parametrize("row", LISTED, ids=lambda row: row.name)


def intent_params(**changes: Any) -> dict[str, Any]:
    return {
        "amount": 3998,
        "currency": "eur",
        "confirm": True,
        "return_url": "https://shop.example/done",
        **changes,
    }


def charge_of(api: Api, intent: str) -> dict[str, Any]:
    return api.get("/v1/charges", {"payment_intent": intent}).obj["data"][0]


def pay_by_name(api: Api, name: str) -> dict[str, Any]:
    """Pay an intent by a card's name, and return its charge."""
    answer = api.post("/v1/payment_intents", intent_params(payment_method=name))
    intent = answer.obj["error"]["payment_intent"] if "error" in answer.obj else answer.obj
    return charge_of(api, intent["id"])


def test_the_table_holds_the_cards_that_stripe_lists() -> None:
    assert {(card.number, card.name) for card in CARDS} == {(row.number, row.name) for row in LISTED}


@every_card
def test_a_card_pays_a_checkout_as_stripe_says(api: Api, sandbox: Sandbox, row: Row) -> None:
    session = api.create_session()["id"]

    outcome = sandbox.pay(session, card=row.number)

    assert (outcome.status == "requires_action") == row.asks
    if row.asks:
        outcome = sandbox.authenticate(session)
    status = "declined" if row.code else "succeeded"
    assert (outcome.status, outcome.code, outcome.decline_code) == (status, row.code, row.decline_code)


@every_card
def test_a_card_pays_an_intent_by_its_name_as_stripe_says(api: Api, sandbox: Sandbox, row: Row) -> None:
    answer = api.post("/v1/payment_intents", intent_params(payment_method=row.name))

    if row.asks:
        assert (answer.status, answer.obj["status"]) == (200, "requires_action")
        outcome = sandbox.authenticate(answer.obj["id"])
        status = "declined" if row.code else "succeeded"
        assert (outcome.status, outcome.code, outcome.decline_code) == (status, row.code, row.decline_code)
    elif row.code:
        assert (answer.status, answer.error["type"], answer.error["code"]) == (402, "card_error", row.code)
        assert answer.error.get("decline_code", "") == row.decline_code
        assert answer.error["payment_intent"]["status"] == "requires_payment_method"
    else:
        assert (answer.status, answer.obj["status"]) == (200, "succeeded")


@pytest.mark.parametrize("number", ["4242424242424241"])
def test_a_number_that_is_mistyped_has_no_name(api: Api, sandbox: Sandbox, number: str) -> None:
    assert sandbox.pay(api.create_session()["id"], card=number).code == "incorrect_number"
    assert number not in {card.number for card in CARDS}


def test_a_card_reported_as_fraud_is_warned_of_after_the_sale(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"], card="4000000000005423")

    completed, warned = sandbox.events[-2:]
    warning = warned["data"]["object"]
    charge = charge_of(api, completed["data"]["object"]["payment_intent"])
    assert completed["type"] == "checkout.session.completed"
    assert warned["type"] == "radar.early_fraud_warning.created"
    assert (warning["charge"], warning["payment_intent"]) == (charge["id"], charge["payment_intent"])
    assert warning["actionable"] is True
    assert sandbox.state.get("radar.early_fraud_warning", warning["id"]) == warning


def test_a_warning_comes_without_a_checkout_too(api: Api, sandbox: Sandbox) -> None:
    pay_by_name(api, "pm_card_createIssuerFraudRecord")

    assert sandbox.events[-1]["type"] == "radar.early_fraud_warning.created"
    assert sandbox.events[-1]["request"]["id"] is None


@pytest.mark.parametrize(
    ("name", "status"),
    [
        ("pm_card_bypassPending", "available"),
        ("pm_card_bypassPendingInternational", "available"),
        ("pm_card_visa", "pending"),
    ],
)
def test_the_money_of_some_cards_is_available_at_once(
    api: Api, sandbox: Sandbox, clock: Clock, name: str, status: str
) -> None:
    pay_by_name(api, name)
    sandbox.book_balance()

    (line,) = sandbox.balance_transactions()
    assert line["status"] == status
    assert (line["available_on"] == clock.now()) == (status == "available")


@pytest.mark.parametrize(
    ("name", "level", "kind"),
    [
        ("pm_card_visa", "normal", "authorized"),
        ("pm_card_riskLevelElevated", "elevated", "authorized"),
        ("pm_card_riskLevelHighest", "highest", "blocked"),
        ("pm_card_radarBlock", "highest", "blocked"),
        ("pm_card_visa_chargeDeclined", "normal", "issuer_declined"),
    ],
)
def test_the_outcome_of_a_charge_says_how_risky_it_was(api: Api, name: str, level: str, kind: str) -> None:
    outcome = pay_by_name(api, name)["outcome"]

    assert (outcome["risk_level"], outcome["type"]) == (level, kind)


def test_a_wrong_security_code_shows_in_the_checks(api: Api) -> None:
    def check(name: str) -> str:
        return pay_by_name(api, name)["payment_method_details"]["card"]["checks"]["cvc_check"]

    assert check("pm_card_chargeDeclinedIncorrectCvc") == "fail"
    assert check("pm_card_visa") == "pass"
