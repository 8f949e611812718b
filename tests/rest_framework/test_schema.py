"""The OpenAPI schema: what it promises, and whether the API keeps it whatever two users and a stranger send."""

from __future__ import annotations

import base64
from contextlib import contextmanager
from functools import cache
from typing import Any

import pytest
from django.core.signals import request_finished, request_started
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from django.test import Client
from hypothesis import HealthCheck, given, settings, strategies as st

from django_generic_payments.contrib.rest_framework.problems import CODES
from django_generic_payments.models import PaymentSession, Refund
from tests.rest_framework.conftest import Caller, unthrottled
from tests.shop.models import Booking, Order

schemathesis = pytest.importorskip("schemathesis", reason="Schemathesis is not installed")

pytestmark = pytest.mark.django_db

#: Whether an answer is one that the schema promises. Who may ask is the project's to say, and has tests of its own.
CHECKS = [
    getattr(schemathesis.checks, name)
    for name in (
        "not_a_server_error",
        "status_code_conformance",
        "content_type_conformance",
        "response_headers_conformance",
        "response_schema_conformance",
        "negative_data_rejection",
    )
]

MONEY = {"amount", "currency", "price", "total", "unit_amount", "paid_amount", "refunded_amount"}
OPERATIONS = [
    ("POST", "/api/payments/checkout/"),
    ("GET", "/api/payments/status/{session_id}/"),
    ("POST", "/api/payments/refunds/"),
    ("GET", "/api/payments/refunds/{refund_id}/"),
]


