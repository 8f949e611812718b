"""Everything Stripe knows about one account, and the lock around it."""

from __future__ import annotations

import heapq
import itertools
import random
import secrets
import string
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from .json_object import JsonObject
from .mishaps import EventMishaps, Turbulence
from .webhook_endpoint import FIRST, WebhookEndpoint

if TYPE_CHECKING:
    from .cards import BankAccount, Card
    from .clock import Clock
    from .payments import Attempt
    from .records import Delivery, Observer
    from .unconfirmed import Unconfirmed

__all__ = ["API_VERSION", "Backstage", "State"]

API_VERSION = "2026-10-28.endive"

#: Seconds until banks have done their part. A test that runs for so long is rare, and sees no surprise.
IN_PROCESS = 60

#: How many attempts to deliver something are remembered.
DELIVERIES_KEPT = 10_000

ALPHABET = string.ascii_letters + string.digits


@dataclass
class Backstage:
    """What Stripe remembers about a checkout session and does not show in the object."""

    line_items: list[JsonObject]
    payment_intent_data: JsonObject
    customer_update: JsonObject = field(default_factory=dict)
    payment_method_data: JsonObject = field(default_factory=dict)


@dataclass
class State:
    """Hold the objects of one account. Whoever reads or writes them holds `lock`."""

    clock: Clock
    seed: int | None
    livemode: bool
    checkout_base: str
    balance_after: int | None
    settle_after: int | None
    settlement_currency: str | None
    unconfirmed: Unconfirmed
    observers: list[Observer]
    turbulence: Turbulence = field(default_factory=Turbulence)
    tables: dict[str, dict[str, JsonObject]] = field(default_factory=dict)
    backstage: dict[str, Backstage] = field(default_factory=dict)
    webhook_endpoints: dict[str, WebhookEndpoint] = field(default_factory=dict)
    deliveries: deque[Delivery] = field(default_factory=lambda: deque(maxlen=DELIVERIES_KEPT))
    listeners: list[Callable[[JsonObject], None]] = field(default_factory=list)
    means: dict[str, Card | BankAccount] = field(default_factory=dict)
    awaiting: dict[str, Attempt] = field(default_factory=dict)
    session_of_intent: dict[str, str] = field(default_factory=dict)
    alteration: JsonObject = field(default_factory=dict)
    lock: threading.RLock = field(default_factory=threading.RLock)

    def __post_init__(self) -> None:
        # Ids are not secrets, and a system generator would cost more than the rest of a call.
        seed = self._seed = secrets.randbits(64) if self.seed is None else self.seed
        self._random = random.Random(seed)  # noqa: S311
        # Beside the one that makes up ids, so that a rougher network does not change them.
        self.dice = random.Random(f"dice of {seed}")  # noqa: S311
        self.event_mishaps = EventMishaps(self.turbulence, self.dice)
        # Numbered, so that what is due in the same second happens in the order in which it was noted.
        self.appointments: list[tuple[int, int, str, str]] = []
        self._numbers = itertools.count()
        #: Counts what may have changed, for whoever writes it down.
        self.changes = 0
        #: Counts how often it came back from what was written.
        self.restarts = 0

    @property
    def pending(self) -> list[JsonObject]:
        """What the account's first endpoint has not acknowledged yet, oldest first."""
        first = self.webhook_endpoints.get(FIRST)
        return first.pending if first else []

    def remind_of_bank(self, what: str, identifier: str) -> None:
        """Note that something is due as soon as banks have done their part."""
        wait = IN_PROCESS if self.balance_after is None else self.balance_after
        self.remind(self.clock.now() + wait, what, identifier)

    def restart(self, number: int) -> None:
        """Go on after a restart: one seed must not make up the same ids again."""
        self.restarts = number
        self._random.seed(f"{self._seed} after restart {number}")

    def token(self, length: int) -> str:
        """Make up letters and digits."""
        return "".join(self._random.choices(ALPHABET, k=length))

    def new_id(self, prefix: str, length: int = 23) -> str:
        """Make up an id; the lengths are those of real ids, which are no contract."""
        return prefix + self.token(length)

    def add(self, obj: JsonObject) -> JsonObject:
        """Store a new object."""
        self.tables.setdefault(obj["object"], {})[obj["id"]] = obj
        self.changes += 1
        return obj

    def remove(self, obj: JsonObject) -> None:
        """Forget an object."""
        del self.tables[obj["object"]][obj["id"]]

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

    def remind(self, when: int, what: str, identifier: str) -> None:
        """Note that something is due for an object at a time; `schedule` knows what there is."""
        heapq.heappush(self.appointments, (when, next(self._numbers), what, identifier))

    def next_due(self) -> tuple[str, str] | None:
        """Take the next thing that is due by now, and the object that it is due for."""
        if self.appointments and self.appointments[0][0] <= self.clock.now():
            self.changes += 1
            return heapq.heappop(self.appointments)[2:]
        return None
