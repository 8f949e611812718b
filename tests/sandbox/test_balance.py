from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError

from .client import Api, line_item

WITH_FEES = {"expand": ["latest_charge.balance_transaction"]}


def pay(api: Api, **changes: Any) -> dict[str, Any]:
    """Pay a session, and return its charge."""
    paid = api.sandbox.pay(api.create_session(**changes)["id"])
    return charge_of(api, paid.payment_intent)


def charge_of(api: Api, intent: str) -> dict[str, Any]:
    found = api.get(f"/v1/payment_intents/{intent}", {"expand": ["latest_charge"]}).obj
    return found["latest_charge"]


def booked(sandbox: Sandbox, **changes: Any) -> dict[str, Any]:
    """Pay a session, book it, and return the one line of the ledger."""
    pay(Api(sandbox), **changes)
    sandbox.book_balance()
    (line,) = sandbox.balance_transactions()
    return line


def priced(amount: int, currency: str) -> dict[str, Any]:
    return {"line_items": [{**line_item(currency=currency, unit_amount=amount), "quantity": 1}]}


def test_a_sale_is_not_booked_while_its_events_are_told(api: Api, sandbox: Sandbox) -> None:
    charge = pay(api)

    (told,) = [event for event in sandbox.events if event["type"] == "charge.succeeded"]
    assert told["data"]["object"]["balance_transaction"] is None
    assert charge["balance_transaction"] is None
    assert sandbox.balance_transactions() == []


def test_a_sale_is_booked_after_a_minute_and_told_by_charge_updated(api: Api, sandbox: Sandbox) -> None:
    charge = pay(api)

    sandbox.advance(59)
    assert len(sandbox.events) == 4
    sandbox.advance(1)

    (line,) = sandbox.balance_transactions()
    event = sandbox.events[-1]
    assert (len(sandbox.events), event["type"]) == (5, "charge.updated")
    assert event["data"]["previous_attributes"] == {"balance_transaction": None}
    assert event["data"]["object"]["id"] == charge["id"]
    assert event["data"]["object"]["balance_transaction"] == line["id"]
    assert event["request"] == {"id": None, "idempotency_key": None}


def test_the_wait_can_be_chosen(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, balance_after=5)
    pay(Api(sandbox))

    sandbox.advance(5)

    assert len(sandbox.balance_transactions()) == 1


def test_a_sale_is_booked_by_hand_and_only_once(api: Api, sandbox: Sandbox) -> None:
    pay(api)

    sandbox.book_balance()
    sandbox.book_balance()
    sandbox.advance(3600)

    assert len(sandbox.balance_transactions()) == 1
    assert [event["type"] for event in sandbox.events].count("charge.updated") == 1


@pytest.mark.parametrize(
    "book", [lambda sandbox: sandbox.book_balance(), lambda sandbox: sandbox.advance(60)]
)
def test_every_sale_that_waits_is_booked_oldest_first(
    api: Api, sandbox: Sandbox, book: Callable[[Sandbox], None]
) -> None:
    charges = [pay(api)["id"] for _ in range(5)]

    book(sandbox)

    assert [line["source"] for line in sandbox.balance_transactions()] == charges


