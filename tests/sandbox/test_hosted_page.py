from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox, hosted_page
from django_generic_payments.sandbox.server import SandboxServer

from .browser import request, submit
from .client import Api, line_item

PAYER = {"email": "ada@example.com", "name": "Ada", "number": "4242 4242 4242 4242"}


@pytest.fixture
def server(sandbox: Sandbox) -> Iterator[SandboxServer]:
    with SandboxServer(sandbox) as server:
        yield server


@pytest.fixture
def session(server: SandboxServer, api: Api) -> dict[str, Any]:
    return api.create_session()


def test_the_page_shows_what_is_to_be_paid(session: dict[str, Any]) -> None:
    page = request(session["url"])

    assert page.status == 200
    assert "2 x Tea" in page.text
    assert "39.98 EUR" in page.text
    assert "no money moves" in page.text
    assert "4000000000009995" in page.text
    assert "AT611904300234573201" in page.text
    assert 'href="https://shop.example/cancel"' in page.body.decode()
    assert b"<script" not in page.body
    assert "script" not in page.headers["Content-Security-Policy"]


@pytest.mark.parametrize(
    ("currency", "amount", "shown"),
    [("jpy", 1500, "3,000 JPY"), ("kwd", 1230, "2.460 KWD"), ("isk", 500_000, "10,000.00 ISK")],
)
def test_totals_are_written_in_the_decimals_of_their_currency(
    server: SandboxServer, api: Api, currency: str, amount: int, shown: str
) -> None:
    session = api.create_session(line_items=[line_item(currency=currency, unit_amount=amount)])

    page = request(session["url"])

    assert shown in page.text
    assert "IBAN" not in page.text


def test_paying_sends_the_payer_back(session: dict[str, Any], sandbox: Sandbox) -> None:
    page = submit(session["url"], **PAYER, phone="+43 1")

    assert page.status == 303
    assert page.location == f"https://shop.example/done?session={session['id']}"
    paid = sandbox.checkout_session(session["id"])
    assert paid["payment_status"] == "paid"
    assert paid["customer_details"]["email"] == "ada@example.com"
    assert paid["customer_details"]["name"] == "Ada"
    assert paid["customer_details"]["phone"] == "+43 1"


def test_a_declined_payer_is_told_why_and_tries_again(session: dict[str, Any]) -> None:
    declined = submit(session["url"], **{**PAYER, "number": "4000000000009995"})

    assert declined.status == 402
    assert "Your card has insufficient funds." in declined.text
    assert b'value="ada@example.com"' in declined.body
    assert submit(session["url"], **PAYER).status == 303


def test_3d_secure_is_a_page_in_between(session: dict[str, Any], server: SandboxServer) -> None:
    asked = submit(session["url"], **{**PAYER, "number": "4000002760003184"})
    assert (asked.status, asked.location) == (303, f"{server.url}/c/pay/{session['id']}/authenticate")

    step = request(asked.location)
    assert "The bank asks whether it is you who pays 39.98 EUR" in step.text

    done = submit(asked.location, result="complete")
    assert (done.status, done.location) == (303, f"https://shop.example/done?session={session['id']}")


def test_failed_3d_secure_leads_back_to_the_form(session: dict[str, Any]) -> None:
    asked = submit(session["url"], **{**PAYER, "number": "4000002760003184"})

    failed = submit(asked.location, result="fail")

    assert failed.status == 402
    assert "failed authentication" in failed.text
    assert "Card number" in failed.text


def test_nobody_is_asked_for_3d_secure_without_need(session: dict[str, Any]) -> None:
    address = session["url"].partition("#")[0]

    page = request(f"{address}/authenticate")

    assert (page.status, page.location) == (303, f"/c/pay/{session['id']}")
    assert "does not wait for 3D Secure" in submit(f"{address}/authenticate", result="complete").text


