"""Idempotency keys: the first answer is kept for a day and given again.

https://docs.stripe.com/api/idempotent_requests
"""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass

from .clock import Clock
from .errors import ApiError
from .json_object import JsonObject

__all__ = ["IdempotencyKeys", "KeptAnswer"]

KEPT_FOR = 24 * 60 * 60


@dataclass(frozen=True)
class KeptAnswer:
    """The first answer, and the request that it answered."""

    path: str
    params: JsonObject
    status: int
    body: bytes
    request_id: str
    kept_at: int


class IdempotencyKeys:
    """Remember which keys are being worked on and which have an answer."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._kept: dict[str, KeptAnswer] = {}
        self._in_flight: set[str] = set()

    def claim(self, key: str, path: str, params: JsonObject) -> KeptAnswer | None:
        """Return the answer kept for a key, or else claim the key until it is released.

        Raises:
            ApiError: if the key is being worked on, or belongs to another request.
        """
        if len(key) > 255:
            raise ApiError("Idempotency keys can have up to 255 characters.", kind="idempotency_error")
        with self._lock:
            if key in self._in_flight:
                raise in_use(key)
            kept = self._kept.get(key)
            if kept is None or kept.kept_at + KEPT_FOR <= self._clock.now():
                self._kept.pop(key, None)
                self._in_flight.add(key)
                return None
        if (kept.path, kept.params) != (path, params):
            raise reused(key, kept.path, path)
        return kept

    def kept(self) -> list[tuple[str, KeptAnswer]]:
        """Return the answers that are kept, oldest first."""
        now = self._clock.now()
        with self._lock:
            return [(key, answer) for key, answer in self._kept.items() if now < answer.kept_at + KEPT_FOR]

    def keep(self, answers: Mapping[str, KeptAnswer]) -> None:
        """Keep answers that were given before."""
        with self._lock:
            self._kept.update(answers)

    def release(self, key: str, answer: KeptAnswer | None) -> None:
        """Let go of a key, with the answer to keep or without one."""
        with self._lock:
            self._in_flight.discard(key)
            if answer is not None:
                self._kept[key] = answer


def in_use(key: str) -> ApiError:
    """Refuse a key that another request is using at this moment."""
    message = (
        f"There is currently another in-progress request using this Idempotent Key: {key}. This could mean "
        "you submitted twice, or that the other request is still running. Try again later."
    )
    return ApiError(message, status=409, kind="idempotency_error", code="idempotency_key_in_use")


def reused(key: str, first_path: str, path: str) -> ApiError:
    what = "parameters" if first_path == path else f"endpoint ('{path}' vs '{first_path}')"
    message = (
        f"Keys for idempotent requests can only be used with the same {what} they were first used with. "
        f"Try using a key other than '{key}' if you meant to execute a different request."
    )
    return ApiError(message, kind="idempotency_error")
