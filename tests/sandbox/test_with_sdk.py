from __future__ import annotations

from typing import Any

import pytest
import stripe

from django_generic_payments.sandbox import Sandbox
from tests.in_process import InProcess

from .client import session_params


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
        ("timeout_before", stripe.APIConnectionError),
        ("timeout_after", stripe.APIConnectionError),
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


@pytest.fixture
def intent(client: stripe.StripeClient, sandbox: Sandbox) -> str:
    """A payment over 39.98 EUR that succeeded."""
    return sandbox.pay(client.v1.checkout.sessions.create(session_params()).id).payment_intent


def test_a_payment_is_refunded_part_by_part(client: stripe.StripeClient, intent: str) -> None:
    refunds = client.v1.refunds
    first = refunds.create({"payment_intent": intent, "amount": 1000, "metadata": {"row": "7"}})
    rest = refunds.create({"payment_intent": intent, "expand": ["charge", "balance_transaction"]})

    listed = refunds.list({"payment_intent": intent})
    changed = refunds.update(first.id, {"metadata": {"row": "8"}})

    assert (first.status, first.amount, first.metadata["row"]) == ("succeeded", 1000, "7")
    assert (rest.charge.amount_refunded, rest.charge.refunded) == (3998, True)
    assert (rest.balance_transaction.amount, rest.balance_transaction.type) == (-2998, "refund")
    assert [refund.id for refund in listed.auto_paging_iter()] == [rest.id, first.id]
    assert (refunds.retrieve(first.id).metadata["row"], changed.object) == ("8", "refund")


def test_a_refund_that_is_repeated_after_a_lost_answer_happens_once(
    client: stripe.StripeClient, sandbox: Sandbox, intent: str
) -> None:
    sandbox.fail_next("connection_lost_after", path="/v1/refunds")

    refund = client.v1.refunds.create(
        {"payment_intent": intent, "amount": 100}, {"max_network_retries": 2, "idempotency_key": "refund-1"}
    )

    assert refund.last_response.headers["Idempotent-Replayed"] == "true"
    assert [each.id for each in client.v1.refunds.list()] == [refund.id]


@pytest.mark.parametrize("amount", [None, 1000])
def test_what_cannot_be_refunded_is_an_invalid_request(
    client: stripe.StripeClient, intent: str, amount: int | None
) -> None:
    client.v1.refunds.create({"payment_intent": intent})

    with pytest.raises(stripe.InvalidRequestError) as caught:
        client.v1.refunds.create({"payment_intent": intent} | ({"amount": amount} if amount else {}))

    assert (caught.value.code, caught.value.http_status) == ("charge_already_refunded", 400)


def test_a_refund_that_waits_for_the_payer_is_canceled(client: stripe.StripeClient, intent: str) -> None:
    refund = client.v1.refunds.create({"payment_intent": intent, "instructions_email": "ada@example.com"})

    assert client.v1.refunds.cancel(refund.id).status == "canceled"


def test_the_fee_of_a_payment_is_found_when_it_is_booked(
    client: stripe.StripeClient, sandbox: Sandbox, intent: str
) -> None:
    expand = {"expand": ["latest_charge.balance_transaction"]}
    early = client.v1.payment_intents.retrieve(intent, expand)
    sandbox.book_balance()

    late = client.v1.payment_intents.retrieve(intent, expand)
    line = client.v1.balance_transactions.retrieve(late.latest_charge.balance_transaction.id)
    listed = client.v1.balance_transactions.list({"type": "charge", "expand": ["data.source"]})

    assert early.latest_charge.balance_transaction is None
    assert (line.amount, line.fee, line.net) == (3998, 80, 3918)
    assert [each.source.payment_intent for each in listed] == [intent]


def test_a_dispute_is_read_answered_and_closed(
    client: stripe.StripeClient, sandbox: Sandbox, intent: str
) -> None:
    session = client.v1.checkout.sessions.list({"payment_intent": intent}).data[0].id
    answered, accepted = sandbox.dispute(session, amount=1000), sandbox.dispute(session, amount=2000)
    disputes = client.v1.disputes

    read = disputes.retrieve(answered, {"expand": ["charge"]})
    sent = disputes.update(answered, {"evidence": {"uncategorized_text": "winning_evidence"}})
    closed = disputes.close(accepted)

    assert (read.status, read.charge.disputed, len(read.balance_transactions)) == ("needs_response", True, 1)
    assert (sent.status, disputes.retrieve(answered).status) == ("under_review", "won")
    assert closed.status == "lost"
    assert [each.id for each in disputes.list({"payment_intent": intent})] == [accepted, answered]


def test_a_customer_is_sent_to_the_billing_portal(client: stripe.StripeClient) -> None:
    customer = client.v1.customers.create({"email": "ada@example.com"})

    session = client.v1.billing_portal.sessions.create(
        {"customer": customer.id, "return_url": "https://shop.example/account"}
    )

    assert session.customer == customer.id
    assert "/p/session/test_" in session.url


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
