from __future__ import annotations

from django.test import TestCase
from django.urls import reverse

from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import use_sandbox
from tests.hosts.soft_delete.models import Invoice


class InvoiceTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.invoice = Invoice.objects.create()
        cls.door = reverse("generic_payments:checkout", args=["invoice", cls.invoice.pk])

    def delete(self):
        Invoice.objects.filter(pk=self.invoice.pk).update(is_deleted=True)

    def assert_settled(self):
        assert Invoice.everything.get(pk=self.invoice.pk).is_paid

    def test_an_invoice_is_paid(self):
        with use_sandbox() as stripe:
            self.client.post(self.door)
            stripe.pay(PaymentSession.objects.get())

        self.assert_settled()

    def test_the_door_to_a_deleted_invoice_is_gone(self):
        self.delete()
        with use_sandbox():
            answer = self.client.post(self.door)

        assert answer.status_code == 404
        assert not PaymentSession.objects.exists()

    def test_money_for_an_invoice_that_was_deleted_meanwhile_reaches_the_receiver(self):
        with use_sandbox() as stripe:
            session = start_checkout(self.invoice)
            self.delete()
            stripe.pay(session)

        self.assert_settled()
        session.refresh_from_db()
        assert (session.status, session.review_reason) == ("succeeded", "")
