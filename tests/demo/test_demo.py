"""The README's first command tells the whole story and ends by itself; with --serve it ends when it is told to."""

from __future__ import annotations

import http.client
import re
import signal
import socket
import subprocess
from urllib.parse import urlsplit

import pytest

from tests.demo.running import ROOT, ServedDemo, tell
from tests.example import needs_example

pytestmark = needs_example


def test_the_demo_tells_the_whole_story_and_ends_by_itself():
    done = tell(timeout=60)

    assert (done.returncode, done.stderr) == (0, "")
    for words in (
        "No money moves.",
        "Your card has insufficient funds.",
        "answers [200, 200, 200, 200, 200]",
        "A forged webhook           answer 400",
        "Bo reads                   Confirmed",
        "Dan reads                  The room is gone",
        "Dan reads further          82.00 GBP went back",
        "At once                    Waiting for your bank",
        "Finn reads                 14.00 GBP went back",
        "28.00 GBP paid, 14.00 GBP refunded, 14.00 GBP left",
        "48.35 EUR",
        "every invariant holds",
    ):
        assert words in done.stdout


def test_what_the_site_has_in_production_does_not_disturb_the_demo():
    production = {
        "DJANGO_SECRET_KEY": "x" * 50,
        "ALLOWED_HOSTS": "harbour.example",
        "STRIPE_SECRET_KEY": "sk_live_1",
        "SECURE_HSTS_SECONDS": "31536000",
    }

    done = tell(timeout=60, **production)

    assert (done.returncode, done.stderr) == (0, "")
    assert "every invariant holds" in done.stdout


@pytest.fixture
def served():
    demo = ServedDemo()
    yield demo
    if demo.process.poll() is None:
        demo.process.kill()
        demo.process.communicate()


def get(address: str, path: str) -> int:
    return fetch(address, path)[0]


def fetch(address: str, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection(urlsplit(address).netloc, timeout=10)
    try:
        connection.request("GET", path)
        response = connection.getresponse()
        return response.status, response.read().decode(errors="replace")
    finally:
        connection.close()


def children_of(pid: int) -> str:
    listed = subprocess.run(
        ["ps", "--ppid", str(pid), "-o", "pid="], capture_output=True, text=True, check=False
    )
    return listed.stdout.strip()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_the_served_demo_stops_cleanly_when_it_is_told_to(served, number):
    assert get(served.address, "/") == 200
    assert get(served.address, "/static/site.css") == 200
    assert get(served.address, "/admin/login/") == 200
    assert children_of(served.process.pid) == ""

    assert served.stop(number) == 0

    assert served.said[-1].strip() == "Stopped, and everything is forgotten."
    with pytest.raises(ConnectionRefusedError):
        get(served.address, "/")
    with pytest.raises(ConnectionRefusedError):
        get(served.frontend, "/")
    with pytest.raises(ConnectionRefusedError):
        get(served.stripe, "/")


def test_an_address_that_does_not_exist_has_a_page_of_the_site(served):
    status, page = fetch(served.address, "/nowhere/")

    assert status == 404
    assert "There is nothing here" in page


def test_the_page_of_another_origin_speaks_to_this_demo_and_to_nobody_else(served):
    status, page = fetch(served.frontend, "/")

    assert status == 200
    assert f'data-api="{served.address}"' in page
    assert f"connect-src {served.address};" in page
    assert set(re.findall(r"http://[\d.:]+", page)) == {served.address}
    assert [get(served.frontend, f"/{name}") for name in ("app.js", "style.css", "index.html")] == [200] * 3
    assert get(served.frontend, "/../manage.py") == 404


def test_the_api_is_named_in_one_file_of_the_page():
    folder = ROOT / "example_project" / "frontend"
    naming = [path.name for path in folder.iterdir() if "http://127.0.0.1" in path.read_text()]

    assert naming == ["index.html"]


def test_the_served_demo_says_what_to_open_and_how_to_get_in(served):
    said = "".join(served.said)

    for words in (
        "admin with the password harbour",
        "ann with the password harbour",
        "/admin/",
        f"{served.frontend}, a page of another origin",
        "4242 4242 4242 4242",
        "4000 0027 6000 3184",
    ):
        assert words in said


@pytest.mark.parametrize(
    ("option", "options"), [("--port", ()), ("--frontend-port", ("--port", "0"))], ids=["site", "frontend"]
)
def test_a_port_that_is_taken_is_named_with_another_to_try(option, options):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]

        done = tell("--serve", *options, option, str(port))

    assert done.returncode == 1
    assert f"Port {port} of this machine cannot be had" in done.stderr
    assert f"demo --serve {option} {port + 1}" in done.stderr
    assert "Traceback" not in done.stderr
