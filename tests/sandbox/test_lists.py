from __future__ import annotations

import pytest

from django_generic_payments.sandbox import Sandbox

from .client import Api


@pytest.fixture
def customers(api: Api) -> list[str]:
    """Twelve customers, newest first, of one and the same second."""
    return [api.post("/v1/customers").obj["id"] for _ in range(12)][::-1]


def ids(api: Api, **params: object) -> tuple[list[str], bool]:
    found = api.get("/v1/customers", params).obj
    assert (found["object"], found["url"]) == ("list", "/v1/customers")
    return [obj["id"] for obj in found["data"]], found["has_more"]


def test_lists_are_newest_first_and_ten_long(api: Api, customers: list[str]) -> None:
    assert ids(api) == (customers[:10], True)
    assert ids(api, limit=12) == (customers, False)


def test_a_page_begins_after_its_cursor(api: Api, customers: list[str]) -> None:
    assert ids(api, limit=3, starting_after=customers[2]) == (customers[3:6], True)
    assert ids(api, limit=3, starting_after=customers[8]) == (customers[9:], False)
    assert ids(api, starting_after=customers[11]) == ([], False)


def test_a_page_ends_before_its_cursor(api: Api, customers: list[str]) -> None:
    assert ids(api, limit=3, ending_before=customers[5]) == (customers[2:5], True)
    assert ids(api, limit=3, ending_before=customers[2]) == (customers[:2], False)


@pytest.mark.parametrize(
    ("params", "code", "param"),
    [
        ({"limit": 0}, "parameter_invalid_integer", "limit"),
        ({"limit": 101}, "parameter_invalid_integer", "limit"),
        ({"limit": "ten"}, "parameter_invalid_integer", "limit"),
        ({"starting_after": "cus_unknown"}, "resource_missing", "starting_after"),
        ({"starting_after": "a", "ending_before": "b"}, None, "ending_before"),
        ({"page": 2}, "parameter_unknown", "page"),
        ({"created": {"since": 1}}, "parameter_unknown", "created[since]"),
        ({"created": "today"}, "parameter_invalid_integer", "created"),
    ],
)
def test_a_wrong_page_is_refused(api: Api, params: dict, code: str | None, param: str) -> None:
    answer = api.get("/v1/customers", params)

    assert (answer.status, answer.error.get("code"), answer.error["param"]) == (400, code, param)


def test_intents_and_charges_are_listed_by_customer(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers").obj["id"]
    mine = sandbox.pay(api.create_session(customer=customer)["id"]).payment_intent
    sandbox.pay(api.create_session()["id"])

    intents = api.get("/v1/payment_intents", {"customer": customer}).obj["data"]
    charges = api.get("/v1/charges", {"customer": customer, "created": {"gte": 1}}).obj["data"]

    assert [intent["id"] for intent in intents] == [mine]
    assert [charge["payment_intent"] for charge in charges] == [mine]


def test_ids_are_expanded_into_objects(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    session = api.create_session(customer=customer)["id"]
    intent = sandbox.pay(session).payment_intent
    charge = sandbox.payment_intent(intent)["latest_charge"]

    expand = ["customer", "line_items", "payment_intent.latest_charge", "payment_intent.payment_method"]
    found = api.get(f"/v1/checkout/sessions/{session}", {"expand": expand}).obj
    listed = api.get("/v1/payment_intents", {"expand": ["data.latest_charge", "data.customer"]}).obj["data"]
    charged = api.get(f"/v1/charges/{charge}", {"expand": ["payment_intent.latest_charge.customer"]}).obj

    assert found["customer"]["name"] == "Ada"
    assert found["line_items"]["data"][0]["description"] == "Tea"
    assert found["payment_intent"]["latest_charge"]["id"] == charge
    assert found["payment_intent"]["payment_method"]["card"]["last4"] == "4242"
    assert listed[0]["latest_charge"]["amount"] == 3998
    assert listed[0]["customer"]["id"] == customer
    assert charged["payment_intent"]["latest_charge"]["customer"]["name"] == "Ada"


def test_expansion_leaves_the_object_as_it_is(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    intent = sandbox.pay(session).payment_intent

    api.get(f"/v1/checkout/sessions/{session}", {"expand": ["payment_intent", "line_items"]})

    assert api.session(session)["payment_intent"] == intent
    assert "line_items" not in api.session(session)


def test_what_is_null_may_be_expanded(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session(expand=["payment_intent.latest_charge", "subscription.latest_invoice"])
    intent = sandbox.pay(session["id"]).payment_intent
    path = "latest_charge.balance_transaction.source"

    assert session["payment_intent"] is None
    found = api.get(f"/v1/payment_intents/{intent}", {"expand": [path]}).obj
    assert found["latest_charge"]["balance_transaction"] is None


@pytest.mark.parametrize(
    "path", ["status", "payment_intent.status", "data.customer", "nothing", "payment_intent.latest_charge.a"]
)
def test_what_cannot_be_expanded_is_refused_before_anything_happens(api: Api, path: str) -> None:
    session = api.create_session()["id"]

    answer = api.post(f"/v1/checkout/sessions/{session}/expire", {"expand": [path]})

    assert answer.status == 400
    assert answer.error["message"] == f"This property cannot be expanded ({path})."
    assert api.session(session)["status"] == "open"


def test_expansion_goes_four_levels_deep(api: Api) -> None:
    answer = api.get("/v1/charges", {"expand": ["data.payment_intent.latest_charge.payment_intent.customer"]})

    assert answer.status == 400
    assert "more than 4 levels" in answer.error["message"]
