"""The example as it is deployed: a folder of its own, an environment of its own, and the commands of its Procfile."""

from __future__ import annotations

import http.client
import os
import re
import secrets
import shlex
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "example_project"
HOST = "harbour.example"
LISTENS = re.compile(r"Listening at: http://[\d.]+:(\d+)")
#: Seconds after which a process that hangs is killed.
PATIENCE = 60


def documented_environment() -> dict[str, str]:
    """Return what the guide sets in production, with something in the place of each ``…``."""
    production = (EXAMPLE / "SETUP.md").read_text().partition("\n## Production\n")[2]
    block = re.search(r"```ini\n(.*?)```", production, re.DOTALL)[1]
    variables = re.findall(r"^ *([A-Z_]+)=(.+)$", block, re.MULTILINE)
    return {name: value.replace("…", secrets.token_hex(32)) for name, value in variables}


def procfile() -> dict[str, str]:
    """Return the command line of each kind of process."""
    lines = (EXAMPLE / "Procfile").read_text().splitlines()
    return dict(line.split(": ", 1) for line in lines)


class Answer(NamedTuple):
    """What the site answered."""

    status: int
    headers: dict[str, str]
    body: bytes


class Site:
    """A copy of the example, which has no ``.env`` and no files but those of the repository."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "site"
        left_out = shutil.ignore_patterns(".env", "*.sqlite3*", "staticfiles", "__pycache__")
        shutil.copytree(EXAMPLE, self.folder, ignore=left_out)

    def environment(self, **variables: str) -> dict[str, str]:
        """Leave out whatever is set on this machine, and set these."""
        kept = {name: os.environ[name] for name in ("SYSTEMROOT", "PYTHONPATH") if name in os.environ}
        programs = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
        # gunicorn and others keep files there.
        return {**kept, "PATH": programs, "HOME": str(self.folder.parent), **variables}

    def run(self, *command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run a command to its end, with these variables."""
        return subprocess.run(
            command,
            cwd=self.folder,
            env=self.environment(**variables),
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    def python(self, *arguments: str, **variables: str) -> str:
        """Run Python, where a warning is an error, and return all that it said."""
        done = self.run(sys.executable, "-W", "error", *arguments, **variables)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    def release(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """Run the Procfile's ``release``, as hosts do it before anything else: in a shell."""
        return self.run("sh", "-c", procfile()["release"], **variables)


class Web:
    """The Procfile's ``web``, on a port that the system chose."""

    def __init__(self, site: Site, **variables: str) -> None:
        self._log = (site.folder.parent / f"{secrets.token_hex(4)}.log").open("w+")
        self.process = subprocess.Popen(
            shlex.split(procfile()["web"]),
            cwd=site.folder,
            env=site.environment(PORT="0", **variables),
            stdout=self._log,
            stderr=subprocess.PIPE,
            text=True,
        )
        # Should it hang, it is killed, and the loop below comes to the end of what it said.
        watchdog = threading.Timer(PATIENCE, self.process.kill)
        watchdog.start()
        said = []
        for line in self.process.stderr:
            said.append(line)
            if found := LISTENS.search(line):
                break
        watchdog.cancel()
        assert found, "".join(said)
        self.port = int(found[1])

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *exc_info: Any) -> None:
        if self.process.returncode is None:
            self.stop()
        self._log.close()

    def ask(self, path: str, method: str = "GET", body: bytes | None = None, **headers: str) -> Answer:
        """Send one request for the site's host; ``X_Forwarded_Proto`` is the header of that name."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        try:
            connection.request(method, path, body, {"Host": HOST, **named})
            response = connection.getresponse()
            return Answer(response.status, dict(response.getheaders()), response.read())
        finally:
            connection.close()

    def stop(self) -> int:
        """Send SIGTERM, as hosts do, and return the exit status."""
        self.process.send_signal(signal.SIGTERM)
        self.process.communicate(timeout=PATIENCE)
        return self.process.returncode

    def line(self, words: str) -> str:
        """Return the first line on stdout that has these words; the last lines are written after the answer."""
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            if found := [line for line in self.log() if words in line]:
                return found[0]
            time.sleep(0.02)
        raise AssertionError("\n".join(self.log()))

    def log(self) -> list[str]:
        """Return what was written to stdout so far."""
        return Path(self._log.name).read_text().splitlines()
