"""The SDK's way to a sandbox of this process."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import stripe

from django_generic_payments.sandbox import Sandbox

__all__ = ["InProcess"]


class InProcess(stripe.HTTPClient):
    """Hand the SDK's requests to a sandbox."""

    name = "sandbox"

    def __init__(self, sandbox: Sandbox) -> None:
        super().__init__()
        self._sandbox = sandbox

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_: Any
    ) -> tuple[bytes, int, Mapping[str, str]]:
        """Answer a request, or lose its answer."""
        try:
            status, answered, body = self._sandbox.handle(method, url, headers or {}, post_data)
        except (ConnectionError, TimeoutError) as error:
            raise stripe.APIConnectionError("Connection lost.", should_retry=True) from error
        return body, status, answered

    def _sleep_time_seconds(self, *_: Any) -> float:
        return 0

    def close(self) -> None:
        """Close nothing."""
