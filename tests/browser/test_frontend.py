"""A page of another origin books and is paid by the API; and the page that explains the API."""

from __future__ import annotations

import re
from datetime import date, timedelta
from itertools import count

import pytest
from playwright.sync_api import expect

from tests.browser.guest import DECLINED, GOOD, PHONE, Guest
from tests.browser.test_accessibility import look
from tests.demo.running import ServedDemo

CHECKOUT = re.compile(r"/c/pay/cs_test_")


def fill_in(guest: Guest, room: str = "Harbour View", nights: int = 2) -> None:
    """Open the page, and say who comes when: on nights that nobody else has."""
    arrival = date.today() + timedelta(days=45 + 3 * next(guest.stays))
    guest.page.goto(guest.site.frontend)
    guest.page.get_by_role("radio", name=room).check()
    guest.page.get_by_label("Arrival").fill(arrival.isoformat())
    guest.page.get_by_label("Departure").fill((arrival + timedelta(days=nights)).isoformat())
    guest.page.get_by_label("Name").fill("Gil Guest")
    guest.page.get_by_label("E-mail").fill("gil@example.com")


def go_to_checkout(guest: Guest, words: str = "Book and pay") -> None:
    guest.button(words).click()
    expect(guest.page).to_have_url(CHECKOUT)


def turn_back(guest: Guest) -> None:
    guest.page.get_by_role("link", name=re.compile("go back")).click()


def reads(guest: Guest, heading: str) -> None:
    expect(guest.page.get_by_role("heading", level=1)).to_have_text(heading)


def forgive(guest: Guest, words: str) -> None:
    """Take back the complaints of the browser about what the test has caused itself."""
    assert guest.complaints
    guest.complaints[:] = [each for each in guest.complaints if words not in each]


@pytest.fixture
def asked(guest):
    """What the guest's browser sent to the API, as method, path and idempotency key."""
    sent = []

    def note(request) -> None:
        if request.method == "POST" and "/api/" in request.url:
            path = request.url.partition("/api/")[2]
            sent.append((path, request.headers.get("idempotency-key")))

    guest.page.on("request", note)
    return sent


def test_a_guest_books_and_pays(guest):
    fill_in(guest)
    look(guest)
    go_to_checkout(guest)
    expect(guest.page.get_by_text("48.00 GBP").first).to_be_visible()

    guest.pay()

    reads(guest, "Thank you")
    expect(guest.page.get_by_role("heading", level=1)).to_be_focused()
    guest.reads("Confirmed")
    assert guest.page.url.startswith(guest.site.frontend)
    look(guest)
    guest.page.get_by_role("link", name="See the booking").click()
    guest.reads("The room is yours.")


def test_somebody_logged_in_books_for_their_account(visit):
    ann, stranger = visit(), visit()
    ann.log_in()
    fill_in(ann)
    go_to_checkout(ann)

    ann.pay()

    reads(ann, "Thank you")
    ann.page.get_by_role("link", name="See the booking").click()
    ann.reads("The room is yours.")
    stranger.page.goto(ann.page.url)
    expect(stranger.page).to_have_url(re.compile("/accounts/log-in/"))


def test_who_turns_back_is_charged_nothing_and_tries_again(guest, asked):
    fill_in(guest)
    go_to_checkout(guest)
    turn_back(guest)
    reads(guest, "You have not paid yet")
    guest.reads("Nothing has been charged.")
    look(guest)

    go_to_checkout(guest, "Try again")
    guest.pay()

    reads(guest, "Thank you")
    assert [path for path, _key in asked].count("bookings/") == 1


def test_who_goes_back_in_the_browser_can_go_on(guest):
    fill_in(guest)
    go_to_checkout(guest)

    guest.page.go_back()

    reads(guest, "You have not paid yet")
    go_to_checkout(guest, "Try again")


def test_other_nights_are_chosen_with_all_else_as_it_was(guest):
    fill_in(guest)
    go_to_checkout(guest)
    turn_back(guest)

    guest.button("Choose something else").click()

    reads(guest, "Book a room")
    expect(guest.page.get_by_label("Name")).to_have_value("Gil Guest")
    expect(guest.page.get_by_role("radio", name="Harbour View")).to_be_checked()
    guest.page.get_by_role("radio", name="Garden Room").check()
    go_to_checkout(guest)
    expect(guest.page.get_by_text("38.00 GBP").first).to_be_visible()


