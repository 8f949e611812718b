from __future__ import annotations

import pytest

from django_generic_payments.sandbox import Sandbox

from .client import Api


def test_a_customer_is_created_and_found_again(api: Api) -> None:
    created = api.post(
        "/v1/customers", {"email": "ada@example.com", "name": "Ada", "metadata": {"user": "7"}}
    ).obj

    assert created["id"].startswith("cus_")
    assert created["email"] == "ada@example.com"
    assert created["metadata"] == {"user": "7"}
    assert api.get(f"/v1/customers/{created['id']}").obj == created
    assert [event["type"] for event in api.sandbox.events] == ["customer.created"]


def test_an_update_changes_what_is_given_and_says_what_it_was(api: Api) -> None:
    customer = api.post(
        "/v1/customers", {"email": "ada@example.com", "name": "Ada", "metadata": {"user": "7", "plan": "a"}}
    ).obj

    updated = api.post(
        f"/v1/customers/{customer['id']}",
        {"name": "Ada L.", "email": "ada@example.com", "metadata": {"plan": "", "tier": "1"}},
    ).obj

    assert (updated["name"], updated["metadata"]) == ("Ada L.", {"user": "7", "tier": "1"})
    event = api.sandbox.events[-1]
    assert event["type"] == "customer.updated"
    assert event["data"]["previous_attributes"] == {"name": "Ada", "metadata": {"plan": "a", "tier": None}}


def test_an_update_that_changes_nothing_is_no_event(api: Api) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj

    assert api.post(f"/v1/customers/{customer['id']}", {"name": "Ada"}).status == 200
    assert [event["type"] for event in api.sandbox.events] == ["customer.created"]


def test_an_empty_string_unsets(api: Api) -> None:
    customer = api.post("/v1/customers", {"name": "Ada", "metadata": {"user": "7"}}).obj

    updated = api.post(f"/v1/customers/{customer['id']}", "name=&metadata=&shipping=").obj

    assert (updated["name"], updated["metadata"], updated["shipping"]) == (None, {}, None)


def test_addresses_are_filled_up(api: Api) -> None:
    params = {
        "address": {"city": "London", "line1": "1 Square"},
        "shipping": {"name": "Ada", "address": {"country": "GB"}},
    }
    customer = api.post("/v1/customers", params).obj

    assert customer["address"]["city"] == "London"
    assert customer["address"]["postal_code"] is None
    assert customer["shipping"]["address"]["country"] == "GB"


@pytest.mark.parametrize("email", ["ada", "@example.com", "ada@"])
def test_what_is_no_email_address_is_refused(api: Api, email: str) -> None:
    answer = api.post("/v1/customers", {"email": email})

    assert answer.status == 400
    assert answer.error == {
        "code": "email_invalid",
        "message": f"Invalid email address: {email}",
        "param": "email",
        "type": "invalid_request_error",
    }


def test_customers_are_listed_by_email(api: Api) -> None:
    for name in ("ada", "bob", "ada"):
        api.post("/v1/customers", {"email": f"{name}@example.com"})

    found = api.get("/v1/customers", {"email": "ada@example.com"}).obj

    assert [customer["email"] for customer in found["data"]] == ["ada@example.com"] * 2


def test_a_customer_who_is_deleted_is_gone(api: Api, sandbox: Sandbox) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}).obj["id"]
    card = api.post("/v1/payment_methods/pm_card_visa/attach", {"customer": customer}).obj["id"]

    deleted = api.call("DELETE", f"/v1/customers/{customer}", "", {})

    left = {"id": customer, "object": "customer", "deleted": True}
    assert (deleted.obj, api.get(f"/v1/customers/{customer}").obj) == (left, left)
    assert sandbox.events[-1]["type"] == "customer.deleted"
    assert sandbox.events[-1]["data"]["object"]["name"] == "Ada"
    assert api.get("/v1/customers").obj["data"] == []
    assert api.post(f"/v1/customers/{customer}", {"name": "Bea"}).status == 404
    assert api.get(f"/v1/payment_methods/{card}").obj["customer"] is None
    refused = api.post("/v1/payment_intents", {"amount": 500, "currency": "eur", "customer": customer})
    assert refused.error["code"] == "resource_missing"
    assert api.call("DELETE", f"/v1/customers/{customer}", "", {}).status == 404
