"""A visitor for the demo: a browser without a window, made of the standard library."""

from __future__ import annotations

import html
import re
import urllib.error
import urllib.request
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin


class Visitor:
    """Opens pages, remembers cookies, follows redirects and submits forms."""

    def __init__(self) -> None:
        # No proxy of the environment: everything in the demo is on this machine.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        self.address = ""
        self.page = ""

    def open(self, address: str) -> Visitor:
        """Open a page."""
        return self._go(urllib.request.Request(urljoin(self.address, address)))

    def submit(self, **filled_in: str) -> Visitor:
        """Fill in the first form of the page and send it."""
        tag, inside = re.search(r"<form\b([^>]*)>(.*?)</form>", self.page, re.DOTALL).groups()
        fields = {}
        for field in re.findall(r"<input\b[^>]*>", inside):
            attributes = {
                name: html.unescape(value) for name, value in re.findall(r'([\w-]+)="([^"]*)"', field)
            }
            if attributes.get("name") and attributes.get("type") not in {"radio", "checkbox"}:
                fields[attributes["name"]] = attributes.get("value", "")
        action = re.search(r'action="([^"]*)"', tag)
        target = urljoin(self.address, html.unescape(action.group(1)) if action else self.address)
        body = urlencode({**fields, **filled_in}).encode()
        return self._go(urllib.request.Request(target, data=body, headers={"Referer": self.address}))

    def reads(self, pattern: str) -> str:
        """Return what the page says where the pattern matches, as text."""
        found = re.search(pattern, self.page, re.DOTALL)
        if found is None:
            raise AssertionError(f"{self.address} does not say {pattern!r}")
        return html.unescape(re.sub(r"<[^>]+>|\s+", " ", found.group(0))).strip()

    def _go(self, request: urllib.request.Request) -> Visitor:
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error  # a page too: a declined card is told on one
        with answer:
            self.address = answer.geturl()
            self.page = answer.read().decode()
        return self
