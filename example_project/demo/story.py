"""What the demo tells: people book, pay, fail and share, and the site finds out from signed webhooks alone."""

from __future__ import annotations

import urllib.error
import urllib.request
from collections.abc import Callable, Mapping
from datetime import date, timedelta

from django.contrib.auth import get_user_model
from django.core.management.base import CommandError
from django.test import override_settings
from django.utils import timezone

from bookings.models import Booking
from demo.stage import Stage
from demo.visitor import Visitor
from django_generic_payments.maintenance.audit import audit
from django_generic_payments.models import PaymentSession, Refund, Transaction
from django_generic_payments.money import format_amount

REPEATS = 5
GOOD_CARD = {"number": "4242424242424242", "expiry": "12 / 34", "cvc": "123"}
DECLINED_CARD = {"number": "4000000000009995", "expiry": "12 / 34", "cvc": "123"}
GOOD_ACCOUNT = {"method": "sepa_debit", "iban": "AT611904300234573201"}


class Story:
    """The demo, chapter by chapter. Each checks what it tells, and raises if it is not so."""

    def __init__(self, stage: Stage, say: Callable[[str], None], step: Callable[[str, str], None]) -> None:
        self.stage = stage
        self.say = say
        self.step = step

    def tell(self) -> None:
        """Tell it all."""
        self.ann_books_and_pays()
        self.webhooks_are_repeated_and_forged()
        self.bo_pays_as_a_guest_by_a_link()
        self.two_want_the_same_room()
        self.half_of_it_goes_back()
        self.nothing_to_pay()
        self.an_order_in_another_currency()
        self.the_ledger()

    def ann_books_and_pays(self) -> None:
        """A booking, a declined card, another card."""
        self.say("1. Ann books a room and pays its deposit")
        browser = self._log_in("ann")
        self._book(browser, "Ann", "Harbour View", days_ahead=30, nights=2)
        self.step("Her booking", browser.reads("p.state"))
        browser.press("Pay")
        self.step("The button leads to", f"{browser.address[:48]}…")
        self._pay(browser, DECLINED_CARD)
        self.step("A card without money", browser.reads("alert"))
        self._pay(browser, GOOD_CARD)
        self.step("Another card", browser.reads("h1"))
        self._expect_state(browser, "Confirmed")
        browser.click("See the booking")
        for number, line in enumerate(browser.reads_all("li")):
            self.step("" if number else "Its history", line)

    def webhooks_are_repeated_and_forged(self) -> None:
        """The network stutters, and somebody lies."""
        self.say("2. The network stutters, and a stranger lies")
        sandbox, webhook = self.stage.stripe.sandbox, self.stage.webhook
        paid = next(event for event in sandbox.events if event["type"] == "checkout.session.completed")
        answers = [post(webhook, *sandbox.message(paid)) for _ in range(REPEATS)]
        self.step(f"The webhook {REPEATS} times more", f"answers {answers}")
        confirmed = Booking.objects.get().changes.filter(text="Confirmed").count()
        self.step("Payments, confirmations", f"{Transaction.objects.count()}, {confirmed}")
        self.expect(answers == [200] * REPEATS, "A repeated webhook was refused.")
        self.expect((Transaction.objects.count(), confirmed) == (1, 1), "Something was doubled.")
        forged = post(webhook, *sandbox.message(paid, secret="whsec_of_somebody_else"))
        self.step("A forged webhook", f"answer {forged}")
        self.expect(forged == 400, "A forged webhook was accepted.")

    def bo_pays_as_a_guest_by_a_link(self) -> None:
        """No account, and somebody else's card."""
        self.say("3. Bo books as a guest, and a friend pays by a link")
        bo, friend = Visitor().open(self.stage.address), Visitor()
        self._book(bo, "Bo", "Garden Room", days_ahead=40, nights=3, email="bo@example.com")
        bo.press("Make a pay link")
        link = PaymentSession.objects.open().get().pay_url
        self.step("The pay link", f"{link[:48]}…")
        friend.open(link)
        self._pay(friend, GOOD_CARD)
        self.step("The friend reads", friend.reads("h1"))
        bo.open(bo.address)
        self.step("Bo reads", bo.reads("p.state"))
        self._expect_state(bo, "Confirmed")

    def two_want_the_same_room(self) -> None:
        """Both pay. One has the room, and the other's money is not lost."""
        self.say("4. Two pay for the same nights of one room")
        browsers = {name: self._log_in(name) for name in ("cleo", "dan")}
        for name, browser in browsers.items():
            self._book(browser, name.title(), "Lighthouse Loft", days_ahead=50, nights=2)
            browser.press("Pay")
        with override_settings(ROOM_TAKEN="refund"):
            for name, browser in browsers.items():
                self._pay(browser, GOOD_CARD)
                self.step(f"{name.title()} reads", browser.reads("p.state"))
        self._expect_state(browsers["cleo"], "Confirmed")
        self._expect_state(browsers["dan"], "The room is gone")
        self.step("Dan reads further", browser.reads("p.refund"))

    def half_of_it_goes_back(self) -> None:
        """A booking is cancelled late, and a signal tells of the refund."""
        self.say("5. Finn cancels four days before, and half of the deposit goes back")
        browser = self._log_in("finn")
        self._book(browser, "Finn", "Captain's Cabin", days_ahead=4, nights=2)
        browser.press("Pay")
        self._pay(browser, GOOD_CARD)
        browser.click("See the booking").press("Cancel the booking")
        self.wait_for_webhooks()
        browser.open(browser.address)
        self.step("Finn reads", browser.reads("p.refund"))
        said = browser.reads_all("li")
        self.step("Its history", said[-1])
        self.expect("14.00 GBP sent back" in said[-1], "The refund was not told.")
        refund = Refund.objects.latest("created")
        self.step(
            "In the ledger",
            f"{refund.session.money} paid, {refund.money} refunded, {refund.session.refundable} left",
        )

    def nothing_to_pay(self) -> None:
        """A room without a deposit."""
        self.say("6. A room that needs no deposit")
        browser = Visitor().open(self.stage.address)
        self._book(browser, "Eve", "Crow's Nest", days_ahead=20, nights=1, email="eve@example.com")
        self.step("Eve reads", browser.reads("p.state"))
        self._expect_state(browser, "Confirmed")

    def an_order_in_another_currency(self) -> None:
        """Another kind of payable, several lines, and a bank that takes its time."""
        self.say("7. An order in euros, by bank debit")
        browser = self._log_in("ann").open("/shop/")
        browser.press("Order", **{"breakfast-hamper": "1", "sea-salt-fudge": "3"})
        self.step("Ann orders", f"{browser.reads('h1')}, {browser.reads('strong')}")
        order_page = browser.address
        browser.press("Pay")
        browser.press("Pay", email="ann@example.com", name="Ann", **GOOD_ACCOUNT)
        self.step("At once", browser.reads("p.state"))
        session = PaymentSession.objects.processing().get()
        self.stage.stripe.sandbox.settle(session.stripe_checkout_session_id)
        self.wait_for_webhooks()
        self.step("Days later", browser.open(order_page).reads("p.state"))
        self._expect_state(browser, "Paid")

    def the_ledger(self) -> None:
        """What is left in the books."""
        self.say("8. What the ledger says")
        for row in Transaction.objects.select_related("session").order_by("created"):
            self.step(
                row.get_kind_display(), f"{row.session.description}, {format_amount(row.gross, row.currency)}"
            )
        count = Transaction.objects.count()
        self.expect(count == 8, f"The ledger has {count} rows instead of 8.")
        self.expect(not any(finding.count for finding in audit()), "The books are not right.")
        self.stage.stripe.sandbox.book_balance()
        self.wait_for_webhooks()
        for each in Transaction.objects.settled().values():
            gross, fee, net = (
                format_amount(part, each.currency) for part in (each.gross, each.fee, each.net)
            )
            self.step("Arrives on the account", f"{net}: {gross} less {fee} of fees")
        self.step("Audited", "every invariant holds")

    def wait_for_webhooks(self) -> None:
        """Wait until every webhook so far has been answered."""
        if not self.stage.stripe.sender.wait_until_sent(30) or self.stage.stripe.sandbox.pending:
            raise CommandError("The webhooks were not accepted.")

    def expect(self, holds: bool, otherwise: str) -> None:
        if not holds:
            raise CommandError(otherwise)

    def _log_in(self, name: str) -> Visitor:
        users = get_user_model().objects
        if not users.filter(username=name).exists():
            users.create_user(name, f"{name}@example.com", "demo", first_name=name.title())
        browser = Visitor().open(self.stage.address + "/accounts/log-in/")
        return browser.press("Log in", username=name, password="demo")

    def _book(
        self, browser: Visitor, who: str, room: str, *, days_ahead: int, nights: int, **contact: str
    ) -> None:
        arrival = timezone.localdate() + timedelta(days=days_ahead)
        stay = {"starts_on": iso(arrival), "ends_on": iso(arrival + timedelta(days=nights))}
        browser.open("/").click(room)
        browser.press("Book", name=who, **stay, **contact)
        self.step(f"{who} books", f"{browser.reads('h1')} for {nights} night{'s' if nights > 1 else ''}")

    def _pay(self, browser: Visitor, card: Mapping[str, str]) -> None:
        given = {name: value for name, value in browser.page.forms[0].fields.items() if value}
        payer = {"email": "payer@example.com", "name": "Pat Payer"}
        browser.press("Pay", **{**payer, **given, **card})
        self.wait_for_webhooks()

    def _expect_state(self, browser: Visitor, state: str) -> None:
        said = browser.reads("p.state")
        self.expect(said.startswith(state), f"{browser.address} says {said!r} instead of {state!r}.")


def iso(day: date) -> str:
    return day.isoformat()


def post(address: str, body: bytes, headers: Mapping[str, str]) -> int:
    """Post as Stripe does, and return the status of the answer."""
    request = urllib.request.Request(address, data=body, headers=dict(headers))
    try:
        with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=30) as answer:
            return int(answer.status)
    except urllib.error.HTTPError as error:
        return int(error.code)
