"""The real SDK talks to a function of this process."""

from __future__ import annotations

import json

import pytest
import stripe as sdk

from django_generic_payments.gateway.transport import InProcessClient

pytestmark = pytest.mark.core


def client_for(handler):
    return sdk.StripeClient("sk_test_x", http_client=InProcessClient(handler))


def test_the_handler_gets_the_request_of_the_sdk():
    seen = []

    def handler(method, url, headers, body):
        seen.append((method, url, headers, body))
        return 200, {"request-id": "req_1"}, json.dumps({"id": "cus_1", "object": "customer"}).encode()

    customer = client_for(handler).v1.customers.create(
        {"email": "ann@example.com"}, {"idempotency_key": "k1"}
    )

    assert customer.id == "cus_1"
    assert customer.last_response.request_id == "req_1"
    [(method, url, headers, body)] = seen
    assert (method, url) == ("POST", "https://api.stripe.com/v1/customers")
    assert headers["Authorization"] == "Bearer sk_test_x"
    assert headers["Idempotency-Key"] == "k1"
    assert "email=ann" in (body if isinstance(body, str) else body.decode())


def test_an_answer_may_hold_any_text():
    def handler(method, url, headers, body):
        return (
            200,
            {},
            json.dumps({"id": "cus_1", "object": "customer", "name": "Zoë 😀"}, ensure_ascii=False).encode(),
        )

    assert client_for(handler).v1.customers.retrieve("cus_1").name == "Zoë 😀"


def test_an_error_of_the_handler_is_one_of_the_sdk():
    def handler(method, url, headers, body):
        return (
            402,
            {},
            json.dumps({"error": {"type": "card_error", "message": "No", "code": "card_declined"}}).encode(),
        )

    with pytest.raises(sdk.CardError) as raised:
        client_for(handler).v1.customers.retrieve("cus_1")

    assert raised.value.code == "card_declined"


@pytest.mark.parametrize(
    "error",
    [ConnectionResetError, ConnectionAbortedError, ConnectionRefusedError, BrokenPipeError, TimeoutError],
)
def test_a_lost_connection_is_one_for_the_sdk(error):
    def handler(method, url, headers, body):
        raise error

    with pytest.raises(sdk.APIConnectionError) as raised:
        client_for(handler).v1.customers.retrieve("cus_1")

    assert isinstance(raised.value.__cause__, error)


def test_an_error_in_the_handler_itself_is_not_hidden():
    def handler(method, url, headers, body):
        raise LookupError("a bug of the handler")

    with pytest.raises(LookupError, match="a bug of the handler"):
        client_for(handler).v1.customers.retrieve("cus_1")


def test_there_is_nothing_to_close():
    InProcessClient(lambda *args: (200, {}, b"{}")).close()
