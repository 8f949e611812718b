"""What a machine can tell of how well the pages can be used, by whomever, in light and dark."""

from __future__ import annotations

import re
from collections.abc import Collection

import django
import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.guest import ASKS, DECLINED, PHONE, Guest
from tests.thoroughness import IS_THOROUGH

PUBLIC = ["/", "/rooms/lighthouse-loft/", "/shop/", "/bookings/", "/accounts/log-in/", "/accounts/sign-up/"]
ADMIN = ["paymentsession", "transaction", "customer", "webhookevent", "paymentevent", "refund", "dispute"]
# Django's own search field has a picture for a label, and before 6.0 its trail of links is told by colour alone.
OF_DJANGO = ["label-title-only", "link-in-text-block"]


@pytest.fixture(params=["light", "dark"])
def looker(visit, width, request):
    """Somebody whose machine is set to light or dark."""
    if not IS_THOROUGH and (width == PHONE) != (request.param == "dark"):
        pytest.skip("only CI looks at every scheme of colours at every width")
    return visit(color_scheme=request.param)


def look(guest: Guest, *, apart_from: Collection[str] = ()) -> None:
    """Fail if axe finds something serious, or if the page is wider than the window."""
    guest.page.wait_for_load_state()  # after a click, half of the page may be there
    rules = {rule: {"enabled": False} for rule in apart_from}
    found = Axe().run(guest.page, options={"rules": rules}).response["violations"]
    serious = [
        f"{each['id']}: {each['help']} ({each['nodes'][0]['html'][:200]})"
        for each in found
        if each["impact"] in {"serious", "critical"}
    ]
    assert (guest.page.url, serious) == (guest.page.url, [])
    too_wide = guest.page.evaluate(
        "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    )
    assert (guest.page.url, too_wide) == (guest.page.url, 0)


def test_nothing_serious_is_wrong_with_the_public_pages(looker):
    for path in PUBLIC:
        looker.page.goto(path)
        look(looker)


def test_nothing_serious_is_wrong_on_the_way_from_the_room_to_the_receipt(looker):
    looker.page.goto("/rooms/harbour-view/")
    looker.page.locator("form[method=post]").last.evaluate("form => form.noValidate = true")
    looker.button("Book").click()
    look(looker)  # the form with its errors
    looker.book()
    look(looker)
    looker.button("Make a pay link").click()
    look(looker)
    looker.go_to_checkout()
    look(looker)
    looker.page.get_by_role("link", name=re.compile("go back")).click()
    look(looker)
    looker.go_to_checkout()
    looker.pay(DECLINED)
    look(looker)
    looker.pay(ASKS)
    look(looker)
    checkout = looker.page.url.removesuffix("/authenticate")
    looker.button("Complete").click()
    looker.reads("The room is yours.")
    look(looker)
    looker.page.get_by_role("link", name="See the booking").click()
    look(looker)
    looker.button("Cancel the booking").click()
    look(looker)
    looker.page.goto(checkout)
    look(looker)


@pytest.mark.skipif(django.VERSION < (6, 0), reason="Django 5.2 has no Content Security Policy")
def test_every_page_has_a_policy_and_keeps_to_it(visit):
    ann = visit()  # whose browser would complain of what the policy forbids
    for path in [*PUBLIC, "/admin/login/"]:
        policy = ann.page.goto(path).headers["content-security-policy"]

        assert "default-src 'self'" in policy
        assert f"form-action 'self' {ann.site.stripe}" in policy
        assert "unsafe" not in policy


def test_nothing_serious_is_wrong_with_the_admin(looker):
    looker.log_in("admin", "/admin/login/")
    for model in ADMIN:
        looker.page.goto(f"/admin/generic_payments/{model}/")
        look(looker, apart_from=OF_DJANGO)
    looker.page.goto("/admin/generic_payments/paymentsession/")
    looker.page.locator("#result_list tbody th a").first.click()
    look(looker, apart_from=OF_DJANGO)


def test_nothing_serious_is_wrong_with_an_order(looker):
    looker.page.goto("/shop/")
    looker.page.get_by_label("Quantity of Wool blanket").fill("1")
    looker.button("Order").click()
    look(looker)
    looker.go_to_checkout()
    look(looker)


def test_nothing_serious_is_wrong_with_the_dashboard_of_the_sandbox(looker):
    looker.page.goto("/rooms/harbour-view/")
    looker.book()
    looker.go_to_checkout()
    looker.pay()
    looker.reads("The room is yours.")
    for path in ("/", "/dashboard/events", "/dashboard/endpoints", "/dashboard/requests"):
        looker.page.goto(f"{looker.site.stripe}{path}")
        look(looker)
    looker.page.goto(f"{looker.site.stripe}/")
    looker.page.locator("tbody a").first.click()
    look(looker)
    looker.button("Refund").click()
    looker.reads("refunded")
    look(looker)
