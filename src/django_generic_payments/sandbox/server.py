"""The sandbox over real HTTP, for a browser, another process or another language."""

from __future__ import annotations

import contextlib
import ipaddress
import re
import string
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any
from urllib.parse import parse_qsl, quote, urlsplit

from . import dashboard, hosted_page, pages, portal_page
from .engine import Sandbox
from .headers import Headers
from .hosted_page import PageAnswer
from .records import Delivery, SandboxError
from .state_file import StateFile
from .webhook_sender import WebhookSender

__all__ = ["SandboxServer"]

LARGEST_BODY = 1024 * 1024

#: How long the hosted page waits for the endpoint before it sends the payer back, as Stripe's does.
PATIENCE = 10

#: Seconds until banks have done their part, where somebody looks on and waits for it.
WHILE_WATCHED = 2

#: Seconds between two times that the state is written.
SAVE_EVERY = 0.5

#: How many calls of the API are remembered.
REQUESTS_KEPT = 500

OTHER_NAME = "It answers to localhost and to its --host, and with --allow-remote to any name."

PAGE_HEADERS = {
    "Cache-Control": "no-store",
    # No form-action: Chrome applies it to the redirect back to the merchant too.
    "Content-Security-Policy": f"default-src 'none'; style-src {pages.STYLE_SOURCE}; base-uri 'none'; "
    "frame-ancestors 'none'",
    "Content-Type": "text/html; charset=utf-8",
    "X-Content-Type-Options": "nosniff",
}


class SandboxServer:
    """Serve a sandbox on this machine: the API under `/v1/`, the dashboard at `/`, and pages for payers.

    Args:
        sandbox: what is served; its `checkout_base` becomes the server's address.
        port: 0 picks a free one.
        webhook_url: where the account's first endpoint is: events are posted there as they happen, and without it
            they stay pending.
        allow_remote: lets others than this machine in. They need no password: the key is in the code.
        log: takes one line per request.

    Raises:
        SandboxError: for a host that is not this machine, a live key, or an address that is not http or https.
    """

    def __init__(
        self,
        sandbox: Sandbox,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        webhook_url: str | None = None,
        allow_remote: bool = False,
        log: Callable[[str], None] | None = None,
    ) -> None:
        if not allow_remote and not is_loopback(host):
            raise SandboxError(
                f"{host} is not this machine. Others are let in only with allow_remote (--allow-remote)."
            )
        if sandbox.state.livemode:
            raise SandboxError("A live key has no business in a sandbox that can be reached over HTTP.")
        self.sandbox = sandbox
        if webhook_url:
            sandbox.post_to(webhook_url)
        self.sender = WebhookSender(sandbox)
        self.log = log or (lambda line: None)
        self._address = (host, port)
        self._allow_remote = allow_remote
        self._http: LoopbackServer | None = None
        self._file: StateFile | None = None
        self._next_save = 0.0

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end.

        Raises:
            SandboxError: before it is started.
        """
        if self._http is None:
            raise SandboxError("The server has no address before it is started.")
        host, port = self._http.server_address[:2]
        return f"http://{host!s}:{port}"

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver a webhook, oldest first."""
        return self.sandbox.deliveries

    def is_reached_by(self, authority: str) -> bool:
        """Tell whether a Host header names this server; a page elsewhere may have given our address another name."""
        # Not urlsplit, which fails on some of what a client can send.
        name = re.sub(r":[0-9]*$", "", authority).strip("[]").lower()
        return self._allow_remote or is_loopback(name) or name == self._address[0]

    def keep_in(self, file: StateFile | None) -> None:
        """Write what changes into a file, at most half a second later."""
        self._file = file

    def save(self) -> None:
        """Write what has changed, if there is a file for it, and not more often than twice a second."""
        if self._file is None or time.monotonic() < self._next_save:
            return
        self._next_save = time.monotonic() + SAVE_EVERY
        try:
            self._file.save()
        except OSError as error:
            # A full disk is no reason to stop: the next attempt may succeed.
            self.log(f"The state cannot be written: {error}")

    def start(self) -> SandboxServer:
        """Listen, in threads of its own."""
        self._http = LoopbackServer(self._address, self)
        self.sandbox.checkout_base = self.url
        if self.sandbox.state.balance_after is None:
            self.sandbox.state.balance_after = WHILE_WATCHED
        threading.Thread(target=self._http.serve_forever, args=[0.05], daemon=True).start()
        self.sandbox.keep_requests(REQUESTS_KEPT)
        self.sender.start()
        return self

    def stop(self) -> None:
        """Stop listening, and stop sending webhooks."""
        if self._http is None:
            return
        self.sender.stop()
        self._http.shutdown()
        self._http.server_close()
        self._http = None

    def deliver_now(self) -> list[Delivery]:
        """Post every pending event once more."""
        return self.sender.deliver_now()

    def __enter__(self) -> SandboxServer:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.stop()


