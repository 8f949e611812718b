"""What all stories share."""

from __future__ import annotations

import pytest
from django.db import connection

from django_generic_payments.sandbox import Sandbox
from django_generic_payments.services import start_checkout
from tests.shop.models import Booking


class TransactionWatch:
    """Notes every call to Stripe that is made while a transaction is open, other than the test's own."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def request(self, method, path, body) -> None:
        if any(not block._from_testcase for block in connection.atomic_blocks):
            self.calls.append(f"{method} {path}")

    def response(self, method, path, status, obj) -> None:
        """Answers come when they come."""

    def event(self, event) -> None:
        """So do events."""


@pytest.fixture(autouse=True)
def watch():
    """Fail the story in which Stripe was called inside a transaction."""
    watch = TransactionWatch()
    Sandbox.observers.append(watch)
    yield watch
    Sandbox.observers.remove(watch)
    assert watch.calls == []


@pytest.fixture
def booking():
    """What is paid for, unless a story needs another."""
    return Booking.objects.create(deposit=10_00)


@pytest.fixture
def unpaid(stripe, booking):
    """A checkout that is open."""
    return start_checkout(booking)


@pytest.fixture
def session(stripe, unpaid):
    """A payment that was made and heard of."""
    stripe.pay(unpaid)
    unpaid.refresh_from_db()
    return unpaid


@pytest.fixture
def connect():
    """Connect further receivers for the length of one test; returns what disconnects each."""
    connected = {}

    def connect(signal, receiver, *, uid, sender=None):
        signal.connect(receiver, sender=sender, weak=False, dispatch_uid=uid)
        connected[uid] = lambda: signal.disconnect(sender=sender, dispatch_uid=uid)
        return connected[uid]

    yield connect
    for disconnect in connected.values():
        disconnect()
