"""Any number of workers send each callback once; these tests race real connections, so they need PostgreSQL."""

from __future__ import annotations

import pytest
from django.db import connection

from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.sending import send_due_callbacks
from django_generic_payments.services import start_checkout
from tests.postgres.racing import race
from tests.shop.models import Booking

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


@pytest.fixture(autouse=True)
def _on_postgresql():
    if connection.vendor != "postgresql":
        pytest.skip("PostgreSQL is not the test database")


@pytest.mark.parametrize("workers", [2, 5])
def test_workers_that_look_at_the_same_moment_send_each_callback_once(stripe, told, service, workers):
    for _ in range(12):
        stripe.pay(start_checkout(Booking.objects.create()))
    waiting = {str(key) for key in Callback.objects.due().values_list("event_id", flat=True)}

    sent = race(*[send_due_callbacks] * workers)

    assert sum(sent) == len(waiting) == 12
    assert sorted(each.id for each in service.received) == sorted(waiting)
    assert set(Callback.objects.values_list("state", "attempts")) == {("delivered", 1)}
