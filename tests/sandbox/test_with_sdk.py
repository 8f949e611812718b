from __future__ import annotations

from typing import Any

import pytest
import stripe

from django_generic_payments.sandbox import Sandbox

from .client import session_params


class InProcess(stripe.HTTPClient):
    """Hand the SDK's requests to a sandbox."""

    name = "sandbox"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self.sandbox = sandbox

    def request(
        self, method: str, url: str, headers: Any, post_data: Any = None
    ) -> tuple[bytes, int, dict[str, str]]:
        try:
            status, answered, body = self.sandbox.handle(method, url, headers, post_data)
        except ConnectionResetError as error:
            raise stripe.APIConnectionError("Connection lost.", should_retry=True) from error
        return body, status, answered

    def _sleep_time_seconds(self, *seen: Any) -> float:
        return 0

    def close(self) -> None:
        """Close nothing."""


@pytest.fixture
def client(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch) -> stripe.StripeClient:
    monkeypatch.setattr(stripe, "enable_telemetry", False)
    return stripe.StripeClient("sk_test_sandbox", http_client=InProcess(sandbox))


def test_a_session_is_created_paid_and_read(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com", "metadata": {"user": "7"}})
    session = client.v1.checkout.sessions.create(session_params(customer=customer.id))
    sandbox.pay(session.id)

    paid = client.v1.checkout.sessions.retrieve(
        session.id, {"expand": ["customer", "line_items", "payment_intent.latest_charge"]}
    )

    assert session.last_response.request_id.startswith("req_")
    assert paid.payment_status == "paid"
    assert paid.customer.metadata["user"] == "7"
    assert paid.line_items.data[0].description == "Tea"
    assert paid.payment_intent.latest_charge.payment_method_details.card.last4 == "4242"


@pytest.mark.parametrize(
    ("operation", "error", "code"),
    [
        (lambda v1: v1.customers.retrieve("cus_1"), stripe.InvalidRequestError, "resource_missing"),
        (lambda v1: v1.customers.create({"colour": "red"}), stripe.InvalidRequestError, "parameter_unknown"),
        (lambda v1: v1.charges.list({"limit": 101}), stripe.InvalidRequestError, "parameter_invalid_integer"),
    ],
)
def test_a_refusal_is_an_invalid_request(
    client: stripe.StripeClient, operation: Any, error: type[Exception], code: str
) -> None:
    with pytest.raises(error) as caught:
        operation(client.v1)

    assert caught.value.code == code


def test_a_wrong_key_is_an_authentication_error(sandbox: Sandbox) -> None:
    client = stripe.StripeClient("sk_test_other", http_client=InProcess(sandbox))

    with pytest.raises(stripe.AuthenticationError):
        client.v1.customers.list()


def test_a_key_used_twice_is_an_idempotency_error(client: stripe.StripeClient) -> None:
    client.v1.customers.create({"name": "Ada"}, {"idempotency_key": "k"})

    with pytest.raises(stripe.IdempotencyError):
        client.v1.customers.create({"name": "Bob"}, {"idempotency_key": "k"})


@pytest.mark.parametrize(
    ("kind", "error"),
    [
        ("500", stripe.APIError),
        ("503", stripe.APIError),
        ("429", stripe.RateLimitError),
        ("409", stripe.APIError),
        ("connection_lost_before", stripe.APIConnectionError),
        ("connection_lost_after", stripe.APIConnectionError),
    ],
)
def test_failures_have_their_classes(
    client: stripe.StripeClient, sandbox: Sandbox, kind: str, error: type[Exception]
) -> None:
    sandbox.fail_next(kind, path="/v1/customers")

    with pytest.raises(error):
        client.v1.customers.create({"name": "Ada"})


def test_a_retry_after_a_lost_answer_gets_that_answer(client: stripe.StripeClient, sandbox: Sandbox) -> None:
    sandbox.fail_next("connection_lost_after", path="/v1/customers")

    customer = client.v1.customers.create({"name": "Ada"}, {"max_network_retries": 2})

    assert [event["data"]["object"]["id"] for event in sandbox.events] == [customer.id]
    assert customer.last_response.headers["Idempotent-Replayed"] == "true"


def test_lists_page_by_themselves(client: stripe.StripeClient) -> None:
    created = [client.v1.customers.create({}).id for _ in range(7)]

    found = [customer.id for customer in client.v1.customers.list({"limit": 3}).auto_paging_iter()]

    assert found == created[::-1]


def test_line_items_are_listed(client: stripe.StripeClient) -> None:
    session = client.v1.checkout.sessions.create(session_params())

    assert [item.quantity for item in client.v1.checkout.sessions.line_items.list(session.id)] == [2]


def test_the_sdk_accepts_the_signature(sandbox: Sandbox, client: stripe.StripeClient) -> None:
    client.v1.customers.create({"name": "Zoë"})
    body, headers = sandbox.message(sandbox.events[0])
    signature = headers["Stripe-Signature"]

    event = client.construct_event(body, signature, sandbox.webhook_secret)

    assert event.type == "customer.created"
    assert stripe.WebhookSignature.verify_header(
        body.decode(), signature, sandbox.webhook_secret, tolerance=300
    )
    with pytest.raises(stripe.SignatureVerificationError):
        stripe.WebhookSignature.verify_header(body.decode(), signature, "whsec_other")


def test_the_sdk_refuses_an_old_signature(sandbox: Sandbox) -> None:
    header = sandbox.sign(b"{}", timestamp=1)

    with pytest.raises(stripe.SignatureVerificationError, match="outside the tolerance"):
        stripe.WebhookSignature.verify_header("{}", header, sandbox.webhook_secret, tolerance=300)
