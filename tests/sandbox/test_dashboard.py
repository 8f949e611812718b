from __future__ import annotations

from html import unescape
from typing import Any
from urllib.parse import urlencode

import pytest

from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.dashboard import ACTIONS, back_of, cut
from django_generic_payments.sandbox.server import SandboxServer

from .browser import Page, request
from .client import Api
from .receiver import Receiver

CSP = "default-src 'none'"


def press(server: SandboxServer, action: str, headers: dict[str, str] | None = None, **fields: str) -> Page:
    body = urlencode(fields).encode()
    return request(f"{server.url}/dashboard/actions/{action}", body, headers)


def page_of(server: SandboxServer, identifier: str) -> Page:
    return request(f"{server.url}/dashboard/objects/{identifier}")


def buttons(page: Page) -> set[str]:
    return {
        each["action"].rpartition("/")[2]
        for tag, each in page.tags
        if tag == "form" and each["method"] == "post"
    }


def words(page: Page) -> str:
    return " ".join(page.text.split())


def test_payments_are_listed_newest_first(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    first, second = api.create_session()["id"], api.create_session()["id"]
    sandbox.pay(first, email="ada@example.com")
    sandbox.advance(10)
    alone = api.post("/v1/payment_intents", {"amount": 5000, "currency": "usd"}).obj["id"]

    page = request(f"{server.url}/")

    shown = [
        each["href"].rpartition("/")[2] for tag, each in page.tags if tag == "a" and "objects" in each["href"]
    ]
    assert (shown[0], set(shown)) == (alone, {alone, first, second})
    for text in ("39.98 EUR", "50.00 USD", "ada@example.com", "paid", "open", "requires payment method"):
        assert text in page.text
    assert CSP in page.headers["Content-Security-Policy"]
    assert "<script" not in page.html


def test_an_empty_account_says_so(server: SandboxServer) -> None:
    for path in ("/", "/dashboard/events", "/dashboard/requests"):
        assert request(f"{server.url}{path}").status == 200
    assert "Nothing has happened yet." in request(f"{server.url}/").text


def test_an_object_is_shown_with_what_it_leads_to(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session).payment_intent
    charge = sandbox.payment_intent(intent)["latest_charge"]
    refund = sandbox.refund(session, 500)

    page = page_of(server, intent)

    links = {each["href"].rpartition("/")[2] for tag, each in page.tags if tag == "a"}
    assert {session, charge, refund} <= links
    assert "charge.refunded" in page.text
    assert '"amount_received": 3998' in unescape(page.text)
    for other in (session, charge, refund):
        assert intent in page_of(server, other).html


@pytest.mark.parametrize("path", ["objects/pi_nobody", "objects/", "nowhere", "events/1", "actions/refund"])
def test_what_is_not_there_is_told(server: SandboxServer, path: str) -> None:
    assert request(f"{server.url}/dashboard/{path}").status == 404


def test_a_refund_takes_an_amount_or_all(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session).payment_intent

    part = press(server, "refund", id=intent, amount="5.00", currency="eur", reason="duplicate", back="/")
    rest = press(server, "refund", id=intent, amount="", currency="eur")

    assert (part.status, part.location, rest.status) == (303, "/", 303)
    assert [refund["amount"] for refund in sandbox.refunds(session)] == [500, 3498]
    assert sandbox.refunds(session)[0]["reason"] == "duplicate"
    assert "refund" not in buttons(page_of(server, intent))


@pytest.mark.parametrize("amount", ["5.001", "-5", "five", "1e3", "40.00"])
def test_what_cannot_be_refunded_is_told(
    server: SandboxServer, api: Api, sandbox: Sandbox, amount: str
) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session).payment_intent

    refused = press(
        server, "refund", id=intent, amount=amount, currency="eur", back=f"/dashboard/objects/{intent}"
    )

    assert refused.status == 409
    assert "That did not work" in refused.text
    assert f"/dashboard/objects/{intent}" in refused.html
    assert sandbox.refunds(session) == []


