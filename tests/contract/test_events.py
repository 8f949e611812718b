"""Events and the endpoints that hear of them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import stripe

from .account import Account
from .orders import checkout_params, pay

Types = Callable[[str, set[str]], set[str]]


@pytest.fixture
def types(client: stripe.StripeClient, account: Account) -> Types:
    """Wait until events of the given types tell of something, and return all types that do."""

    def look(identifier: str, expected: set[str]) -> set[str]:
        def seen() -> set[str] | None:
            found = {
                event.type
                for event in client.v1.events.list({"limit": 100})
                if identifier in str(event.data.object)
            }
            return found if expected <= found else None

        return account.eventually(seen) or set()

    return look


@pytest.mark.parametrize(
    ("method", "changes", "expected"),
    [
        (
            "pm_card_visa",
            {},
            {"payment_intent.created", "charge.succeeded", "payment_intent.succeeded", "charge.updated"},
        ),
        (
            "pm_card_visa",
            {"capture_method": "manual"},
            {"payment_intent.created", "charge.succeeded", "payment_intent.amount_capturable_updated"},
        ),
        (
            "pm_card_threeDSecure2Required",
            {},
            {"payment_intent.created", "payment_intent.requires_action"},
        ),
        (
            "pm_card_createDispute",
            {},
            {"charge.succeeded", "charge.dispute.created", "charge.dispute.funds_withdrawn"},
        ),
    ],
)
def test_a_payment_is_told_of(
    client: stripe.StripeClient, types: Types, method: str, changes: Any, expected: set[str]
) -> None:
    """https://docs.stripe.com/api/events/types"""
    assert expected <= types(pay(client, method, **changes).id, expected)


def test_a_decline_is_told_of(client: stripe.StripeClient, types: Types) -> None:
    """https://docs.stripe.com/payments/payment-intents/verifying-status"""
    with pytest.raises(stripe.CardError) as raised:
        pay(client, "pm_card_visa_chargeDeclined")

    expected = {"charge.failed", "payment_intent.payment_failed"}
    found = types(raised.value.error.payment_intent.id, expected)
    assert "payment_intent.succeeded" not in found


def test_a_refund_is_told_of(client: stripe.StripeClient, types: Types) -> None:
    """https://docs.stripe.com/refunds#refund-events"""
    intent = pay(client)
    client.v1.refunds.create({"payment_intent": intent.id})

    assert types(intent.id, {"refund.created", "charge.refunded"})


def test_an_event_names_the_call_that_caused_it(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/api/events/object#event_object-request"""
    customer = client.v1.customers.create({})

    def told() -> list[stripe.Event]:
        events = client.v1.events.list({"type": "customer.created", "limit": 100})
        return [event for event in events if event.data.object.id == customer.id]

    (event,) = account.eventually(told)
    assert event.request.id == customer.last_response.request_id
    assert event.request.idempotency_key == customer.last_response.idempotency_key


def test_a_change_is_told_with_what_was_before(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/api/events/object#event_object-data-previous_attributes"""
    customer = client.v1.customers.create({"name": "Ada"})
    client.v1.customers.update(customer.id, {"name": "Bea"})

    def told() -> list[stripe.Event]:
        events = client.v1.events.list({"type": "customer.updated", "limit": 100})
        return [event for event in events if event.data.object.id == customer.id]

    (event,) = account.eventually(told)
    assert event.data.object.name == "Bea"
    assert event.data.previous_attributes.to_dict() == {"name": "Ada"}


def test_an_expired_session_is_told_of(client: stripe.StripeClient, types: Types) -> None:
    """https://docs.stripe.com/api/checkout/sessions/expire"""
    session = client.v1.checkout.sessions.create(checkout_params()).id
    client.v1.checkout.sessions.expire(session)

    assert types(session, {"checkout.session.expired"}) == {"checkout.session.expired"}


@pytest.fixture
def endpoint(client: stripe.StripeClient) -> Iterator[stripe.WebhookEndpoint]:
    endpoints = client.v1.webhook_endpoints
    made = endpoints.create(
        {
            "url": "https://shop.example/hook",
            "enabled_events": ["charge.refunded"],
            "api_version": "2026-10-28.endive",
        }
    )
    yield made
    endpoints.delete(made.id)


def test_the_secret_of_an_endpoint_is_told_once(
    client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint
) -> None:
    """https://docs.stripe.com/api/webhook_endpoints/object#webhook_endpoint_object-secret"""
    read = client.v1.webhook_endpoints.retrieve(endpoint.id)

    assert endpoint.secret.startswith("whsec_")
    assert "secret" not in read
    assert (read.api_version, read.status) == ("2026-10-28.endive", "enabled")


def test_an_endpoint_is_changed_and_switched_off(
    client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint
) -> None:
    """https://docs.stripe.com/api/webhook_endpoints/update"""
    changed = client.v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["*"], "disabled": True})

    assert (changed.enabled_events, changed.status) == (["*"], "disabled")


def test_no_endpoint_hears_of_events_that_do_not_exist(
    client: stripe.StripeClient, endpoint: stripe.WebhookEndpoint
) -> None:
    """https://docs.stripe.com/api/webhook_endpoints/create"""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.webhook_endpoints.update(endpoint.id, {"enabled_events": ["charge.paid"]})

    assert raised.value.param.startswith("enabled_events")
