"""``manage.py payments_work``: do what was left undone, once or until it is stopped."""

from __future__ import annotations

import signal
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from queue import Empty, SimpleQueue
from typing import Any

from django.core.management.base import BaseCommand

from django_generic_payments.maintenance.work import Report, work_off, work_until

__all__ = ["Command"]


class Command(BaseCommand):
    """Deliver what is owed and send what is reserved; any number of these may run at the same time."""

    help = (
        "Tells receivers what they are still owed, applies events of Stripe that could not be applied, and sends "
        "refunds and checkouts whose answer was lost. Runs until Ctrl-C or SIGTERM, or once."
    )

    def add_arguments(self, parser: ArgumentParser) -> None:
        """Add how often it looks for work."""
        parser.add_argument("--once", action="store_true", help="do what is due now, and end")
        parser.add_argument(
            "--interval", type=_seconds, default=5.0, help="seconds between two looks; 5 by default"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        """Work, and print a line for each kind of work that there was."""
        if options["once"]:
            reports = work_off()
            self.tell(reports)
            if not reports:
                self.stdout.write("Nothing is due.")
            return
        self.stdout.write("Working. Stop with Ctrl-C.")
        with _stopped_by_signals() as stop:
            work_until(stop.is_asked, lambda: stop.wait(options["interval"]), self.tell)
        self.stdout.write("Stopped.")

    def tell(self, reports: list[Report]) -> None:
        """Print what was done."""
        for each in reports:
            later = f", {each.failed} to be tried again" if each.failed else ""
            self.stdout.write(f"{each.name}: {each.done} done{later}")


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0
    if not 0.1 <= seconds <= 3600:
        raise ArgumentTypeError(f"{text!r} is no number of seconds from 0.1 to 3600.")
    return seconds


class _Stop:
    """Whether the worker was asked to stop: first it finishes what it is doing."""

    def __init__(self) -> None:
        # Of all that can wake a waiting thread, this alone may be used in a signal handler that interrupts the wait.
        self._requests: SimpleQueue[int] = SimpleQueue()

    def ask(self, number: int, frame: object) -> None:
        self._requests.put(number)

    def is_asked(self) -> bool:
        return not self._requests.empty()

    def wait(self, seconds: float) -> None:
        with suppress(Empty):
            self._requests.put(self._requests.get(timeout=seconds))


@contextmanager
def _stopped_by_signals() -> Iterator[_Stop]:
    stop = _Stop()
    before = {number: signal.signal(number, stop.ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield stop
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
