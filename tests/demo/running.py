"""The example's demo in a process of its own, as whoever follows the README has it."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import threading
from pathlib import Path

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-W", "error", str(ROOT / "example_project" / "manage.py"), "demo"]
LAST_LINE = "Stop with Ctrl-C."


def environment() -> dict[str, str]:
    """Leave out whatever would make it another project's."""
    return {name: value for name, value in os.environ.items() if not name.startswith("DJANGO_")} | {
        "PYTHONUNBUFFERED": "1"
    }


def tell(*options: str, timeout: int = 120, **variables: str) -> subprocess.CompletedProcess[str]:
    """Run the demo to its end, with these variables set."""
    return subprocess.run(
        [*COMMAND, *options],
        env=environment() | variables,
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )


class ServedDemo:
    """``demo --serve``, from its first line to its last."""

    def __init__(self, **variables: str) -> None:
        self.process = subprocess.Popen(
            [*COMMAND, "--serve", "--port", "0", "--frontend-port", "0"],
            env=environment() | variables,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.said: list[str] = []
        # Should it hang, it is killed, and the loop below comes to the end of what it said.
        watchdog = threading.Timer(60, self.process.kill)
        watchdog.start()
        for line in self.process.stdout:
            self.said.append(line)
            if LAST_LINE in line:
                break
        watchdog.cancel()
        assert self.process.poll() is None, "".join(self.said)

    @property
    def address(self) -> str:
        """Where the site is."""
        return self._address_after("The site")

    @property
    def stripe(self) -> str:
        """Where the sandbox is."""
        return self._address_after("The small Stripe")

    @property
    def frontend(self) -> str:
        """Where the page of another origin is."""
        return self._address_after("The same by the API")

    def stop(self, number: int = signal.SIGINT) -> int:
        """Send the signal, and return the exit status; ``said`` then holds every line."""
        self.process.send_signal(number)
        rest, _nothing = self.process.communicate(timeout=30)
        self.said.append(rest)
        return self.process.returncode

    def _address_after(self, words: str) -> str:
        return re.search(rf"{words} +(http://[\d.:]+)", "".join(self.said))[1]
