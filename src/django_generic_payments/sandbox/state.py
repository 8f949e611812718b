"""Everything Stripe knows about one account, and the lock around it."""

from __future__ import annotations

import heapq
import random
import secrets
import string
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .json_object import JsonObject

if TYPE_CHECKING:
    from .clock import Clock
    from .payments import Attempt
    from .records import Observer

__all__ = ["API_VERSION", "Backstage", "State"]

API_VERSION = "2026-10-28.endive"

ALPHABET = string.ascii_letters + string.digits


@dataclass
class Backstage:
    """What Stripe remembers about a checkout session and does not show in the object."""

    line_items: list[JsonObject]
    payment_intent_data: JsonObject
    awaiting: Attempt | None = None


@dataclass
class State:
    """Hold the objects of one account. Whoever reads or writes them holds `lock`."""

    clock: Clock
    seed: int | None
    livemode: bool
    checkout_base: str
    cancel_intent_on_expiry: bool
    observers: list[Observer]
    tables: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    backstage: dict[str, Backstage] = field(default_factory=dict)
    pending: list[JsonObject] = field(default_factory=list)
    listeners: list[Callable[[JsonObject], None]] = field(default_factory=list)
    alteration: JsonObject = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        # Ids are not secrets, and a system generator would cost more than the rest of a call.
        self._random = random.Random(secrets.randbits(64) if self.seed is None else self.seed)  # noqa: S311
        self._appointments: list[tuple[int, str, str]] = []

    def token(self, length: int) -> str:
        """Make up letters and digits."""
        return "".join(self._random.choices(ALPHABET, k=length))

    def new_id(self, prefix: str, length: int = 23) -> str:
        """Make up an id; the lengths are those of real ids, which are no contract."""
        return prefix + self.token(length)

    def add(self, obj: JsonObject) -> JsonObject:
        """Store a new object."""
        self.tables.setdefault(obj["object"], {})[obj["id"]] = obj
        return obj

    def get(self, kind: str, identifier: str | None) -> JsonObject | None:
        """Find an object of one kind."""
        return self.tables.get(kind, {}).get(identifier or "")

    def get_any(self, identifier: str) -> JsonObject | None:
        """Find an object of whatever kind."""
        found = (table[identifier] for table in self.tables.values() if identifier in table)
        return next(found, None)

    def newest_first(self, kind: str) -> list[JsonObject]:
        """List the objects of one kind, newest first."""
        return list(reversed(self.tables.get(kind, {}).values()))

    def remind(self, when: int, what: str, checkout_session: str) -> None:
        """Note that something is due for a session at a time: "expire" or "settle"."""
        heapq.heappush(self._appointments, (when, what, checkout_session))

    def next_due(self) -> tuple[str, str] | None:
        """Take the next thing that is due by now, and the session that it is due for."""
        if self._appointments and self._appointments[0][0] <= self.clock.now():
            return heapq.heappop(self._appointments)[1:]
        return None
