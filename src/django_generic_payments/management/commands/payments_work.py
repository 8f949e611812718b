"""``manage.py payments_work``: do what was left undone, once or until it is stopped."""

from __future__ import annotations

import signal
import threading
from argparse import ArgumentParser, ArgumentTypeError
from collections.abc import Iterator
from contextlib import contextmanager
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
        with _stopped_by_signals() as stopped:
            work_until(stopped.is_set, lambda: stopped.wait(options["interval"]), self.tell)
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


@contextmanager
def _stopped_by_signals() -> Iterator[threading.Event]:
    """Give an event that SIGTERM and Ctrl-C set: what is being done is finished first."""
    stopped = threading.Event()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    for number in before:
        signal.signal(number, lambda *_: stopped.set())
    try:
        yield stopped
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
