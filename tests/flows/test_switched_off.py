"""Payments are switched off: the host confirms at once, and what is under way is still booked."""

from __future__ import annotations

import pytest
from django.template import RequestContext, Template
from django.test import RequestFactory

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import PaymentsDisabled
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import payment_required, start_checkout
from django_generic_payments.testing import override_payments
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def test_nothing_needs_a_payment_and_nothing_can_be_started(stripe):
    booking = Booking.objects.create()

    with override_payments(ENABLED=False):
        required = payment_required(booking)
        with pytest.raises(PaymentsDisabled, match="payment_required"):
            start_checkout(booking)

    assert not required
    assert (PaymentSession.objects.count(), stripe.sandbox.requests) == (0, [])


def test_there_is_no_button(user):
    request = RequestFactory().get("/")
    request.user = user
    context = RequestContext(request, {"booking": Booking.objects.create()})

    with override_payments(ENABLED=False):
        button = Template("{% load generic_payments %}{% pay_button booking %}").render(context)

    assert button.strip() == ""


def test_the_doors_are_closed_with_a_page(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    with override_payments(ENABLED=False):
        answers = [client.post(f"/payments/checkout/booking/{booking.pk}/"), client.get(session.pay_url)]

    assert [each.status_code for each in answers] == [409, 409]
    assert all("cannot be paid" in each.content.decode() for each in answers)


def test_a_payment_that_was_under_way_is_booked(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    with override_payments(ENABLED=False):
        outcome = stripe.pay(session)
        page = client.get(outcome.redirect_url)

    assert "Your payment has arrived" in page.content.decode()
    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED
    assert heard(booking) == ["payment_succeeded"]
