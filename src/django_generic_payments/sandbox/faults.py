"""Failures of calls: what can go wrong between a program and Stripe, on order or at random but reproducibly."""

from __future__ import annotations

import random
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from time import sleep

from .errors import ApiError
from .idempotency import in_use
from .records import SandboxError
from .routing import match

__all__ = ["KINDS", "Fault", "Faults"]

KINDS = (
    "connection_lost_before",
    "connection_lost_after",
    "timeout_before",
    "timeout_after",
    "slow",
    "500",
    "500_after",
    "500_not_kept",
    "503",
    "429",
    "409",
)

#: Which answers are given before Stripe has begun to work, so that nothing is kept under an idempotency key.
NOT_BEGUN = ("500_not_kept", "503", "429", "409")


@dataclass(frozen=True)
class Fault:
    """What happens to one call; `seconds` is for how long a slow one is worked on."""

    kind: str = ""
    seconds: float = 0

    @property
    def hides_request(self) -> bool:
        """Whether Stripe never sees the request."""
        return self.kind in ("connection_lost_before", "timeout_before")

    @property
    def hides_answer(self) -> bool:
        """Whether the request is executed and the answer never arrives."""
        return self.kind in ("connection_lost_after", "timeout_after")

    def interrupt(self, call: str) -> Exception:
        """Build the exception that stands for no answer at all."""
        what = "The sandbox never saw this" if self.hides_request else "The sandbox's answer got lost:"
        if self.kind.startswith("timeout"):
            return TimeoutError(f"{what} {call}.")
        return ConnectionResetError(f"{what} {call}.")

    def refuse(self, key: str | None) -> None:
        """Raise what is answered before anything is done."""
        if self.kind == "429":
            message = "Request rate limit exceeded. Learn more about rate limits in our documentation."
            headers = {"Stripe-Rate-Limited-Reason": "global-rate"}
            raise ApiError(message, status=429, code="rate_limit", headers=headers)
        if self.kind == "409":
            raise in_use(key or "")
        if self.kind in NOT_BEGUN:
            raise broken(int(self.kind[:3]))

    def delay(self) -> None:
        """Take as long as was ordered."""
        if self.kind == "slow":
            sleep(self.seconds)

    def break_before(self) -> None:
        """Fail before anything is done, in a way that is kept under the idempotency key."""
        if self.kind == "500":
            raise broken(500)

    def break_after(self) -> None:
        """Fail when everything is done, in a way that is kept under the idempotency key."""
        if self.kind == "500_after":
            raise broken(500)


NO_FAULT = Fault()


@dataclass
class Ordered:
    """A failure that waits for its request."""

    fault: Fault
    method: str
    path: str
    times: int


class Faults:
    """Keep the failures that were ordered, and give each to the next request that it is for.

    Args:
        calls: how probable each kind is for a call that no failure was ordered for.
    """

    def __init__(self, calls: Mapping[str, float], dice: random.Random) -> None:
        for kind in calls:
            check_kind(kind)
        self._calls = calls
        self._dice = dice
        self._lock = threading.Lock()
        self._ordered: list[Ordered] = []

    def order(self, kind: str, method: str, path: str, times: int, seconds: float) -> None:
        """Order a failure.

        Raises:
            SandboxError: for a kind that does not exist.
        """
        check_kind(kind)
        self._ordered.append(Ordered(Fault(kind, seconds), method.upper(), path, times))

    def take(self, method: str, path: str) -> Fault:
        """Return the failure that this request meets."""
        with self._lock:
            for ordered in self._ordered:
                if ordered.times > 0 and ordered.method == method and match(ordered.path, path) is not None:
                    ordered.times -= 1
                    return ordered.fault
            for kind, probability in self._calls.items():
                if self._dice.random() < probability:
                    return Fault(kind, 1)
        return NO_FAULT


def check_kind(kind: str) -> None:
    if kind not in KINDS:
        raise SandboxError(f"There is no fault {kind!r}; there are {', '.join(KINDS)}.")


def broken(status: int) -> ApiError:
    message = "An unknown error occurred. Please contact support if the problem persists."
    return ApiError(message, status=status, kind="api_error")
