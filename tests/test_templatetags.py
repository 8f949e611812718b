"""The button: there when there is something to pay, and safe."""

from __future__ import annotations

import re

import pytest
from django.contrib.auth.models import AnonymousUser
from django.template import Context, Template
from django.test import Client, RequestFactory

from django_generic_payments.exceptions import PayableError, UnknownPayable
from django_generic_payments.payables import register
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.core, pytest.mark.django_db]


def request_of(user=None):
    request = RequestFactory().get("/")
    request.user = user or AnonymousUser()
    return request


def render(payable, arguments="", request=None, **context):
    template = Template("{% load generic_payments %}{% pay_button payable " + arguments + " %}")
    return template.render(
        Context({"payable": payable, "request": request or request_of(), **context})
    ).strip()


@pytest.fixture
def booking():
    return Booking.objects.create()


def test_the_button_posts_to_the_checkout_and_names_the_price(booking):
    button = render(booking)

    assert f'<form method="post" action="/payments/checkout/booking/{booking.pk}/">' in button
    assert '<button type="submit">Pay 12.50 GBP</button>' in button


def test_pressing_the_button_opens_the_checkout(stripe, booking):
    client = Client(enforce_csrf_checks=True)
    client.cookies["csrftoken"] = token = "a" * 32
    button = render(booking, csrf_token=token)
    action = re.search(r'action="([^"]+)"', button).group(1)
    fields = dict(re.findall(r'name="([^"]+)" value="([^"]*)"', button))

    response = client.post(action, fields)

    assert response.status_code == 303
    assert response["Location"].startswith("https://checkout.")


def test_the_token_against_forgery_is_in_the_form(booking):
    assert '<input type="hidden" name="csrfmiddlewaretoken" value="canary">' in render(
        booking, csrf_token="canary"
    )


def test_purpose_and_currency_travel_with_the_form():
    button = render(Order.objects.create(), 'purpose="shipping" currency="jpy"')

    assert '<input type="hidden" name="purpose" value="shipping">' in button
    assert '<input type="hidden" name="currency" value="jpy">' in button
    assert "Pay 5,000 JPY" in button


def test_without_purpose_and_currency_there_are_no_fields_for_them(booking):
    button = render(booking)

    assert 'name="purpose"' not in button
    assert 'name="currency"' not in button


def test_label_and_class_are_the_hosts(booking):
    button = render(booking, 'label="Book now" css_class="btn big"')

    assert '<button type="submit" class="btn big">Book now</button>' in button


EVIL = '"><script>alert(1)</script>'


@pytest.mark.parametrize("argument", ["label", "css_class"])
def test_what_the_host_passes_is_escaped(booking, argument):
    button = render(booking, f"{argument}=evil", evil=EVIL)

    assert "<script" not in button
    assert "&quot;&gt;&lt;script&gt;" in button


def test_the_id_of_a_payable_is_escaped_in_the_address(registry, stripe):
    class Seat:
        pk = 'row 1/"<é>'
        get_payment_amount = Booking.get_payment_amount
        deposit, currency = 10_00, "gbp"

        def get_payment_description(self):
            return "Seat"

        def can_be_paid_by(self, request):
            return True

    seat = Seat()
    register(Seat, "seat", resolver={seat.pk: seat}.get)
    action = re.search(r'action="([^"]+)"', render(seat)).group(1)

    assert action == "/payments/checkout/seat/row%201/%22%3C%C3%A9%3E/"
    assert Client().post(action).status_code == 303


def test_the_button_brings_no_style_and_no_script(booking):
    button = render(booking, 'label="Pay" css_class="btn"', csrf_token="x")

    assert not re.search(r"<script|<style|style=|\son\w+=|javascript:", button, re.IGNORECASE)


# Nothing to see.


def test_what_is_paid_has_no_button(stripe, booking):
    stripe.pay(start_checkout(booking))

    assert render(booking) == ""


def test_what_a_bank_is_still_working_on_has_no_button(stripe):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban="AT611904300234573201")

    assert render(booking) == ""
    stripe.settle(session, success=False)
    assert "<button" in render(booking)


def test_what_is_free_has_no_button():
    assert render(Booking.objects.create(deposit=0)) == ""


def test_payments_that_are_off_have_no_button(booking):
    with override_payments(ENABLED=False):
        assert render(booking) == ""


def test_who_may_not_pay_sees_no_button(user, django_user_model):
    booking = Booking.objects.create(owner=user)

    assert render(booking) == ""
    assert render(booking, request=request_of(django_user_model.objects.create_user("eve"))) == ""
    assert render(booking, request=request_of(user)) != ""


def test_without_a_request_there_is_no_button(booking):
    template = Template("{% load generic_payments %}{% pay_button payable %}")

    assert template.render(Context({"payable": booking})).strip() == ""


def test_an_open_checkout_keeps_its_button(stripe, booking):
    start_checkout(booking)

    assert "<button" in render(booking)


# Mistakes of the host are told.


def test_a_purpose_that_does_not_exist_is_an_error_of_the_template(booking):
    with pytest.raises(PayableError, match="Add it to Booking"):
        render(booking, 'purpose="deposit"')


def test_something_that_is_no_payable_is_an_error_of_the_template():
    class Thing:
        def can_be_paid_by(self, request):
            return True

    with pytest.raises(UnknownPayable, match="Thing is not registered"):
        render(Thing())
