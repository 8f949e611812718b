"""``manage.py payments_work``."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from datetime import timedelta
from io import StringIO
from pathlib import Path
from queue import Empty, Queue
from threading import Thread
from time import monotonic, sleep

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.utils import timezone

from django_generic_payments.maintenance.audit import audit
from tests.maintenance.scenes import failed_event, let_pass, paid, unanswered_refund
from tests.shop.models import Booking

ROOT = Path(__file__).parents[2]
MANAGE = [sys.executable, "-W", "error", "-m", "tests.management.worker"]
PATIENCE = 60
DAY = timedelta(days=1)


def once() -> list[str]:
    out = StringIO()
    call_command("payments_work", once=True, stdout=out)
    return out.getvalue().splitlines()


@pytest.mark.core
@pytest.mark.django_db
class TestOnce:
    def test_it_says_what_was_done_and_what_is_to_be_tried_again(self, stripe, trouble):
        failed_event(stripe)
        unanswered_refund(stripe)
        trouble(4)
        for _ in range(3):
            paid(stripe)
        let_pass(timedelta(minutes=5))

        assert once() == [
            "events of Stripe: 1 done",
            "payment events: 2 done, 1 to be tried again",
            "refunds: 1 done",
        ]

    def test_it_says_that_there_is_nothing_to_do(self):
        assert once() == ["Nothing is due."]

    def test_what_is_given_up_is_a_finding_of_the_audit(self, stripe, trouble):
        trouble()
        session = paid(stripe)
        for _ in range(13):
            let_pass(DAY)
            once()

        event = session.events.get()
        (finding,) = [each for each in audit() if each.count]
        assert (finding.invariant, finding.examples) == ("nothing was given up", (str(event.pk),))


@pytest.mark.core
@pytest.mark.parametrize("interval", ["0", "0.09", "3601", "-5", "nan", "inf", "soon", ""])
def test_an_interval_that_makes_no_sense_is_refused(interval):
    with pytest.raises(CommandError, match=f"{interval!r} is no number of seconds from 0.1 to 3600"):
        call_command("payments_work", "--interval", interval)


# A process of its own.


class Worker:
    """A worker in a process of its own, whose lines are read as they come."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.management.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "PYTHONUNBUFFERED": "1",
            "WORKER_DATABASE": str(connection.settings_dict["NAME"]),
            "WORKER_FOLDER": str(folder),
        }
        if connection.vendor == "sqlite":
            # That of the tests is in the memory of this process.
            self.environment["WORKER_DATABASE"] = str(folder / "worker.sqlite3")
            subprocess.run([*MANAGE, "migrate", "--verbosity", "0"], env=self.environment, check=True)
        self.said: list[str] = []
        self._lines: Queue[str] = Queue()

    def __enter__(self) -> Worker:
        self._process = subprocess.Popen(
            [*MANAGE, "payments_work", "--interval", "0.1"],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = Thread(target=self._read)
        self._reader.start()
        self.wait_for("Working. Stop with Ctrl-C.")
        return self

    def __exit__(self, *exc_info: object) -> None:
        self._process.kill()
        self._process.wait()
        self._reader.join()
        self._process.stdout.close()

    def _read(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line.rstrip())

    def wait_for(self, wanted: str) -> None:
        """Read until a line is this one."""
        while wanted not in self.said:
            try:
                self.said.append(self._lines.get(timeout=PATIENCE))
            except Empty:
                raise AssertionError(self.said) from None

    def give(self, *rows: str) -> None:
        """Put rows where the worker finds them."""
        for row in rows:
            (self.folder / f"{row}.row").touch()

    def let_go(self, row: str) -> None:
        """Let the worker finish a row."""
        (self.folder / f"{row}.go").touch()

    def wait_until(self, row: str) -> None:
        """Wait until a row is taken, or done."""
        deadline = monotonic() + PATIENCE
        while not (self.folder / row).exists():
            assert monotonic() < deadline, self.said
            sleep(0.01)

    def stop(self, number: int = signal.SIGTERM) -> None:
        """Ask it to stop."""
        self._process.send_signal(number)

    def status(self) -> int:
        """Wait for its end, and return the exit status; ``said`` then holds every line."""
        status = self._process.wait(PATIENCE)
        self._reader.join()
        while not self._lines.empty():
            self.said.append(self._lines.get())
        return status


@pytest.fixture
def worker(tmp_path, transactional_db):
    with Worker(tmp_path) as worker:
        yield worker


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_it_finishes_what_it_is_doing_and_begins_nothing_else(worker, number):
    worker.give("1", "2")
    worker.wait_until("1.taken")

    worker.stop(number)
    worker.let_go("1")

    assert worker.status() == 0
    assert worker.said == ["Working. Stop with Ctrl-C.", "files: 1 done", "Stopped."]
    assert (worker.folder / "1.done").exists()
    assert (worker.folder / "2.row").exists()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_asked_to_stop_while_it_waits_it_ends_at_once(worker, number):
    worker.give("1")
    worker.let_go("1")
    worker.wait_for("files: 1 done")

    worker.stop(number)

    assert worker.status() == 0
    assert worker.said == ["Working. Stop with Ctrl-C.", "files: 1 done", "Stopped."]


def test_it_looks_for_work_again_and_again(worker):
    for row in "123":
        worker.let_go(row)
        worker.give(row)
        worker.wait_until(f"{row}.done")

    worker.stop()
    assert worker.status() == 0


@pytest.mark.postgres
@pytest.mark.skipif(connection.vendor != "postgresql", reason="PostgreSQL is not the test database")
def test_it_survives_that_the_database_is_away_for_a_while(worker, stripe):
    worker.give("1")
    worker.let_go("1")
    worker.wait_until("1.done")

    with nobody_may_connect():
        worker.wait_for("The worker could not look for work: OperationalError.")
    session = paid(stripe)
    owed = {"state": "owed", "owed_to": "|shop.confirm|", "delivered_to": ""}
    session.events.update(**owed, next_attempt_at=timezone.now())
    worker.wait_for("payment events: 1 done")

    worker.stop()
    assert worker.status() == 0
    assert worker.said[-1] == "Stopped."
    assert Booking.objects.get().confirmed == 2


@contextmanager
def nobody_may_connect():
    """Throw everybody else out of the database, and let nobody in."""
    connection.ensure_connection()
    name, own = connection.settings_dict["NAME"], connection.connection.info.backend_pid
    change = f"ALTER DATABASE {connection.ops.quote_name(name)} WITH ALLOW_CONNECTIONS"
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> %s"
    # From another database: one's own cannot be closed.
    with connection._nodb_cursor() as cursor:
        cursor.execute(f"{change} false")
        try:
            cursor.execute(others, [name, own])
            yield
        finally:
            cursor.execute(f"{change} true")
