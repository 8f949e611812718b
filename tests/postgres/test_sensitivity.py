"""
Each protection is taken away once, and the race that it wins is then lost: these tests can see what they look for.

The protection is replaced by what one would write without it, inside of the test; where that leaves a race to chance,
the two threads are made to meet.
"""

from __future__ import annotations

import threading
from contextlib import contextmanager

import pytest
from django.db import IntegrityError, connection, transaction
from django.db.models import Exists, OuterRef

from django_generic_payments.enums import DeliveryState, RefundStatus, SessionStatus
from django_generic_payments.managers import InsertOnceQuerySet, PaymentEventQuerySet, PaymentSessionQuerySet
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.money import Money
from django_generic_payments.services import checkout, refund_payment, refunds, start_checkout
from django_generic_payments.webhooks import inbox as inbox_module
from tests.postgres.racing import PATIENCE, in_the_background, race, swapped
from tests.postgres.scenes import (
    ONCE,
    SEPA_IBAN,
    counts,
    delivery,
    event_of,
    open_at_stripe,
    with_another_id,
)
from tests.postgres.test_checkouts import at_price
from tests.shop.models import Booking, Heard

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def booking():
    return Booking.objects.create()


@pytest.fixture
def completed(stripe, booking):
    """The event of a paid checkout."""
    stripe.pay(start_checkout(booking), deliver=False)
    return event_of(stripe, "checkout.session.completed")


@contextmanager
def without_constraint(model, name):
    """Drop a unique constraint, and put it back when the rows that break it are gone."""
    (constraint,) = [each for each in model._meta.constraints if each.name == name]
    with connection.schema_editor() as editor:
        editor.remove_constraint(model, constraint)
    try:
        yield
    finally:
        for each in (Heard, PaymentEvent, Transaction, WebhookEvent, PaymentSession):
            each.objects.all()._raw_delete("default")
        with connection.schema_editor() as editor:
            editor.add_constraint(model, constraint)


def meeting(*, first_only=2):
    """Return a function that makes the first two callers wait for each other, and lets the rest pass."""
    barrier, lock, seen = threading.Barrier(first_only), threading.Lock(), []

    def meet():
        with lock:
            seen.append(1)
            early = len(seen) <= first_only
        if early:
            barrier.wait(PATIENCE)

    return meet


def test_without_the_claim_a_receiver_is_told_twice(stripe, booking, completed):
    meet = meeting()

    def look_then_mark(self, event, receiver):
        owed = self.filter(pk=event.pk, owed_to__contains=f"|{receiver}|").exists()
        if receiver == "shop.confirm":
            meet()
        self.filter(pk=event.pk).update(owed_to="", state=DeliveryState.DELIVERED)
        return owed

    with swapped(PaymentEventQuerySet, "claim", look_then_mark):
        race(*[delivery(stripe, completed)] * 2)

    booking.refresh_from_db()
    assert booking.confirmed == 2


def test_without_insert_once_a_repetition_is_an_error(stripe, booking, completed):
    meet = meeting()

    def look_then_insert(self, row):
        keys = {"stripe_event_id": row.stripe_event_id} if isinstance(row, WebhookEvent) else {"pk": row.pk}
        if self.filter(**keys).exists():
            return False
        if isinstance(row, WebhookEvent):
            meet()
        row.save(force_insert=True)
        return True

    with swapped(InsertOnceQuerySet, "insert_once", look_then_insert):
        statuses = race(*[delivery(stripe, completed)] * 2)

    assert sorted(statuses) == [200, 503]


def test_without_insert_once_two_payers_at_once_see_an_error(stripe, booking):
    meet = meeting()

    def look_then_insert(self, row):
        if self.filter(slot=row.slot).exists():
            return False
        meet()
        row.save(force_insert=True)
        return True

    with swapped(InsertOnceQuerySet, "insert_once", look_then_insert):
        outcomes = race(*[lambda: start_checkout(booking)] * 2)

    assert [type(each) for each in outcomes].count(IntegrityError) == 1


def test_without_its_unique_key_the_inbox_keeps_a_row_for_each_delivery(stripe, booking, completed):
    with without_constraint(WebhookEvent, "generic_payments_webhook_event"):
        race(*[delivery(stripe, completed)] * 10)

        assert WebhookEvent.objects.count() == 10
        # Every line of defence after it still holds.
        assert counts(booking) == ONCE


def test_without_its_unique_key_one_slot_is_held_by_many(stripe, booking):
    with without_constraint(PaymentSession, "generic_payments_session_slot"):
        race(*[lambda: start_checkout(booking)] * 10)

        assert PaymentSession.objects.exclude(slot=None).count() == 10
        assert len(open_at_stripe(stripe)) == 10