@contextmanager
def one_connection():
    """Keep a request from closing the connection that has the test's transaction, as Django's own client does."""
    for signal in (request_started, request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (request_started, request_finished):
            signal.connect(close_old_connections)


@cache
def document() -> dict[str, Any]:
    return Client().get("/api/schema/").json()


@cache
def api() -> Any:
    schema = schemathesis.openapi.from_dict(document())
    schema.app = get_wsgi_application()
    return schema


def references(node):
    if isinstance(node, dict):
        yield from ([node["$ref"]] if "$ref" in node else [])
        for inner in node.values():
            yield from references(inner)
    elif isinstance(node, list):
        for inner in node:
            yield from references(inner)


def bodies():
    """The names of the schemas of requests."""
    for path in document()["paths"].values():
        for operation in path.values():
            yield from (name.rpartition("/")[2] for name in references(operation.get("requestBody", {})))


def test_it_names_every_operation():
    paths = document()["paths"]

    named = {(method.upper(), path) for path, methods in paths.items() for method in methods}

    assert {each for each in named if each[1].startswith("/api/payments/")} == set(OPERATIONS)


def test_every_answer_has_an_example_and_errors_are_problem_details():
    for method, path in OPERATIONS:
        for status, answer in document()["paths"][path][method.lower()]["responses"].items():
            ((kind, content),) = answer["content"].items()
            assert kind == ("application/problem+json" if int(status) >= 400 else "application/json")
            assert content["examples"]


def test_every_request_has_an_example():
    for path in ("checkout", "refunds"):
        request = document()["paths"][f"/api/payments/{path}/"]["post"]["requestBody"]
        assert len(request["content"]["application/json"]["examples"]) == 2


def test_every_code_of_an_example_is_one_that_is_answered():
    examples = [
        example["value"]
        for path in document()["paths"].values()
        for operation in path.values()
        for answer in operation["responses"].values()
        for content in answer["content"].values()
        for example in content.get("examples", {}).values()
    ]

    problems = {each["code"]: each["status"] for each in examples if "code" in each}
    assert problems.items() <= CODES.items()
    assert set(CODES) - set(problems) == {"authentication_failed", "method_not_allowed"}


def test_no_request_has_a_field_for_money_but_that_of_a_cashier():
    schemas = document()["components"]["schemas"]

    writable = {name: MONEY & set(schemas[name]["properties"]) for name in bodies()}

    assert writable == {"CheckoutRequest": {"currency"}, "RefundRequest": {"amount", "currency"}}
    assert all(schemas[name]["additionalProperties"] is False for name in writable)


class World:
    """What is there when somebody asks: something of each, and a token."""

    def __init__(self, stripe, ann, bob, stranger) -> None:
        self.bookings = {
            "ann": Booking.objects.create(owner=ann.user, deposit=10_00),
            "bob": Booking.objects.create(owner=bob.user, deposit=20_00),
            "nobody": Booking.objects.create(deposit=30_00),
        }
        self.order = Order.objects.create(total=40_00)
        self.paid = {
            name: self._pay(stripe, caller)
            for name, caller in {"ann": ann, "bob": bob, "nobody": stranger}.items()
        }
        self.tokens = [each["token"] for each in self.paid.values()]

    @staticmethod
    def _pay(stripe, caller):
        answer = caller.checkout(Booking.objects.create(owner=caller.user, deposit=50_00)).json()
        stripe.pay(PaymentSession.objects.get(pk=answer["id"]))
        return answer

    def payables(self):
        yield from (("booking", str(each.pk)) for each in self.bookings.values())
        yield "shop.order", str(self.order.pk)


def header(user) -> dict[str, str]:
    if user is None:
        return {}
    return {"Authorization": "Basic " + base64.b64encode(f"{user.username}:secret".encode()).decode()}


@pytest.mark.parametrize(("method", "path"), OPERATIONS, ids=lambda value: value)
@pytest.mark.parametrize("who", ["ann", "bob", "stranger"])
@unthrottled()
def test_whatever_is_sent_is_answered_as_promised(stripe, ann, bob, stranger, who, method, path):
    world = World(stripe, ann, bob, stranger)
    caller: Caller = {"ann": ann, "bob": bob, "stranger": stranger}[who]
    sold = {each.pk: each.money for each in PaymentSession.objects.all()}
    others = [each["id"] for name, each in world.paid.items() if name != who]

    @settings(
        max_examples=settings().max_examples // 2,
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )
    @given(case=api()[path][method].as_strategy(), data=st.data())
    def keeps_its_promise(case, data):
        aim(case, data, world)
        holds_a_token = (case.headers or {}).get("Payment-Token") in world.tokens

        with one_connection():
            response = case.call(base_url="http://testserver", headers=header(caller.user))

        case.validate_response(response, checks=CHECKS)
        assert response.status_code < 500
        if not holds_a_token and response.status_code < 400:
            assert not [each for each in others if each in response.text]

    keeps_its_promise()

    # Nobody sent money back, and nothing costs what a caller said.
    assert not Refund.objects.exists()
    prices = {world.order.pk: {(40_00, "eur"), (5000, "jpy"), (5_00, "eur")}}
    prices |= {each.pk: {(each.deposit, "gbp")} for each in world.bookings.values()}
    for session in PaymentSession.objects.exclude(pk__in=sold):
        key = session.payable_id if session.payable_type == "shop.order" else int(session.payable_id)
        offered = {str(pk): price for pk, price in prices.items()}[str(key)]
        assert (session.amount, session.currency) in offered
    if who != "ann":
        assert not PaymentSession.objects.for_payable(world.bookings["ann"]).exists()


def aim(case, data, world: World) -> None:
    """Let half of the requests be about what there is."""
    if isinstance(case.body, dict) and "payable_type" in case.body and data.draw(st.booleans()):
        case.body["payable_type"], case.body["payable_id"] = data.draw(
            st.sampled_from(list(world.payables()))
        )
        for name in ("success_url", "cancel_url"):
            if name in case.body and data.draw(st.booleans()):
                case.body[name] = "/thanks/"
    if isinstance(case.body, dict) and "payment" in case.body and data.draw(st.booleans()):
        case.body["payment"] = data.draw(st.sampled_from([each["id"] for each in world.paid.values()]))
    if "session_id" in (case.path_parameters or {}) and data.draw(st.booleans()):
        case.path_parameters["session_id"] = data.draw(
            st.sampled_from([each["id"] for each in world.paid.values()])
        )
        if data.draw(st.booleans()):
            case.headers["Payment-Token"] = data.draw(st.sampled_from(world.tokens))
