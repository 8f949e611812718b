from __future__ import annotations

import http.client
import json
import shutil
import socket
import threading
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from django_generic_payments.sandbox import Clock, Sandbox, SandboxError
from django_generic_payments.sandbox.server import SandboxServer
from django_generic_payments.sandbox.state_file import StateFile

from .browser import request, submit
from .client import Api
from .receiver import Receiver

KEY = {"Authorization": "Bearer sk_test_sandbox"}
PAID = [
    "payment_intent.created",
    "charge.succeeded",
    "payment_intent.succeeded",
    "checkout.session.completed",
]


def test_the_api_is_served(sandbox: Sandbox) -> None:
    with SandboxServer(sandbox) as server:
        created = request(f"{server.url}/v1/customers", b"name=Ada", KEY)
        listed = request(f"{server.url}/v1/customers?limit=1", None, KEY)
        refused = request(f"{server.url}/v1/customers")
        unknown = request(f"{server.url}/v1/customers/cus_1", None, KEY, "DELETE")

    assert created.status == 200
    assert created.headers["Request-Id"].startswith("req_")
    assert json.loads(created.body)["name"] == "Ada"
    assert json.loads(listed.body)["data"] == [json.loads(created.body)]
    assert (refused.status, unknown.status) == (401, 404)


def test_sessions_lead_to_the_server(sandbox: Sandbox, api: Api) -> None:
    with SandboxServer(sandbox) as server:
        assert sandbox.checkout_base == server.url
        assert api.create_session()["url"].startswith(f"{server.url}/c/pay/cs_test_")


@pytest.mark.parametrize("kind", ["connection_lost_before", "connection_lost_after"])
def test_a_lost_connection_is_really_lost(sandbox: Sandbox, kind: str) -> None:
    sandbox.fail_next(kind, path="/v1/customers")

    with SandboxServer(sandbox) as server:
        with pytest.raises(ConnectionError):
            request(f"{server.url}/v1/customers", b"", KEY)
        assert request(f"{server.url}/v1/customers", b"", KEY).status == 200


@pytest.mark.parametrize(("kind", "made"), [("timeout_before", 0), ("timeout_after", 1)])
def test_an_answer_that_never_comes_is_waited_for_in_vain(
    sandbox: Sandbox, api: Api, kind: str, made: int
) -> None:
    sandbox.fail_next(kind, path="/v1/customers")

    with SandboxServer(sandbox) as server:
        caller = http.client.HTTPConnection(server.url.removeprefix("http://"), timeout=0.2)
        caller.request("POST", "/v1/customers", b"", KEY)
        with pytest.raises(TimeoutError):
            caller.getresponse()
        caller.close()

        assert len(api.get("/v1/customers").obj["data"]) == made


def test_a_body_has_its_limits(sandbox: Sandbox) -> None:
    with SandboxServer(sandbox) as server:
        for length in (str(1024 * 1024 + 1), "-1"):
            headers = {**KEY, "Content-Length": length}
            assert request(f"{server.url}/v1/customers", b"", headers).status == 413


