from __future__ import annotations

import re
from html import unescape

from django.test import Client, TestCase
from django.urls import reverse

from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import use_sandbox
from tests.hosts.guests_only.models import Ticket

CODES = ["A-7", "2026/stalls/7", "Zürich ☕ №7", "a:b:c", "50%", "x?y=1&z#w"]


class TicketTests(TestCase):
    def press_the_button(self, browser, ticket):
        page = browser.get(reverse("ticket", args=[ticket.pk])).content.decode()
        action = unescape(re.search(r'action="([^"]+)"', page)[1])
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', page)[1]
        return browser.post(action, {"csrfmiddlewaretoken": token})

    def test_a_guest_buys_a_ticket_whatever_its_code_is(self):
        for code in CODES:
            with self.subTest(code=code), use_sandbox() as stripe:
                ticket = Ticket.objects.create(code=code)
                browser = Client(enforce_csrf_checks=True)

                to_stripe = self.press_the_button(browser, ticket)
                session = PaymentSession.objects.for_payable(ticket).get()
                landed = browser.get(stripe.pay(session, email="gus@example.com").redirect_url)

                assert to_stripe["Location"] == session.stripe_checkout_url
                self.assertContains(landed, "Your payment has arrived")
                ticket.refresh_from_db()
                assert ticket.holder == "gus@example.com"

    def test_codes_that_look_alike_have_slots_of_their_own(self):
        with use_sandbox() as stripe:
            sessions = [start_checkout(Ticket.objects.create(code=code)) for code in ("7", "07", "7:")]
            stripe.pay(sessions[0])

        assert Ticket.objects.exclude(holder="").get().code == "7"
