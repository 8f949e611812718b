from __future__ import annotations

import re
from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.server import SandboxServer

from .browser import Page, request, submit
from .client import Api, line_item

TYPED = {"email": "ada@example.com", "name": "Ada", "phone": "+43 1", "expiry": "11 / 40", "cvc": "987"}


def chosen_method(page: Page) -> str:
    return next(each["value"] for tag, each in page.tags if tag == "input" and "checked" in each)


def test_the_first_form_pays_and_has_every_field(session: dict[str, Any]) -> None:
    page = request(session["url"])

    forms = [each for tag, each in page.tags if tag == "form"]
    assert forms == [{"id": "checkout", "method": "post", "action": f"/c/pay/{session['id']}"}]
    assert set(page.inputs) == {"email", "name", "number", "expiry", "cvc", "iban"}


def test_every_field_has_a_label(session: dict[str, Any]) -> None:
    page = request(session["url"])

    labels = [each["for"] for tag, each in page.tags if tag == "label"]
    assert sorted(labels) == sorted([*page.inputs, "method-card", "method-sepa_debit"])
    assert all(each["id"] == name for name, each in page.inputs.items())


def test_enter_pays_because_the_first_button_does(session: dict[str, Any]) -> None:
    page = request(session["url"])

    first, *others = [each for tag, each in page.tags if tag == "button"]
    assert "Pay 39.98 EUR" in page.text
    assert "name" not in first
    assert page.html.index("Pay 39.98 EUR</button>") < page.html.index("</form>")
    assert {each["name"] for each in others} == {"use"}


def test_both_methods_are_offered_and_the_card_is_chosen(session: dict[str, Any]) -> None:
    page = request(session["url"])

    offered = [each["value"] for tag, each in page.tags if tag == "input" and each["type"] == "radio"]
    assert offered == ["card", "sepa_debit"]
    assert chosen_method(page) == "card"
    assert "You allow shop.example to collect 39.98 EUR" in page.text


@pytest.mark.parametrize(
    ("excluded", "method", "fields"), [("sepa_debit", "card", {"number"}), ("card", "sepa_debit", {"iban"})]
)
def test_the_only_method_needs_no_choice(
    server: SandboxServer, api: Api, excluded: str, method: str, fields: set[str]
) -> None:
    session = api.create_session(excluded_payment_method_types=[excluded])

    page = request(session["url"])

    hidden = [each for tag, each in page.tags if tag == "input" and each["type"] == "hidden"]
    assert hidden == [{"type": "hidden", "name": "method", "value": method}]
    assert fields == {"number", "iban"} & set(page.inputs)


def test_a_debit_needs_no_method_where_there_is_no_other(server: SandboxServer, api: Api) -> None:
    session = api.create_session(excluded_payment_method_types=["card"])

    assert submit(session["url"], email="ada@example.com", iban="AT611904300234573201").status == 303


def test_a_test_card_is_put_into_the_form_and_nothing_is_tried(
    server: SandboxServer, api: Api, sandbox: Sandbox
) -> None:
    session = api.create_session(phone_number_collection={"enabled": True})

    page = submit(session["url"], **TYPED, iban="AT00", use="4000000000009995")

    assert page.status == 200
    shown = {name: each["value"] for name, each in page.inputs.items()}
    assert shown == {**TYPED, "iban": "AT00", "number": "4000 0000 0000 9995"}
    assert "The test card that has insufficient funds." in page.text
    assert 'role="alert"' not in page.html
    assert sandbox.events == []
    assert sandbox.checkout_session(session["id"])["payment_intent"] is None


def test_a_test_card_brings_what_is_not_typed_and_takes_the_place_of_another(session: dict[str, Any]) -> None:
    page = submit(session["url"], number="4000000000000002", use="4242424242424242")

    shown = {name: each["value"] for name, each in page.inputs.items()}
    assert (shown["number"], shown["expiry"], shown["cvc"]) == ("4242 4242 4242 4242", "12 / 34", "123")
    paid = submit(session["url"], **{**shown, "email": "ada@example.com"})
    assert paid.status == 303


def test_a_test_account_chooses_the_debit(session: dict[str, Any], sandbox: Sandbox) -> None:
    page = submit(session["url"], **TYPED, method="card", use="AT321904300235473204")

    assert page.status == 200
    assert chosen_method(page) == "sepa_debit"
    assert page.inputs["iban"]["value"] == "AT32 1904 3002 3547 3204"
    assert "The test account that succeeds after three minutes." in page.text
    assert sandbox.events == []