def test_events_are_posted_as_they_happen(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        page = submit(api.create_session()["url"], email="ada@example.com", number="4242424242424242")

        # The payer is sent back only when the endpoint has been told.
        assert page.status == 303
        assert receiver.types == PAID
        assert [attempt.event_type for attempt in server.deliveries] == PAID
        assert {attempt.status for attempt in server.deliveries} == {200}
    assert sandbox.pending == []
    body, signature = receiver.received[0]
    moment = int(signature.partition(",")[0].removeprefix("t="))
    assert signature == sandbox.sign(body, timestamp=moment)


def test_a_delivery_that_fails_is_repeated(sandbox: Sandbox, api: Api, receiver: Receiver) -> None:
    receiver.answers = [500, 302]

    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        api.post("/v1/customers")
        assert server.sender
        assert server.sender.wait_until_sent(10)
        assert [attempt.status for attempt in server.deliveries] == [500, 302, 200]
    assert receiver.types == ["customer.created"] * 3


def test_what_was_pending_before_the_start_is_posted_too(
    sandbox: Sandbox, api: Api, receiver: Receiver
) -> None:
    api.post("/v1/customers")

    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        assert server.sender
        assert server.sender.wait_until_sent(10)
    assert receiver.types == ["customer.created"]


def test_an_endpoint_that_is_down_leaves_its_events_pending(
    sandbox: Sandbox, api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_generic_payments.sandbox.webhook_sender.PAUSES", (0.01,))
    down = "http://127.0.0.1:1/webhook/"

    with SandboxServer(sandbox, webhook_url=down) as server:
        api.post("/v1/customers")
        assert server.sender
        assert server.sender.wait_until_sent(10)
        assert [attempt.status for attempt in server.deliveries] == [0, 0]
        assert server.deliveries[0].answer.startswith("[Errno ")
        assert server.deliver_now()[0].status == 0
    assert [event["type"] for event in sandbox.pending] == ["customer.created"]

    with SandboxServer(sandbox, webhook_url=receiver.url) as server:
        assert server.sender
        assert server.sender.wait_until_sent(10)
    assert sandbox.pending == []


def test_a_server_stops_while_a_delivery_waits_for_its_next_attempt(
    sandbox: Sandbox, api: Api, receiver: Receiver, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("django_generic_payments.sandbox.webhook_sender.PAUSES", (3600,))
    receiver.answers = [500, 500]
    server = SandboxServer(sandbox, webhook_url=receiver.url).start()

    api.post("/v1/customers")
    api.post("/v1/customers")
    server.stop()

    assert len(sandbox.pending) == 2


def test_what_was_never_started_can_be_stopped(sandbox: Sandbox) -> None:
    server = SandboxServer(sandbox, webhook_url="http://127.0.0.1:1/")

    server.stop()
    assert server.sender
    server.sender.stop()

    assert sandbox.pending == []


def test_what_becomes_due_happens_without_a_request(sandbox: Sandbox, api: Api, clock: Clock) -> None:
    session, happened = api.create_session()["id"], threading.Event()
    sandbox.state.listeners.append(lambda event: happened.set())

    with SandboxServer(sandbox):
        clock.advance(24 * 60 * 60)
        assert happened.wait(10)

    assert sandbox.checkout_session(session)["status"] == "expired"


def test_a_sale_is_booked_sooner_where_somebody_watches(sandbox: Sandbox, api: Api, clock: Clock) -> None:
    booked = threading.Event()
    sandbox.state.listeners.append(lambda event: booked.set() if event["type"] == "charge.updated" else None)

    with SandboxServer(sandbox):
        sandbox.pay(api.create_session()["id"])
        clock.advance(2)
        assert booked.wait(10)


def test_a_wait_that_was_chosen_is_kept_by_the_server(clock: Clock) -> None:
    sandbox = Sandbox(clock=clock, balance_after=30)

    with SandboxServer(sandbox):
        sandbox.pay(Api(sandbox).create_session()["id"])
        sandbox.advance(29)
        assert sandbox.balance_transactions() == []
        sandbox.advance(1)
        assert len(sandbox.balance_transactions()) == 1


def test_without_an_endpoint_events_stay_pending(sandbox: Sandbox, api: Api) -> None:
    with SandboxServer(sandbox) as server:
        api.post("/v1/customers")
        assert server.deliver_now() == server.deliveries == []
    assert len(sandbox.pending) == 1


def test_a_server_has_no_address_before_it_is_started(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="before it is started"):
        SandboxServer(sandbox).url  # noqa: B018


def test_a_server_can_be_started_again(sandbox: Sandbox, receiver: Receiver) -> None:
    server = SandboxServer(sandbox, webhook_url=receiver.url)

    for _ in range(2):
        with server:
            assert request(f"{server.url}/v1/customers", None, KEY).status == 200


@pytest.mark.parametrize("host", ["0.0.0.0", "192.0.2.1", "shop.example"])  # noqa: S104
def test_nobody_else_is_let_in_unless_meant(sandbox: Sandbox, host: str) -> None:
    with pytest.raises(SandboxError, match="is not this machine"):
        SandboxServer(sandbox, host=host)

    assert SandboxServer(sandbox, host=host, allow_remote=True)


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "127.8.8.8"])
def test_this_machine_has_many_names(sandbox: Sandbox, host: str) -> None:
    assert SandboxServer(sandbox, host=host)


def test_a_live_key_is_never_served() -> None:
    with pytest.raises(SandboxError, match="live key"):
        SandboxServer(Sandbox(secret_key="sk_live_x"))


def test_webhooks_go_to_http_only(sandbox: Sandbox) -> None:
    with pytest.raises(SandboxError, match="http or https"):
        SandboxServer(sandbox, webhook_url="file:///etc/passwd")


def test_requests_are_logged_only_on_demand(sandbox: Sandbox, capfd: pytest.CaptureFixture[str]) -> None:
    lines: list[str] = []

    with SandboxServer(sandbox) as silent:
        request(f"{silent.url}/v1/customers", None, KEY)
    with SandboxServer(sandbox, log=lines.append) as talkative:
        request(f"{talkative.url}/v1/customers", None, KEY)

    assert lines == ['"GET /v1/customers HTTP/1.1" 200']
    assert capfd.readouterr() == ("", "")


def test_a_log_tells_nothing_that_was_typed(sandbox: Sandbox, api: Api) -> None:
    lines: list[str] = []

    with SandboxServer(sandbox, log=lines.append) as server:
        request(f"{server.url}/v1/customers?email=ada%40example.com", None, KEY)
        submit(api.create_session()["url"], email="ada@example.com", number="4000000000000002")

    assert lines[0] == '"GET /v1/customers HTTP/1.1" 200'
    assert not [line for line in lines if "ada" in line or "4000000000000002" in line]


def test_a_log_obeys_nobody(sandbox: Sandbox) -> None:
    lines: list[str] = []

    with (
        SandboxServer(sandbox, log=lines.append) as server,
        socket.create_connection(("127.0.0.1", urlsplit(server.url).port)) as caller,
    ):
        caller.sendall(b"GET /\x1b[2J HTTP/1.0\r\nHost: localhost\r\n\r\n")
        assert caller.recv(1024).startswith(b"HTTP/1.1 404")

    assert lines == [r'"GET /\x1b[2J HTTP/1.0" 404']


def test_a_disk_that_is_full_stops_nothing(sandbox: Sandbox, tmp_path: Path) -> None:
    said = threading.Event()
    folder = tmp_path / "folder"
    folder.mkdir()
    file = StateFile(folder / "state.json", sandbox)
    shutil.rmtree(folder)

    with SandboxServer(
        sandbox, log=lambda line: said.set() if "cannot be written" in line else None
    ) as server:
        server.keep_in(file)
        request(f"{server.url}/v1/customers", b"name=Ada", KEY)

        assert said.wait(10)
        assert request(f"{server.url}/v1/customers", None, KEY).status == 200
    folder.mkdir()
    file.close()
    assert "Ada" in (folder / "state.json").read_text()


@pytest.mark.parametrize("path", ["/", "/v1/customers", "/c/pay/cs_test_1", "/p/session/1"])
@pytest.mark.parametrize(
    ("host", "is_let_in"),
    [
        ("evil.example", False),
        ("127.0.0.1.evil.example:8420", False),
        ("", False),
        ("[", False),
        ("localhost:8420", True),
        ("LOCALHOST", True),
        ("127.0.0.1", True),
        ("[::1]:8420", True),
    ],
)
def test_a_name_that_a_site_gave_to_this_machine_is_not_answered(
    server: SandboxServer, path: str, host: str, is_let_in: bool
) -> None:
    seen = request(f"{server.url}{path}", None, {**KEY, "Host": host})

    assert (seen.status != 421) is is_let_in


def test_others_may_call_it_what_they_like_once_they_are_let_in(sandbox: Sandbox) -> None:
    with SandboxServer(sandbox, allow_remote=True) as server:
        assert request(f"{server.url}/", None, {"Host": "stripe:8420"}).status == 200
