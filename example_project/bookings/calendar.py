"""The months ahead, and which of their nights are still to be had."""

from __future__ import annotations

from calendar import Calendar, day_name
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from bookings.models import Room

MONTHS = 2
#: The name of each day, and what stands above its column.
WEEKDAYS = [(name, name[:2]) for name in day_name]


@dataclass(frozen=True)
class Day:
    """A day of the calendar; ``None`` for the date stands for a day of another month."""

    date: date | None
    is_past: bool = False
    is_taken: bool = False


@dataclass(frozen=True)
class Month:
    """A month, in weeks that begin on Monday."""

    first: date
    weeks: list[list[Day]]


def months_ahead(room: Room, today: date) -> Iterator[Month]:
    """Return this month and the next."""
    first = today.replace(day=1)
    taken = room.taken_between(today, today + timedelta(days=31 * MONTHS + 1))
    for _month in range(MONTHS):
        weeks = Calendar().monthdatescalendar(first.year, first.month)
        yield Month(first, [[_day(each, first, today, taken) for each in week] for week in weeks])
        first = (first + timedelta(days=31)).replace(day=1)


def _day(each: date, first: date, today: date, taken: set[date]) -> Day:
    if each.month != first.month:
        return Day(None)
    return Day(each, is_past=each < today, is_taken=each in taken)
