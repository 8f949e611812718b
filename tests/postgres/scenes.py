"""What the races are about: a payment, its events, and what became of them."""

from __future__ import annotations

import copy
import json
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from django_generic_payments.models import PaymentEvent, PaymentSession, Transaction, WebhookEvent
from django_generic_payments.testing import PaymentsSandbox
from tests.shop.models import Booking, Heard

SEPA_IBAN = "AT611904300234573201"


def event_of(stripe: PaymentsSandbox, kind: str) -> dict[str, Any]:
    """Return the only event of a type."""
    (event,) = [event for event in stripe.sandbox.events if event["type"] == kind]
    return event


def with_another_id(event: dict[str, Any]) -> dict[str, Any]:
    """Return an Event object about the same thing; Stripe sometimes makes two."""
    return {**copy.deepcopy(event), "id": event["id"] + "B"}


def delivery(stripe: PaymentsSandbox, event: dict[str, Any]) -> Callable[[], int]:
    """Return an action that posts the event, signed, and returns the status of the answer."""
    return lambda: stripe.post(*stripe.sandbox.message(event))


def deliver_again(
    stripe: PaymentsSandbox, events: Iterable[dict[str, Any]], statuses: Iterable[Any]
) -> list[int]:
    """Deliver once more what was answered by 503, as Stripe does."""
    again = [event for event, status in zip(events, statuses, strict=True) if status == 503]
    return [delivery(stripe, event)() for event in again]


def told(kind: str = "payment_succeeded") -> int:
    """Return how often a receiver wrote down that it was told."""
    return Heard.objects.filter(kind=kind).count()


def counts(booking: Booking, kind: str = "payment_succeeded") -> dict[str, int]:
    """Return how often everything that must happen once has happened."""
    booking.refresh_from_db()
    return {
        "ledger rows": Transaction.objects.count(),
        "payment events": PaymentEvent.objects.filter(kind=kind).count(),
        "confirmations": booking.confirmed,
        "told": told(kind),
    }


ONCE = {"ledger rows": 1, "payment events": 1, "confirmations": 1, "told": 1}


def inbox() -> Counter[str]:
    """Return the number of rows of each state in the inbox."""
    return Counter(WebhookEvent.objects.values_list("state", flat=True))


def open_at_stripe(stripe: PaymentsSandbox) -> list[str]:
    """Return the ids of the checkouts that can be paid at this moment."""
    sandbox = stripe.sandbox
    headers = {"Authorization": f"Bearer {sandbox.secret_key}"}
    answer = sandbox.handle("GET", "/v1/checkout/sessions?status=open&limit=100", headers)
    return [session["id"] for session in json.loads(answer.body)["data"]]


def holder(booking: Booking) -> PaymentSession:
    """Return the one session that holds the slot of a booking."""
    return PaymentSession.objects.for_payable(booking).get(slot__isnull=False)
