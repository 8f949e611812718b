from __future__ import annotations

from typing import Any

import pytest
import stripe

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError

from .client import Api
from .endpoint import Endpoint

ENDPOINTS = "/v1/webhook_endpoints"


def create(api: Api, **params: Any) -> dict[str, Any]:
    answer = api.post(ENDPOINTS, {"url": "https://shop.example/hook", "enabled_events": ["*"], **params})
    assert answer.status == 200, answer.obj
    return answer.obj


def test_the_secret_is_told_once(api: Api) -> None:
    created = create(api, description="Shop", metadata={"row": "7"})

    read = api.get(f"{ENDPOINTS}/{created['id']}").obj

    assert created.pop("secret").startswith("whsec_")
    assert read == created
    assert (read["status"], read["description"], read["metadata"]) == ("enabled", "Shop", {"row": "7"})


def test_each_endpoint_gets_what_it_asked_for_with_its_own_secret(api: Api, sandbox: Sandbox) -> None:
    all_of_it = create(api)
    one_type = create(api, enabled_events=["customer.created"])
    session = api.create_session()["id"]
    api.post("/v1/customers", {"name": "Ada"})
    sandbox.expire(session)

    received, chosen = Endpoint(), Endpoint()
    sandbox.deliver(received, endpoint=all_of_it["id"])
    sandbox.deliver(chosen, endpoint=one_type["id"])

    assert received.types == ["customer.created", "checkout.session.expired"]
    assert chosen.types == ["customer.created"]
    for endpoint, secret in ((received, all_of_it["secret"]), (chosen, one_type["secret"])):
        body, signature = endpoint.bodies[0], endpoint.headers[0]["Stripe-Signature"]
        assert stripe.WebhookSignature.verify_header(body.decode(), signature, secret)
        with pytest.raises(stripe.SignatureVerificationError):
            stripe.WebhookSignature.verify_header(body.decode(), signature, sandbox.webhook_secret)
    assert len(sandbox.pending) == 2


def test_an_event_counts_the_endpoints_that_have_not_got_it(api: Api, sandbox: Sandbox) -> None:
    second = create(api)["id"]
    api.post("/v1/customers", {"name": "Ada"})
    (event,) = sandbox.events
    counts = [event["pending_webhooks"]]

    for endpoint in ("", second):
        sandbox.deliver(Endpoint(), endpoint=endpoint)
        counts.append(event["pending_webhooks"])

    assert counts == [2, 1, 0]
    assert [made.endpoint for made in sandbox.deliveries] == ["", second]


def test_an_event_has_the_version_of_the_endpoint(api: Api, sandbox: Sandbox) -> None:
    old = create(api, api_version="2024-06-20")
    default = create(api)
    api.post("/v1/customers", {"name": "Ada"})

    got_old, got_default = Endpoint(), Endpoint()
    sandbox.deliver(got_old, endpoint=old["id"])
    sandbox.deliver(got_default, endpoint=default["id"])

    assert (old["api_version"], default["api_version"]) == ("2024-06-20", None)
    assert got_old.events[0]["api_version"] == "2024-06-20"
    assert got_default.events[0]["api_version"] == "2026-10-28.endive"
    assert api.get("/v1/events").obj["data"][0]["api_version"] == "2026-10-28.endive"


def test_an_endpoint_that_is_disabled_hears_nothing(api: Api, sandbox: Sandbox) -> None:
    made = create(api)["id"]

    disabled = api.post(f"{ENDPOINTS}/{made}", {"disabled": True}).obj
    api.post("/v1/customers", {"name": "Ada"})
    enabled = api.post(f"{ENDPOINTS}/{made}", {"disabled": False}).obj
    api.post("/v1/customers", {"name": "Bob"})
    heard = Endpoint()
    sandbox.deliver(heard, endpoint=made)

    assert (disabled["status"], enabled["status"]) == ("disabled", "enabled")
    assert [event["data"]["object"]["name"] for event in heard.events] == ["Bob"]


def test_an_endpoint_is_changed(api: Api, sandbox: Sandbox) -> None:
    made = create(api, metadata={"a": "1"})["id"]

    changed = api.post(
        f"{ENDPOINTS}/{made}",
        {"url": "https://new.example/", "enabled_events": ["charge.refunded"], "metadata": {"b": "2"}},
    ).obj

    assert (changed["url"], changed["enabled_events"]) == ("https://new.example/", ["charge.refunded"])
    assert changed["metadata"] == {"a": "1", "b": "2"}
    assert "secret" not in changed
    api.post("/v1/customers", {"name": "Ada"})
    assert sandbox.deliver(Endpoint(), endpoint=made) == []


def test_an_endpoint_that_is_deleted_is_gone(api: Api, sandbox: Sandbox) -> None:
    made = create(api)["id"]
    api.post("/v1/customers", {"name": "Ada"})

    deleted = api.call("DELETE", f"{ENDPOINTS}/{made}", "", {})

    assert deleted.obj == {"id": made, "object": "webhook_endpoint", "deleted": True}
    assert api.get(f"{ENDPOINTS}/{made}").error["code"] == "resource_missing"
    assert sandbox.events[0]["pending_webhooks"] == 1
    with pytest.raises(SandboxError, match=f"no webhook endpoint '{made}'"):
        sandbox.deliver(Endpoint(), endpoint=made)


