"""Stripe is never called while a transaction is open. Every story is watched; these are about the watch."""

from __future__ import annotations

import pytest
from django.db import transaction

from django_generic_payments.exceptions import TransactionOpen
from django_generic_payments.services import start_checkout, sync_session
from tests.flows.account import open_checkouts
from tests.shop.models import Booking

pytestmark = pytest.mark.django_db


def test_the_watch_notices_a_call_inside_a_transaction(stripe, watch):
    with transaction.atomic():
        open_checkouts(stripe)

    assert watch.calls == ["GET /v1/checkout/sessions?status=open&limit=100"]
    watch.calls.clear()


@pytest.mark.django_db(transaction=True)
def test_the_watch_notices_it_without_the_transaction_of_a_test_too(stripe, watch):
    open_checkouts(stripe)
    with transaction.atomic():
        open_checkouts(stripe)

    assert len(watch.calls) == 1
    watch.calls.clear()


@pytest.mark.core
def test_a_service_that_needs_stripe_refuses_inside_a_transaction(stripe):
    session = start_checkout(Booking.objects.create())
    asked = len(stripe.sandbox.requests)

    with transaction.atomic(), pytest.raises(TransactionOpen):
        sync_session(session)

    assert len(stripe.sandbox.requests) == asked