def test_a_declined_card_is_told_in_the_checkout_and_another_one_pays(guest):
    fill_in(guest)
    go_to_checkout(guest)
    guest.pay(DECLINED)
    expect(guest.page.get_by_role("alert").first).to_contain_text("insufficient funds")

    guest.pay(GOOD)

    reads(guest, "Thank you")


def test_a_declined_card_leaves_the_booking_unpaid(guest):
    fill_in(guest)
    go_to_checkout(guest)
    guest.pay(DECLINED)
    expect(guest.page.get_by_role("alert").first).to_be_visible()

    turn_back(guest)

    reads(guest, "You have not paid yet")


def test_a_debit_waits_for_the_bank(chromium):
    demo = ServedDemo(DEFAULT_CURRENCY="EUR")  # banks are debited in euros
    guest = Guest(chromium, demo, PHONE, count())
    try:
        fill_in(guest)
        go_to_checkout(guest)
        guest.page.get_by_label(re.compile("SEPA")).check()
        guest.page.get_by_label("IBAN").fill("AT611904300234573201")
        guest.button("Pay").click()

        reads(guest, "Waiting for the bank")
        guest.button("Look again").click()
        reads(guest, "Waiting for the bank")
    finally:
        guest.leave()
        demo.stop()
    assert guest.complaints == []


def test_a_booking_that_was_cancelled_meanwhile_is_over(guest):
    fill_in(guest)
    go_to_checkout(guest)
    turn_back(guest)
    reads(guest, "You have not paid yet")
    here = guest.page
    booking = here.evaluate("JSON.parse(sessionStorage.visit).booking.id")
    guest.new_tab().goto(f"{guest.site.address}/bookings/{booking}/")
    guest.button("Cancel the booking").click()
    guest.reads("Nothing has been charged.")

    guest.page = here
    guest.button("Try again").click()

    reads(guest, "This booking is over")
    guest.reads("cancelled by the guest")
    forgive(guest, "status of 409")


def test_who_has_logged_out_meanwhile_is_not_shown_the_booking_of_the_account(guest):
    guest.log_in()
    fill_in(guest)
    go_to_checkout(guest)
    guest.page.context.clear_cookies()

    turn_back(guest)

    reads(guest, "Book a room")
    expect(guest.page.get_by_role("alert")).to_contain_text("Your last booking is that of an account.")
    forgive(guest, "status of 404")


def test_a_double_click_books_once_and_opens_one_checkout(guest, asked):
    fill_in(guest)

    guest.button("Book and pay").dblclick()

    expect(guest.page).to_have_url(CHECKOUT)
    assert [path for path, _key in asked] == ["bookings/", "payments/checkout/"]


def test_after_a_lost_answer_the_same_key_finds_the_same_checkout(guest, asked):
    addresses = []

    def lose_the_answer(route) -> None:
        addresses.append(route.fetch().json()["checkout_url"])
        route.abort()

    guest.page.route("**/api/payments/checkout/", lose_the_answer, times=1)
    fill_in(guest)
    guest.button("Book and pay").click()
    expect(guest.page.get_by_role("alert")).to_contain_text("The house does not answer")

    go_to_checkout(guest)

    keys = [key for path, key in asked if path == "payments/checkout/"]
    assert len(keys) == 2
    assert len(set(keys)) == 1
    assert [guest.page.url] == addresses
    assert [path for path, _key in asked].count("bookings/") == 1
    forgive(guest, "ERR_FAILED")


def test_a_room_without_a_deposit_is_confirmed_without_a_checkout(guest):
    fill_in(guest, "Crow's Nest")

    guest.button("Book and pay").click()

    reads(guest, "Thank you")
    guest.reads("Confirmed")


def test_what_the_api_refuses_is_told_at_the_field(guest):
    fill_in(guest, nights=0)

    guest.button("Book and pay").click()

    departure = guest.page.get_by_label("Departure")
    expect(departure).to_be_focused()
    expect(departure).to_have_accessible_description("Choose a day after your arrival.")
    expect(departure).to_have_attribute("aria-invalid", "true")
    look(guest)
    forgive(guest, "status of 400")


