from __future__ import annotations

import re
import urllib.error
import urllib.request
from html import unescape
from typing import NamedTuple
from urllib.parse import urlencode


class Page(NamedTuple):
    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def text(self) -> str:
        """What is on the page, without markup."""
        return unescape(re.sub(r"<style>.*?</style>|<[^>]*>", " ", self.body.decode(), flags=re.S))

    @property
    def location(self) -> str:
        return self.headers["Location"]


class StayHere(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *seen: object) -> None:
        """Show the redirect instead of following it."""


OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}), StayHere)


def request(
    url: str, data: bytes | None = None, headers: dict[str, str] | None = None, method: str | None = None
) -> Page:
    """Ask for a page over real HTTP, without a proxy and without following redirects."""
    asked = urllib.request.Request(url.partition("#")[0], data, headers or {}, method=method)  # noqa: S310
    try:
        with OPENER.open(asked, timeout=10) as response:
            return Page(response.status, dict(response.headers), response.read())
    except urllib.error.HTTPError as error:
        with error:
            return Page(error.code, dict(error.headers), error.read())


def submit(url: str, **fields: str) -> Page:
    """Send a form."""
    return request(url, urlencode(fields).encode())
