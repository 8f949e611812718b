"""What reaches Sentry, played by a server on this machine."""

from __future__ import annotations

import gzip
import json
import queue
import threading
import uuid
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from django_generic_payments.sandbox.signing import signature_header
from tests.deployment.site import PATIENCE, Web, documented_environment

HTTPS = {"X_Forwarded_Proto": "https"}


class Sentry(ThreadingHTTPServer):
    """Takes whatever it is sent."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Desk)
        self.received: queue.Queue[str] = queue.Queue()
        self.bodies: list[str] = []

    @property
    def dsn(self) -> str:
        """What a site is told."""
        return f"http://publickey@127.0.0.1:{self.server_port}/1"

    def next_event(self, address: str) -> dict:
        """Wait for an error of this address, and return what was told of it."""
        while True:
            for line in self.received.get(timeout=PATIENCE).splitlines():
                told = json.loads(line)
                if told.get("transaction", "").startswith(address):
                    return told


class Desk(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        packed = self.headers.get("Content-Encoding") == "gzip"
        text = (gzip.decompress(body) if packed else body).decode()
        self.server.bodies.append(text)
        self.server.received.put(text)
        self.send_response(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture(scope="module")
def sentry():
    """Sentry, on this machine."""
    with Sentry() as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.05])
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def environment(site, sentry, tmp_path_factory):
    """What the guide documents, with a database that has no tables: every page that asks for them fails."""
    empty = tmp_path_factory.mktemp("empty") / "empty.sqlite3"
    told = {"DATABASE_URL": f"sqlite:///{empty}", "SENTRY_DSN": sentry.dsn}
    return documented_environment() | told


@pytest.fixture(scope="module")
def web(site, environment):
    """The web process, which tells Sentry of its errors."""
    with Web(site, **environment) as web:
        yield web


BODY = json.dumps(
    {
        "object": "event",
        "id": "evt_1",
        "type": "checkout.session.completed",
        "api_version": "2025-01-01",
        "livemode": True,
        "created": 1_700_000_000,
        "data": {
            "object": {"object": "checkout.session", "id": "cs_1", "customer_email": "ann@guest.example"}
        },
    }
).encode()


def test_a_webhook_that_fails_is_told_without_its_body_its_signature_and_every_secret(
    web, sentry, environment
):
    signature = signature_header(BODY, [environment["STRIPE_WEBHOOK_SECRET"]], None, livemode=True)

    answer = web.ask("/payments/webhook/stripe/", "POST", BODY, Stripe_Signature=signature, **HTTPS)
    event = sentry.next_event("/payments/webhook/stripe/")

    assert answer.status == 503
    assert "could not be applied" in event["logentry"]["message"]
    assert event["request"] == {"method": "POST"}
    told = "".join(sentry.bodies)
    secrets = [value for name, value in environment.items() if "SECRET" in name]
    for private in ("ann@guest.example", "customer_email", signature, *secrets):
        assert private not in told


def test_an_error_behind_a_pay_link_is_told_without_the_link_and_without_who_followed_it(web, sentry):
    link = str(uuid.uuid4())
    followed = {
        "Cookie": "sessionid=hush",
        "Referer": "https://mail.example/ann",
        "X_Forwarded_For": "192.0.2.7",
    }

    answer = web.ask(f"/payments/pay/{link}/?who=ann@guest.example", **followed, **HTTPS)
    event = sentry.next_event("/payments/pay/")

    assert answer.status == 500
    assert event["exception"]["values"][-1]["type"] == "OperationalError"
    assert event["request"] == {"method": "GET"}
    assert "user" not in event
    told = "".join(sentry.bodies)
    for private in (link, "hush", "mail.example", "192.0.2.7", "ann@guest.example"):
        assert private not in told


def test_nothing_is_told_of_variables_and_of_what_came_before(web, sentry):
    web.ask(f"/payments/pay/{uuid.uuid4()}/", **HTTPS)
    event = sentry.next_event("/payments/pay/")

    frames = [frame for each in event["exception"]["values"] for frame in each["stacktrace"]["frames"]]
    assert frames
    assert [frame for frame in frames if "vars" in frame] == []
    assert not event.get("breadcrumbs", {}).get("values")


def test_what_postgresql_says_of_a_row_is_left_out():
    pytest.importorskip("sentry_sdk", reason="sentry-sdk is not installed")
    from config.error_reports import masked

    refused = "null value violates a constraint\nDETAIL:  Failing row contains (1, Ann Smith, 0123)."

    assert masked({"value": refused}) == {"value": "null value violates a constraint"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("No such customer: ann@guest.example", "No such customer: …"),
        ("Key (email)=(ann@guest.example) exists", "Key (email)=(…) exists"),
        ("Invalid API Key provided: sk_live_51abcDEF", "Invalid API Key provided: …"),
        ("whsec_abc does not match", "… does not match"),
        ("/bookings/123e4567-e89b-12d3-a456-426614174000/", "/bookings/…/"),
        ("room 7 is taken", "room 7 is taken"),
    ],
)
def test_what_is_private_is_masked_wherever_it_stands(text, told):
    pytest.importorskip("sentry_sdk", reason="sentry-sdk is not installed")
    from config.error_reports import masked

    assert masked([{"text": text}]) == [{"text": told}]