def test_buttons_are_those_of_the_moment(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    def session(**changes: Any) -> str:
        return api.create_session(**changes)["id"]

    opened, asks, debit, held, paid = session(), session(), session(), None, session()
    held = session(payment_intent_data={"capture_method": "manual"})
    sandbox.pay(asks, card="4000002760003184")
    sandbox.pay(debit, iban="AT611904300234573201")
    sandbox.pay(held)
    sandbox.pay(paid, card="4000000000007726")
    refund, dispute, inquiry = (
        sandbox.refund(paid, 100),
        sandbox.dispute(paid, amount=100),
        sandbox.dispute(paid, amount=100, inquiry=True),
    )
    asking = sandbox.checkout_session(asks)["payment_intent"]
    params = {"amount": 5000, "currency": "usd"}
    bare = api.post("/v1/payment_intents", params).obj["id"]
    card = {"payment_method": "pm_card_authenticationRequired", "confirm": True}
    back = {"return_url": "https://shop.example/"}
    bare_asking = api.post("/v1/payment_intents", {**params, **card, **back}).obj["id"]

    shown = {
        name: buttons(page_of(server, identifier))
        for name, identifier in {
            "open": opened,
            "asks": asking,
            "bare": bare,
            "bare_asks": bare_asking,
            "debit": debit,
            "held": held,
            "paid": paid,
            "refund": refund,
            "dispute": dispute,
            "inquiry": inquiry,
        }.items()
    }

    assert shown == {
        "open": {"expire"},
        "asks": {"authenticate", "fail_authentication"},
        "bare": {"cancel"},
        "bare_asks": {"authenticate", "fail_authentication", "cancel"},
        "debit": {"settle", "fail"},
        "held": {"capture", "cancel"},
        "paid": {"refund", "dispute", "book"},
        "refund": {"settle_refund", "fail_refund"},
        "dispute": {"close_won", "close_lost"},
        "inquiry": {"escalate", "close_warning"},
    }


@pytest.mark.parametrize(
    ("action", "arrange", "expected"),
    [
        ("expire", {}, "expired"),
        ("settle", {"iban": "AT611904300234573201"}, "paid"),
        ("fail", {"iban": "AT611904300234573201"}, "requires_payment_method"),
        ("authenticate", {"card": "4000002760003184"}, "paid"),
        ("fail_authentication", {"card": "4000002760003184"}, "requires_payment_method"),
        ("capture", {"card": "4242424242424242", "manual": True}, "paid"),
        ("cancel", {"card": "4242424242424242", "manual": True}, "canceled"),
        ("dispute", {"card": "4242424242424242"}, "disputed"),
        ("refund", {"card": "4242424242424242"}, "refunded"),
    ],
)
def test_every_button_of_a_payment_does_what_it_says(
    server: SandboxServer, api: Api, sandbox: Sandbox, action: str, arrange: dict[str, Any], expected: str
) -> None:
    manual = arrange.pop("manual", False) if "manual" in arrange else False
    data = {"payment_intent_data": {"capture_method": "manual"}} if manual else {}
    session = api.create_session(**data)["id"]
    if arrange:
        sandbox.pay(session, **arrange)
    identifier = sandbox.checkout_session(session)["payment_intent"] or session

    pressed = press(server, action, id=identifier, reason="fraudulent" if action == "dispute" else "")

    assert pressed.status == 303
    assert expected.replace("_", " ") in page_of(server, identifier).text


def test_what_was_never_paid_is_given_up_at_a_press(
    server: SandboxServer, api: Api, sandbox: Sandbox
) -> None:
    bare = api.post("/v1/payment_intents", {"amount": 5000, "currency": "usd"}).obj["id"]

    press(server, "cancel", id=bare)

    assert sandbox.payment_intent(bare)["status"] == "canceled"
    assert buttons(page_of(server, bare)) == set()


def test_an_open_session_leads_to_its_checkout_wherever_the_server_is_now(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    with SandboxServer(sandbox) as server:
        page = page_of(server, session)
        links = [each["href"] for tag, each in page.tags if tag == "a"]

        assert f"/c/pay/{session}" in links
        assert request(f"{server.url}/c/pay/{session}").status == 200
        sandbox.pay(session)
        assert f"/c/pay/{session}" not in page_of(server, session).html.partition("<details")[0]


def test_every_button_of_a_refund_and_a_dispute_does_what_it_says(
    server: SandboxServer, api: Api, sandbox: Sandbox
) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session, card="4000000000007726")
    arriving, failing = sandbox.refund(session, 100), sandbox.refund(session, 100)
    disputes = {
        "close_won": sandbox.dispute(session, amount=100),
        "close_lost": sandbox.dispute(session, amount=100),
        "escalate": sandbox.dispute(session, amount=100, inquiry=True),
        "close_warning": sandbox.dispute(session, amount=100, inquiry=True),
    }

    press(server, "settle_refund", id=arriving)
    press(server, "fail_refund", id=failing)
    for action, identifier in disputes.items():
        press(server, action, id=identifier)
    press(server, "appeal", id=disputes["close_lost"])

    assert [refund["status"] for refund in sandbox.refunds(session)] == ["succeeded", "failed"]
    assert [dispute["status"] for dispute in sandbox.disputes(session)] == [
        "won",
        "appeal_under_review",
        "needs_response",
        "warning_closed",
    ]


def test_sales_are_booked_and_time_passes_at_a_press(
    server: SandboxServer, api: Api, sandbox: Sandbox
) -> None:
    opened, paid = api.create_session()["id"], api.create_session()["id"]
    sandbox.pay(paid)

    press(server, "book")
    press(server, "advance", seconds=str(24 * 60 * 60))

    assert len(sandbox.balance_transactions()) == 1
    assert sandbox.checkout_session(opened)["status"] == "expired"
    for seconds in ("-5", "1e3", "9" * 12):
        assert press(server, "advance", seconds=seconds).status == 409


def test_events_are_listed_by_type_with_their_answers(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    receiver.answers = [503]
    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        sandbox.pay(api.create_session()["id"])
        assert server.sender.wait_until_sent(10)
        event = sandbox.events[0]["id"]

        listed = request(f"{server.url}/dashboard/events?type=charge.")
        shown = request(f"{server.url}/dashboard/objects/{event}")
        again = press(server, "resend", id=event, endpoint="")

        assert "charge.succeeded" in listed.text
        assert "checkout.session.completed" not in listed.text
        assert "503" in shown.text
        assert "200" in shown.text
        assert receiver.url in shown.text
        assert again.status == 303
        assert receiver.types.count("payment_intent.created") == 3


def test_an_endpoint_shows_its_secret_and_rolls_it(sandbox: Sandbox, receiver: Receiver) -> None:
    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        before = request(f"{server.url}/dashboard/endpoints")
        press(server, "roll", id="")
        after = request(f"{server.url}/dashboard/endpoints")

    assert "whsec_sandbox" in before.text
    assert {sandbox.webhook_secret, "whsec_sandbox"} == {
        word.strip(",") for word in after.text.split() if word.startswith("whsec_")
    }


def test_an_endpoint_shows_its_last_answer(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    receiver.answers = [503]
    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        assert "Last answer –" in words(request(f"{server.url}/dashboard/endpoints"))
        api.post("/v1/customers", {"name": "Ada"})
        assert server.sender.wait_until_sent(10)

        shown = words(request(f"{server.url}/dashboard/endpoints"))
        assert "Last answer 200, 2027-01-15 08:00:00 UTC" in shown


def test_only_the_endpoint_of_the_button_is_delivered_to(
    sandbox: Sandbox, api: Api, receiver: Receiver
) -> None:
    made = api.post("/v1/webhook_endpoints", {"url": "http://127.0.0.1:1/", "enabled_events": ["*"]}).obj[
        "id"
    ]
    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        server.sender.stop()
        api.post("/v1/customers", {"name": "Ada"})
        press(server, "deliver", id=made)
        press(server, "deliver", id="")

    assert [(each.endpoint, each.status) for each in sandbox.deliveries] == [(made, 0), ("", 200)]


def test_what_waits_is_delivered_at_a_press(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    receiver.answers = [500] * 5
    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        api.post("/v1/customers", {"name": "Ada"})
        assert server.sender.wait_until_sent(20)
        assert len(sandbox.pending) == 1
        press(server, "deliver")

    assert sandbox.pending == []


def test_requests_are_listed_without_their_bodies(server: SandboxServer, api: Api) -> None:
    api.post("/v1/customers", {"name": "Ada Secretive"}, key="key-1")
    api.get("/v1/customers/cus_nobody")

    page = request(f"{server.url}/dashboard/requests")

    for text in ("POST /v1/customers", "key-1", "200", "GET /v1/customers/cus_nobody", "404"):
        assert text in page.text
    assert "Secretive" not in page.text


def test_requests_are_not_remembered_for_ever(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    for _ in range(501):
        api.get("/v1/balance")

    assert len(sandbox.requests) == 500


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Origin": "https://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": "http://["}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site", "Origin": "http://localhost:9"}, 403),
        ({"Sec-Fetch-Site": "same-origin"}, 303),
        ({}, 303),
        ({"Host": "evil.example"}, 421),
    ],
)
def test_no_other_site_presses_the_buttons(
    server: SandboxServer, api: Api, sandbox: Sandbox, headers: dict[str, str], status: int
) -> None:
    session = api.create_session()["id"]

    assert press(server, "expire", headers, id=session).status == status
    assert sandbox.checkout_session(session)["status"] == ("expired" if status == 303 else "open")


def test_its_own_pages_may(server: SandboxServer, api: Api) -> None:
    session = api.create_session()["id"]

    assert press(server, "expire", {"Origin": server.url}, id=session).status == 303


@pytest.mark.parametrize("back", ["//evil.example/", "https://evil.example/", "/\\evil.example", ""])
def test_nobody_is_sent_elsewhere(back: str) -> None:
    assert back_of({"back": back}) == "/"


def test_everything_is_escaped(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    nasty = "<img src=x onerror=alert(1)>"
    session = api.create_session(metadata={"note": nasty}, client_reference_id=nasty)["id"]
    sandbox.pay(session, email=f"{nasty}@example.com", name=nasty)

    pages = ["/", f"/dashboard/objects/{session}", "/dashboard/events?type=%3Cimg%20src%3Dx%3E"]

    for path in pages:
        assert "<img" not in request(f"{server.url}{path}").html


@pytest.mark.parametrize(
    ("count", "start", "first", "newer", "older"),
    [
        (0, "0", None, None, None),
        (25, "0", 0, None, None),
        (26, "0", 0, None, 25),
        (60, "25", 25, 0, 50),
        (60, "50", 50, 25, None),
        (60, "999", 59, 34, None),
        (60, "-1", 0, None, 25),
        (60, "x", 0, None, 25),
    ],
)
def test_long_lists_are_cut(
    count: int, start: str, first: int | None, newer: int | None, older: int | None
) -> None:
    shown, before, after = cut([{"n": n} for n in range(count)], {"start": start})

    assert (shown[0]["n"] if shown else None, before, after) == (first, newer, older)


def test_every_button_that_is_drawn_exists(server: SandboxServer, api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])

    drawn = buttons(request(f"{server.url}/")) | buttons(request(f"{server.url}/dashboard/endpoints"))

    assert drawn == {"advance", "deliver", "roll"}
    assert drawn <= set(ACTIONS)
    assert press(server, "explode").status == 404
