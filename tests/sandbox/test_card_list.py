from __future__ import annotations

import re
from typing import Any

from django_generic_payments.sandbox.cards import BANK_ACCOUNTS, CARDS
from django_generic_payments.sandbox.server import SandboxServer

from .browser import Page, request
from .client import Api, line_item


def groups(page: Page) -> dict[str, str]:
    """What the page says of each group, without markup."""
    tables = re.findall(r"<caption>(.*?)</caption>(.*?)</table>", page.html, re.DOTALL)
    return {title: " ".join(re.sub(r"<[^>]*>", " ", rows).split()) for title, rows in tables}


def usable(page: Page) -> list[str]:
    return [each["value"] for _, each in page.tags if each.get("name") == "use"]


def test_every_test_card_and_account_can_be_used(session: dict[str, Any]) -> None:
    page = request(session["url"])

    assert sorted(usable(page)) == sorted(row.number for row in (*CARDS, *BANK_ACCOUNTS))
    assert "Test cards and accounts" in page.text


def test_accounts_are_listed_only_where_a_debit_is_offered(server: SandboxServer, api: Api) -> None:
    cards = request(api.create_session(line_items=[line_item(currency="usd")])["url"])
    accounts = request(api.create_session(excluded_payment_method_types=["card"])["url"])

    assert sorted(usable(cards)) == sorted(row.number for row in CARDS)
    assert usable(accounts) == [row.number for row in BANK_ACCOUNTS]


def test_the_list_is_grouped_by_what_happens(session: dict[str, Any]) -> None:
    shown = groups(request(session["url"]))

    assert list(shown) == [
        "Succeeds",
        "Asks for 3D Secure",
        "Asks for 3D Secure, then is declined",
        "Is declined",
        "Succeeds, and its refunds take their time",
        "Succeeds, then is disputed or reported",
        "Accounts for SEPA Direct Debit",
    ]
    assert "4242 4242 4242 4242 Visa" in shown["Succeeds"]
    assert "3782 8224 6310 005 American Express" in shown["Succeeds"]
    assert "4000 0566 5566 5556 Visa debit" in shown["Succeeds"]
    assert "4000 0000 0000 0077 Visa, available at once" in shown["Succeeds"]
    assert "4000 0027 6000 3184 Visa" in shown["Asks for 3D Secure"]
    assert "4000 0082 6000 3178 then has insufficient funds" in shown["Asks for 3D Secure, then is declined"]
    assert "4000 0000 0000 9995 has insufficient funds" in shown["Is declined"]
    assert "4000 0000 0000 7726 is refunded late" in shown["Succeeds, and its refunds take their time"]
    assert "4000 0000 0000 0259 is disputed as fraud" in shown["Succeeds, then is disputed or reported"]
    assert "AT61 1904 3002 3457 3201 succeeds" in shown["Accounts for SEPA Direct Debit"]


def test_a_number_in_quartets_is_still_found_and_copied_in_one_piece(session: dict[str, Any]) -> None:
    page = request(session["url"])

    # The browser sees no space between them, only a gap that the stylesheet makes.
    assert "<span>4000</span><span>0000</span><span>0000</span><span>9995</span>" in page.html
    assert 'value="4000000000009995"' in page.html


def test_using_a_card_sends_the_form_as_far_as_it_is_filled_in(session: dict[str, Any]) -> None:
    page = request(session["url"])

    buttons = [each for tag, each in page.tags if tag == "button" and each.get("name") == "use"]
    assert {each["form"] for each in buttons} == {"checkout"}
    assert all("formnovalidate" in each for each in buttons)
