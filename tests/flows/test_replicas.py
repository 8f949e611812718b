"""A project that reads from replicas: what was just written is not looked for there."""

from __future__ import annotations

import pytest
from django.test import override_settings

from django_generic_payments.services import cancel_checkout, payment_required, start_checkout, sync_session
from tests.flows.coherence import assert_coherent
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


class Replicas:
    """Whoever reads what money depends on from a replica is found out."""

    def db_for_read(self, model, **hints):
        if model._meta.app_label in {"generic_payments", "shop"}:
            raise AssertionError(f"{model.__name__} was read from a replica.")

    def db_for_write(self, model, **hints):
        return "default"


def test_a_payment_reads_nothing_from_a_replica(stripe, client, user):
    booking, other = Booking.objects.create(owner=user), Booking.objects.create()

    with override_settings(DATABASE_ROUTERS=[Replicas()]):
        session = start_checkout(booking, user=user)
        outcome = stripe.pay(session)
        client.get(outcome.redirect_url)
        sync_session(session)
        assert not payment_required(booking)
        client.get(start_checkout(other).pay_url)
        cancel_checkout(other)

    booking.refresh_from_db()
    session.refresh_from_db()
    assert booking.confirmed == 1
    assert_coherent(session)
