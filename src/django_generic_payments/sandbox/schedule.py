"""What becomes due as time passes: sessions expire, banks answer, sales are booked, refunds arrive or fail."""

from __future__ import annotations

from collections.abc import Callable

from .balance import book_late, make_available
from .checkout import expire_if_open, settle_if_waiting
from .payments import release_if_held
from .refunds import fail_if_succeeded, settle_if_pending
from .state import State

__all__ = ["catch_up"]


def book(state: State, charge: str) -> None:
    book_late(state, state.tables["charge"][charge])


#: By what `State.remind` was told. Each looks first whether it is still to be done.
DUTIES: dict[str, Callable[[State, str], None]] = {
    "book": book,
    "expire": expire_if_open,
    "fail_refund": fail_if_succeeded,
    "make_available": make_available,
    "release": release_if_held,
    "settle": settle_if_waiting,
    "settle_refund": settle_if_pending,
}


def catch_up(state: State) -> None:
    """Do what has become due."""
    while due := state.next_due():
        what, identifier = due
        DUTIES[what](state, identifier)
