"""The calls to Stripe: pinned, short, and never inside a transaction."""

from __future__ import annotations

import json
import threading

import pytest
import stripe as sdk
from django.db import transaction
from django.test import TestCase

from django_generic_payments.exceptions import (
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
    TransactionOpen,
    UnreadableObject,
)
from django_generic_payments.gateway import client as client_module, get_gateway, in_process
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.testing import override_payments, use_sandbox

pytestmark = pytest.mark.core

PARAMS = {
    "mode": "payment",
    "line_items": [
        {"quantity": 1, "price_data": {"currency": "gbp", "unit_amount": 1250, "product_data": {"name": "x"}}}
    ],
    "success_url": "https://example.com/",
}

CALLS = {
    "create_customer": lambda gateway: gateway.create_customer({}, idempotency_key="k"),
    "create_checkout_session": lambda gateway: gateway.create_checkout_session(PARAMS, idempotency_key="k"),
    "retrieve_checkout_session": lambda gateway: gateway.retrieve_checkout_session("cs_1"),
    "expire_checkout_session": lambda gateway: gateway.expire_checkout_session(
        "cs_1", idempotency_key="gp-expire-1"
    ),
    "retrieve_payment_intent": lambda gateway: gateway.retrieve_payment_intent("pi_1"),
    "create_refund": lambda gateway: gateway.create_refund({"payment_intent": "pi_1"}, idempotency_key="k"),
    "list_refunds": lambda gateway: gateway.list_refunds("pi_1"),
    "retrieve_balance_transaction": lambda gateway: gateway.retrieve_balance_transaction("txn_1"),
    "list_balance_transactions": lambda gateway: next(gateway.list_balance_transactions(0, 1)),
    "create_portal_session": lambda gateway: gateway.create_portal_session("cus_1", "https://example.com/"),
}


def public_calls(gateway):
    return {name for name in dir(gateway) if not name.startswith("_")}


def answering(status=200, body=b"{}", headers=None, seen=None):
    def handler(method, url, request_headers, post_data):
        if seen is not None:
            seen.append((method, url, request_headers, post_data))
        return status, headers or {}, body

    return handler


def nobody(*args):
    raise AssertionError("Stripe was called.")


# Transactions.


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_stripe_is_not_called_inside_a_transaction(call):
    with in_process(nobody), transaction.atomic(), pytest.raises(TransactionOpen, match="or in on_commit"):
        call(get_gateway())


@pytest.mark.django_db
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_nor_inside_a_block_of_a_test(call):
    with in_process(nobody), transaction.atomic(), pytest.raises(TransactionOpen):
        call(get_gateway())


def test_every_call_is_held_to_the_rule():
    """A call that is added is added to the table above, and so to the two tests before."""
    with in_process(nobody):
        assert public_calls(get_gateway()) >= set(CALLS)
        assert not {name for name in public_calls(get_gateway()) if name not in CALLS} - KNOWN_ELSEWHERE


# Calls that come with a package of their own and are tested with it.
KNOWN_ELSEWHERE: set[str] = set()


class InATestCase(TestCase):
    """A host's plain test, whose own transaction does not count."""

    def test_stripe_is_called(self):
        with use_sandbox():
            assert get_gateway().create_customer({}, idempotency_key="k").startswith("cus_")

    def test_stripe_is_not_called_in_a_block_of_the_host(self):
        with use_sandbox(), transaction.atomic(), pytest.raises(TransactionOpen):
            get_gateway().create_customer({}, idempotency_key="k")


# What is sent.


@pytest.mark.django_db
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_every_call_names_the_pinned_version_and_the_key(call):
    seen = []
    with (
        override_payments(STRIPE_SECRET_KEY="rk_test_mine"),
        in_process(answering(seen=seen)),
        pytest.raises(UnreadableObject),
    ):
        call(get_gateway())

    [(_, _, headers, _)] = seen
    assert headers["Stripe-Version"] == client_module.API_VERSION == "2026-10-28.endive"
    assert headers["Authorization"] == "Bearer rk_test_mine"


@pytest.mark.django_db
def test_the_version_is_pinned_here_and_not_by_the_sdk(monkeypatch):
    seen = []
    monkeypatch.setattr(client_module, "API_VERSION", "2020-08-27")

    with in_process(answering(body=b'{"id": "cus_1"}', seen=seen)):
        get_gateway().create_customer({}, idempotency_key="k")

    assert seen[0][2]["Stripe-Version"] == "2020-08-27"


@pytest.mark.django_db
def test_what_creates_something_carries_our_key():
    for name in ("create_customer", "create_checkout_session"):
        seen = []
        with in_process(answering(seen=seen)), pytest.raises(UnreadableObject):
            CALLS[name](get_gateway())

        assert seen[0][2]["Idempotency-Key"] == "k"


@pytest.mark.django_db
def test_the_address_is_that_of_the_settings():
    seen = []
    base = "http://127.0.0.1:8420/mounted/"
    with override_payments(STRIPE_API_BASE=base), in_process(answering(body=b'{"id": "cus_1"}', seen=seen)):
        get_gateway().create_customer({}, idempotency_key="k")

    assert seen[0][1] == "http://127.0.0.1:8420/mounted/v1/customers"


@pytest.mark.django_db
def test_a_payer_who_waits_is_not_kept_by_retries_and_long_timeouts():
    patient, short = get_gateway(patient=True), get_gateway(patient=False)

    assert timeout_of(patient) == (5.0, 20.0)
    assert timeout_of(short) == (2.0, 3.0)
    assert retries_of(patient) == 2
    assert retries_of(short) == 0


def timeout_of(gateway):
    return gateway._client._requestor._client._timeout


