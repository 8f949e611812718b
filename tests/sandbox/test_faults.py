from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from django_generic_payments.sandbox import Sandbox, SandboxError

from .client import Api, session_params

SESSIONS = "/v1/checkout/sessions"


@pytest.mark.parametrize(
    ("kind", "error"), [("connection_lost_before", ConnectionResetError), ("timeout_before", TimeoutError)]
)
def test_what_stripe_never_saw_did_not_happen(
    api: Api, sandbox: Sandbox, kind: str, error: type[Exception]
) -> None:
    sandbox.fail_next(kind)

    with pytest.raises(error):
        api.post(SESSIONS, session_params(), key="k")

    assert api.get(SESSIONS).obj["data"] == []
    assert sandbox.requests[0].status == 0
    assert sandbox.requests[0].idempotency_key == "k"
    assert "Idempotent-Replayed" not in api.post(SESSIONS, session_params(), key="k").headers


@pytest.mark.parametrize(
    ("kind", "error"), [("connection_lost_after", ConnectionResetError), ("timeout_after", TimeoutError)]
)
def test_what_lost_only_its_answer_did_happen(
    api: Api, sandbox: Sandbox, kind: str, error: type[Exception]
) -> None:
    sandbox.fail_next(kind)

    with pytest.raises(error):
        api.post(SESSIONS, session_params(), key="k")
    (created,) = api.get(SESSIONS).obj["data"]
    retried = api.post(SESSIONS, session_params(), key="k")

    assert sandbox.requests[0].status == 200
    assert retried.obj["id"] == created["id"]
    assert retried.headers["Idempotent-Replayed"] == "true"


def test_a_500_is_kept_under_its_key(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail_next("500")

    first = api.post(SESSIONS, session_params(), key="k")
    again = api.post(SESSIONS, session_params(), key="k")
    fresh = api.post(SESSIONS, session_params(), key="other")

    assert (first.status, first.error["type"]) == (500, "api_error")
    assert (again.status, again.obj) == (500, first.obj)
    assert again.headers["Idempotent-Replayed"] == "true"
    assert fresh.status == 200
    assert len(api.get(SESSIONS).obj["data"]) == 1


def test_a_500_may_come_after_everything_is_done(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail_next("500_after")

    first = api.post(SESSIONS, session_params(), key="k")
    again = api.post(SESSIONS, session_params(), key="k")

    assert (first.status, again.status, again.obj) == (500, 500, first.obj)
    assert len(api.get(SESSIONS).obj["data"]) == 1


def test_a_slow_call_holds_its_key_and_nothing_else(
    api: Api, sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    asleep, woken = threading.Event(), threading.Event()
    slept: list[float] = []

    def sleep(seconds: float) -> None:
        slept.append(seconds)
        asleep.set()
        woken.wait(10)

    monkeypatch.setattr("django_generic_payments.sandbox.faults.sleep", sleep)
    sandbox.fail_next("slow", seconds=3)
    with ThreadPoolExecutor() as pool:
        slow = pool.submit(api.post, SESSIONS, session_params(), key="k")
        assert asleep.wait(10)
        second = api.post(SESSIONS, session_params(), key="k")
        beside = api.post("/v1/customers", {"name": "Ada"})
        woken.set()

    assert (slow.result().status, slept) == (200, [3])
    assert (second.status, second.error["code"]) == (409, "idempotency_key_in_use")
    assert beside.status == 200


@pytest.mark.parametrize(
    ("kind", "error_type", "code"),
    [
        ("500_not_kept", "api_error", None),
        ("503", "api_error", None),
        ("429", "invalid_request_error", "rate_limit"),
        ("409", "idempotency_error", "idempotency_key_in_use"),
    ],
)
def test_other_failures_leave_the_key_free(
    api: Api, sandbox: Sandbox, kind: str, error_type: str, code: str | None
) -> None:
    sandbox.fail_next(kind)

    failed = api.post(SESSIONS, session_params(), key="k")
    retried = api.post(SESSIONS, session_params(), key="k")

    assert (failed.status, failed.error["type"], failed.error.get("code")) == (
        int(kind[:3]),
        error_type,
        code,
    )
    assert retried.status == 200


def test_rate_limits_say_which(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail_next("429", method="GET", path="/v1/customers")

    assert api.get("/v1/customers").headers["Stripe-Rate-Limited-Reason"] == "global-rate"


def test_a_failure_meets_only_the_requests_that_it_is_for(api: Api, sandbox: Sandbox) -> None:
    session = api.create_session()["id"]
    sandbox.fail_next("503", path="/v1/checkout/sessions/{id}/expire", times=2)

    assert api.create_session()["status"] == "open"
    assert api.get(f"{SESSIONS}/{session}").status == 200
    assert [api.post(f"{SESSIONS}/{session}/expire").status for _ in range(3)] == [503, 503, 200]


def test_failures_come_in_the_order_of_their_ordering(api: Api, sandbox: Sandbox) -> None:
    sandbox.fail_next("503")
    sandbox.fail_next("429")

    assert [api.post(SESSIONS, session_params()).status for _ in range(3)] == [503, 429, 200]


def test_a_failure_that_does_not_exist_is_refused(sandbox: Sandbox) -> None:
    with pytest.raises(
        SandboxError, match="There is no fault 'earthquake'; there are connection_lost_before"
    ):
        sandbox.fail_next("earthquake")
