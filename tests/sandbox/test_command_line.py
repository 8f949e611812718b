"""The sandbox served by itself, in a process of its own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from .browser import request, submit
from .client import encode, session_params

KEY = {"Authorization": "Bearer sk_test_sandbox"}
MODULE = [sys.executable, "-W", "error", "-m", "django_generic_payments.sandbox"]


def environment(**more: str) -> dict[str, str]:
    theirs = {name: value for name, value in os.environ.items() if not name.startswith("STRIPE_")}
    return {**theirs, **more}


class Served:
    """A sandbox in a process of its own."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self.process = process
        self.lines: list[str] = []
        # The last line of its introduction.
        while not self.lines or "Ctrl-C" not in self.lines[-1]:
            line = process.stdout.readline()
            assert line, self.lines
            self.lines.append(line.strip())
        self.url = re.search(r"http://127\.0\.0\.1:[0-9]+", self.lines[0])[0]

    def stop(self, number: int) -> int:
        self.process.send_signal(number)
        return self.process.wait(20)


@contextmanager
def served(*arguments: str) -> Iterator[Served]:
    command = [*MODULE, "--port", "0", *arguments]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment()
    ) as process:
        try:
            yield Served(process)
        finally:
            process.kill()


def refused(*arguments: str, **more: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [*MODULE, *arguments],
        capture_output=True,
        text=True,
        timeout=30,
        env=environment(**more),
        check=False,
    )


def test_it_serves_the_api_and_the_dashboard_and_ends_quietly() -> None:
    with served() as sandbox:
        made = request(f"{sandbox.url}/v1/customers", b"name=Ada", KEY)
        dashboard = request(f"{sandbox.url}/")

        assert (made.status, dashboard.status) == (200, 200)
        assert "sk_test_sandbox" in sandbox.lines[1]
        assert f'base_addresses={{"api": "{sandbox.url}"}}' in sandbox.lines[1]
        assert sandbox.stop(signal.SIGINT) == 0
        rest = sandbox.process.stdout.read()
    assert rest.endswith("Stopped.\n")
    assert "Traceback" not in rest


def test_it_needs_neither_django_nor_the_sdk() -> None:
    program = (
        "import sys; from django_generic_payments.sandbox import command_line;"
        "print(sorted({name.partition('.')[0] for name in sys.modules} & {'django', 'stripe', 'requests'}))"
    )

    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_what_happened_is_remembered_even_after_a_kill(tmp_path: Path) -> None:
    state = str(tmp_path / "state.json")
    with served("--state", state) as first:
        made = json.loads(
            request(f"{first.url}/v1/checkout/sessions", encode(session_params()).encode(), KEY).body
        )
        while made["id"] not in Path(state).read_text():
            assert first.process.poll() is None
        first.process.kill()
        first.process.wait(20)
    with served("--state", state) as second:
        address = f"{second.url}/c/pay/{made['id']}"
        paid = submit(address, email="ada@example.com", number="4242424242424242")
        assert second.stop(signal.SIGTERM) == 0
    with served("--state", state) as third:
        found = json.loads(request(f"{third.url}/v1/checkout/sessions/{made['id']}", None, KEY).body)

    assert paid.status == 303
    assert found["payment_status"] == "paid"


def test_banks_answer_by_themselves_if_they_are_told_when() -> None:
    with served("--settle-after", "0") as sandbox:
        made = json.loads(
            request(f"{sandbox.url}/v1/checkout/sessions", encode(session_params()).encode(), KEY).body
        )
        submit(made["url"], email="ada@example.com", method="sepa_debit", iban="AT611904300234573201")
        found = json.loads(request(f"{sandbox.url}/v1/checkout/sessions/{made['id']}", None, KEY).body)

    assert found["payment_status"] == "paid"


@pytest.mark.parametrize(
    ("arguments", "environment", "complaint"),
    [
        (["--key", "sk_live_abcdef"], {}, "A live key has no business in a sandbox"),
        ([], {"STRIPE_SECRET_KEY": "sk_live_abcdef"}, "STRIPE_SECRET_KEY holds a live key"),
        ([], {"STRIPE_API_KEY": "rk_live_abcdef"}, "STRIPE_API_KEY holds a live key"),
        (["--host", "0.0.0.0"], {}, "0.0.0.0 is not this machine"),  # noqa: S104
        (["--webhook", "ftp://shop.example"], {}, "http or https"),
        (["--secret", "whsec_x"], {}, "--secret signs what goes to --webhook"),
        (["--settle-after", "-1"], {}, "--settle-after"),
        (["--port", "65536"], {}, "--port: invalid port value"),
        (["--state", "nowhere/state.json"], {}, "cannot be written: No such file or directory"),
    ],
)
def test_what_it_refuses_is_told(arguments: list[str], environment: dict[str, str], complaint: str) -> None:
    done = refused("--port", "0", *arguments, **environment)

    assert done.returncode in (1, 2)
    assert complaint in done.stderr
    assert "abcdef" not in done.stderr + done.stdout
    assert "Traceback" not in done.stderr


def test_a_port_that_is_taken_is_told() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()

        done = refused("--port", str(taken.getsockname()[1]))

    assert done.returncode == 1
    assert "cannot be used: Address already in use. Choose another --port, or 0." in done.stderr


def test_a_state_that_cannot_be_written_at_the_end_is_told(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    with served("--state", str(folder / "state.json")) as sandbox:
        shutil.rmtree(folder)
        request(f"{sandbox.url}/v1/customers", b"name=Ada", KEY)
        assert sandbox.stop(signal.SIGTERM) == 1
        rest = sandbox.process.stdout.read()

    assert rest.splitlines()[-1].endswith("state.json cannot be written: No such file or directory.")
    assert "Traceback" not in rest


def test_webhooks_are_signed_with_the_secret_that_was_given() -> None:
    with served("--webhook", "http://127.0.0.1:1/hook/", "--secret", "whsec_of_mine") as sandbox:
        shown = request(f"{sandbox.url}/dashboard/endpoints").text

    assert "whsec_of_mine" in shown
    assert "whsec_of_mine" not in "\n".join(sandbox.lines)


def test_endpoints_on_this_machine_are_created_through_the_api() -> None:
    params = {"url": "http://127.0.0.1:1/hook/", "enabled_events": ["*"]}
    with served() as sandbox:
        made = request(f"{sandbox.url}/v1/webhook_endpoints", encode(params).encode(), KEY)
        request(f"{sandbox.url}/v1/customers", b"name=Ada", KEY)
        (event,) = json.loads(request(f"{sandbox.url}/v1/events", None, KEY).body)["data"]

    assert made.status == 200
    assert event["pending_webhooks"] == 1
