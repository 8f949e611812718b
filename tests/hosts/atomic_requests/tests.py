from __future__ import annotations

from django.test import TestCase, TransactionTestCase

from django_generic_payments.models import PaymentSession
from django_generic_payments.testing import use_sandbox
from tests.hosts.atomic_requests.models import Course


class Story:
    def test_the_view_sends_the_payer_by_the_pay_link_and_the_course_is_sold(self):
        with use_sandbox() as stripe:
            booked = self.client.post("/book/", {"title": "Pottery"})
            session = PaymentSession.objects.get()
            self.assertRedirects(booked, session.pay_url, fetch_redirect_response=False)
            assert stripe.sandbox.requests == []

            to_stripe = self.client.get(booked["Location"])
            session.refresh_from_db()
            self.assertRedirects(
                to_stripe, session.stripe_checkout_url, status_code=303, fetch_redirect_response=False
            )

            outcome = stripe.pay(session)
            landed = self.client.get(outcome.redirect_url)
            assert landed["Location"] == "https://courses.example/thanks/"

        assert Course.objects.get().places_sold == 1
        assert stripe.sandbox.pending == []

    def test_a_view_that_fails_afterwards_leaves_nothing(self):
        with use_sandbox() as stripe, self.assertRaisesMessage(RuntimeError, "after the checkout"):
            self.client.post("/book/", {"title": "Pottery", "fail": "yes"})

        assert not PaymentSession.objects.exists()
        assert stripe.sandbox.requests == []

    def test_the_payer_may_be_back_before_the_webhook(self):
        with use_sandbox() as stripe:
            self.client.post("/book/", {"title": "Pottery"})
            outcome = stripe.pay(PaymentSession.objects.get(), deliver=False)
            self.client.get(outcome.redirect_url)
            assert Course.objects.get().places_sold == 1
            stripe.deliver()

        assert Course.objects.get().places_sold == 1


class InATestCase(Story, TestCase):
    pass


class WithRealCommits(Story, TransactionTestCase):
    pass
