"""The API over HTTP, without the HTTP: a request in, an answer out.

https://docs.stripe.com/api
"""

from __future__ import annotations

import base64
import functools
import hmac
import json
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from .endpoints import ROUTES
from .errors import ApiError
from .events import Cause
from .expansion import check_expandable, expand
from .faults import Fault, Faults
from .headers import Headers
from .idempotency import IdempotencyKeys, KeptAnswer
from .json_object import JsonObject
from .parameters import decode
from .records import ApiRequest, Response
from .routing import Call, Route, match
from .schedule import catch_up
from .state import API_VERSION, State

__all__ = ["Api"]


@dataclass(frozen=True)
class Request:
    """A request as it arrived, with the id that Stripe gives it."""

    id: str
    method: str
    path: str
    form: str
    headers: Headers
    body: bytes

    @functools.cached_property
    def params(self) -> JsonObject:
        """The parameters as they were sent, every leaf a string."""
        return decode(self.form)

    @property
    def key(self) -> str | None:
        """The idempotency key; only a POST can have one."""
        return self.headers.get("Idempotency-Key") or None if self.method == "POST" else None


class Api:
    """Answer requests from the state of one account."""

    def __init__(self, state: State, secret_key: str) -> None:
        self._state = state
        self._secret_key = secret_key
        self.keys = IdempotencyKeys(state.clock)
        self.faults = Faults(state.turbulence.calls, state.dice)
        self.requests: deque[ApiRequest] = deque()

    def handle(self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None) -> Response:
        """Answer a request.

        Raises:
            ConnectionResetError, TimeoutError: if that failure was ordered.
        """
        request = self._arrived(method, url, headers, body)
        fault = self.faults.take(request.method, request.path)
        if fault.hides_request:
            self._log(request, 0)
            raise fault.interrupt(f"{request.method} {request.path}")
        try:
            response = self._answer(request, fault)
        except ApiError as error:
            response = self._refusal(request, error)
        self._log(request, response.status)
        if self._state.observers:
            obj = json.loads(response.body)
            for observer in self._state.observers:
                observer.response(request.method, request.path, response.status, obj)
        if fault.hides_answer:
            raise fault.interrupt(f"{request.method} {request.path}")
        return response

    def _arrived(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes | str | None
    ) -> Request:
        parts = urlsplit(url)
        raw = body.encode() if isinstance(body, str) else body or b""
        form = raw.decode(errors="replace") if method.upper() == "POST" else parts.query
        # Without the lock: a request that waits for it must still find out that its key is in use.
        request_id = self._state.new_id("req_", 14)
        path = parts.path.rstrip("/")
        request = Request(request_id, method.upper(), path, form, Headers(headers), raw)
        seen = f"{path}?{parts.query}" if parts.query else path
        for observer in self._state.observers:
            observer.request(request.method, seen, raw)
        return request

    def _answer(self, request: Request, fault: Fault) -> Response:
        fault.refuse(request.key)
        self._authenticate(request)
        route, identifier = find_route(request)
        if request.key is None:
            return self._run(request, self._accepted(request, route, identifier), route, fault)
        kept = self.keys.claim(request.key, request.path, request.params)
        if kept:
            extra = {"Idempotent-Replayed": "true", "Original-Request": kept.request_id}
            return self._response(request, kept.status, kept.body, extra)
        keep = None
        try:
            # What is refused here never ran, so nothing is kept and the key stays free.
            call = self._accepted(request, route, identifier)
            response = self._run(request, call, route, fault)
            now = self._state.clock.now()
            keep = KeptAnswer(request.path, request.params, response.status, response.body, request.id, now)
        finally:
            self.keys.release(request.key, keep)
        return response

    def _authenticate(self, request: Request) -> None:
        scheme, _, given = request.headers.get("Authorization", "").partition(" ")
        if scheme.lower() == "basic":
            given = user_name(given)
        if not given:
            raise ApiError("You did not provide an API key.", status=401)
        if not hmac.compare_digest(given.encode(), self._secret_key.encode()):
            raise ApiError(f"Invalid API Key provided: {given[:8]}***{given[-4:]}", status=401)
        version = request.headers.get("Stripe-Version", API_VERSION)
        if version != API_VERSION:
            raise ApiError(f"Invalid Stripe API version: {version}. The sandbox speaks only {API_VERSION}.")

    def _accepted(self, request: Request, route: Route, identifier: str) -> Call:
        cause = Cause(request.id, request.key)
        call = Call(self._state, identifier, request.path, route.parameters(request.params, ""), cause)
        check_expandable(route.returns, call.params.get("expand", []))
        if route.check:
            route.check(call)
        return call

    def _run(self, request: Request, call: Call, route: Route, fault: Fault) -> Response:
        fault.delay()
        try:
            fault.break_before()
            with self._state.lock:
                catch_up(self._state)
                obj = expand(self._state, route.run(call), call.params.get("expand", []))
                # Written under the lock, because a stored object may change right after it.
                body = json.dumps(obj).encode()
            fault.break_after()
        except ApiError as error:
            return self._refusal(request, error)
        return self._response(request, 200, body, {})

    def _refusal(self, request: Request, error: ApiError) -> Response:
        envelope = error.envelope(request.id, self._state.clock.now())
        return self._response(request, error.status, json.dumps(envelope).encode(), error.headers)

    def _response(self, request: Request, status: int, body: bytes, extra: dict[str, str]) -> Response:
        headers = Headers(extra)
        headers["Content-Type"] = "application/json"
        headers["Request-Id"] = request.id
        headers["Stripe-Version"] = API_VERSION
        if request.key is not None:
            headers["Idempotency-Key"] = request.key
        return Response(status, headers, body)

    def _log(self, request: Request, status: int) -> None:
        try:
            params = request.params
        except ApiError:
            params = {}
        if request.method != "GET":
            self._state.changes += 1
        self.requests.append(
            ApiRequest(request.method, request.path, params, request.key, status, request.body)
        )


def user_name(credentials: str) -> str:
    try:
        return base64.b64decode(credentials).decode().partition(":")[0]
    except ValueError:
        return ""


def find_route(request: Request) -> tuple[Route, str]:
    for route in ROUTES:
        identifier = match(route.template, request.path)
        if route.method == request.method and identifier is not None:
            return route, identifier
    message = (
        f"Unrecognized request URL ({request.method}: {request.path}). Please see https://stripe.com/docs"
    )
    raise ApiError(message, status=404)
