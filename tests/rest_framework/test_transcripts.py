"""What the page on payments over HTTP shows is what happens: its commands are run, and their answers compared."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.demo.running import ServedDemo
from tests.example import needs_example

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "rest-api.md"
# As the page has it; the tests take whatever port is free.
ADDRESS = "http://127.0.0.1:8000"
END = "--- the end of a command ---"

pytestmark = [
    needs_example,
    pytest.mark.skipif(not PAGE.is_file(), reason="docs/ is part of the repository alone"),
    pytest.mark.skipif(
        not (shutil.which("bash") and shutil.which("curl") and shutil.which("python3")),
        reason="bash, curl or python3 is not on this machine",
    ),
]


@pytest.fixture
def address():
    """Where the example is."""
    demo = ServedDemo()
    yield demo.address
    demo.stop()


def test_every_command_of_the_page_answers_as_the_page_says(address, tmp_path):
    steps = transcript(PAGE.read_text())

    said = run([command.replace(ADDRESS, address) for command, _answer in steps], tmp_path)

    assert len(steps) > 20
    for (command, answer), heard in zip(steps, said, strict=True):
        assert re.fullmatch(pattern(answer), heard), f"$ {command}\n{heard}\nThe page says:\n{answer}"
    assert list(tmp_path.iterdir()) == []


def transcript(page: str) -> list[tuple[str, str]]:
    """Return each command of a page, with what is below it."""
    blocks = re.findall(r"^```console\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)
    return [
        (command, answer)
        for block in blocks
        for command, answer in re.findall(r"^\$ (.*\n)((?:(?!\$ ).*\n)*)", block, re.MULTILINE)
    ]


def run(commands: list[str], folder: Path) -> list[str]:
    """Run them in one shell, which keeps its variables as a terminal does, and return what each printed."""
    script = "".join(f"{command}echo '{END}'\n" for command in commands)
    # No proxy of the environment, and no ~/.curlrc: everything is on this machine.
    environment = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run(
        ["bash", "-s"],
        input=script,
        cwd=folder,
        env=environment | {"CURL_HOME": str(folder), "NO_PROXY": "*"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=120,
        check=False,
    )
    *said, rest = done.stdout.split(f"{END}\n")
    assert rest == ""
    return said


def pattern(answer: str) -> str:
    """Return what is printed, where … stands for anything that is on one line."""
    return r"[^\n]+".join(map(re.escape, answer.split("…")))
