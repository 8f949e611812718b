"""Webhooks over real HTTP, sent in the background and one after the other."""

from __future__ import annotations

import http.client
import queue
import threading
import urllib.error
import urllib.request
from typing import IO

from .engine import Sandbox
from .json_object import JsonObject
from .records import Delivery, SandboxError

__all__ = ["WebhookSender"]

#: Seconds between the attempts to deliver one event. Stripe takes hours, which nobody can watch.
PAUSES = (0.2, 0.5, 1.0, 2.0)

TIMEOUT = 10


class NoRedirect(urllib.request.HTTPRedirectHandler):
    """Take a redirect for an answer: to Stripe it is a failure."""

    def redirect_request(
        self,
        req: urllib.request.Request,
        fp: IO[bytes],
        code: int,
        msg: str,
        headers: http.client.HTTPMessage,
        newurl: str,
    ) -> None:
        """Follow nowhere."""


class WebhookSender:
    """Post every event to an endpoint as soon as it happens, and again a few times if that fails.

    Raises:
        SandboxError: for an address that is not http or https.
    """

    def __init__(self, sandbox: Sandbox, url: str) -> None:
        if not url.startswith(("http://", "https://")):
            raise SandboxError(f"Webhooks go to an http or https address, not to {url!r}.")
        self.deliveries: list[Delivery] = []
        self._sandbox = sandbox
        self._url = url
        # A proxy from the environment would not reach an endpoint on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        self._waiting: queue.Queue[JsonObject | None] = queue.Queue()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Send from now on, beginning with what is pending."""
        state = self._sandbox.state
        with state.lock:
            for event in state.pending:
                self._waiting.put(event)
            state.listeners.append(self._waiting.put)
        self._stopping.clear()
        self._thread = threading.Thread(target=self._work, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the attempt that is under way."""
        if self._thread is None:
            return
        self._sandbox.state.listeners.remove(self._waiting.put)
        self._stopping.set()
        self._waiting.put(None)
        self._thread.join()
        self._thread = None

    def deliver_now(self) -> list[Delivery]:
        """Post everything that is pending, once."""
        return self._logged(self._sandbox.deliver(self._post))

    def wait_until_sent(self, seconds: float) -> bool:
        """Wait until every event was posted or given up; tell whether that happened in time."""
        with self._waiting.all_tasks_done:
            return self._waiting.all_tasks_done.wait_for(lambda: not self._waiting.unfinished_tasks, seconds)

    def _work(self) -> None:
        while True:
            event = self._waiting.get()
            try:
                if event is None:
                    return
                if not self._stopping.is_set():
                    self._send(event)
            finally:
                self._waiting.task_done()

    def _send(self, event: JsonObject) -> None:
        def only_this(pending: list[JsonObject]) -> list[JsonObject]:
            return [other for other in pending if other is event]

        self._logged(self._sandbox.deliver(self._post, order=only_this))
        for pause in PAUSES:
            # Whoever acknowledged it, an event that is not pending needs no other attempt.
            if not only_this(self._sandbox.pending) or self._stopping.wait(pause):
                break
            self._logged(self._sandbox.deliver(self._post, order=only_this))

    def _logged(self, attempts: list[Delivery]) -> list[Delivery]:
        self.deliveries += attempts
        return attempts

    def _post(self, body: bytes, headers: dict[str, str]) -> int:
        request = urllib.request.Request(self._url, body, headers, method="POST")  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return int(response.status)
        except urllib.error.HTTPError as error:
            with error:
                return error.code
        except (OSError, http.client.HTTPException):
            return 0
