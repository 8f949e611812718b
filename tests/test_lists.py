"""Whether the things in a list are paid, without a query for each."""

from __future__ import annotations

import pytest

from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from tests.shop.models import Booking, Order, SuiteBooking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.mark.parametrize("model", [Booking, Order, SuiteBooking])
def test_a_list_knows_what_is_paid_in_one_query(stripe, django_assert_num_queries, model):
    paid, unpaid = model.objects.create(), model.objects.create()
    stripe.pay(start_checkout(paid))
    start_checkout(unpaid)

    with django_assert_num_queries(1):
        found = {each.pk: each.is_paid for each in PaymentSession.objects.annotate_paid(model.objects.all())}

    assert found == {paid.pk: True, unpaid.pk: False}


def test_a_list_tells_one_purpose_from_another(stripe):
    order = Order.objects.create()
    stripe.pay(start_checkout(order, purpose="shipping"))
    orders = Order.objects.all()

    assert PaymentSession.objects.annotate_paid(orders, purpose="shipping").get().is_paid
    assert not PaymentSession.objects.annotate_paid(orders).get().is_paid
