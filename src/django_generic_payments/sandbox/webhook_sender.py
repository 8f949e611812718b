"""Webhooks over real HTTP, sent in the background and one after the other."""

from __future__ import annotations

import heapq
import http.client
import itertools
import threading
import time
import urllib.error
import urllib.request
from typing import IO, NamedTuple

from .deliveries import Post
from .engine import Sandbox
from .json_object import JsonObject
from .records import Answer, Delivery, SandboxError
from .webhook_endpoint import WebhookEndpoint

__all__ = ["WebhookSender"]

#: Seconds between the attempts to deliver one event. Stripe takes hours, which nobody can watch.
PAUSES = (0.2, 0.5, 1.0, 2.0)

TIMEOUT = 10

#: How much of an answer is kept for people to read.
LONGEST_ANSWER = 500


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


class Errand(NamedTuple):
    """An event to bring to an endpoint; numbered, so that what is due at once is brought in order."""

    due: float
    number: int
    attempt: int
    endpoint: str
    event: JsonObject


class WebhookSender:
    """Post every event to every endpoint with an address as soon as it happens, and again if that fails."""

    def __init__(self, sandbox: Sandbox) -> None:
        self._sandbox = sandbox
        # A proxy from the environment would not reach an endpoint on this machine.
        self._opener = urllib.request.build_opener(urllib.request.ProxyHandler({}), NoRedirect)
        self._errands: list[Errand] = []
        self._numbers = itertools.count()
        self._under_way: Errand | None = None
        self._changed = threading.Condition()
        self._stopping = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Send from now on, beginning with what is pending."""
        state = self._sandbox.state
        self._stopping = False
        with state.lock:
            for identifier, endpoint in state.webhook_endpoints.items():
                for event in endpoint.pending if endpoint.url else []:
                    self._note(identifier, event)
            state.listeners.append(self._hear)
        self._thread = threading.Thread(target=self._work, name="sandbox-webhooks", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Stop after the attempt that is under way."""
        if self._thread is None:
            return
        self._sandbox.state.listeners.remove(self._hear)
        with self._changed:
            self._stopping = True
            self._errands.clear()
            self._changed.notify_all()
        self._thread.join()
        self._thread = None

    def deliver_now(self, only: str | None = None) -> list[Delivery]:
        """Post at once what is pending, for one endpoint or for all, and return the attempts."""
        state = self._sandbox.state
        with state.lock:
            known = state.webhook_endpoints.items()
            reachable = [(name, each) for name, each in known if each.url and only in (None, name)]
        return [
            made
            for name, endpoint in reachable
            for made in self._sandbox.deliver(self._post_to(endpoint), endpoint=name)
        ]

    def resend(self, event_id: str, endpoint: str) -> Delivery:
        """Post one event again, whatever became of it before.

        Raises:
            SandboxError: if there is no such event, or no address to send it to.
        """
        known = self._sandbox.state.webhook_endpoints.get(endpoint)
        if known is None or not known.url:
            raise SandboxError(f"The webhook endpoint {endpoint!r} has no address.")
        return self._sandbox.resend(self._post_to(known), event_id, endpoint=endpoint)

    def wait_until_sent(self, seconds: float, *, retries: bool = True) -> bool:
        """Wait until every event was posted or given up, or just tried once; tell whether that was in time."""

        def is_done() -> bool:
            errands = [*self._errands, *([self._under_way] if self._under_way else [])]
            return not [each for each in errands if retries or not each.attempt]

        with self._changed:
            return self._changed.wait_for(is_done, seconds)

    def _hear(self, event: JsonObject) -> None:
        for identifier, endpoint in list(self._sandbox.state.webhook_endpoints.items()):
            if endpoint.url and endpoint.wants(event["type"]):
                self._note(identifier, event)

    def _note(self, endpoint: str, event: JsonObject, attempt: int = 0, pause: float = 0) -> None:
        with self._changed:
            due = time.monotonic() + pause
            heapq.heappush(self._errands, Errand(due, next(self._numbers), attempt, endpoint, event))
            self._changed.notify_all()

    def _work(self) -> None:
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._stopping or self._is_due(), self._seconds_to_wait())
                if self._stopping:
                    return
                if not self._is_due():
                    continue
                errand = self._under_way = heapq.heappop(self._errands)
            self._run(errand)
            with self._changed:
                self._under_way = None
                self._changed.notify_all()

    def _is_due(self) -> bool:
        return bool(self._errands) and self._errands[0].due <= time.monotonic()

    def _seconds_to_wait(self) -> float | None:
        return max(0, self._errands[0].due - time.monotonic()) if self._errands else None

    def _run(self, errand: Errand) -> None:
        endpoint = self._sandbox.state.webhook_endpoints.get(errand.endpoint)
        if endpoint is None:
            return

        def only_this(pending: list[JsonObject]) -> list[JsonObject]:
            return [other for other in pending if other is errand.event]

        self._sandbox.deliver(self._post_to(endpoint), order=only_this, endpoint=errand.endpoint)
        # Whoever acknowledged it, an event that is not pending needs no other attempt.
        if only_this(endpoint.pending) and errand.attempt < len(PAUSES) and not self._stopping:
            self._note(errand.endpoint, errand.event, errand.attempt + 1, PAUSES[errand.attempt])

    def _post_to(self, endpoint: WebhookEndpoint) -> Post:
        return lambda body, headers: self._post(endpoint.url, body, headers)

    def _post(self, url: str, body: bytes, headers: dict[str, str]) -> Answer:
        request = urllib.request.Request(url, body, headers, method="POST")  # noqa: S310
        try:
            with self._opener.open(request, timeout=TIMEOUT) as response:
                return Answer(response.status, beginning(response))
        except urllib.error.HTTPError as error:
            with error:
                return Answer(error.code, beginning(error))
        except urllib.error.URLError as error:
            return Answer(0, str(error.reason))
        except (OSError, http.client.HTTPException) as error:
            return Answer(0, str(error) or type(error).__name__)


def beginning(response: IO[bytes]) -> str:
    try:
        return response.read(LONGEST_ANSWER).decode(errors="replace")
    except (OSError, http.client.HTTPException):
        return ""
