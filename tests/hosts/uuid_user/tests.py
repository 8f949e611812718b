from __future__ import annotations

from django.test import TestCase
from django.urls import reverse

from django_generic_payments.models import Customer, PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import use_sandbox
from tests.hosts.uuid_user.models import Member, Membership


class MembershipTests(TestCase):
    @classmethod
    def setUpTestData(cls):
        cls.member = Member.objects.create(handle="ann")
        cls.membership = Membership.objects.create(member=cls.member)
        cls.door = reverse("generic_payments:checkout", args=["uuid_user.membership", cls.membership.pk])

    def test_a_member_pays_through_the_door(self):
        self.client.force_login(self.member)
        with use_sandbox() as stripe:
            to_stripe = self.client.post(self.door)
            session = PaymentSession.objects.get()
            stripe.pay(session)

        assert to_stripe["Location"] == session.stripe_checkout_url
        assert session.owner == self.member
        self.membership.refresh_from_db()
        assert self.membership.paid

    def test_another_member_finds_no_door(self):
        self.client.force_login(Member.objects.create(handle="bob"))
        with use_sandbox():
            answer = self.client.post(self.door)

        assert answer.status_code == 404

    def test_a_member_without_an_address_has_one_customer_at_stripe(self):
        with use_sandbox() as stripe:
            session = start_checkout(self.membership, user=self.member, idempotency_key="once")
            assert start_checkout(self.membership, user=self.member, idempotency_key="once") == session
            at_stripe = stripe.sandbox.customer(Customer.objects.get().stripe_customer_id)

        assert at_stripe["email"] is None
        assert session.idempotency_scope == f"user:{self.member.pk}"

    def test_a_member_who_leaves_leaves_the_payment(self):
        with use_sandbox() as stripe:
            session = start_checkout(self.membership, user=self.member)
            stripe.pay(session)
        self.member.delete()

        session.refresh_from_db()
        assert (session.owner, session.status) == (None, "succeeded")
