from __future__ import annotations

import base64
import json

import pytest

from django_generic_payments.sandbox import Sandbox

from .client import Api


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"Authorization": "Bearer"},
        {"Authorization": "Bearer sk_test_other"},
        {"Authorization": "sk_test_sandbox"},
        {"Authorization": "Basic sk_test_sandbox"},
        {"Authorization": "Basic \xff"},
        {"Authorization": "Bearer \xff"},
    ],
)
def test_only_the_secret_key_opens_the_api(sandbox: Sandbox, headers: dict[str, str]) -> None:
    status, answered, body = sandbox.handle("GET", "/v1/customers", headers)

    assert status == 401
    assert json.loads(body)["error"]["type"] == "invalid_request_error"
    assert answered["Request-Id"].startswith("req_")


def test_the_key_may_come_as_a_user_name(sandbox: Sandbox) -> None:
    credentials = base64.b64encode(b"sk_test_sandbox:").decode()

    assert sandbox.handle("GET", "/v1/customers", {"authorization": f"Basic {credentials}"}).status == 200


def test_a_refused_key_is_not_repeated(sandbox: Sandbox) -> None:
    response = sandbox.handle("GET", "/v1/customers", {"Authorization": "Bearer sk_test_0123456789"})

    assert b"sk_test_***6789" in response.body
    assert b"0123456789" not in response.body


@pytest.mark.parametrize(
    ("path", "param", "message"),
    [
        ("/v1/customers/cus_1", "id", "No such customer: 'cus_1'"),
        ("/v1/checkout/sessions/cs_1", "session", "No such checkout.session: 'cs_1'"),
        ("/v1/checkout/sessions/cs_1/line_items", "session", "No such checkout.session: 'cs_1'"),
        ("/v1/payment_intents/pi_1", "intent", "No such payment_intent: 'pi_1'"),
        ("/v1/charges/ch_1", "id", "No such charge: 'ch_1'"),
        ("/v1/events/evt_1", "id", "No such event: 'evt_1'"),
    ],
)
def test_an_id_that_leads_nowhere_is_404(api: Api, path: str, param: str, message: str) -> None:
    answer = api.get(path)

    assert answer.status == 404
    assert answer.error == {
        "code": "resource_missing",
        "message": message,
        "param": param,
        "type": "invalid_request_error",
    }
    assert answer.obj["error"]["doc_url"] == "https://stripe.com/docs/error-codes/resource-missing"
    assert answer.headers["Request-Id"] in answer.obj["error"]["request_log_url"]


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/v1/nothing"), ("DELETE", "/v1/customers"), ("GET", "/v1/customers/a/b"), ("GET", "/")],
)
def test_an_unknown_path_is_404(api: Api, method: str, path: str) -> None:
    answer = api.call(method, path, "", {})

    assert answer.status == 404
    assert answer.error["message"].startswith(f"Unrecognized request URL ({method}: ")


def test_another_api_version_is_refused_rather_than_ignored(api: Api) -> None:
    answer = api.call("GET", "/v1/customers", "", {"Stripe-Version": "2020-08-27"})

    assert answer.status == 400
    assert "speaks only 2026-10-28.endive" in answer.error["message"]


def test_several_unknown_parameters_are_named_together(api: Api) -> None:
    answer = api.post("/v1/customers", {"colour": "red", "size": "xl"})

    assert answer.error["message"] == "Received unknown parameters: colour, size"
    assert answer.error["param"] == "colour"


@pytest.mark.parametrize("form", ["name=a&name[b]=c", "name[b]=c&name[b][d]=e"])
def test_a_name_cannot_be_a_value_and_a_container(api: Api, form: str) -> None:
    answer = api.post("/v1/customers", form)

    assert (answer.status, answer.error["param"]) == (400, "name")


def test_answers_say_who_they_are(api: Api) -> None:
    answer = api.get("/v1/customers")

    assert answer.headers["Content-Type"] == "application/json"
    assert answer.headers["Stripe-Version"] == "2026-10-28.endive"
    assert answer.headers["request-id"] == answer.headers.get("REQUEST-ID") == answer.headers["Request-Id"]
    assert "content-type" in answer.headers
    assert "Idempotency-Key" not in answer.headers
    assert answer.headers.get("Idempotency-Key") is None
    with pytest.raises(KeyError, match="Idempotency-Key"):
        answer.headers["Idempotency-Key"]


def test_a_url_may_be_absolute_and_a_body_bytes(sandbox: Sandbox) -> None:
    headers = {"AUTHORIZATION": "Bearer sk_test_sandbox"}

    created = sandbox.handle("post", "https://api.stripe.com/v1/customers", headers, b"name=Zo%C3%AB")

    assert json.loads(created.body)["name"] == "Zoë"


def test_requests_are_remembered(api: Api, sandbox: Sandbox) -> None:
    api.post("/v1/customers", {"metadata": {"user": "7"}}, key="k")
    api.get("/v1/customers", {"limit": 3})
    api.post("/v1/customers", "name=a&name[b]=c")

    first, second, third = sandbox.requests
    assert (first.method, first.path, first.status) == ("POST", "/v1/customers", 200)
    assert first.params == {"metadata": {"user": "7"}}
    assert first.idempotency_key == "k"
    assert first.raw_body == b"metadata%5Buser%5D=7"
    assert (second.method, second.params, second.idempotency_key) == ("GET", {"limit": "3"}, None)
    assert (third.status, third.params) == (400, {})
