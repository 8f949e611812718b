"""A visitor for the demo: a browser without a window, made of the standard library."""

from __future__ import annotations

import urllib.error
import urllib.request
from dataclasses import dataclass, field
from html.parser import HTMLParser
from http.cookiejar import CookieJar
from urllib.parse import urlencode, urljoin

# Elements that have no end.
VOID = {"br", "hr", "img", "input", "link", "meta"}


@dataclass
class Form:
    """A form: where it goes, what is in its fields, and the words on its buttons."""

    action: str
    fields: dict[str, str] = field(default_factory=dict)
    words: str = ""


class Page(HTMLParser):
    """A page as far as a visitor needs it: its forms, its links, and what its elements say."""

    def __init__(self, markup: str) -> None:
        super().__init__()
        self.forms: list[Form] = []
        self.links: dict[str, str] = {}
        self.texts: list[tuple[set[str], str]] = []
        self._open: list[tuple[str, dict[str, str], list[str]]] = []
        self.feed(markup)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "form":
            self.forms.append(Form(given.get("action", "")))
        elif tag == "input" and self.forms and _is_sent(given):
            self.forms[-1].fields.setdefault(given["name"], given.get("value", ""))
        if tag not in VOID:
            self._open.append((tag, given, []))

    def handle_data(self, data: str) -> None:
        for _tag, _given, texts in self._open:
            texts.append(data)

    def handle_endtag(self, tag: str) -> None:
        while self._open:
            name, given, texts = self._open.pop()
            text = " ".join("".join(texts).split())
            if name == "a":
                self.links.setdefault(text, given.get("href", ""))
            elif name == "button" and self.forms:
                self.forms[-1].words += f"{text}\n"
            classes = {f"{name}.{each}" for each in given.get("class", "").split()}
            self.texts.append(({name, given.get("role", name), *classes}, text))
            if name == tag:
                return


def _is_sent(field: dict[str, str]) -> bool:
    is_chosen = field.get("type") not in {"radio", "checkbox"} or "checked" in field
    return bool(field.get("name")) and is_chosen


class Visitor:
    """Opens pages, remembers cookies, follows redirects and links, and submits forms."""

    def __init__(self) -> None:
        # No proxy of the environment: everything in the demo is on this machine.
        self._opener = urllib.request.build_opener(
            urllib.request.ProxyHandler({}), urllib.request.HTTPCookieProcessor(CookieJar())
        )
        self.address = ""
        self.page = Page("")

    def open(self, address: str) -> Visitor:
        """Open a page."""
        return self._go(urllib.request.Request(urljoin(self.address, address)))

    def click(self, words: str) -> Visitor:
        """Follow the link that says so."""
        for text, address in self.page.links.items():
            if words in text:
                return self.open(address)
        raise AssertionError(f"{self.address} has no link that says {words!r}.")

    def press(self, words: str, **filled_in: str) -> Visitor:
        """Fill in the form whose button says so, and send it."""
        for form in self.page.forms:
            if words in form.words:
                body = urlencode({**form.fields, **filled_in}).encode()
                target = urljoin(self.address, form.action or self.address)
                return self._go(urllib.request.Request(target, body, {"Referer": self.address}))
        raise AssertionError(f"{self.address} has no button that says {words!r}.")

    def reads(self, element: str) -> str:
        """Return what the first such element says: ``h1``, ``p.state``, or a role such as ``alert``."""
        found = self.reads_all(element)
        if not found:
            raise AssertionError(f"{self.address} has no {element}.")
        return found[0]

    def reads_all(self, element: str) -> list[str]:
        """Return what every such element says."""
        return [text for names, text in self.page.texts if element in names]

    def field(self, name: str) -> str:
        """Return what is in a field of the page."""
        return next(form.fields[name] for form in self.page.forms if name in form.fields)

    def _go(self, request: urllib.request.Request) -> Visitor:
        try:
            answer = self._opener.open(request, timeout=30)
        except urllib.error.HTTPError as error:
            answer = error  # a page too: a declined card is told on one
        with answer:
            self.address = answer.geturl()
            self.page = Page(answer.read().decode())
        return self
