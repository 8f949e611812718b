from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox, hosted_page
from django_generic_payments.sandbox.server import SandboxServer

from .browser import request, submit
from .client import Api, line_item

PAYER = {"email": "ada@example.com", "name": "Ada", "number": "4242 4242 4242 4242"}


def test_the_page_shows_what_is_to_be_paid(server: SandboxServer, api: Api) -> None:
    apron = {"currency": "eur", "unit_amount": 2500, "product_data": {"name": "Apron"}}
    session = api.create_session(line_items=[line_item(), {"quantity": 1000, "price_data": apron}])

    page = request(session["url"])

    assert page.status == 200
    for line in (
        "Tea 2 × 19.99 EUR 39.98 EUR",
        "Apron 1,000 × 25.00 EUR 25,000.00 EUR",
        "Total 25,039.98 EUR",
    ):
        assert line in " ".join(page.text.split())
    assert [each["href"] for tag, each in page.tags if tag == "a"] == [
        "https://shop.example/cancel",
        "#cards",
    ]


def test_every_page_says_that_no_money_moves(
    session: dict[str, Any], server: SandboxServer, api: Api, sandbox: Sandbox
) -> None:
    waiting, expired, paid = (api.create_session() for _ in range(3))
    step = sandbox.pay(waiting["id"], card="4000002760003184").redirect_url
    sandbox.expire(expired["id"])
    sandbox.pay(paid["id"])

    addresses = [session["url"], step, expired["url"], paid["url"], f"{server.url}/c/pay/unknown", server.url]
    for address in addresses:
        page = request(address)
        assert "Sandbox This is a simulation: no money moves, no card is charged." in " ".join(
            page.text.split()
        )
        assert [tag for tag, _ in page.tags].count("h1") == 1


def test_a_page_needs_nothing_but_itself(session: dict[str, Any]) -> None:
    page = request(session["url"])

    style = re.search(r"<style>(.*?)</style>", page.html, re.DOTALL)
    assert style
    digest = base64.b64encode(hashlib.sha256(style[1].encode()).digest()).decode()
    policy = page.headers["Content-Security-Policy"]
    assert policy.startswith(f"default-src 'none'; style-src 'sha256-{digest}';")
    # Chrome would not follow the redirect back to the merchant.
    assert "form-action" not in policy
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in page.tags}
    assert not [each for _, each in page.tags if "style" in each or "src" in each]
    assert "url(" not in style[1]
    assert "@import" not in style[1]


def test_the_name_that_was_sent_is_the_merchant(server: SandboxServer, api: Api) -> None:
    session = api.create_session(branding_settings={"display_name": "Teashop"})

    page = request(session["url"])

    assert "Pay 39.98 EUR to Teashop" in page.text
    assert "shop.example" not in page.text


@pytest.mark.parametrize(
    ("address", "merchant"),
    [
        ("https://shop.example/done", "shop.example"),
        ("http://127.0.0.1:8000?x=/", "127.0.0.1"),
        ("https://me:secret@shop.example#done", "shop.example"),
        ("http://[::1]:8000/", "[::1]"),
        ("http://[shop/", "[shop"),
    ],
)
def test_without_a_name_the_merchant_is_where_the_payer_came_from(
    server: SandboxServer, api: Api, address: str, merchant: str
) -> None:
    session = api.create_session(success_url=address, branding_settings={"border_style": "pill"})

    page = request(session["url"])

    assert f"<title>Pay 39.98 EUR to {merchant}</title>" in page.html


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
    alert = re.search(r'role="alert">(.*?)</div>', declined.html, re.DOTALL)
    assert alert
    assert "Your card has insufficient funds." in alert[1]
    assert "<title>Error: " in declined.html
    assert submit(session["url"], **PAYER).status == 303


def test_3d_secure_is_a_page_in_between(session: dict[str, Any], server: SandboxServer) -> None:
    asked = submit(session["url"], **{**PAYER, "number": "4000002760003184"})
    assert (asked.status, asked.location) == (303, f"{server.url}/c/pay/{session['id']}/authenticate")

    step = request(asked.location)
    assert "The bank asks whether it is you who pays 39.98 EUR to shop.example" in step.text
    assert "This page plays the bank." in step.text
    assert re.search(r"Merchant\s+shop\.example\s+Amount\s+39\.98 EUR", step.text)

    done = submit(asked.location, result="complete")
    assert (done.status, done.location) == (303, f"https://shop.example/done?session={session['id']}")