def test_without_the_lock_and_its_unique_key_the_ledger_has_the_payment_twice(stripe, completed):
    events = [completed, with_another_id(completed)]
    meet, apply = meeting(), inbox_module.apply_statement

    def read_together(session, facts, learnt):
        meet()
        return apply(session, facts, learnt)

    with (
        without_constraint(Transaction, "generic_payments_transaction_source"),
        swapped(PaymentSessionQuerySet, "locked", lambda self: self),
        swapped(inbox_module, "apply_statement", read_together),
    ):
        race(*(delivery(stripe, event) for event in events))

        assert Transaction.objects.count() == 2


def test_without_the_lock_the_status_of_a_paid_session_is_overwritten(stripe):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban=SEPA_IBAN, deliver=False)
    stripe.settle(session, deliver=False)
    processing = event_of(stripe, "checkout.session.completed")
    settled = event_of(stripe, "checkout.session.async_payment_succeeded")
    read, paid = threading.Event(), threading.Event()
    apply = inbox_module.apply_statement

    def read_early_and_write_late(session, facts, learnt):
        if facts.processing:
            read.set()
            assert paid.wait(PATIENCE)
        return apply(session, facts, learnt)

    with (
        swapped(PaymentSessionQuerySet, "locked", lambda self: self),
        swapped(inbox_module, "apply_statement", read_early_and_write_late),
        in_the_background(delivery(stripe, processing)),
    ):
        assert read.wait(PATIENCE)
        delivery(stripe, settled)()
        paid.set()

    session.refresh_from_db()
    assert session.status != session.derived_status == SessionStatus.SUCCEEDED


def test_without_looking_again_a_repetition_is_acknowledged_too_early(stripe, booking, completed, stage):
    stage.hold()
    with in_the_background(delivery(stripe, completed)) as first:
        stage.wait_for_entry()
        with swapped(inbox_module, "_look_again", lambda event, facts: (False, False)):
            assert delivery(stripe, completed)() == 200
        assert not first.done()
        stage.let_everybody_go()


def test_without_looking_under_the_lock_two_checkouts_of_one_booking_can_be_paid(stripe, booking):
    with transaction.atomic():
        first = start_checkout(booking)
    replace, close = checkout._replace, checkout.close

    def open_and_replace(holder):
        checkout.open_checkout(PaymentSession.objects.get(pk=first.pk))
        replace(holder)

    def close_what_is_there(session, *args, **kwargs):
        session.refresh_from_db()
        return close(session, *args, **kwargs)

    with swapped(checkout, "_replace", open_and_replace), swapped(checkout, "close", close_what_is_there):
        start_checkout(at_price(booking, 20_00))

    assert len(open_at_stripe(stripe)) == 2


def test_without_the_lock_more_is_asked_of_stripe_than_was_paid(stripe, booking, completed):
    assert delivery(stripe, completed)() == 200
    session = PaymentSession.objects.get()
    meet, new_refund = meeting(), refunds.new_refund

    def decide_together(*args, **kwargs):
        meet()
        return new_refund(*args, **kwargs)

    with (
        swapped(PaymentSessionQuerySet, "locked", lambda self: self),
        swapped(refunds, "new_refund", decide_together),
    ):
        race(*[lambda: refund_payment(session, Money(10_00, "gbp"))] * 2)

    asked = [request for request in stripe.sandbox.requests if request.path == "/v1/refunds"]
    assert [request.params["amount"] for request in asked if request.method == "POST"] == ["1000", "1000"]
    assert sorted(Refund.objects.values_list("status", flat=True)) == ["failed", "succeeded"]


def with_owed_events(self):
    owed = PaymentEvent.objects.owed().filter(session=OuterRef("pk"))
    return self.annotate(has_owed=Exists(owed))


@pytest.mark.parametrize("is_protected", [True, False])
def test_without_asking_for_refunds_too_the_next_webhook_leaves_one_unsent(
    stripe, booking, completed, is_protected
):
    assert delivery(stripe, completed)() == 200
    with swapped(refunds, "_send_later", lambda refund_id: None), transaction.atomic():
        # Whoever did this dies between the commit and the call.
        refund_payment(PaymentSession.objects.get())
    after_it = delivery(stripe, event_of(stripe, "payment_intent.succeeded"))
    asks = PaymentSessionQuerySet.with_owed if is_protected else with_owed_events

    with swapped(PaymentSessionQuerySet, "with_owed", asks):
        assert after_it() == 200

    expected = RefundStatus.SUCCEEDED if is_protected else RefundStatus.REQUESTED
    assert Refund.objects.get().status == expected