def test_endpoints_are_listed_newest_first_and_without_secrets(api: Api) -> None:
    made = [create(api)["id"] for _ in range(3)]

    listed = api.get(ENDPOINTS, {"limit": 2}).obj

    assert [each["id"] for each in listed["data"]] == made[:0:-1]
    assert listed["has_more"]
    assert not any("secret" in each for each in listed["data"])


@pytest.mark.parametrize(
    ("params", "param", "code"),
    [
        ({"enabled_events": ["*"]}, "url", "parameter_missing"),
        ({"url": "https://shop.example/"}, "enabled_events", "parameter_missing"),
        ({"url": "shop.example", "enabled_events": ["*"]}, "url", "url_invalid"),
        ({"url": "https://shop.example/", "enabled_events": ["charge.paid"]}, "enabled_events[0]", None),
        ({"url": "https://a.example/", "enabled_events": ["*"], "api_version": "new"}, "api_version", None),
        ({"url": "https://a.example/", "enabled_events": ["*"], "connect": True}, "connect", None),
        ({"url": "https://a.example/", "enabled_events": ["*"], "x": "1"}, "x", "parameter_unknown"),
    ],
)
def test_what_makes_no_endpoint_is_refused(
    api: Api, params: dict[str, Any], param: str, code: str | None
) -> None:
    refused = api.post(ENDPOINTS, params)

    assert refused.status == 400
    assert (refused.error["param"], refused.error.get("code")) == (param, code)


def test_http_will_do_in_test_mode_only(api: Api, clock: Clock) -> None:
    live = Api(Sandbox(clock=clock, secret_key="sk_live_x"))
    address = "http://127.0.0.1:8000/hook/"
    made = live.post(ENDPOINTS, {"url": "https://shop.example/", "enabled_events": ["*"]}).obj["id"]

    assert create(api, url=address)["url"] == address
    for path in (ENDPOINTS, f"{ENDPOINTS}/{made}"):
        refused = live.post(path, {"url": address, "enabled_events": ["*"]})
        assert (refused.status, refused.error["param"]) == (400, "url")


def test_an_account_has_sixteen_endpoints_at_most(api: Api) -> None:
    for _ in range(16):
        create(api)

    refused = api.post(ENDPOINTS, {"url": "https://shop.example/", "enabled_events": ["*"]})

    assert (refused.status, refused.error["message"]) == (
        400,
        "You have reached the maximum of 16 webhook endpoints.",
    )


def test_while_a_secret_is_rolled_both_sign(api: Api, sandbox: Sandbox, clock: Clock) -> None:
    old = sandbox.webhook_secret
    api.post("/v1/customers", {"name": "Ada"})

    sandbox.roll_secret("whsec_new", overlap=3600)
    body, headers = sandbox.message(sandbox.events[0])
    clock.advance(3600)
    after = sandbox.message(sandbox.events[0])[1]["Stripe-Signature"]

    signature = headers["Stripe-Signature"]
    assert signature.count("v1=") == 2
    for secret in ("whsec_new", old):
        assert stripe.WebhookSignature.verify_header(body.decode(), signature, secret)
    assert after.count("v1=") == 1
    assert stripe.WebhookSignature.verify_header(body.decode(), after, "whsec_new")
    assert sandbox.webhook_secret == "whsec_new"


def test_a_secret_that_is_rolled_twice_does_not_live_longer(api: Api, sandbox: Sandbox, clock: Clock) -> None:
    made = create(api)
    sandbox.roll_secret("whsec_b", endpoint=made["id"], overlap=10)
    sandbox.roll_secret("whsec_c", endpoint=made["id"], overlap=3600)
    api.post("/v1/customers", {"name": "Ada"})
    clock.advance(10)

    _, headers = sandbox.message(sandbox.events[0], endpoint=made["id"])

    assert headers["Stripe-Signature"].count("v1=") == 2


def test_an_event_is_sent_again_on_demand(api: Api, sandbox: Sandbox) -> None:
    api.post("/v1/customers", {"name": "Ada"})
    heard = Endpoint()
    sandbox.deliver(heard)
    (event,) = sandbox.events

    again = sandbox.resend(heard, event["id"])

    assert (again.event_id, again.status) == (event["id"], 200)
    assert heard.types == ["customer.created"] * 2
    assert event["pending_webhooks"] == 0
    with pytest.raises(SandboxError, match="no event evt_1"):
        sandbox.resend(heard, "evt_1")


def test_an_account_may_have_no_endpoint_but_those_of_the_api(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, webhook_secret="")
    Api(sandbox).post("/v1/customers", {"name": "Ada"})

    assert sandbox.events[0]["pending_webhooks"] == 0
    assert (sandbox.pending, sandbox.webhook_secret) == ([], "")
    with pytest.raises(SandboxError, match="no webhook endpoint"):
        sandbox.deliver(Endpoint())
