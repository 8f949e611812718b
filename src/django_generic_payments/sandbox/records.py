"""What the sandbox hands out: records that nobody changes, and the error for wrong use."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple, Protocol

from .json_object import JsonObject

__all__ = ["Answer", "ApiRequest", "Delivery", "Observer", "Outcome", "Payer", "Response", "SandboxError"]


class SandboxError(ValueError):
    """The sandbox was asked for something that cannot happen at Stripe."""


class Response(NamedTuple):
    """An answer of the API; the headers are found in any case."""

    status: int
    headers: dict[str, str]
    body: bytes


class Payer(NamedTuple):
    """What somebody typed into the hosted page."""

    email: str | None
    name: str | None
    phone: str | None


@dataclass(frozen=True)
class Outcome:
    """What became of an attempt to pay, as the payer sees it.

    `status` is "succeeded", "declined", "requires_action" or "processing". `redirect_url` is where the
    browser goes next; it is empty after a decline, because the payer stays on the page. `payment_intent` is
    empty if there is none yet, because the form itself refused what was typed.
    """

    status: str
    checkout_session: str
    payment_intent: str
    code: str = ""
    decline_code: str = ""
    message: str = ""
    redirect_url: str = ""


class Answer(NamedTuple):
    """What an endpoint answered; the status is 0 if it did not."""

    status: int
    text: str = ""


@dataclass(frozen=True)
class Delivery:
    """One attempt to deliver one event; `status` is the endpoint's answer, 0 if there was none.

    `endpoint` is empty for the endpoint that the account has from the start. `at` is the sandbox's time, and
    `answer` the beginning of what came back.
    """

    event_id: str
    event_type: str
    status: int
    endpoint: str = ""
    at: int = 0
    answer: str = ""


@dataclass(frozen=True)
class ApiRequest:
    """One call of the API; `status` is 0 if the connection was lost before Stripe did anything."""

    method: str
    path: str
    params: JsonObject
    idempotency_key: str | None
    status: int
    raw_body: bytes


class Observer(Protocol):
    """Watch everything that goes in and out, for instance to check it against a schema."""

    def request(self, method: str, path: str, body: bytes) -> None:
        """See a request as it was sent; the path of a GET carries its query."""

    def response(self, method: str, path: str, status: int, obj: JsonObject) -> None:
        """See the answer, on the same thread as the request."""

    def event(self, event: JsonObject) -> None:
        """See an event at the moment it happens."""
