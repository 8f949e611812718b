"""Events as Stripe posts them, and a way to post them after a change."""

from __future__ import annotations

import json

import pytest
from django.test import Client

from django_generic_payments.services import start_checkout
from tests.shop.models import Booking

WEBHOOK = "/payments/webhook/stripe/"


@pytest.fixture
def post(stripe):
    """Sign a body as Stripe does, and post it to the webhook."""

    def post(body, *, header=None, secret=None, **headers):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        signature = stripe.sandbox.sign(body, secret=secret) if header is None else header
        return Client(enforce_csrf_checks=True).post(
            WEBHOOK, body, content_type="application/json", headers={"Stripe-Signature": signature, **headers}
        )

    return post


@pytest.fixture
def booking(db):
    return Booking.objects.create()


@pytest.fixture
def session(stripe, booking):
    """A session that is open at Stripe."""
    return start_checkout(booking)


@pytest.fixture
def events(stripe, session):
    """The events of its payment by type, none of them delivered."""
    stripe.pay(session, deliver=False)
    return {event["type"]: event for event in json.loads(json.dumps(stripe.sandbox.events))}


@pytest.fixture
def completed(events):
    """The event that tells of the paid checkout."""
    return events["checkout.session.completed"]
