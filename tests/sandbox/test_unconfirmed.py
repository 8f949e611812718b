from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, Unconfirmed

from .client import Api, line_item, session_params

BOTH = pytest.mark.parametrize("switched", [False, True])


def account(clock: Clock, **switches: bool) -> Api:
    return Api(Sandbox(clock=clock, unconfirmed=Unconfirmed(**switches)))


def types(api: Api) -> list[str]:
    return [event["type"] for event in api.sandbox.events]


def test_every_switch_is_what_stripe_does_as_far_as_anybody_knows() -> None:
    switched_on = {each.name for each in fields(Unconfirmed) if each.default}

    assert switched_on == {"lowers_refunded_on_failure", "rounds_three_decimals"}


@BOTH
def test_a_session_may_be_paid_before_the_capture(clock: Clock, switched: bool) -> None:
    api = account(clock, pays_before_capture=switched)
    session = api.create_session(payment_intent_data={"capture_method": "manual"})["id"]

    api.sandbox.pay(session)

    paid = "paid" if switched else "unpaid"
    assert api.session(session)["payment_status"] == paid
    assert api.sandbox.events[-1]["data"]["object"]["payment_status"] == paid
    api.sandbox.capture(session)
    assert api.session(session)["payment_status"] == "paid"


@BOTH
@pytest.mark.parametrize(
    ("success", "of_payment", "of_session"),
    [
        (True, ["charge.succeeded", "payment_intent.succeeded"], "checkout.session.async_payment_succeeded"),
        (False, ["charge.failed", "payment_intent.payment_failed"], "checkout.session.async_payment_failed"),
    ],
)
def test_a_session_may_be_told_of_before_its_payment(
    clock: Clock, switched: bool, success: bool, of_payment: list[str], of_session: str
) -> None:
    api = account(clock, tells_session_first=switched)
    session = api.create_session()["id"]
    api.sandbox.pay(session, iban="AT611904300234573201")
    before = len(api.sandbox.events)

    api.sandbox.settle(session, success=success)

    told = [of_session, *of_payment] if switched else [*of_payment, of_session]
    assert types(api)[before:] == told


@BOTH
@pytest.mark.parametrize(
    ("amount", "previous"),
    [(3998, {"amount_refunded": 3998, "refunded": True}), (1000, {"amount_refunded": 1000})],
)
def test_a_charge_may_be_told_of_when_its_refund_fails(
    clock: Clock, switched: bool, amount: int, previous: dict[str, Any]
) -> None:
    api = account(clock, updates_charge_on_refund_failure=switched)
    session = api.create_session()["id"]
    api.sandbox.pay(session)
    refund = api.sandbox.refund(session, amount)

    api.sandbox.fail_refund(refund)

    told = [event["data"] for event in api.sandbox.events if event["type"] == "charge.updated"]
    assert [data["previous_attributes"] for data in told] == ([previous] if switched else [])
    assert all(data["object"]["amount_refunded"] == 0 for data in told)


def test_a_charge_that_stays_refunded_is_not_told_of(clock: Clock) -> None:
    api = account(clock, lowers_refunded_on_failure=False, updates_charge_on_refund_failure=True)
    session = api.create_session()["id"]
    api.sandbox.pay(session)

    api.sandbox.fail_refund(api.sandbox.refund(session))

    assert types(api)[-2:] == ["refund.failed", "charge.refund.updated"]


@BOTH
def test_a_charge_may_be_told_of_when_it_is_disputed(clock: Clock, switched: bool) -> None:
    api = account(clock, updates_charge_on_dispute=switched)
    session = api.create_session()["id"]
    api.sandbox.pay(session)
    before = len(api.sandbox.events)

    api.sandbox.dispute(session, amount=1000)
    api.sandbox.dispute(session, amount=2000)

    events = ["charge.dispute.created", "charge.dispute.funds_withdrawn"]
    first = [events[0], "charge.updated", events[1]] if switched else events
    assert types(api)[before:] == [*first, *events]
    if switched:
        data = api.sandbox.events[before + 1]["data"]
        assert (data["previous_attributes"], data["object"]["disputed"]) == ({"disputed": False}, True)


@BOTH
def test_the_old_name_of_the_hosted_page_may_be_taken(clock: Clock, switched: bool) -> None:
    api = account(clock, takes_old_ui_modes=switched)
    # The schema of today does not have the name.
    api.sandbox.state.observers = []

    answer = api.post("/v1/checkout/sessions", session_params(ui_mode="hosted"))

    if switched:
        assert (answer.status, answer.obj["ui_mode"]) == (200, "hosted_page")
    else:
        assert (answer.status, answer.error["param"]) == (400, "ui_mode")
        assert answer.error["message"] == (
            "Invalid ui_mode: must be one of elements, embedded_page, form, or hosted_page"
        )


@BOTH
def test_the_third_decimal_may_be_nothing_but_zero(clock: Clock, switched: bool) -> None:
    api = account(clock, rounds_three_decimals=switched)

    session = api.post(
        "/v1/checkout/sessions", session_params(line_items=[line_item(currency="kwd", unit_amount=1001)])
    )
    intent = api.post("/v1/payment_intents", {"amount": 1001, "currency": "kwd"})
    paid = api.create_session(line_items=[line_item(currency="kwd", unit_amount=2000)])["id"]
    refund = api.post("/v1/refunds", {"payment_intent": api.sandbox.pay(paid).payment_intent, "amount": 1001})

    answers = [session, intent, refund]
    assert [answer.status for answer in answers] == [400 if switched else 200] * 3
    if switched:
        params = ["line_items[0][price_data][unit_amount]", "amount", "amount"]
        assert [answer.error["param"] for answer in answers] == params
        assert all("multiple of 10" in answer.error["message"] for answer in answers)
