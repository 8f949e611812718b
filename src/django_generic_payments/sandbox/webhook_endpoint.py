"""What Stripe knows of a webhook endpoint beside its object: the secrets, and what has not arrived yet.

https://docs.stripe.com/webhooks
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple

from .json_object import JsonObject

__all__ = ["FIRST", "Secret", "WebhookEndpoint"]

#: The id of the endpoint that an account has from the start. The API does not show it.
FIRST = ""


class Secret(NamedTuple):
    """A signing secret, and the moment at which it ends, if it was rolled."""

    value: str
    expires_at: int | None = None


@dataclass
class WebhookEndpoint:
    """An endpoint at work; `secrets` are newest first."""

    obj: JsonObject
    secrets: list[Secret]
    pending: list[JsonObject] = field(default_factory=list)

    @property
    def url(self) -> str:
        """Where to post to; empty if a test posts by itself."""
        return str(self.obj["url"])

    @property
    def secret(self) -> str:
        """The newest secret."""
        return self.secrets[0].value

    def wants(self, kind: str) -> bool:
        """Tell whether it is to hear of events of a type."""
        chosen = self.obj["enabled_events"]
        return self.obj["status"] == "enabled" and ("*" in chosen or kind in chosen)

    def valid_secrets(self, now: int) -> list[str]:
        """Return the secrets to sign with, newest first."""
        return [value for value, expires_at in self.secrets if expires_at is None or now < expires_at]

    def roll_secret(self, value: str, expires_at: int) -> None:
        """Sign with another secret from now on, and with those until now for a while."""
        ending = [
            Secret(old, expires_at if end is None else min(end, expires_at)) for old, end in self.secrets
        ]
        self.secrets = [Secret(value), *ending]

    def forget(self, event: JsonObject) -> None:
        """Stop delivering an event."""
        # In place and by identity: the list is the one that tests look at.
        self.pending[:] = [other for other in self.pending if other is not event]
