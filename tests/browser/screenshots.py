"""
``python -m tests.browser.screenshots FOLDER``: the pictures of README and docs, taken of the running example.

They show what is there, and are taken again whenever the pages change.
"""

from __future__ import annotations

import sys
from itertools import count
from pathlib import Path

from tests.browser.conftest import CHROMIUM
from tests.browser.guest import DESKTOP, PHONE, Guest, launch
from tests.demo.running import ServedDemo

WIDTHS = (DESKTOP, PHONE)


def main(folder: Path) -> None:
    """Go the way of a guest, and of an admin, and take a picture at every stop."""
    folder.mkdir(parents=True, exist_ok=True)
    site, stays = ServedDemo(), count()
    try:
        with launch(CHROMIUM) as browser:
            for width in WIDTHS:
                guest = Guest(browser, site, width, stays)
                follow(guest, folder, width)
                guest.leave()
            admin = Guest(browser, site, WIDTHS[0], stays)
            show_admin(admin, folder)
            admin.leave()
    finally:
        site.stop()


def follow(guest: Guest, folder: Path, width: int) -> None:
    """Book, look at the checkout, pay."""

    def take(name: str) -> None:
        guest.page.screenshot(path=folder / f"{name}-{width}.png")

    guest.page.goto("/")
    take("home")
    guest.page.goto("/rooms/harbour-view/")
    take("room")
    guest.book()
    take("booking")
    guest.go_to_checkout()
    take("checkout")
    guest.pay()
    guest.reads("The room is yours.")
    take("thanks")
    guest.page.goto(f"{guest.site.stripe}/")
    take("dashboard")
    guest.page.goto(guest.site.frontend)
    guest.page.get_by_role("radio", name="Harbour View").check()
    take("frontend")


def show_admin(admin: Guest, folder: Path) -> None:
    """The payments, as staff see them."""
    admin.log_in("admin", "/admin/login/")
    admin.page.goto("/admin/generic_payments/paymentsession/")
    admin.page.screenshot(path=folder / f"admin-{WIDTHS[0]}.png")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
