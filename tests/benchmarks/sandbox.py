"""
What a call of the sandbox costs in process: ``python -m tests.benchmarks.sandbox [ROUNDS]``.

The floor is the SDK with an answer that lies ready. A call may cost a millisecond: see the column "sandbox".
"""

from __future__ import annotations

import json
import statistics
import sys
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import stripe

from django_generic_payments.sandbox import Sandbox
from tests.in_process import InProcess
from tests.sandbox.client import encode, session_params

LIMIT = 1000  # microseconds


class Ready(InProcess):
    """Answer what was answered before, without a sandbox."""

    def __init__(self, answer: bytes) -> None:
        super().__init__(Sandbox())
        self._answer = answer

    def request(self, *_: Any, **__: Any) -> Any:
        return self._answer, 200, {"Request-Id": "req_1"}


def measure(rounds: int, call: Callable[[], Any]) -> float:
    """Return the median of a call, in microseconds of CPU."""
    taken = []
    for _ in range(rounds):
        started = time.process_time_ns()
        call()
        taken.append((time.process_time_ns() - started) / 1000)
    return statistics.median(taken)


def main(rounds: int) -> int:
    sandbox = Sandbox(seed=1)
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}
    sdk = stripe.StripeClient(sandbox.secret_key, http_client=InProcess(sandbox)).v1
    params: Any = session_params()
    # A test seldom has more than this behind it.
    for _ in range(100):
        sandbox.pay(sdk.checkout.sessions.create(params).id)
    session = sdk.checkout.sessions.create(params).id
    paid = sandbox.pay(sdk.checkout.sessions.create(params).id).checkout_session
    intent = sandbox.checkout_session(paid)["payment_intent"]
    expand = {"expand": ["payment_intent.latest_charge"]}
    calls: dict[str, tuple[str, str, str, Callable[[Any], Any]]] = {
        "create a session": (
            "POST",
            "/v1/checkout/sessions",
            encode(params),
            lambda v1: v1.checkout.sessions.create(params),
        ),
        "retrieve a session": (
            "GET",
            f"/v1/checkout/sessions/{session}",
            "",
            lambda v1: v1.checkout.sessions.retrieve(session),
        ),
        "retrieve, expanded": (
            "GET",
            f"/v1/checkout/sessions/{paid}?{encode(expand)}",
            "",
            lambda v1: v1.checkout.sessions.retrieve(paid, expand),
        ),
        "refund a cent": (
            "POST",
            "/v1/refunds",
            urlencode({"payment_intent": intent, "amount": 1}),
            lambda v1: v1.refunds.create({"payment_intent": intent, "amount": 1}),
        ),
        "list ten events": ("GET", "/v1/events", "", lambda v1: v1.events.list()),
    }
    print(f"{'call':<20} {'sandbox':>10} {'with SDK':>10} {'floor':>10} {'ratio':>7}   microseconds of CPU")
    slowest = 0.0
    for name, (method, url, body, call) in calls.items():
        answer = sandbox.handle(method, url, headers, body)
        assert answer.status == 200, json.loads(answer.body)
        ready = stripe.StripeClient("sk_test_x", http_client=Ready(answer.body)).v1
        alone = measure(rounds, lambda args=(method, url, headers, body): sandbox.handle(*args))
        with_sdk = measure(rounds, lambda call=call: call(sdk))
        floor = measure(rounds, lambda call=call, ready=ready: call(ready))
        slowest = max(slowest, alone)
        print(f"{name:<20} {alone:>10.0f} {with_sdk:>10.0f} {floor:>10.0f} {with_sdk / floor:>7.2f}")
    print(f"The slowest takes {slowest:.0f} of the {LIMIT} that it may take.")
    return int(slowest > LIMIT)


if __name__ == "__main__":
    stripe.enable_telemetry = False
    sys.exit(main(int(sys.argv[1]) if len(sys.argv) > 1 else 300))
