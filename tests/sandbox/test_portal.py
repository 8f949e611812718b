from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.server import SandboxServer

from .browser import request
from .client import Api

BACK = "https://shop.example/account?tab=billing&x=1"


@pytest.fixture
def customer(api: Api) -> str:
    return api.post("/v1/customers", {"name": "Ada & Sons", "email": "ada@example.com"}).obj["id"]


def visit(api: Api, customer: str, **params: Any) -> dict[str, Any]:
    answer = api.post("/v1/billing_portal/sessions", {"customer": customer, **params})
    assert answer.status == 200, answer.obj
    return answer.obj


def links(url: str) -> list[str]:
    return [each["href"] for tag, each in request(url).tags if tag == "a"]


def test_a_portal_session_leads_to_a_page_of_the_sandbox(api: Api, sandbox: Sandbox, customer: str) -> None:
    session = visit(api, customer, return_url=BACK)

    assert session["object"] == "billing_portal.session"
    assert session["url"].startswith("https://checkout.sandbox.invalid/p/session/test_")
    assert (session["customer"], session["return_url"], session["livemode"]) == (customer, BACK, False)
    assert sandbox.events[-1]["type"] == "billing_portal.session.created"
    assert sandbox.events[-1]["data"]["object"] == session


def test_every_visit_has_an_address_of_its_own(api: Api, customer: str) -> None:
    assert visit(api, customer)["url"] != visit(api, customer)["url"]


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({}, "parameter_missing", "customer"),
        ({"customer": "cus_unknown"}, "resource_missing", "customer"),
        ({"customer": "", "return_url": BACK}, "parameter_invalid_empty", "customer"),
        ({"return_url": "/account", "customer": "cus_1"}, "url_invalid", "return_url"),
        ({"customer_account": "acct_1"}, None, "customer_account"),
        ({"flow_data": {"type": "payment_method_update"}}, None, "flow_data"),
    ],
)
def test_a_wrong_portal_session_is_refused(
    api: Api, params: dict[str, Any], code: str | None, param: str
) -> None:
    answer = api.post("/v1/billing_portal/sessions", params)

    assert (answer.status, answer.error.get("code"), answer.error["param"]) == (400, code, param)


def test_there_is_one_configuration(api: Api, customer: str) -> None:
    known = visit(api, customer)["configuration"]

    other = api.post("/v1/billing_portal/sessions", {"customer": customer, "configuration": "bpc_1"})

    assert visit(api, customer, configuration=known)["configuration"] == known
    assert (other.status, other.error["code"]) == (400, "resource_missing")


def test_the_page_says_what_the_real_one_would_offer(api: Api, server: SandboxServer, customer: str) -> None:
    url = visit(api, customer, return_url=BACK)["url"]

    page = request(url)

    assert page.status == 200
    assert "At Stripe this is where a customer changes payment methods" in page.text
    assert "no money moves" in page.text
    assert "Ada & Sons" in page.text
    assert "ada@example.com" in page.text
    assert "No payment method is saved." in page.text
    assert links(url) == [BACK]


def test_what_a_customer_is_called_is_escaped(api: Api, server: SandboxServer) -> None:
    mallory = api.post("/v1/customers", {"name": "<script>alert(1)</script>"}).obj["id"]

    assert "<script" not in request(visit(api, mallory)["url"]).html


def test_a_page_without_a_way_back_has_no_link(api: Api, server: SandboxServer) -> None:
    nobody = api.post("/v1/customers").obj["id"]
    url = visit(api, nobody)["url"]

    assert "Nothing is known of you." in request(url).text
    assert links(url) == []


def test_saved_payment_methods_are_listed(api: Api, server: SandboxServer, customer: str) -> None:
    sandbox = api.sandbox
    saved = {"payment_intent_data": {"setup_future_usage": "off_session"}, "customer": customer}
    for _ in range(2):
        sandbox.pay(api.create_session(**saved)["id"], card="5555555555554444")
    sandbox.pay(api.create_session(**saved)["id"], iban="AT611904300234573201")
    sandbox.pay(api.create_session(customer=customer)["id"], card="378282246310005")
    sandbox.pay(api.create_session(**saved)["id"], card="4000000000000002")

    text = " ".join(request(visit(api, customer)["url"]).text.split())

    assert text.count("Mastercard •••• 4444 until 12 / 2029") == 2
    assert "SEPA Direct Debit •••• 3201 AT" in text
    assert "0005" not in text
    assert "0002" not in text


def test_a_method_is_saved_only_if_that_was_asked_for(api: Api, sandbox: Sandbox, customer: str) -> None:
    asked = {"payment_intent_data": {"setup_future_usage": "on_session"}}
    sandbox.pay(api.create_session(customer=customer)["id"])
    sandbox.pay(api.create_session(**asked)["id"])
    sandbox.pay(api.create_session(**asked, customer=customer)["id"])

    attached = [event for event in sandbox.events if event["type"] == "payment_method.attached"]
    assert [event["data"]["object"]["customer"] for event in attached] == [customer]


@pytest.mark.parametrize("path", ["/p/session/", "/p/session/test_unknown", "/p/other"])
def test_an_unknown_address_shows_a_page_that_says_so(server: SandboxServer, path: str) -> None:
    page = request(server.url + path)

    assert page.status == 404
    assert "There is no" in page.text
