"""
``python3 run.py demo`` and ``python3 run.py test`` need Python 3.10 or newer, and nothing else.

Installs tox into a virtual environment in .run/, which prepares everything else. Whoever has tox needs none of this.
"""

import importlib.util
import json
import os
import re
import signal
import subprocess
import sys
import urllib.request
import venv
from pathlib import Path

USAGE = """\
Usage: python3 run.py demo [--serve [--port PORT] [--frontend-port PORT]]
       python3 run.py test [options of pytest]

demo   tells the whole story against the sandbox, without a Stripe account; with --serve, you play it in your browser
test   runs the tests with this Python; what needs a service that is not running is named at the end
"""
ROOT = Path(__file__).resolve().parent
HOME = ROOT / ".run" / f"python{sys.version_info[0]}.{sys.version_info[1]}"
IN_ENVIRONMENT = "Scripts/python.exe" if os.name == "nt" else "bin/python"
PYTHON = HOME / IN_ENVIRONMENT
TOX = [str(PYTHON), "-m", "tox", "run"]
HAS_PIP = importlib.util.find_spec("ensurepip") is not None  # Debian makes it a package of its own


def fetch(url, accept="*/*"):
    with urllib.request.urlopen(urllib.request.Request(url, headers={"Accept": accept})) as answer:
        return answer.read()


def download_pip():
    """Fetch the newest pip that this Python can run, as one file that needs no installing."""
    releases = {}
    listing = fetch("https://pypi.org/simple/pip/", accept="application/vnd.pypi.simple.v1+json")
    for file in json.loads(listing)["files"]:
        version = re.match(r"pip-([\d.]+)-py3-none-any\.whl$", file["filename"])
        needs = re.search(r">=\s*3\.(\d+)", file["requires-python"] or "")
        if version and not file["yanked"] and (not needs or int(needs.group(1)) <= sys.version_info[1]):
            releases[tuple(map(int, version.group(1).split(".")))] = file
    newest = releases[max(releases)]
    wheel = HOME / newest["filename"]
    wheel.write_bytes(fetch(newest["url"]))
    return wheel / "pip"


def install_tox():
    print(f"Preparing {HOME} (only the first time) ...", flush=True)
    venv.create(HOME, clear=True, with_pip=HAS_PIP)
    pip = ["-m", "pip"] if HAS_PIP else [str(download_pip())]
    options = ["--quiet", "--disable-pip-version-check"]
    subprocess.check_call([str(PYTHON), *pip, "install", *options, "tox>=4.22"])


def prepare_demo(args):
    """Let tox make the demo's environment, and return the command: tox has too much to say when it is stopped."""
    print("Preparing the demo ...", flush=True)
    status = subprocess.call([*TOX, "-qq", "-e", "demo", "--notest"], cwd=str(ROOT))
    if status:
        sys.exit(status)
    return [str(ROOT / ".tox" / "demo" / IN_ENVIRONMENT), "example_project/manage.py", "demo", *args]


def run(command):
    """Run a command, and end with it."""
    strange = {"DJANGO_SETTINGS_MODULE", "PYTHONPATH"}  # of some other project
    env = {name: value for name, value in os.environ.items() if name not in strange}
    child = subprocess.Popen(command, cwd=str(ROOT), env={**env, "PYTHONUNBUFFERED": "1"})
    # Ctrl-C reaches the child by itself. A polite kill does not, and tox tidies up only after an interrupt.
    signal.signal(signal.SIGINT, lambda *_: None)
    signal.signal(signal.SIGTERM, lambda *_: child.send_signal(signal.SIGINT))
    status = child.wait()
    sys.exit(status if status >= 0 else 128 - status)


def main():
    if sys.version_info < (3, 10):
        sys.exit(f"Python 3.10 or newer is needed; this is {sys.version.split()[0]} ({sys.executable}).")
    command, *args = sys.argv[1:] or ["--help"]
    if command not in {"demo", "test"}:
        sys.exit(USAGE)
    if not PYTHON.exists() or subprocess.call([str(PYTHON), "-c", "import tox"], stderr=subprocess.DEVNULL):
        install_tox()
    run(prepare_demo(args) if command == "demo" else [*TOX, "-e", "py", "--", *args])


if __name__ == "__main__":
    main()
