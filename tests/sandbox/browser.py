from __future__ import annotations

import re
import urllib.error
import urllib.request
from html import unescape
from html.parser import HTMLParser
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
    def html(self) -> str:
        return self.body.decode()

    @property
    def inputs(self) -> dict[str, dict[str, str]]:
        """The attributes of every input that is typed into, by its name."""
        typed = [
            each for tag, each in self.tags if tag == "input" and each["type"] not in ("radio", "hidden")
        ]
        return {each["name"]: each for each in typed}

    @property
    def tags(self) -> list[tuple[str, dict[str, str]]]:
        """Every tag that opens, with its attributes, in the order of the page."""
        reader = TagReader()
        reader.feed(self.html)
        return reader.tags

    @property
    def location(self) -> str:
        return self.headers["Location"]


class TagReader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Write down a tag."""
        self.tags.append((tag, {name: value or "" for name, value in attrs}))


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
