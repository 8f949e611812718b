"""Checkout sessions, as far as no browser is needed."""

from __future__ import annotations

import time
from typing import Any

import pytest
import stripe

from .orders import checkout_params


def test_a_new_session_is_open_and_unpaid(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/checkout/sessions/object"""
    session = client.v1.checkout.sessions.create(
        checkout_params(client_reference_id="booking-7", metadata={"row": "7"})
    )

    assert (session.status, session.payment_status, session.mode) == ("open", "unpaid", "payment")
    assert (session.amount_total, session.currency) == (3998, "eur")
    assert (session.client_reference_id, session.metadata["row"]) == ("booking-7", "7")
    assert session.url.startswith("http")
    assert session.livemode is False


def test_a_session_has_no_intent_before_the_payer_confirms(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/changelog/2022-08-01/deferred-paymentintent-checkout-session"""
    assert client.v1.checkout.sessions.create(checkout_params()).payment_intent is None


def test_a_session_lasts_a_day_unless_told(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at"""
    sessions = client.v1.checkout.sessions
    default = sessions.create(checkout_params())
    short = sessions.create(checkout_params(expires_at=int(time.time()) + 40 * 60))

    assert default.expires_at - default.created == pytest.approx(24 * 60 * 60, abs=5)
    assert short.expires_at - short.created == pytest.approx(40 * 60, abs=5)


@pytest.mark.parametrize("seconds", [60, 25 * 60 * 60])
def test_no_session_is_shorter_than_half_an_hour_or_longer_than_a_day(
    client: stripe.StripeClient, seconds: int
) -> None:
    """https://docs.stripe.com/api/checkout/sessions/create#create_checkout_session-expires_at"""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.checkout.sessions.create(checkout_params(expires_at=int(time.time()) + seconds))

    assert raised.value.param == "expires_at"


def test_an_open_session_can_be_expired_once(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/checkout/sessions/expire"""
    session = client.v1.checkout.sessions.create(checkout_params())

    expired = client.v1.checkout.sessions.expire(session.id)

    assert (expired.status, expired.payment_status, expired.url) == ("expired", "unpaid", None)
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.checkout.sessions.expire(session.id)


def test_metadata_of_an_open_session_can_be_changed(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/checkout/sessions/update"""
    session = client.v1.checkout.sessions.create(checkout_params(metadata={"a": "1"}))

    assert client.v1.checkout.sessions.update(session.id, {"metadata": {"b": "2"}}).metadata.to_dict() == {
        "a": "1",
        "b": "2",
    }


def test_line_items_are_listed(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/checkout/sessions/line_items"""
    session = client.v1.checkout.sessions.create(checkout_params())

    (item,) = client.v1.checkout.sessions.line_items.list(session.id)

    assert (item.description, item.quantity, item.amount_total) == ("Tea", 2, 3998)
    assert item.price.unit_amount == 1999


def test_sessions_are_found_by_their_status(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/checkout/sessions/list"""
    customer = client.v1.customers.create({}).id
    sessions = client.v1.checkout.sessions
    opened, expired = (sessions.create(checkout_params(customer=customer)).id for _ in range(2))
    sessions.expire(expired)

    found = {
        status: [each.id for each in sessions.list({"customer": customer, "status": status})]
        for status in ("open", "expired", "complete")
    }

    assert found == {"open": [opened], "expired": [expired], "complete": []}


def order(**price_data: Any) -> list[dict[str, Any]]:
    return [{"quantity": 1, "price_data": {"currency": "eur", "unit_amount": 1999, **price_data}}]


TEA = {"name": "Tea"}


@pytest.mark.parametrize(
    ("changes", "param", "code"),
    [
        ({"success_url": "shop"}, "success_url", "url_invalid"),
        ({"payment_method_types": ["card"]}, "payment_method_types", "parameter_unknown"),
        ({"line_items": order()}, "line_items[0][price_data]", None),
        (
            {"line_items": order(product_data=TEA, currency="xxx")},
            "line_items[0][price_data][currency]",
            None,
        ),
        ({"line_items": order(product_data=TEA, unit_amount=1)}, None, "amount_too_small"),
        ({"customer": "cus_nobody"}, "customer", "resource_missing"),
    ],
)
def test_what_makes_no_session_is_refused(
    client: stripe.StripeClient, changes: Any, param: str | None, code: str | None
) -> None:
    """https://docs.stripe.com/api/checkout/sessions/create, https://docs.stripe.com/error-codes"""
    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.checkout.sessions.create(checkout_params(**changes))

    assert raised.value.http_status == 400
    assert param is None or raised.value.param.startswith(param)
    assert code is None or raised.value.code == code
