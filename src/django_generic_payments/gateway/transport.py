"""An HTTP client for the SDK that calls a function of this process in place of a server."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import stripe

__all__ = ["Handler", "InProcessClient"]

#: Takes method, URL, headers and body; returns status, headers and body.
#: Raises ``ConnectionError`` or ``TimeoutError`` for a lost answer.
Handler = Callable[[str, str, Mapping[str, str], Any], tuple[int, Mapping[str, str], bytes]]


class InProcessClient(stripe.HTTPClient):
    """Lets the real SDK talk to a sandbox without sockets."""

    name = "in_process"

    def __init__(self, handler: Handler) -> None:
        super().__init__()
        self._handler = handler

    def request(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any = None, **_usage: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        """Answer one request of the SDK."""
        try:
            status, answer_headers, body = self._handler(method.upper(), url, headers or {}, post_data)
        except (ConnectionError, TimeoutError) as error:
            raise stripe.APIConnectionError("The connection to the sandbox was lost.") from error  # type: ignore[no-untyped-call]
        return body.decode("utf-8"), status, answer_headers

    def close(self) -> None:
        """Do nothing: there is no socket."""
