"""Failures on order: what can go wrong between us and Stripe, once or several times."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from .errors import ApiError
from .idempotency import in_use
from .records import SandboxError
from .routing import match

__all__ = ["KINDS", "Faults", "answer_instead"]

KINDS = ("connection_lost_before", "connection_lost_after", "500", "503", "429", "409")


@dataclass
class Fault:
    """A failure that waits for its request."""

    kind: str
    method: str
    path: str
    times: int


class Faults:
    """Keep the failures that were ordered, and give each to the next request that it is for."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._ordered: list[Fault] = []

    def order(self, kind: str, method: str, path: str, times: int) -> None:
        """Order a failure.

        Raises:
            SandboxError: for a kind that does not exist.
        """
        if kind not in KINDS:
            raise SandboxError(f"There is no fault {kind!r}; there are {', '.join(KINDS)}.")
        self._ordered.append(Fault(kind, method.upper(), path, times))

    def take(self, method: str, path: str) -> str:
        """Return the kind of the failure that this request meets, or nothing."""
        with self._lock:
            for fault in self._ordered:
                if fault.times > 0 and fault.method == method and match(fault.path, path) is not None:
                    fault.times -= 1
                    return fault.kind
        return ""


def answer_instead(kind: str, key: str | None) -> ApiError | None:
    """Build the error that stands in for the answer, if the failure is one with an answer."""
    if kind == "429":
        message = "Request rate limit exceeded. Learn more about rate limits in our documentation."
        return ApiError(
            message, status=429, code="rate_limit", headers={"Stripe-Rate-Limited-Reason": "global-rate"}
        )
    if kind == "409":
        return in_use(key or "")
    if kind in ("500", "503"):
        message = "An unknown error occurred. Please contact support if the problem persists."
        return ApiError(message, status=int(kind), kind="api_error")
    return None