def test_a_debit_is_a_form_of_its_own(session: dict[str, Any], sandbox: Sandbox) -> None:
    page = submit(session["url"], email="ada@example.com", method="sepa_debit", iban="AT611904300234573201")

    assert page.status == 303
    assert sandbox.checkout_session(session["id"])["payment_status"] == "unpaid"
    assert sandbox.checkout_session(session["id"])["customer_details"]["name"] is None


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"number": "4242424242424242"}, "Enter your e-mail address."),
        ({"email": "ada@example.com"}, "Enter your card number."),
        ({"email": "ada@example.com", "method": "sepa_debit"}, "Enter your IBAN."),
        ({"email": "ada@example.com", "number": "4242424242424241"}, "Your card number is incorrect."),
    ],
)
def test_a_form_that_is_not_filled_in_is_shown_again(
    session: dict[str, Any], sandbox: Sandbox, fields: dict[str, str], message: str
) -> None:
    page = submit(session["url"], **fields)

    assert page.status == 402
    assert message in page.text
    assert sandbox.events == []


def test_a_prefilled_email_need_not_be_typed(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(customer_email="ada@example.com", phone_number_collection={"enabled": True})

    page = request(session["url"])
    assert b'value="ada@example.com"' in page.body
    assert b'name="phone"' in page.body
    assert submit(session["url"], number="4242424242424242").status == 303

    paid = sandbox.checkout_session(session["id"])
    assert paid["customer_details"]["email"] == "ada@example.com"


def test_a_paid_session_cannot_be_paid_again(session: dict[str, Any], sandbox: Sandbox) -> None:
    submit(session["url"], **PAYER)
    happened = len(sandbox.events)

    for page in (request(session["url"]), submit(session["url"], **PAYER)):
        assert page.status == 200
        assert "This checkout is complete." in page.text
        assert f'href="https://shop.example/done?session={session["id"]}"' in page.body.decode()
    assert len(sandbox.events) == happened


def test_two_clicks_pay_once(session: dict[str, Any], sandbox: Sandbox) -> None:
    first, second = (hosted_page.submit(sandbox, session, "", PAYER) for _ in range(2))

    assert (first.status, second.status) == (303, 200)
    assert "This checkout is complete." in second.html
    assert len(sandbox.events) == 4


def test_an_expired_session_says_so(session: dict[str, Any], sandbox: Sandbox) -> None:
    sandbox.clock.advance(24 * 60 * 60)

    page = submit(session["url"], **PAYER)

    assert "This checkout has expired." in page.text
    assert 'href="https://shop.example/cancel"' in page.body.decode()


def test_a_session_without_a_way_back_has_no_link(server: SandboxServer, api: Api) -> None:
    assert "Cancel" not in request(api.create_session(cancel_url=None)["url"]).text


@pytest.mark.parametrize(
    "path", ["/c/pay/cs_unknown", "/c/pay/", "/c/pay/cs_unknown/other", "/", "/favicon.ico"]
)
def test_there_is_nothing_elsewhere(server: SandboxServer, path: str) -> None:
    assert request(server.url + path).status == 404


def test_everything_is_escaped(server: SandboxServer, api: Api) -> None:
    attack = '"><script>alert(1)</script>'
    session = api.create_session(
        line_items=[line_item(product_data={"name": attack})],
        cancel_url=f"https://shop.example/?{attack}",
        customer_email=f"{attack}@example.com",
    )

    page = submit(session["url"], number=attack, name=attack, email=attack)

    assert page.status == 402
    assert b"<script" not in page.body
    assert attack in page.text


def test_a_way_back_may_have_letters_of_any_alphabet(server: SandboxServer, api: Api) -> None:
    session = api.create_session(success_url="https://shop.example/fertig/für?a=%20&s={CHECKOUT_SESSION_ID}")

    page = submit(session["url"], **PAYER)

    assert page.location == f"https://shop.example/fertig/f%C3%BCr?a=%20&s={session['id']}"
