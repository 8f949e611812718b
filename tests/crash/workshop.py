"""The other side of ``child.py``: Stripe, which survives every crash, and what must be true after one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from django.conf import settings

from django_generic_payments.sandbox import Sandbox
from django_generic_payments.sandbox.server import SandboxServer

ROOT = Path(__file__).parents[2]
PRICE = 12_50
#: How often an event is delivered, at most, after the faults are over.
PATIENCE = 2


class Killed(Exception):
    """The process that did the job is gone."""


class Workshop:
    """A sandbox served over HTTP, and two processes that do jobs against it: one dies of some of them."""

    def __init__(self, folder: Path) -> None:
        self.sandbox = Sandbox()
        # Whether it speaks as Stripe does is held against the schema in other tests; here it says the same all along.
        self.sandbox.state.observers = []
        self._server = SandboxServer(self.sandbox)
        self._folder = folder
        self._log = folder / "jobs.log"

    def __enter__(self) -> Workshop:
        self._server.start()
        on_postgresql = settings.DATABASES["default"]["ENGINE"].endswith("postgresql")
        database = f"crash_{os.getpid()}" if on_postgresql else str(self._folder / "crash.sqlite3")
        self._environment = {
            **os.environ,
            "DJANGO_SETTINGS_MODULE": "tests.crash.settings",
            "PYTHONPATH": os.pathsep.join([str(ROOT), *filter(None, sys.path)]),
            "NO_PROXY": "127.0.0.1",
            "CRASH_DATABASE": database,
            "CRASH_MEMORY": str(self._folder),
            "CRASH_API_BASE": self._server.url,
            "CRASH_SECRET_KEY": self.sandbox.secret_key,
            "CRASH_WEBHOOK_SECRET": self.sandbox.webhook_secret,
        }
        self._survivor, self._mortal = self._start("survivor"), self._start("mortal")
        return self

    def __exit__(self, *exc_info: Any) -> None:
        # The survivor goes last: it drops the database.
        for process in (self._mortal, self._survivor):
            process.stdin.close()
            process.wait()
            process.stdout.close()
        self._server.stop()

    def do(self, name: str, **job: Any) -> Any:
        """Have a job done and return its result. Raises ``Killed``."""
        process = self._mortal if job.get("at") and job.get("mode", "kill") == "kill" else self._survivor
        process.stdin.write(json.dumps({"name": name, **job}) + "\n")
        process.stdin.flush()
        line = process.stdout.readline()
        answer = json.loads(line) if line else {"broken": self._log.read_text()[-4000:]}
        if "broken" in answer:
            raise AssertionError(answer["broken"])
        if "killed" in answer:
            raise Killed
        return answer["result"]

    def _start(self, role: str) -> subprocess.Popen[str]:
        with self._log.open("a") as log:
            return subprocess.Popen(
                [sys.executable, "-m", "tests.crash.child", role],
                cwd=ROOT,
                env=self._environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    def places(self, **preparation: Any) -> Iterator[dict[str, Any]]:
        """Prepare bookings for as long as they are asked for."""
        while True:
            yield from self.do("prepare", count=20, **preparation)

    def pay(self, checkout: str) -> dict[str, Any]:
        """Pay a checkout and return the event that says so."""
        self.sandbox.pay(checkout)
        (event,) = self.events(checkout, "checkout.session.completed")
        return event

    def events(self, checkout: str, *kinds: str) -> list[dict[str, Any]]:
        """Return the events of these types about a checkout or its payment, the newest of each."""
        ids = {checkout, self.sandbox.checkout_session(checkout)["payment_intent"]}
        found = {}
        for event in reversed(self.sandbox.events[-100:]):
            about = event["data"]["object"]
            if event["type"] in kinds and ids & {about["id"], about.get("payment_intent")}:
                found.setdefault(event["type"], event)
        return [found[kind] for kind in kinds if kind in found]

    def deliver(self, event: dict[str, Any], **job: Any) -> dict[str, Any]:
        """Deliver an event, signed now."""
        body, headers = self.sandbox.message(event)
        return self.do("webhook", body=body.decode(), headers=headers, **job)

    def settle(
        self,
        event: dict[str, Any],
        booking: int,
        receivers: list[str],
        *,
        later: Sequence[dict[str, Any]] = (),
        **job: Any,
    ) -> dict[str, Any]:
        """Deliver an event until it is acknowledged, others once, and return the answers and what there is then."""
        (body, headers), *others = (
            (body.decode(), headers) for body, headers in map(self.sandbox.message, [event, *later])
        )
        return self.do(
            "settle",
            body=body,
            headers=headers,
            booking=booking,
            receivers=receivers,
            later=others,
            **job,
        )

    def refunds(self, checkout: str) -> list[int]:
        """Return the amounts of what was sent back at Stripe."""
        return [each["amount"] for each in self.sandbox.refunds(checkout)]

    def open_checkouts(self, booking: int) -> list[str]:
        """Return the checkouts of a booking that can be paid at this moment."""
        headers = {"Authorization": f"Bearer {self.sandbox.secret_key}"}
        answer = self.sandbox.handle("GET", "/v1/checkout/sessions?status=open&limit=100", headers)
        found = json.loads(answer.body)["data"]
        return [each["id"] for each in found if each["client_reference_id"] == f"booking:{booking}:"]


@dataclass
class Report:
    """What became of one path with a fault at each of its points."""

    points: int = 0
    names: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def strike(job: Callable[..., dict[str, Any]], *args: Any, **kwargs: Any) -> tuple[bool, dict[str, Any]]:
    """Do a job with a fault in it; return whether the fault struck, and the result if somebody lived to tell."""
    try:
        result = job(*args, **kwargs)
    except Killed:
        return True, {}
    return result["struck"], result