def retries_of(gateway):
    return gateway._client._requestor._options.max_network_retries


def test_connections_are_kept_between_calls():
    first, second = get_gateway(), get_gateway()

    assert first._client._requestor._client is second._client._requestor._client
    assert first._client._requestor._client is not get_gateway(patient=False)._client._requestor._client


# What comes back.


@pytest.mark.django_db
@pytest.mark.parametrize(
    "kind", ["connection_lost_before", "connection_lost_after", "500", "503", "429", "409"]
)
def test_whatever_leaves_the_outcome_open_says_so(kind):
    sandbox = Sandbox()
    sandbox.fail_next(kind)

    with use_sandbox(sandbox), pytest.raises(GatewayUnavailable):
        get_gateway().create_checkout_session(PARAMS, idempotency_key="k")


@pytest.mark.django_db
def test_after_a_lost_answer_the_same_key_finds_the_same_checkout():
    sandbox = Sandbox()
    sandbox.fail_next("connection_lost_after")
    with use_sandbox(sandbox):
        with pytest.raises(GatewayUnavailable):
            get_gateway().create_checkout_session(PARAMS, idempotency_key="k")

        found = get_gateway().create_checkout_session(PARAMS, idempotency_key="k")

    assert list(sandbox.state.tables["checkout.session"]) == [found.id]


@pytest.mark.django_db
def test_a_refused_request_says_what_is_wrong_with_it():
    with use_sandbox(), pytest.raises(GatewayRefused) as refused:
        get_gateway().create_checkout_session({**PARAMS, "customer": "cus_gone"}, idempotency_key="k")

    assert (refused.value.code, refused.value.param) == ("resource_missing", "customer")


@pytest.mark.django_db
def test_a_key_that_stripe_does_not_accept_is_a_mistake_of_the_project():
    with use_sandbox(STRIPE_SECRET_KEY="sk_test_revoked"), pytest.raises(GatewayMisconfigured) as refused:
        get_gateway().create_customer({}, idempotency_key="k")

    assert "revoked" not in str(refused.value)


@pytest.mark.django_db
def test_an_empty_key_is_one_too():
    with use_sandbox(STRIPE_SECRET_KEY=""), pytest.raises(GatewayMisconfigured):
        get_gateway().create_customer({}, idempotency_key="k")


@pytest.mark.django_db
@pytest.mark.parametrize("body", [b"", b"<html>Bad gateway</html>", b"[]", b'"x"', b"null"])
@pytest.mark.parametrize("status", [200, 502])
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_that_is_no_object_leaves_the_outcome_open(call, status, body):
    with in_process(answering(status, body)), pytest.raises((GatewayUnavailable, UnreadableObject)):
        call(get_gateway())


@pytest.mark.django_db
@pytest.mark.parametrize("call", CALLS.values(), ids=CALLS)
def test_an_answer_without_what_is_needed_is_not_guessed_at(call):
    with (
        in_process(answering(body=b'{"object": "checkout.session", "id": null}')),
        pytest.raises(UnreadableObject),
    ):
        call(get_gateway())


@pytest.mark.django_db
def test_an_open_checkout_can_be_closed_once():
    with use_sandbox():
        opened = get_gateway().create_checkout_session(PARAMS, idempotency_key="k")
        closed = get_gateway().expire_checkout_session(opened.id, idempotency_key="first")
        with pytest.raises(GatewayRefused):
            get_gateway().expire_checkout_session(opened.id, idempotency_key="second")

    assert (opened.status, closed.status) == ("open", "expired")


@pytest.mark.django_db
def test_a_checkout_comes_with_its_payment():
    with use_sandbox() as stripe:
        opened = get_gateway().create_checkout_session(PARAMS, idempotency_key="k")
        stripe.sandbox.pay(opened.id)
        paid = get_gateway().retrieve_checkout_session(opened.id)

    assert opened.payment_intent is None
    assert paid.payment_intent.status == "succeeded"
    assert paid.payment_intent.id == paid.payment_intent_id


# In this process.


@pytest.mark.django_db
def test_the_innermost_handler_answers_and_then_the_one_around_it():
    def named(name):
        return answering(body=json.dumps({"id": name, "object": "customer"}).encode())

    with in_process(named("outer")):
        with in_process(named("inner")):
            inside = get_gateway().create_customer({}, idempotency_key="k")
        around = get_gateway().create_customer({}, idempotency_key="k")

    assert (inside, around) == ("inner", "outer")


@pytest.mark.django_db
def test_a_handler_leaves_even_when_its_block_fails():
    with pytest.raises(ZeroDivisionError), in_process(nobody):
        _ = 1 / 0

    assert isinstance(get_gateway()._client._requestor._client, sdk.RequestsClient)


def test_a_handler_answers_other_threads_too():
    found = []

    def ask():
        found.append(type(get_gateway()._client._requestor._client).__name__)

    with in_process(nobody):
        thread = threading.Thread(target=ask)
        thread.start()
        thread.join()

    assert found == ["InProcessClient"]


@pytest.mark.django_db
def test_two_gateways_may_have_two_keys():
    seen = []
    with in_process(answering(body=b'{"id": "cus_1"}', seen=seen)):
        with override_payments(STRIPE_SECRET_KEY="sk_test_one"):
            one = get_gateway()
        with override_payments(STRIPE_SECRET_KEY="sk_test_two"):
            two = get_gateway()
        one.create_customer({}, idempotency_key="a")
        two.create_customer({}, idempotency_key="b")

    assert [headers["Authorization"] for _, _, headers, _ in seen] == [
        "Bearer sk_test_one",
        "Bearer sk_test_two",
    ]
