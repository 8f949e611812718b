"""``manage.py payments_reconcile``."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import transaction

from django_generic_payments.enums import Cause, SessionStatus
from django_generic_payments.services import start_checkout
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.fixture
def session(stripe):
    """Paid, and no webhook has said so."""
    session = start_checkout(Booking.objects.create())
    stripe.pay(session, deliver=False)
    return session


def reconcile(*names):
    """Return what is printed, and what is complained about."""
    out = StringIO()
    try:
        call_command("payments_reconcile", *names, stdout=out, no_color=True)
    except CommandError as error:
        return out.getvalue().splitlines(), str(error)
    return out.getvalue().splitlines(), ""


def test_a_payment_whose_webhook_was_lost_is_booked_and_told(session):
    assert reconcile(str(session.pk)) == ([f"{session.pk}  pending -> succeeded  payment_succeeded"], "")

    assert_coherent(session)
    assert heard(Booking.objects.get()) == ["payment_succeeded"]
    event = session.events.get()
    assert (event.cause, event.caused_by) == (Cause.RECONCILIATION, "payments_reconcile")


def test_asking_again_brings_nothing_new(session):
    reconcile(str(session.pk))

    assert reconcile(str(session.pk)) == ([f"{session.pk}  succeeded  nothing new"], "")

    assert heard(Booking.objects.get()) == ["payment_succeeded"]


def test_a_refund_that_nobody_told_of_is_found(stripe, session):
    reconcile(str(session.pk))
    stripe.refund(session, deliver=False)

    assert reconcile(str(session.pk)) == ([f"{session.pk}  succeeded -> refunded  payment_refunded"], "")


@pytest.mark.parametrize("name", ["id", "digits", "checkout", "intent", "payable"])
def test_a_payment_goes_by_many_names(stripe, session, name):
    reconcile(str(session.pk))
    session.refresh_from_db()
    names = {
        "id": str(session.pk),
        "digits": session.pk.hex,
        "checkout": session.stripe_checkout_session_id,
        "intent": session.stripe_payment_intent_id,
        "payable": f"booking:{session.payable_id}",
    }

    lines, complaint = reconcile(names[name])

    assert ([line.split()[0] for line in lines], complaint) == ([str(session.pk)], "")


def test_a_payable_brings_all_its_payments_the_oldest_first(stripe):
    booking = Booking.objects.create()
    first = start_checkout(booking)
    stripe.expire(first)
    second = start_checkout(booking)

    lines, _complaint = reconcile(f"booking:{booking.pk}")

    assert lines == [f"{first.pk}  expired  nothing new", f"{second.pk}  pending  nothing new"]


def test_what_does_not_exist_is_named_before_anything_is_asked(stripe, session):
    asked = len(stripe.sandbox.requests)

    answer = reconcile(str(session.pk), "cs_nobody", "booking:0", "nonsense")

    assert answer == ([], "There is no payment session cs_nobody, booking:0, nonsense.")
    assert len(stripe.sandbox.requests) == asked


def test_a_payment_that_stripe_does_not_answer_for_keeps_no_other_from_being_asked_for(stripe, session):
    other = start_checkout(Booking.objects.create())
    stripe.sandbox.fail_next("503", method="GET", path="/v1/checkout/sessions/{id}")

    (unanswered, answered), complaint = reconcile(str(session.pk), str(other.pk))

    assert unanswered.startswith(f"{session.pk}  GatewayUnavailable: ")
    assert answered == f"{other.pk}  pending  nothing new"
    assert complaint == "1 could not be asked for. Try again later."
    session.refresh_from_db()
    assert session.status == SessionStatus.PENDING


def test_what_was_never_opened_at_stripe_is_not_asked_for(stripe):
    with transaction.atomic():
        session = start_checkout(Booking.objects.create())

    assert reconcile(str(session.pk)) == ([f"{session.pk}  created  nothing new"], "")

    assert stripe.sandbox.requests == []
