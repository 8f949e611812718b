"""A real browser in front of the served demo."""

from __future__ import annotations

import os
import shutil
from itertools import count

import pytest

from tests.browser.guest import DESKTOP, PHONE, Guest, launch
from tests.demo.running import ServedDemo
from tests.example import needs_example

CHROMIUM = (
    os.environ.get("PAYMENTS_TEST_CHROMIUM") or shutil.which("chromium") or shutil.which("google-chrome")
)
IS_REQUIRED = "browser" in os.environ.get("PAYMENTS_TEST_REQUIRE", "").split(",")

# Every booking has nights of its own, so that no test takes a room away from another.
_stays = count()


def pytest_collection_modifyitems(items):
    """Mark the tests, and skip them where there is no Chromium, unless it is required."""
    for item in items:
        if "tests/browser/" not in item.path.as_posix():
            continue
        item.add_marker(pytest.mark.browser)
        item.add_marker(needs_example)
        if not CHROMIUM and not IS_REQUIRED:
            item.add_marker(
                pytest.mark.skip(reason="Chromium is not on this machine (PAYMENTS_TEST_CHROMIUM says where)")
            )


@pytest.fixture(scope="session")
def site():
    """The example, served in a process of its own."""
    demo = ServedDemo()
    yield demo
    demo.stop()


# For a module, not for all: while Playwright runs, Django takes this thread for an asynchronous one.
@pytest.fixture(scope="module")
def chromium():
    """Chromium, without a window."""
    if not CHROMIUM:
        pytest.fail("PAYMENTS_TEST_REQUIRE names the browser, and Chromium is not on this machine.")
    with launch(CHROMIUM) as browser:
        yield browser


@pytest.fixture(params=[DESKTOP, PHONE], ids=["desktop", "phone"])
def width(request):
    """The width of the window, in pixels."""
    return request.param


@pytest.fixture
def visit(site, chromium, width):
    """Let people in, each with a browser of their own; at the end no page may have complained."""
    guests: list[Guest] = []

    def visit(**options) -> Guest:
        guests.append(Guest(chromium, site, width, _stays, **options))
        return guests[-1]

    yield visit
    complaints = [complaint for guest in guests for complaint in guest.complaints]
    for guest in guests:
        guest.leave()
    assert complaints == []


@pytest.fixture
def guest(visit):
    """Somebody without an account."""
    return visit()
