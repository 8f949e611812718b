from __future__ import annotations

import json
from collections import Counter

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError, Turbulence

from .client import Api, session_params
from .endpoint import Endpoint

PAID = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def types(sandbox: Sandbox) -> list[str]:
    return [event["type"] for event in sandbox.events]


def test_an_event_may_never_be_generated(api: Api, sandbox: Sandbox) -> None:
    sandbox.mishap_next("never_generated", "payment_intent.*", times=2)

    sandbox.pay(api.create_session()["id"])
    sandbox.pay(api.create_session()["id"])

    assert types(sandbox) == ["charge.succeeded", "checkout.session.completed", *PAID]
    assert len(api.get("/v1/events").obj["data"]) == len(sandbox.pending) == 6


def test_two_event_objects_may_tell_of_one_fact(api: Api, sandbox: Sandbox) -> None:
    sandbox.mishap_next("two_events", "checkout.session.completed")

    sandbox.pay(api.create_session()["id"])

    assert types(sandbox) == [*PAID, PAID[-1]]
    first, second = sandbox.events[-2:]
    assert first["id"] != second["id"]
    assert first["data"] == second["data"]


def test_a_mishap_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="no mishap 'fire'; there are never_generated, two_events"):
        sandbox.mishap_next("fire", "*")


def test_everything_that_waits_can_get_lost(api: Api, sandbox: Sandbox) -> None:
    sandbox.pay(api.create_session()["id"])

    assert sandbox.deliver(Endpoint(), drop=["charge.*"])[0].event_type == "payment_intent.created"
    sandbox.expire(api.create_session()["id"])
    assert sandbox.deliver(Endpoint(), drop="*") == []
    assert sandbox.pending == []


@pytest.mark.parametrize(
    ("turbulence", "expected", "left"),
    [
        (Turbulence(lost=1), [], 0),
        (Turbulence(late=1), [], 4),
        (Turbulence(twice=1), [kind for kind in PAID for _ in range(2)], 0),
        (Turbulence(swapped=1), [*PAID[1:], PAID[0]], 0),
        (Turbulence(never_generated=1), [], 0),
        (Turbulence(two_events=1), [kind for kind in PAID for _ in range(2)], 0),
    ],
)
def test_a_rough_network_does_what_it_is_said_to(
    clock: Clock, turbulence: Turbulence, expected: list[str], left: int
) -> None:
    sandbox, endpoint = Sandbox(clock=clock, turbulence=turbulence), Endpoint()
    sandbox.pay(Api(sandbox).create_session()["id"])

    sandbox.deliver(endpoint)

    assert endpoint.types == expected
    assert len(sandbox.pending) == left


def test_calls_fail_by_chance_too(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, seed=1, turbulence=Turbulence(calls={"503": 0.3, "500": 0.3}))
    api = Api(sandbox)

    statuses = Counter(api.post("/v1/customers", {"name": "Ada"}).status for _ in range(100))

    assert sorted(statuses) == [200, 500, 503]


@pytest.mark.parametrize("turbulence", [{"lost": 1.5}, {"late": -1}, {"calls": {"500": 2}}])
def test_what_is_no_probability_is_refused(turbulence: dict[str, float]) -> None:
    with pytest.raises(SandboxError, match="is a probability between 0 and 1, not"):
        Turbulence(**turbulence)


def test_a_call_cannot_fail_in_a_way_that_does_not_exist() -> None:
    with pytest.raises(SandboxError, match="no fault 'fire'"):
        Sandbox(turbulence=Turbulence(calls={"fire": 0.1}))


ROUGH = Turbulence(
    never_generated=0.1,
    two_events=0.1,
    lost=0.1,
    late=0.3,
    twice=0.3,
    swapped=0.5,
    calls={"503": 0.1, "connection_lost_after": 0.1},
)


def run(seed: int) -> tuple[list[bytes], list[str]]:
    sandbox, endpoint = Sandbox(clock=Clock(start=1_800_000_000), seed=seed, turbulence=ROUGH), Endpoint()
    api, answers = Api(sandbox), []
    for number in range(20):
        try:
            answer = api.post("/v1/checkout/sessions", session_params(), key=f"k{number}")
        except ConnectionResetError:
            answers.append("lost")
            continue
        answers.append(json.dumps(answer.obj))
        if answer.status == 200:
            sandbox.pay(answer.obj["id"])
        sandbox.deliver(endpoint)
    return endpoint.bodies, answers


def test_a_seed_reproduces_a_run() -> None:
    assert run(7) == run(7)
    assert run(7) != run(8)