def test_while_the_api_is_down_the_page_says_so_and_can_be_tried_again(guest):
    fill_in(guest)
    guest.page.context.set_offline(True)
    guest.button("Book and pay").click()
    expect(guest.page.get_by_role("alert")).to_have_text(
        "The house does not answer at the moment. Nothing is lost: please try again in a minute."
    )
    look(guest)
    guest.page.context.set_offline(False)

    go_to_checkout(guest)

    forgive(guest, "ERR_INTERNET_DISCONNECTED")


def test_a_page_that_opens_while_the_api_is_down_can_be_tried_again(guest):
    guest.page.route("**/api/**", lambda route: route.abort(), times=1)
    guest.page.goto(guest.site.frontend)
    expect(guest.page.get_by_role("alert")).to_contain_text("The house does not answer")

    guest.button("Try again").click()

    reads(guest, "Book a room")
    forgive(guest, "ERR_FAILED")


def test_an_address_that_says_paid_is_not_believed_and_not_asked_about_for_ever(guest, width):
    if width == PHONE:
        pytest.skip("the width has nothing to do with it")
    fill_in(guest)
    go_to_checkout(guest)
    guest.page.clock.install()
    guest.page.goto(f"{guest.site.frontend}/?back=paid")
    heading = guest.page.get_by_role("heading", level=1)
    questions = []
    guest.page.on("request", lambda request: questions.append(request.url))
    for _moment in range(2_000):  # as fast as the answers come
        if heading.is_visible():
            break
        guest.page.clock.run_for(500)

    reads(guest, "We have not heard of your payment")
    asked = len(questions)
    guest.page.clock.run_for(300_000)
    assert len(questions) == asked < 10
    go_to_checkout(guest, "Try again")


def test_the_page_is_used_with_the_keyboard_alone(guest):
    fill_in(guest)
    page = guest.page
    page.get_by_role("link", name="Skip to the content").focus()
    guest.tab_to(page.get_by_role("radio", name="Harbour View"))
    page.keyboard.press("ArrowDown")
    expect(page.get_by_role("radio", name="Garden Room")).to_be_checked()
    guest.tab_to(page.get_by_label("E-mail"))
    page.keyboard.press("Enter")
    expect(page).to_have_url(CHECKOUT)
    turn_back(guest)
    expect(page.get_by_role("heading", name="You have not paid yet")).to_be_focused()

    guest.tab_to(guest.button("Try again"))
    page.keyboard.press("Enter")

    expect(page).to_have_url(CHECKOUT)


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_serious_is_wrong_with_the_page_in_light_and_dark(visit, scheme):
    guest = visit(color_scheme=scheme)
    guest.page.goto(guest.site.frontend)
    reads(guest, "Book a room")

    look(guest)


def test_the_page_keeps_no_secret_and_keeps_to_its_policy(guest):
    fill_in(guest)
    go_to_checkout(guest)
    turn_back(guest)
    reads(guest, "You have not paid yet")

    kept = guest.page.evaluate("JSON.stringify({...sessionStorage})")
    assert not re.search(r"[sr]k_(test|live)|whsec_|sessionid", kept)
    assert guest.page.evaluate("localStorage.length") == 0
    refused = guest.page.evaluate(
        "fetch('http://127.0.0.1:9/').then(() => 'heard', error => error.constructor.name)"
    )
    assert refused == "TypeError"
    forgive(guest, "Content Security Policy")
    guest.complaints.clear()  # and once more, in the browser's own words


def test_the_documentation_of_the_api_shows_what_it_can_do(guest):
    guest.page.goto("/api/docs/")

    for path in ("/api/rooms/", "/api/bookings/", "/api/payments/checkout/", "/api/payments/refunds/"):
        expect(guest.page.locator(f"[data-path='{path}']").first).to_be_visible()
    guest.page.locator("[data-path='/api/payments/checkout/']").click()
    expect(guest.page.get_by_text("The price is asked of the payable on the server").first).to_be_visible()
