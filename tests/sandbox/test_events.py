from __future__ import annotations

import json

from django_generic_payments.sandbox import Clock, Delivery, Sandbox

from .client import Api, session_params
from .endpoint import Endpoint


def test_an_event_has_the_envelope_of_stripe(api: Api, clock: Clock) -> None:
    customer = api.post("/v1/customers", {"name": "Ada"}, key="key-1")

    (event,) = api.sandbox.events
    assert event["id"].startswith("evt_")
    assert event["api_version"] == "2026-10-28.endive"
    assert event["created"] == clock.now()
    assert event["livemode"] is False
    assert event["pending_webhooks"] == 1
    assert event["request"] == {"id": customer.headers["Request-Id"], "idempotency_key": "key-1"}
    assert event["data"] == {"object": customer.obj}


def test_what_no_call_caused_has_no_request(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])

    assert {tuple(event["request"].values()) for event in sandbox.events} == {(None, None)}


def test_an_expiry_by_the_api_names_the_call(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]

    api.post(f"/v1/checkout/sessions/{session}/expire", key="key-2")

    assert sandbox.events[-1]["request"]["idempotency_key"] == "key-2"


def test_every_pending_event_is_posted_in_order_and_acknowledged(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])
    endpoint = Endpoint()
    now = sandbox.clock.now()
    expected = [Delivery(event["id"], event["type"], 200, at=now) for event in sandbox.events]

    assert sandbox.deliver(endpoint) == expected
    assert sandbox.pending == []
    assert sandbox.deliver(endpoint) == []
    assert endpoint.types[-1] == "checkout.session.completed"


def test_the_message_is_the_event_as_stripe_writes_it(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"], name="Zoë")
    event = sandbox.events[-1]

    body, headers = sandbox.message(event)

    assert json.loads(body) == event
    assert body.startswith(b'{\n  "id": "evt_')
    assert "Zoë".encode() in body
    assert headers["Content-Type"] == "application/json; charset=utf-8"
    assert headers["Stripe-Signature"].startswith("t=")


def test_what_is_not_acknowledged_stays_pending(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])

    statuses = [attempt.status for attempt in sandbox.deliver(Endpoint(503, 302, 400, 204))]

    assert statuses == [503, 302, 400, 204]
    assert [event["type"] for event in sandbox.pending] == [
        "payment_intent.created",
        "charge.succeeded",
        "payment_intent.succeeded",
    ]
    assert len(sandbox.deliver(Endpoint())) == 3


def test_an_event_can_arrive_several_times(api: Api, sandbox: Sandbox) -> None:
    api.post("/v1/customers")
    endpoint = Endpoint(500, 200)

    assert [attempt.status for attempt in sandbox.deliver(endpoint, times=3)] == [500, 200, 200]
    assert endpoint.bodies[0] == endpoint.bodies[1]
    assert sandbox.pending == []


def test_events_can_arrive_in_any_order_or_not_yet(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])
    backwards, forwards = Endpoint(), Endpoint()

    sandbox.deliver(backwards, order=lambda events: events[:1:-1])
    sandbox.deliver(forwards)

    assert backwards.types == ["checkout.session.completed", "payment_intent.succeeded"]
    assert forwards.types == ["payment_intent.created", "charge.succeeded"]


def test_a_lost_event_is_not_pending_and_still_counts_as_undelivered(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])
    endpoint = Endpoint()

    sandbox.deliver(endpoint, drop={"checkout.session.completed"})

    assert "checkout.session.completed" not in endpoint.types
    assert sandbox.pending == []
    missed = api.get("/v1/events", {"delivery_success": False}).obj["data"]
    assert [event["type"] for event in missed] == ["checkout.session.completed"]
    assert len(api.get("/v1/events", {"delivery_success": True}).obj["data"]) == 3


def test_an_endpoint_may_call_the_api_before_it_answers(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.pay(session)

    def post(body: bytes, headers: dict[str, str]) -> int:
        return api.get(f"/v1/checkout/sessions/{session}").status

    assert {attempt.status for attempt in sandbox.deliver(post)} == {200}


def test_events_are_listed_by_type_and_time(api: Api, sandbox: Sandbox, clock: Clock) -> None:
    api.post("/v1/customers")
    sandbox.advance(60)
    later = clock.now()
    sandbox.pay(api.create_session()["id"])

    def types(**params) -> list[str]:
        return [event["type"] for event in api.get("/v1/events", params).obj["data"]]

    assert types(type="customer.created") == ["customer.created"]
    assert types(type="payment_intent.*") == ["payment_intent.succeeded", "payment_intent.created"]
    assert types(types=["charge.succeeded", "customer.created"]) == ["charge.succeeded", "customer.created"]
    assert types(created={"lt": later}) == ["customer.created"]
    assert types(created=later - 60) == ["customer.created"]
    assert len(types(created={"gte": later})) == 4
    assert api.get("/v1/events", {"type": "a", "types": ["b"]}).status == 400


def test_an_event_is_kept_for_thirty_days(api: Api, sandbox: Sandbox) -> None:
    api.post("/v1/customers")
    event = sandbox.events[0]
    assert api.get(f"/v1/events/{event['id']}").obj == event

    sandbox.advance(30 * 24 * 60 * 60)

    assert api.get(f"/v1/events/{event['id']}").status == 404
    assert api.get("/v1/events").obj["data"] == []


def test_an_event_tells_livemode() -> None:
    sandbox = Sandbox(secret_key="rk_live_x")
    Api(sandbox).post("/v1/checkout/sessions", session_params())
    sandbox.pay(Api(sandbox).create_session()["id"])

    assert {event["livemode"] for event in sandbox.events} == {True}
