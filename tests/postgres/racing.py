"""Threads that start at the same moment, receivers that wait, and protections that are taken away."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from typing import Any

from django.db import connection, connections

from django_generic_payments.signals import payment_succeeded
from tests.shop.models import Booking

#: Seconds after which a test that waits for somebody is broken.
PATIENCE = 30


def race(*actions: Callable[[], Any]) -> list[Any]:
    """
    Run all actions at the same moment, each in a thread with a connection of its own.

    Return what came of each, in their order: its value, or the exception it raised.
    """
    barrier = threading.Barrier(len(actions))

    def run(action: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            barrier.wait(PATIENCE)
            return action()
        except Exception as error:
            return error
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(actions)) as pool:
        return list(pool.map(run, actions))


@contextmanager
def in_the_background(action: Callable[[], Any]) -> Iterator[Future[Any]]:
    """Run an action in a thread, and wait for it at the end."""

    def run() -> Any:
        try:
            return action()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(1) as pool:
        yield pool.submit(run)


def wait_until_somebody_waits(*, count: int = 1) -> None:
    """Wait until so many connections to this database wait for a lock."""
    waits = "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'"
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        with connection.cursor() as cursor:
            cursor.execute(waits)
            if cursor.fetchone()[0] >= count:
                return
    raise AssertionError("Nobody waits for a lock.")


class Stage:
    """Counts who enters the receiver, and holds them there until they are let go."""

    def __init__(self) -> None:
        self.entries = 0
        self.failures_to_come = 0
        self._holds = False
        self._entered = threading.Semaphore(0)
        self._released = threading.Event()
        self._lock = threading.Lock()

    def __enter__(self) -> Stage:
        payment_succeeded.connect(self._receive, sender=Booking, weak=False, dispatch_uid="tests.stage")
        return self

    def __exit__(self, *exc_info: Any) -> None:
        payment_succeeded.disconnect(sender=Booking, dispatch_uid="tests.stage")

    def hold(self) -> None:
        """Hold whoever enters from now on."""
        self._holds = True
        self._released.clear()

    def let_everybody_go(self) -> None:
        self._holds = False
        self._released.set()

    def wait_for_entry(self) -> None:
        assert self._entered.acquire(timeout=PATIENCE), "Nobody came."

    def _receive(self, **kwargs: Any) -> None:
        with self._lock:
            self.entries += 1
            fails = self.failures_to_come > 0
            self.failures_to_come -= fails
            holds = self._holds
        self._entered.release()
        if holds:
            assert self._released.wait(PATIENCE), "Nobody let the receiver go."
        if fails:
            raise RuntimeError("The receiver fails, as it was told to.")


@contextmanager
def swapped(owner: Any, name: str, replacement: Any) -> Iterator[None]:
    """
    Put something else in the place of one of our own functions, for all threads.

    Only to take a protection away and show that a test can see it missing. The switch is made here, and not in the
    package: a guard that a setting can turn off is no guard.
    """
    original = getattr(owner, name)
    setattr(owner, name, replacement)
    try:
        yield
    finally:
        setattr(owner, name, original)
