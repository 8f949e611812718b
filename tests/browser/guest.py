"""Somebody with a browser, and what people do on the site."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from typing import Any

from playwright.sync_api import Browser, Locator, Page, expect, sync_playwright

from tests.demo.running import ServedDemo

#: Without these, it looks for hosts that a test has no business with.
OPTIONS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
#: Widths of a window, in pixels.
DESKTOP, PHONE = 1280, 390
GOOD, DECLINED, ASKS = "4242424242424242", "4000000000009995", "4000002760003184"
PASSWORD = "harbour"
# A declined card is told with this status, and the browser mentions it.
EXPECTED = re.compile(r"status of 402")


@contextmanager
def launch(executable: str) -> Iterator[Browser]:
    """Start the browser of this machine: Playwright brings none of its own."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable, args=OPTIONS)
        yield browser
        browser.close()


class Guest:
    """A browser of one's own, with an empty jar of cookies."""

    def __init__(
        self, browser: Browser, site: ServedDemo, width: int, stays: Iterator[int], **options: Any
    ) -> None:
        self.site = site
        self.complaints: list[str] = []
        self.stays = stays
        self._context = browser.new_context(
            viewport={"width": width, "height": 844}, base_url=site.address, locale="en-GB", **options
        )
        self._context.set_default_timeout(15_000)
        self._context.on("console", self._hear)
        self._context.on("weberror", lambda error: self.complaints.append(str(error.error)))
        self.page = self._context.new_page()

    def new_tab(self) -> Page:
        """Open another tab of the same browser, and go on there."""
        self.page = self._context.new_page()
        return self.page

    def leave(self) -> None:
        """Close the browser."""
        self._context.close()

    def log_in(self, name: str = "ann", address: str = "/accounts/log-in/") -> None:
        """Log in as one of the demo's people."""
        self.page.goto(address)
        self.page.get_by_label("Username").fill(name)
        self.page.get_by_label("Password").fill(PASSWORD)
        self.page.keyboard.press("Enter")
        expect(self.page).not_to_have_url(re.compile(address))

    def book(self, room: str = "Harbour View") -> None:
        """Book a room for two nights that nobody else has."""
        arrival = date.today() + timedelta(days=45 + 3 * next(self.stays))
        self.page.goto("/")
        self.page.get_by_role("link", name=room).click()
        self.page.get_by_label("Arrival").fill(arrival.isoformat())
        self.page.get_by_label("Departure").fill((arrival + timedelta(days=2)).isoformat())
        self.page.get_by_label("Name").fill("Gil Guest")
        self.page.get_by_label("E-mail").fill("gil@example.com")
        self.button("Book").click()
        expect(self.page).to_have_url(re.compile(r"/bookings/[0-9a-f-]{36}/$"))

    def go_to_checkout(self) -> None:
        """Press the pay button of the page."""
        self.button("Pay").click()
        expect(self.page).to_have_url(re.compile(rf"^{self.site.stripe}/c/pay/cs_test_"))

    def pay(self, card: str = GOOD) -> None:
        """Fill in the form of the checkout, and send it."""
        email = self.page.get_by_label("E-mail")
        if email.is_editable():
            email.fill("payer@example.com")
        self.page.get_by_label("Card number").fill(card)
        self.page.get_by_label("Expiry").fill("12 / 34")
        self.page.get_by_label("Security code").fill("123")
        self.button("Pay").click()

    def button(self, words: str) -> Locator:
        """Return the first button that begins with these words."""
        return self.page.get_by_role("button", name=re.compile(f"^{words}")).first

    def reads(self, words: str) -> None:
        """Wait until the page says so."""
        expect(self.page.get_by_role("main").get_by_text(words).first).to_be_visible()

    def tab_to(self, element: Locator) -> None:
        """Press Tab until the element has the focus."""
        for _press in range(40):
            if element.evaluate("element => element === document.activeElement"):
                return
            self.page.keyboard.press("Tab")
        raise AssertionError(f"{element} cannot be reached with Tab.")

    def _hear(self, message: Any) -> None:
        if message.type in {"error", "warning"} and not EXPECTED.search(message.text):
            self.complaints.append(f"{message.location.get('url')}: {message.text}")
