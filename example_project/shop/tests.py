"""Orders: several lines, euros, and a bank that may take its time."""

from __future__ import annotations

from django.test import TestCase

from bookings.tests.cases import SandboxMixin, user
from django_generic_payments.models import PaymentSession
from django_generic_payments.money import Money
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from shop.models import Order, Product


class OrderTests(SandboxMixin, TestCase):
    def order(self, owner=None) -> Order:
        products = {each.slug: each for each in Product.objects.all()}
        return Order.objects.place({products["wool-blanket"]: 1, products["sea-salt-fudge"]: 3}, owner=owner)

    def test_a_basket_becomes_an_order_at_the_prices_of_the_shop(self):
        response = self.client.post("/shop/", {"wool-blanket": 1, "sea-salt-fudge": 3, "total": "1"})

        order = Order.objects.get()
        self.assertRedirects(response, order.get_absolute_url())
        self.assertEqual(order.total, Money(69_00 + 3 * 7_95, "eur"))

    def test_an_empty_basket_is_no_order(self):
        page = self.client.post("/shop/", {"wool-blanket": 0})

        self.assertContains(page, "Choose at least one thing.")
        self.assertEqual(Order.objects.count(), 0)

    def test_the_checkout_shows_each_line(self):
        session = start_checkout(self.order())

        lines = self.stripe.sandbox.line_items(session.stripe_checkout_session_id)

        self.assertEqual(
            [(line["description"], line["quantity"], line["amount_total"]) for line in lines],
            [("Wool blanket", 1, 69_00), ("Sea-salt fudge", 3, 23_85)],
        )

    def test_a_paid_order_is_packed(self):
        order = self.order()

        landing = self.client.get(self.stripe.pay(start_checkout(order)).redirect_url, follow=True)

        self.assertContains(landing, "Thank you. We pack it today.")
        self.assertNotContains(landing, '<button type="submit" class="button wide">')

    def test_a_debit_is_waited_for(self):
        order = self.order()
        session = start_checkout(order)
        self.stripe.pay(session, iban="AT611904300234573201")
        self.assertContains(self.client.get(order.get_absolute_url()), "Waiting for your bank")

        self.stripe.settle(session)

        order.refresh_from_db()
        self.assertEqual(order.status, Order.Status.PAID)

    def test_an_order_that_ran_out_can_be_paid_after_all(self):
        order = self.order()
        self.stripe.expire(start_checkout(order))
        self.assertContains(self.client.get(order.get_absolute_url()), "Pay 92.85 EUR")

        self.stripe.pay(start_checkout(order))

        order.refresh_from_db()
        self.assertEqual(order.status, Order.Status.PAID)

    def test_an_order_that_is_wholly_refunded_is_not_packed(self):
        order = self.order()
        session = start_checkout(order)
        self.stripe.pay(session)

        self.stripe.refund(session, 10_00)
        order.refresh_from_db()
        self.assertEqual(order.status, Order.Status.PAID)
        self.stripe.refund(session)

        order.refresh_from_db()
        self.assertEqual(order.status, Order.Status.REFUNDED)
        self.assertContains(self.client.get(order.get_absolute_url()), "Your money went back")

    def test_without_payments_an_order_is_packed_at_once(self):
        with override_payments(ENABLED=False):
            self.assertEqual(self.order().status, Order.Status.PAID)

    def test_an_order_hears_nothing_of_bookings(self):
        order = self.order()
        self.stripe.pay(start_checkout(order))

        self.assertEqual({session.payable_type for session in PaymentSession.objects.all()}, {"order"})

    def test_an_order_of_an_account_is_for_its_owner_alone(self):
        order = self.order(owner=user("ann"))

        self.assertEqual(self.client.get(order.get_absolute_url()).status_code, 404)
        self.client.force_login(order.owner)
        self.assertEqual(self.client.get(order.get_absolute_url()).status_code, 200)