class LoopbackServer(ThreadingHTTPServer):
    """One thread per connection, none of which keeps the process alive."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, address: tuple[str, int], owner: SandboxServer) -> None:
        self.owner = owner
        super().__init__(address, Handler)

    def service_actions(self) -> None:
        """Do what has become due, whether or not somebody asks for something."""
        self.owner.sandbox.advance(0)
        self.owner.save()


class Handler(BaseHTTPRequestHandler):
    """Hand a request to the API or to a page."""

    protocol_version = "HTTP/1.1"
    # An answer is written in two pieces, and the second would wait for the receipt of the first: 40 ms.
    disable_nagle_algorithm = True
    server: LoopbackServer

    def do_GET(self) -> None:
        """Answer a GET."""
        self.answer(b"")

    def do_POST(self) -> None:
        """Answer a POST."""
        given = self.headers.get("Content-Length") or "0"
        length = int(given) if given.isdecimal() else LARGEST_BODY + 1
        if length > LARGEST_BODY:
            self.close_connection = True
            self.reply(413, {}, b"")
        else:
            self.answer(self.rfile.read(length))

    def do_DELETE(self) -> None:
        """Answer a DELETE."""
        self.answer(b"")

    def answer(self, body: bytes) -> None:
        """Find out who is asked: the API or a page."""
        path = urlsplit(self.path).path
        if not self.server.owner.is_reached_by(self.headers.get("Host", "")):
            self.show(PageAnswer(421, pages.notice("The sandbox has another name.", OTHER_NAME)))
        elif path.startswith("/v1/"):
            self.answer_api(body)
        elif path.startswith(hosted_page.PATH):
            self.answer_page(path, body)
        elif path.startswith(portal_page.PORTAL_PATH):
            self.show(portal_page.respond(self.server.owner.sandbox, path))
        elif path == "/" or path.startswith(dashboard.PATH):
            self.answer_dashboard(path, body)
        else:
            self.show(PageAnswer(404, pages.notice("There is nothing here.")))

    def answer_api(self, body: bytes) -> None:
        """Call the API; a lost connection is really lost."""
        sandbox = self.server.owner.sandbox
        try:
            response = sandbox.handle(self.command, self.path, dict(self.headers.items()), body)
        except ConnectionResetError:
            self.close_connection = True
            return
        except TimeoutError:
            self.close_connection = True
            self.wait_for_hanging_up()
            return
        self.reply(response.status, response.headers, response.body)

    def wait_for_hanging_up(self) -> None:
        """Answer nothing until the other side has had enough."""
        with contextlib.suppress(OSError):
            self.rfile.read(1)

    def answer_page(self, path: str, body: bytes) -> None:
        """Show a page, or send the browser on."""
        owner = self.server.owner
        form = dict(parse_qsl(body.decode(errors="replace")))
        page = hosted_page.respond(owner.sandbox, self.command, path, form)
        if page.location:
            owner.sender.wait_until_sent(PATIENCE, retries=False)
        self.show(page)

    def answer_dashboard(self, path: str, body: bytes) -> None:
        """Show the dashboard, but let no other site press its buttons."""
        owner = self.server.owner
        if self.command == "POST" and dashboard.is_foreign(Headers(self.headers.items())):
            self.show(PageAnswer(403, pages.notice("Another site sent this form.")))
            return
        given = body.decode(errors="replace") if self.command == "POST" else urlsplit(self.path).query
        form = dict(parse_qsl(given))
        self.show(dashboard.respond(owner.sandbox, owner.sender, self.command, path, form))

    def show(self, page: PageAnswer) -> None:
        """Write a page, or where to go instead."""
        # A header holds ASCII only; what is escaped already stays as it is.
        where = {"Location": quote(page.location, safe=string.punctuation)} if page.location else {}
        self.reply(page.status, {**PAGE_HEADERS, **where}, page.html.encode())

    def reply(self, status: int, headers: dict[str, str], body: bytes) -> None:
        """Write an answer."""
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Log a request without its query, which is nobody else's business."""
        self.log_message('"%s" %d', re.sub(r"\?\S*", "", self.requestline), int(code))

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
        """Log only for whom it may concern."""
        # Escaped, because a request may hold what a terminal would obey.
        self.server.owner.log((format % args).encode("unicode_escape").decode())


def is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
