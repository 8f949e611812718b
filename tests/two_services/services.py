"""The two services as processes, with a Stripe between them."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.example import EXAMPLE

ROOT = Path(__file__).parents[2]
#: Seconds for a process to do what it was asked for, on a machine that does other things too.
PATIENCE = 60


@dataclass
class Service:
    """A Django project in processes of its own."""

    settings: str
    environment: dict[str, str]
    port: int
    log: Path
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def run(self, *arguments: str) -> str:
        """Run a command to its end, and return what it printed."""
        done = subprocess.run(
            self._command(*arguments), env=self._environment(), capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout.strip()

    def start(self, *arguments: str) -> subprocess.Popen[bytes]:
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                self._command(*arguments), env=self._environment(), stdout=log, stderr=log
            )
        self.processes.append(process)
        return process

    def serve(self) -> None:
        """Serve until it is killed, and return as soon as it listens."""
        process = self.start("runserver", "--noreload", f"127.0.0.1:{self.port}")
        wait_until(lambda: process.poll() is not None or is_open(self.port), "the service listens", self.log)
        assert process.poll() is None, self.log.read_text()

    def kill(self) -> None:
        """Leave it no time for anything."""
        for process in self.processes:
            process.kill()
            process.wait()
        self.processes.clear()

    def is_gone(self) -> bool:
        """Tell whether none of its processes is left, or is about to be."""
        return all(process.poll() is not None for process in self.processes)

    def _command(self, *arguments: str) -> list[str]:
        return [sys.executable, "-m", "django", *arguments]

    def _environment(self) -> dict[str, str]:
        strange = {"DATABASE_URL", "STRIPE_SECRET_KEY", "DJANGO_SECRET_KEY"}
        kept = {name: value for name, value in os.environ.items() if name not in strange}
        return {
            **kept,
            "PYTHONPATH": os.pathsep.join([str(EXAMPLE), str(ROOT)]),
            "DJANGO_SETTINGS_MODULE": self.settings,
            "NO_PROXY": "127.0.0.1",
            **self.environment,
        }


def stop(process: subprocess.Popen[bytes]) -> int:
    """Ask a process to end, and return its exit status."""
    process.send_signal(signal.SIGTERM)
    return process.wait(PATIENCE)


def free_port() -> int:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return int(sock.getsockname()[1])


def is_open(port: int) -> bool:
    with socket.socket() as sock:
        return sock.connect_ex(("127.0.0.1", port)) == 0


def wait_until(condition: Callable[[], bool], what: str, *logs: Path) -> None:
    """Return once it is so. Fails with the logs of those who should have seen to it."""
    deadline = time.monotonic() + PATIENCE
    while not condition():
        assert time.monotonic() < deadline, f"Not in time: {what}.\n" + "".join(
            log.read_text() for log in logs if log.exists()
        )
        time.sleep(0.02)


def call(address: str, data: Any = None, **headers: str) -> tuple[int, dict[str, Any]]:
    """Call an API, by POST if there is something to send, and return the status and the answer."""
    body = None if data is None else json.dumps(data).encode()
    request = urllib.request.Request(  # noqa: S310
        address,
        data=body,
        headers={
            "Content-Type": "application/json",
            **{name.replace("_", "-"): value for name, value in headers.items()},
        },
    )
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(request, timeout=PATIENCE) as answer:
            return answer.status, json.load(answer)
    except urllib.error.HTTPError as error:
        return error.code, json.load(error)
