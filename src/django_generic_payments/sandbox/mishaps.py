"""Mishaps on the way of an event: on order, and at random but reproducibly.

https://docs.stripe.com/webhooks#event-ordering
"""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from fnmatch import fnmatchcase
from typing import TypeVar

from .records import SandboxError

__all__ = ["EventMishaps", "Turbulence"]

Item = TypeVar("Item")


@dataclass(frozen=True)
class Turbulence:
    """How rough the network is: probabilities between 0 and 1.

    Args:
        never_generated: that an event is never made.
        two_events: that two Event objects tell of one fact.
        lost: that a delivery is lost for good.
        late: that an event is left for the next round of deliveries.
        twice: that an event is delivered twice.
        swapped: that two events in a row change places.
        calls: what happens to a call of the API, by the kind of the fault, as `Sandbox.fail_next` knows them.

    Raises:
        SandboxError: for what is no probability.
    """

    never_generated: float = 0
    two_events: float = 0
    lost: float = 0
    late: float = 0
    twice: float = 0
    swapped: float = 0
    calls: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        given = {each.name: getattr(self, each.name) for each in fields(self) if each.name != "calls"}
        for name, value in {**given, **self.calls}.items():
            if not 0 <= value <= 1:
                raise SandboxError(f"{name} is a probability between 0 and 1, not {value}.")

    def is_calm(self) -> bool:
        """Tell whether nothing goes wrong with deliveries."""
        return not (self.lost or self.late or self.twice or self.swapped)

    def shake(self, events: list[Item], dice: random.Random) -> tuple[list[Item], list[Item]]:
        """Return the events to deliver, in their order, and those that are lost for good."""
        waiting, lost = [], []
        for event in events:
            fate = dice.random()
            if fate < self.lost:
                lost.append(event)
            elif dice.random() >= self.late:
                waiting += [event] * (2 if dice.random() < self.twice else 1)
        for index in range(len(waiting) - 1):
            if dice.random() < self.swapped:
                waiting[index], waiting[index + 1] = waiting[index + 1], waiting[index]
        return waiting, lost


@dataclass
class Ordered:
    """A mishap that waits for its event."""

    kind: str
    pattern: str
    times: int


class EventMishaps:
    """Decide how often an event is made: once, never, or as two Event objects."""

    COUNTS: Mapping[str, int] = {"never_generated": 0, "two_events": 2}

    def __init__(self, turbulence: Turbulence, dice: random.Random) -> None:
        self._turbulence = turbulence
        self._dice = dice
        self._ordered: list[Ordered] = []

    def order(self, kind: str, pattern: str, times: int) -> None:
        """Order a mishap.

        Raises:
            SandboxError: for a kind that does not exist.
        """
        if kind not in self.COUNTS:
            raise SandboxError(f"There is no mishap {kind!r}; there are {', '.join(self.COUNTS)}.")
        self._ordered.append(Ordered(kind, pattern, times))

    def count(self, event_type: str) -> int:
        """Return how many Event objects tell of this fact."""
        for mishap in self._ordered:
            if mishap.times > 0 and fnmatchcase(event_type, mishap.pattern):
                mishap.times -= 1
                return self.COUNTS[mishap.kind]
        for kind, count in self.COUNTS.items():
            probability = getattr(self._turbulence, kind)
            if probability and self._dice.random() < probability:
                return count
        return 1