def test_a_test_card_chooses_the_card(session: dict[str, Any]) -> None:
    page = submit(session["url"], method="sepa_debit", use="4242424242424242")

    assert chosen_method(page) == "card"


def test_only_test_numbers_can_be_put_into_the_form(session: dict[str, Any], sandbox: Sandbox) -> None:
    page = submit(session["url"], **TYPED, number="4000", use="4111111111111111")

    assert page.status == 200
    assert page.inputs["number"]["value"] == "4000"
    assert sandbox.events == []


@pytest.mark.parametrize(
    ("typed", "has_focus"), [({}, "email"), ({"email": "ada@example.com"}, "pay"), ({"name": "Ada"}, "email")]
)
def test_after_a_test_card_the_payer_goes_on_where_something_is_missing(
    session: dict[str, Any], typed: dict[str, str], has_focus: str
) -> None:
    page = submit(session["url"], **typed, use="4242424242424242")

    focused = [each.get("name", "pay") for _, each in page.tags if "autofocus" in each]
    assert focused == [has_focus]


def test_a_decline_keeps_what_was_typed_but_the_security_code(server: SandboxServer, api: Api) -> None:
    session = api.create_session(phone_number_collection={"enabled": True})

    page = submit(session["url"], **TYPED, number="4000000000000002")

    shown = {name: each["value"] for name, each in page.inputs.items()}
    assert shown == {**TYPED, "cvc": "", "iban": "", "number": "4000000000000002"}


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"number": "4000000000000002"}, "number"),
        ({"number": "4000000000000069"}, "expiry"),
        ({"number": "4000000000000127"}, "cvc"),
        ({"number": ""}, "number"),
        ({"number": "4242424242424242", "email": ""}, "email"),
        ({"method": "sepa_debit"}, "iban"),
        ({"method": "sepa_debit", "iban": "AT00"}, "iban"),
    ],
)
def test_a_mistake_is_told_beside_its_field(
    session: dict[str, Any], fields: dict[str, str], field: str
) -> None:
    page = submit(session["url"], **{**TYPED, **fields})

    wrong = [name for name, each in page.inputs.items() if "aria-invalid" in each]
    assert wrong == [field]
    assert f"{field}-error" in page.inputs[field]["aria-describedby"].split()
    beside = re.search(rf'id="{field}-error">(.*?)</p>', page.html)
    assert beside
    assert page.html.count(beside[1]) == 2
    assert "autofocus" in page.inputs[field]


def test_what_is_wrong_with_no_field_is_told_on_top_alone(server: SandboxServer, api: Api) -> None:
    session = api.create_session(line_items=[line_item(currency="usd")])

    page = submit(session["url"], **TYPED, method="sepa_debit", iban="AT611904300234573201")

    assert page.status == 402
    assert "does not offer sepa_debit" in page.text
    assert not [name for name, each in page.inputs.items() if "aria-invalid" in each]


def test_a_method_that_nobody_offered_leaves_the_choice_as_it_was(session: dict[str, Any]) -> None:
    assert chosen_method(submit(session["url"], method="cash")) == "card"


def test_the_address_of_a_known_customer_cannot_be_changed(
    server: SandboxServer, api: Api, sandbox: Sandbox
) -> None:
    customer = api.post("/v1/customers", {"email": "ada@example.com"}).obj
    session = api.create_session(customer=customer["id"])
    typed = {"email": "eve@example.com", "number": "4242424242424242"}

    for page in (request(session["url"]), submit(session["url"], **typed, use="4242424242424242")):
        assert "readonly" in page.inputs["email"]
        assert page.inputs["email"]["value"] == "ada@example.com"
    submit(session["url"], **typed)

    paid = sandbox.checkout_session(session["id"])
    assert paid["customer_details"]["email"] == "ada@example.com"


def test_a_customer_without_an_address_types_one(server: SandboxServer, api: Api) -> None:
    session = api.create_session(customer=api.post("/v1/customers", {"name": "Ada"}).obj["id"])

    page = request(session["url"])

    assert "readonly" not in page.inputs["email"]
    assert submit(session["url"], email="ada@example.com", number="4242424242424242").status == 303


def test_a_browser_offers_the_address_but_no_real_card(session: dict[str, Any]) -> None:
    inputs = request(session["url"]).inputs

    assert {name: each["autocomplete"] for name, each in inputs.items()} == {
        "email": "email",
        "name": "name",
        "number": "off",
        "expiry": "off",
        "cvc": "off",
        "iban": "off",
    }
