from __future__ import annotations

from typing import Any

import pytest

from django_generic_payments.sandbox import Sandbox

from .client import Api


@pytest.fixture
def charge(api: Api) -> dict[str, Any]:
    """A charge of a session whose payment has metadata and a transfer group."""
    data = {"metadata": {"row": "7"}, "transfer_group": "trip-7", "description": "Tea"}
    api.sandbox.pay(api.create_session(payment_intent_data=data)["id"])
    return api.get("/v1/charges").obj["data"][0]


def previous(sandbox: Sandbox) -> list[dict[str, Any]]:
    told = [event["data"] for event in sandbox.events if event["type"] == "charge.updated"]
    return [data["previous_attributes"] for data in told]


def last_event(sandbox: Sandbox) -> tuple[str, Any]:
    event = sandbox.events[-1]
    return event["type"], event["data"].get("previous_attributes")


def update(api: Api, charge: dict[str, Any], params: dict[str, Any]) -> Any:
    return api.post(f"/v1/charges/{charge['id']}", params)


def test_only_what_changed_is_told(api: Api, sandbox: Sandbox, charge: dict[str, Any]) -> None:
    update(api, charge, {"description": "Tea", "metadata": {"row": "8", "seat": "1"}})
    update(api, charge, {"metadata": {"row": ""}})

    assert previous(sandbox) == [{"metadata": {"row": "7", "seat": None}}, {"metadata": {"row": "8"}}]


def test_the_metadata_of_a_charge_are_its_own(api: Api, sandbox: Sandbox, charge: dict[str, Any]) -> None:
    changed = update(api, charge, {"metadata": {"row": "8"}}).obj

    assert changed["metadata"] == {"row": "8"}
    assert sandbox.payment_intent(charge["payment_intent"])["metadata"] == {"row": "7"}


def test_the_transfer_group_of_a_charge_is_set_once(api: Api, charge: dict[str, Any]) -> None:
    assert update(api, charge, {"transfer_group": "trip-7"}).status == 200
    refused = update(api, charge, {"transfer_group": "trip-8", "description": "Cake"})

    assert (refused.status, refused.error["param"]) == (400, "transfer_group")
    assert api.get(f"/v1/charges/{charge['id']}").obj["description"] == "Tea"


def test_a_charge_is_reported_as_fraud_or_safe(api: Api, sandbox: Sandbox, charge: dict[str, Any]) -> None:
    def report(value: str) -> dict[str, Any]:
        return update(api, charge, {"fraud_details": {"user_report": value}}).obj["fraud_details"]

    assert report("fraudulent") == {"user_report": "fraudulent"}
    assert report("safe") == {"user_report": "safe"}
    assert report("") == {}
    assert previous(sandbox) == [
        {"fraud_details": {}},
        {"fraud_details": {"user_report": "fraudulent"}},
        {"fraud_details": {"user_report": "safe"}},
    ]


@pytest.mark.parametrize(
    ("params", "param"),
    [
        ({"description": ""}, "description"),
        ({"receipt_email": "ada"}, "receipt_email"),
        ({"fraud_details": {"user_report": "maybe"}}, "fraud_details[user_report]"),
        ({"shipping": {"name": "Ada"}}, "shipping[address]"),
        ({"customer": "cus_1"}, "customer"),
        ({"amount": 1}, "amount"),
    ],
)
def test_what_a_charge_cannot_become_is_refused(
    api: Api, sandbox: Sandbox, charge: dict[str, Any], params: dict[str, Any], param: str
) -> None:
    refused = update(api, charge, params)

    assert (refused.status, refused.error["param"]) == (400, param)
    assert previous(sandbox) == []


def test_an_unknown_charge_is_not_found(api: Api) -> None:
    for answer in (api.get("/v1/charges/ch_nobody"), api.post("/v1/charges/ch_nobody", {"description": "x"})):
        assert (answer.status, answer.error["code"]) == (404, "resource_missing")


def test_charges_are_listed_by_payment_customer_and_transfer_group(
    api: Api, sandbox: Sandbox, charge: dict[str, Any]
) -> None:
    customer = api.post("/v1/customers", {}).obj["id"]
    sandbox.pay(api.create_session(customer=customer)["id"])
    other = api.get("/v1/charges").obj["data"][0]

    def listed(**params: Any) -> list[str]:
        return [found["id"] for found in api.get("/v1/charges", params).obj["data"]]

    assert listed() == [other["id"], charge["id"]]
    assert listed(payment_intent=charge["payment_intent"]) == [charge["id"]]
    assert listed(transfer_group="trip-7") == [charge["id"]]
    assert listed(customer=customer) == [other["id"]]


def test_a_charge_is_described(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])
    (charge,) = api.get("/v1/charges").obj["data"]
    path = f"/v1/charges/{charge['id']}"

    changed = api.post(
        path,
        {
            "description": "Deposit",
            "fraud_details": {"user_report": "safe"},
            "receipt_email": "ada@example.com",
            "transfer_group": "trip-7",
            "metadata": {"row": "7"},
            "shipping": {"name": "Ada", "address": {"line1": "1 Quay"}},
        },
    ).obj

    assert (changed["description"], changed["fraud_details"]) == ("Deposit", {"user_report": "safe"})
    assert changed["shipping"]["address"] == {
        **dict.fromkeys(("city", "country", "line2", "postal_code", "state")),
        "line1": "1 Quay",
    }
    told, previous = last_event(sandbox)
    assert (told, previous["description"], previous["metadata"]) == ("charge.updated", None, {"row": None})
    before = len(sandbox.events)
    assert api.post(path, {"description": "Deposit"}).status == 200
    assert len(sandbox.events) == before
    assert api.post(path, {"transfer_group": "trip-8"}).error["param"] == "transfer_group"