def test_what_was_not_paid_is_not_booked(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"], card="4000000000000002")
    sandbox.pay(api.create_session()["id"], iban="AT611904300234573201")

    sandbox.book_balance()
    sandbox.advance(3600)

    assert sandbox.balance_transactions() == []


def test_a_debit_is_booked_as_a_payment_when_the_bank_has_answered(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, iban="AT611904300234573201")
    sandbox.settle(session)

    sandbox.advance(60)

    (line,) = sandbox.balance_transactions()
    assert (line["type"], line["reporting_category"]) == ("payment", "charge")


def test_a_synchronous_capture_is_booked_at_once(api: Api, sandbox: Sandbox) -> None:
    charge = pay(api, payment_intent_data={"capture_method": "automatic"})

    assert charge["balance_transaction"] == sandbox.balance_transactions()[0]["id"]
    sandbox.advance(3600)
    assert "charge.updated" not in [event["type"] for event in sandbox.events]


def test_a_line_of_the_ledger_says_what_stripe_keeps(api: Api, sandbox: Sandbox, clock: Clock) -> None:
    line = booked(sandbox, payment_intent_data={"description": "Two teas"})

    assert line["id"].startswith("txn_")
    # 1.5 % of 39.98 are 0.5997, and 0.20 on top.
    assert (line["amount"], line["fee"], line["net"], line["currency"]) == (3998, 80, 3918, "eur")
    assert line["fee_details"] == [
        {
            "amount": 80,
            "application": None,
            "currency": "eur",
            "description": "Stripe processing fees",
            "type": "stripe_fee",
        }
    ]
    assert (line["type"], line["reporting_category"], line["status"]) == ("charge", "charge", "pending")
    assert (line["exchange_rate"], line["description"]) == (None, "Two teas")
    assert (line["created"], line["available_on"]) == (clock.now(), clock.now() + 2 * 24 * 60 * 60)


@pytest.mark.parametrize(
    ("amount", "currency", "fee"),
    [
        (10_000, "gbp", 170),
        (10_000, "usd", 180),
        (5000, "jpy", 105),
        (10_000, "kwd", 220),
        (10_000, "aed", 150),
    ],
)
def test_fees_are_whole_units_of_their_currency(
    sandbox: Sandbox, amount: int, currency: str, fee: int
) -> None:
    assert booked(sandbox, **priced(amount, currency))["fee"] == fee


@pytest.mark.parametrize(
    ("amount", "currency", "settlement", "expected", "rate"),
    [
        (10_000, "eur", "gbp", 8600, 0.86),
        (10_000, "gbp", "usd", 12_558, 1.25581),
        # From yen to cents, and back: the rate is one between minor units.
        (10_000, "jpy", "eur", 6098, 0.609756),
        (10_000, "eur", "jpy", 16_400, 1.64),
        (10_000, "eur", "kwd", 33_000, 3.3),
        (10_000, "kwd", "eur", 3030, 0.30303),
        (10_000, "kwd", "jpy", 4970, 0.49697),
    ],
)
def test_another_settlement_currency_takes_what_it_is_worth(
    clock: Clock, amount: int, currency: str, settlement: str, expected: int, rate: float
) -> None:
    line = booked(Sandbox(clock=clock, settlement_currency=settlement), **priced(amount, currency))

    assert (line["amount"], line["currency"], line["exchange_rate"]) == (expected, settlement, rate)
    assert {detail["currency"] for detail in line["fee_details"]} == {settlement}
    assert line["net"] == line["amount"] - line["fee"]


def test_what_comes_in_the_settlement_currency_is_not_exchanged(clock: Clock) -> None:
    line = booked(Sandbox(clock=clock, settlement_currency="eur"))

    assert (line["amount"], line["exchange_rate"]) == (3998, None)


def test_a_currency_without_a_rate_settles_in_itself(clock: Clock) -> None:
    line = booked(Sandbox(clock=clock, settlement_currency="eur"), **priced(10_000, "aed"))

    assert (line["amount"], line["currency"], line["exchange_rate"]) == (10_000, "aed", None)


def test_a_settlement_currency_without_rates_is_refused() -> None:
    with pytest.raises(SandboxError, match="no exchange rate for 'aed'"):
        Sandbox(settlement_currency="aed")


def test_a_balance_transaction_is_read_by_itself_and_through_its_payment(api: Api, sandbox: Sandbox) -> None:
    charge = pay(api)
    sandbox.book_balance()
    (line,) = sandbox.balance_transactions()

    read = api.get(f"/v1/balance_transactions/{line['id']}", {"expand": ["source.payment_intent"]}).obj
    intent = api.get(f"/v1/payment_intents/{charge['payment_intent']}", WITH_FEES).obj

    assert intent["latest_charge"]["balance_transaction"] == line
    assert read["source"]["id"] == charge["id"]
    assert read["source"]["payment_intent"]["id"] == charge["payment_intent"]


def test_an_unknown_balance_transaction_is_not_found(api: Api) -> None:
    answer = api.get("/v1/balance_transactions/txn_unknown")

    assert (answer.status, answer.error["code"]) == (404, "resource_missing")


def test_the_ledger_is_listed_by_what_it_is_about(api: Api, sandbox: Sandbox, clock: Clock) -> None:
    euros = pay(api)
    sandbox.book_balance()
    sandbox.advance(30)
    dollars = pay(api, **priced(2000, "usd"))
    sandbox.book_balance()
    later = clock.now()

    def sources(**params: Any) -> list[str]:
        return [line["source"] for line in api.get("/v1/balance_transactions", params).obj["data"]]

    assert sources() == [dollars["id"], euros["id"]]
    assert sources(currency="usd") == [dollars["id"]]
    assert sources(source=euros["id"]) == [euros["id"]]
    assert sources(type="charge") == [dollars["id"], euros["id"]]
    assert sources(type="refund") == []
    assert sources(created={"gte": later}) == [dollars["id"]]
    assert sources(created={"lt": later, "gt": later - 31}) == [euros["id"]]
    assert sources(limit=1, starting_after=sandbox.balance_transactions()[1]["id"]) == [euros["id"]]
    expanded = api.get("/v1/balance_transactions", {"expand": ["data.source"]}).obj["data"]
    assert [line["source"]["object"] for line in expanded] == ["charge", "charge"]


def test_payouts_are_not_simulated(api: Api) -> None:
    answer = api.get("/v1/balance_transactions", {"payout": "po_1"})

    assert (answer.status, answer.error["param"]) == (400, "payout")
    assert "does not simulate" in answer.error["message"]


def test_the_ledger_is_handed_out_as_a_copy(sandbox: Sandbox) -> None:
    booked(sandbox)["amount"] = 1

    assert sandbox.balance_transactions()[0]["amount"] == 3998
