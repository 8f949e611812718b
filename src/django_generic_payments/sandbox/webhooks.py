"""The webhooks of an account as its users see them: endpoints, secrets, deliveries, mishaps."""

from __future__ import annotations

from collections.abc import Collection

from . import deliveries
from .deliveries import Order, Post
from .json_object import JsonObject
from .records import Delivery, SandboxError
from .signing import signature_header
from .state import State
from .webhook_endpoint import FIRST, WebhookEndpoint

__all__ = ["Webhooks"]


class Webhooks:
    """Let somebody post what an account has to tell."""

    state: State

    @property
    def pending(self) -> list[JsonObject]:
        """What the endpoint has not acknowledged yet, oldest first."""
        return self.state.pending

    @property
    def webhook_secret(self) -> str:
        """What signs the webhooks; the newest if it was rolled, and empty without an endpoint.

        That of an endpoint that was created through the API is known to who created it.
        """
        first = self.state.webhook_endpoints.get(FIRST)
        return first.secret if first else ""

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to deliver a webhook, oldest first."""
        return list(self.state.deliveries)

    def mishap_next(self, kind: str, event_type: str, *, times: int = 1) -> None:
        """Let something go wrong with the next events of a type, which may have wildcards: `charge.*`.

        Args:
            kind: "never_generated", or "two_events" (two Event objects tell of one fact).
        """
        self.state.event_mishaps.order(kind, event_type, times)

    def post_to(self, url: str) -> None:
        """Say where the account's first endpoint is, for a server to post there.

        Raises:
            SandboxError: for an address that is not http or https, or without such an endpoint.
        """
        if not url.startswith(("http://", "https://")):
            raise SandboxError(f"Webhooks go to an http or https address, not to {url!r}.")
        self._endpoint(FIRST).obj["url"] = url

    def roll_secret(self, secret: str, *, endpoint: str = FIRST, overlap: int = 24 * 60 * 60) -> None:
        """Give an endpoint another secret; for `overlap` seconds both sign."""
        with self.state.lock:
            self._endpoint(endpoint).roll_secret(secret, self.state.clock.now() + overlap)
            self.state.changes += 1

    def sign(self, body: bytes, *, secret: str | None = None, timestamp: int | None = None) -> str:
        """Return the `Stripe-Signature` of a body; without a timestamp it is signed now, in real time."""
        valid = self._endpoint(FIRST).valid_secrets(self.state.clock.now()) if secret is None else [secret]
        return signature_header(body, valid, timestamp, livemode=self.state.livemode)

    def message(
        self,
        event: JsonObject,
        *,
        secret: str | None = None,
        timestamp: int | None = None,
        endpoint: str = FIRST,
    ) -> tuple[bytes, dict[str, str]]:
        """Return an event as Stripe posts it to an endpoint: the body and the headers."""
        return deliveries.message(
            self.state, self._endpoint(endpoint), event, secret=secret, timestamp=timestamp
        )

    def deliver(
        self,
        post: Post,
        *,
        times: int = 1,
        order: Order | None = None,
        drop: Collection[str] = (),
        endpoint: str = FIRST,
    ) -> list[Delivery]:
        """Post every pending event; a 2xx acknowledges it, and anything else leaves it pending.

        Args:
            post: takes body and headers, returns the status.
            times: how often each event is posted.
            order: returns the events in the order to post them in, some perhaps left out or repeated.
            drop: types of events that get lost for good; `charge.*` and `*` stand for several.
            endpoint: the id of one that was created through the API.
        """
        where = self._endpoint(endpoint)
        return deliveries.deliver(self.state, where, post, times=times, order=order, drop=drop)

    def resend(self, post: Post, event_id: str, *, endpoint: str = FIRST) -> Delivery:
        """Post an event once more, even if it was acknowledged."""
        return deliveries.resend(self.state, self._endpoint(endpoint), event_id, post)

    def _endpoint(self, identifier: str) -> WebhookEndpoint:
        found = self.state.webhook_endpoints.get(identifier)
        if found is None:
            raise SandboxError(f"There is no webhook endpoint {identifier!r}.")
        return found