def test_a_payer_can_go_back_from_3d_secure(session: dict[str, Any], sandbox: Sandbox) -> None:
    asked = submit(session["url"], **{**PAYER, "number": "4000002760003184"})

    step = request(asked.location)

    assert [each["href"] for tag, each in step.tags if tag == "a"] == [f"/c/pay/{session['id']}"]
    assert "Cancel and go back" in request(session["url"]).text
    assert submit(session["url"], **PAYER).status == 303
    assert sandbox.checkout_session(session["id"])["payment_status"] == "paid"


def test_failed_3d_secure_leads_back_to_the_form(session: dict[str, Any]) -> None:
    asked = submit(session["url"], **{**PAYER, "number": "4000002760003184"})

    failed = submit(asked.location, result="fail")

    assert failed.status == 402
    assert "This card failed authentication with its bank." in failed.text
    assert "Card number" in failed.text
    assert failed.inputs["email"]["value"] == "ada@example.com"
    assert failed.inputs["name"]["value"] == "Ada"


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
        assert "39.98 EUR went to shop.example, in this sandbox only." in page.text
        assert f'href="https://shop.example/done?session={session["id"]}"' in page.body.decode()
    assert len(sandbox.events) == happened


def test_a_debit_that_is_not_settled_is_not_called_paid(session: dict[str, Any], sandbox: Sandbox) -> None:
    sandbox.pay(session["id"], iban="AT611904300234573201")

    assert "39.98 EUR is on its way to shop.example" in request(session["url"]).text


def test_two_clicks_pay_once(session: dict[str, Any], sandbox: Sandbox) -> None:
    first, second = (hosted_page.submit(sandbox, session, "", PAYER) for _ in range(2))

    assert (first.status, second.status) == (303, 200)
    assert "This checkout is complete." in second.html
    assert len(sandbox.events) == 4


def test_an_expired_session_says_so(session: dict[str, Any], sandbox: Sandbox) -> None:
    sandbox.clock.advance(24 * 60 * 60)

    page = submit(session["url"], **PAYER)

    assert "This checkout has expired." in page.text
    assert "nothing was charged" in page.text
    assert 'href="https://shop.example/cancel"' in page.body.decode()


def test_a_session_without_a_way_back_has_no_link(server: SandboxServer, api: Api) -> None:
    assert "Cancel" not in request(api.create_session(cancel_url=None)["url"]).text


@pytest.mark.parametrize("path", ["/c/pay/cs_unknown", "/c/pay/", "/c/pay/cs_unknown/other", "/favicon.ico"])
def test_there_is_nothing_elsewhere(server: SandboxServer, path: str) -> None:
    assert request(server.url + path).status == 404


FIELDS = ("email", "name", "phone", "method", "number", "expiry", "cvc", "iban")


@pytest.mark.parametrize("more", [{}, {"use": "4242424242424242"}, {"use": '"><script>'}])
def test_everything_is_escaped(server: SandboxServer, api: Api, more: dict[str, str]) -> None:
    attack = '"><script>alert(1)</script>$total'
    session = api.create_session(
        line_items=[line_item(product_data={"name": attack})],
        cancel_url=f"https://shop.example/?{attack}",
        customer_email=f"{attack}@example.com",
        branding_settings={"display_name": attack},
        phone_number_collection={"enabled": True},
    )

    page = submit(session["url"], **dict.fromkeys(FIELDS, attack), **more)

    assert page.status == (200 if more else 402)
    assert b"<script" not in page.body
    assert {name for name, each in page.inputs.items() if each["value"] == attack} >= {
        "email",
        "iban",
        "phone",
    }
    assert page.text.count(attack) >= 3


def test_the_other_pages_escape_the_merchant_too(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    attack = '"><script>alert(1)</script>'
    waiting, paid = (api.create_session(branding_settings={"display_name": attack}) for _ in range(2))
    sandbox.pay(waiting["id"], card="4000002760003184")
    sandbox.pay(paid["id"])

    for address in (f"{server.url}/c/pay/{waiting['id']}/authenticate", paid["url"]):
        page = request(address)
        assert b"<script" not in page.body
        assert attack in page.text


def test_a_way_back_may_have_letters_of_any_alphabet(server: SandboxServer, api: Api) -> None:
    session = api.create_session(success_url="https://shop.example/fertig/für?a=%20&s={CHECKOUT_SESSION_ID}")

    page = submit(session["url"], **PAYER)

    assert page.location == f"https://shop.example/fertig/f%C3%BCr?a=%20&s={session['id']}"
