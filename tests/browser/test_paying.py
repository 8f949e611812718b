"""People book and pay, as they would: with a browser, on a desk and on a phone."""

from __future__ import annotations

import re

from playwright.sync_api import expect

from tests.browser.guest import ASKS, DECLINED, GOOD


def test_a_room_is_booked_and_paid(visit):
    ann = visit()
    ann.log_in()
    ann.book()
    ann.reads("Waiting for the deposit")
    ann.go_to_checkout()

    ann.pay()

    ann.reads("The room is yours.")
    ann.page.get_by_role("link", name="See the booking").click()
    history = ann.page.get_by_role("listitem").all_inner_texts()
    assert [line.split(maxsplit=3)[3] for line in history] == ["Booked", "Payment succeeded", "Confirmed"]
    expect(ann.button("Pay")).to_have_count(0)


def test_a_declined_payer_is_told_why_and_pays_with_another_card(guest):
    guest.book()
    guest.go_to_checkout()

    guest.pay(DECLINED)
    expect(guest.page.get_by_role("alert").first).to_contain_text("insufficient funds")
    expect(guest.page.get_by_label("E-mail")).to_have_value(re.compile("@example.com$"))
    guest.pay(GOOD)

    guest.reads("The room is yours.")
    guest.page.get_by_role("link", name="See the booking").click()
    guest.reads("Attempt declined (insufficient funds)")


def test_a_card_that_asks_for_3d_secure_leads_past_the_bank(guest):
    guest.book()
    guest.go_to_checkout()
    guest.pay(ASKS)
    expect(guest.page.get_by_role("heading", level=1)).to_contain_text("Confirm this payment")

    guest.button("Complete").click()

    guest.reads("The room is yours.")


def test_a_failed_3d_secure_charges_nothing_and_can_be_tried_again(guest):
    guest.book()
    guest.go_to_checkout()
    guest.pay(ASKS)
    guest.button("Fail").click()
    expect(guest.page.get_by_role("alert").first).to_be_visible()

    guest.pay(GOOD)

    guest.reads("The room is yours.")


def test_a_test_card_is_picked_without_typing_it(guest):
    guest.book()
    guest.go_to_checkout()

    guest.page.get_by_role("row", name=re.compile("5555 ?5555 ?5555 ?4444")).get_by_role("button").click()

    expect(guest.page.get_by_label("Card number")).to_have_value(re.compile("5555"))
    guest.button("Pay").click()
    guest.reads("The room is yours.")


def test_a_guest_shares_a_pay_link_and_a_friend_pays(visit):
    guest, friend = visit(), visit()
    guest.book("Garden Room")
    guest.button("Make a pay link").click()
    link = guest.page.get_by_label(re.compile("Whoever has this link")).input_value()

    friend.page.goto(link)
    friend.pay()

    friend.reads("The room is yours.")
    # Who pays may see that it is paid, and not cancel it.
    expect(friend.page.get_by_role("link", name="See the booking")).to_have_count(0)
    guest.page.reload()
    guest.reads("Confirmed")


def test_who_turns_back_is_charged_nothing_and_pays_later(guest):
    guest.book()
    guest.go_to_checkout()

    guest.page.get_by_role("link", name=re.compile("go back")).click()

    guest.reads("You have not paid yet")
    guest.reads("Nothing has been charged.")
    guest.go_to_checkout()
    guest.pay()
    guest.reads("The room is yours.")


def test_two_tabs_pay_once(guest):
    guest.book()
    address = guest.page.url
    first = guest.page
    guest.go_to_checkout()
    guest.new_tab().goto(address)
    guest.go_to_checkout()
    assert first.url.partition("#")[0] == guest.page.url.partition("#")[0]
    guest.pay()
    guest.reads("The room is yours.")

    second, guest.page = guest.page, first
    guest.pay()

    guest.reads("This checkout is complete.")
    guest.page = second
    guest.page.goto(address)
    history = "\n".join(guest.page.get_by_role("listitem").all_inner_texts())
    assert (history.count("Payment succeeded"), history.count("Confirmed")) == (1, 1)


def test_a_booking_is_cancelled_before_it_is_paid(guest):
    guest.book()
    guest.go_to_checkout()
    checkout = guest.page.url
    guest.page.go_back()

    guest.button("Cancel the booking").click()

    guest.reads("Your booking is cancelled. Nothing has been charged.")
    guest.page.goto(checkout)
    guest.reads("This checkout has expired.")


def test_a_paid_booking_is_cancelled_and_the_deposit_goes_back(guest):
    guest.book()
    guest.go_to_checkout()
    guest.pay()
    guest.page.get_by_role("link", name="See the booking").click()
    guest.reads("If you cancel today, 48.00 GBP of your deposit goes back.")

    guest.button("Cancel the booking").click()

    guest.reads("48.00 GBP of your deposit goes back.")
    guest.reads("48.00 GBP went back to the card or account it came from.")
    guest.reads("48.00 GBP sent back")
    expect(guest.button("Pay")).to_have_count(0)


def test_an_order_is_paid_from_a_bank_account(guest):
    guest.page.goto("/shop/")
    guest.page.get_by_label("Quantity of Wool blanket").fill("1")
    guest.page.get_by_label("Quantity of Sea-salt fudge").fill("2")
    guest.button("Order").click()
    guest.reads("84.90 EUR")
    guest.go_to_checkout()
    guest.page.get_by_label("E-mail").fill("payer@example.com")
    guest.page.get_by_label(re.compile("SEPA")).check()
    guest.page.get_by_label("IBAN").fill("AT611904300234573201")

    guest.button("Pay").click()

    guest.reads("Waiting for your bank")


def test_the_whole_way_is_gone_with_the_keyboard_alone(guest):
    guest.book()
    page = guest.page
    page.reload()
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")

    guest.tab_to(guest.button("Pay"))
    page.keyboard.press("Enter")
    guest.tab_to(page.get_by_label("Card number"))
    page.keyboard.type(GOOD)
    page.keyboard.press("Enter")

    guest.reads("The room is yours.")
