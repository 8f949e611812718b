"""What a callback says is what the documentation says, and nothing of whoever paid."""

from __future__ import annotations

import json
import re
from datetime import datetime
from pathlib import Path

import pytest

from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.payload import body_of, type_of
from django_generic_payments.models import Dispute, PaymentEvent, Refund
from django_generic_payments.money import Money
from django_generic_payments.services import refund_payment, start_checkout
from django_generic_payments.services.announcements import SIGNALS
from tests.shop.models import Booking

pytestmark = [pytest.mark.core, pytest.mark.django_db]

PAGE = Path(__file__).parents[2] / "docs" / "howto" / "callbacks.md"
CANARIES = {"email": "canary.bird@example.com", "name": "Canary Yellowbird", "phone": "+441632960017"}


@pytest.fixture
def everything(stripe, told):
    """The payloads of a payment, a refund and a dispute, of somebody who is not to be told of."""
    session = start_checkout(
        Booking.objects.create(),
        success_url="https://testserver/canary/",
        metadata={"table": "7"},
    )
    stripe.pay(session, **CANARIES)
    refund_payment(session, Money(2_00, "gbp"), reason="requested_by_customer", by="canary.clerk@example.com")
    stripe.deliver()
    stripe.dispute(session, amount=5_00)
    return {each.event.kind: json.loads(each.body) for each in Callback.objects.all()}


def fields_of(value, path=""):
    if not isinstance(value, dict) or path == "data.payment.metadata":
        return {path}
    return {name for key, each in value.items() for name in fields_of(each, f"{path}.{key}".lstrip("."))}


@pytest.mark.skipif(not PAGE.is_file(), reason="docs/ is part of the repository alone")
def test_every_field_is_explained_and_no_other(everything):
    explained = re.findall(r"^\| `((?:type|timestamp|data)[\w.]*)` \|", PAGE.read_text(), re.MULTILINE)
    example = json.loads(re.search(r"```json\n(.*?)```", PAGE.read_text(), re.DOTALL)[1])
    said = set().union(*map(fields_of, everything.values()))

    assert said == set(explained)
    assert fields_of(example) == fields_of(everything["payment_succeeded"])


def test_a_payment_is_told_with_what_moved(everything):
    event = PaymentEvent.objects.get(kind="payment_succeeded")
    session, moved = event.session, event.transaction
    told = everything["payment_succeeded"]
    data = told["data"]

    assert told["type"] == "payment.succeeded"
    assert datetime.fromisoformat(told["timestamp"].replace("Z", "+00:00")) == event.occurred_at
    assert data["event"] == str(event.pk)
    assert data["payment"] == {
        "id": str(session.pk),
        "payable_type": "booking",
        "payable_id": session.payable_id,
        "purpose": "",
        "status": "succeeded",
        "amount": 12_50,
        "currency": "gbp",
        "paid_amount": 12_50,
        "refunded_amount": 0,
        "livemode": False,
        "metadata": {"table": "7"},
        "created": session.created.isoformat().replace("+00:00", "Z"),
    }
    assert data["transaction"] == {
        "id": str(moved.pk),
        "kind": "payment",
        "amount": 12_50,
        "currency": "gbp",
        "occurred_at": moved.occurred_at.isoformat().replace("+00:00", "Z"),
    }
    assert set(data) == {"event", "payment", "transaction"}


def test_a_refund_is_told_with_what_went_back(everything):
    refund, data = Refund.objects.get(), everything["payment_refunded"]["data"]

    assert data["refund"] == {
        "id": str(refund.pk),
        "amount": 2_00,
        "currency": "gbp",
        "status": "succeeded",
        "reason": "requested_by_customer",
    }
    assert data["transaction"]["amount"] == -2_00
    assert (data["payment"]["status"], data["payment"]["refunded_amount"]) == ("partially_refunded", 2_00)


def test_a_dispute_is_told_with_what_it_is_about(everything):
    dispute, data = Dispute.objects.get(), everything["dispute_opened"]["data"]

    assert data["dispute"] == {
        "id": str(dispute.pk),
        "amount": 5_00,
        "currency": "gbp",
        "status": "needs_response",
        "reason": "fraudulent",
    }


def test_nothing_tells_who_paid_or_what_is_secret(everything, stripe):
    said = json.dumps(everything)
    stripe_ids = [stripe.sandbox.secret_key, stripe.sandbox.webhook_secret, "cs_test", "checkout.stripe.com"]

    described = PaymentEvent.objects.first().session.description
    assert described
    assert [
        each for each in (*CANARIES.values(), "anary", described, *stripe_ids, "whsec_") if each in said
    ] == []


@pytest.mark.parametrize("kind", list(SIGNALS))
def test_the_type_is_the_signal_with_a_full_stop(kind):
    told = type_of(kind)

    assert re.fullmatch(r"(payment|refund|dispute)\.[a-z_]+", told)
    assert told.replace(".", "_") == kind


def test_the_body_is_ascii_whatever_is_in_the_metadata(paid):
    paid.metadata = {"café": "🍰\x00\ud800"}
    event = paid.events.get()
    event.session = paid

    body = body_of(event)

    assert body.isascii()
    assert json.loads(body)["data"]["payment"]["metadata"] == paid.metadata
