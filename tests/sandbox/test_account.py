from __future__ import annotations

from typing import Any

from django_generic_payments.sandbox import Clock, Sandbox

from .client import Api, line_item

TWO_DAYS = 2 * 24 * 60 * 60


def sell(api: Api, currency: str = "eur", card: str = "4242424242424242") -> str:
    """Sell two teas, and return the session."""
    session = api.create_session(line_items=[line_item(currency=currency)])["id"]
    api.sandbox.pay(session, card=card)
    return session


def balance(api: Api) -> dict[str, dict[str, int]]:
    answered = api.get("/v1/balance").obj
    return {
        what: {each["currency"]: each["amount"] for each in answered[what]}
        for what in ("available", "pending")
    }


def net(sandbox: Sandbox, **values: Any) -> int:
    return sum(
        line["net"]
        for line in sandbox.balance_transactions()
        if all(line[name] == value for name, value in values.items())
    )


def test_a_new_account_has_nothing_in_its_currency(api: Api) -> None:
    assert balance(api) == {"available": {"eur": 0}, "pending": {"eur": 0}}


def test_a_sale_is_on_the_balance_once_it_is_booked(api: Api, sandbox: Sandbox) -> None:
    sell(api)
    before = balance(api)["pending"]

    sandbox.advance(60)

    assert (before, balance(api)["pending"]) == ({"eur": 0}, {"eur": 3998 - 80})


def test_each_sale_is_available_two_days_after_it_was_booked(api: Api, sandbox: Sandbox) -> None:
    sell(api)
    sandbox.book_balance()
    sandbox.advance(100)
    sell(api, "usd")
    sandbox.book_balance()

    sandbox.advance(TWO_DAYS - 101)
    just_before = balance(api)["available"]
    sandbox.advance(1)

    euros, dollars = net(sandbox, currency="eur"), net(sandbox, currency="usd")
    assert just_before == {"eur": 0, "usd": 0}
    assert balance(api) == {
        "available": {"eur": euros, "usd": 0},
        "pending": {"eur": 0, "usd": dollars},
    }
    sandbox.advance(100)
    assert balance(api) == {
        "available": {"eur": euros, "usd": dollars},
        "pending": {"eur": 0, "usd": 0},
    }


def test_what_is_available_at_once_is_not_pending(api: Api, sandbox: Sandbox) -> None:
    sell(api, card="4000000000000077")
    sandbox.book_balance()

    assert balance(api) == {"available": {"eur": net(sandbox)}, "pending": {"eur": 0}}


def test_a_refund_lowers_the_balance_and_leaves_it_without_the_fee(api: Api, sandbox: Sandbox) -> None:
    session = sell(api)
    sandbox.book_balance()

    sandbox.refund(session)

    assert balance(api)["pending"] == {"eur": -80}


def test_an_account_has_its_money_in_the_currency_in_which_it_settles(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, settlement_currency="usd")
    api = Api(sandbox)
    for currency in ("eur", "usd"):
        sell(api, currency)
    sandbox.book_balance()

    assert api.get("/v1/account").obj["default_currency"] == "usd"
    assert balance(api) == {"available": {"usd": 0}, "pending": {"usd": net(sandbox)}}


def test_the_balance_of_a_live_account_is_a_live_one() -> None:
    assert Api(Sandbox(secret_key="sk_live_x")).get("/v1/balance").obj["livemode"] is True


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
