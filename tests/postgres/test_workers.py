"""Several workers at once: what waits is done exactly once, and nobody waits for anybody."""

from __future__ import annotations

import threading
from collections import Counter

import pytest
from django.db import connection, transaction
from django.db.models import QuerySet
from django.utils import timezone

from django_generic_payments.enums import RefundStatus, WebhookState
from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.maintenance.work import work_off
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.retries import RetriedQuerySet, pause_after
from django_generic_payments.services import refund_payment, start_checkout
from tests.maintenance.scenes import BALANCE, REFUNDS, sent_back
from tests.postgres.racing import (
    PATIENCE,
    in_the_background,
    race,
    swapped,
    wait_until_somebody_waits,
)
from tests.postgres.test_sensitivity import meeting
from tests.shop.models import Booking, Heard

pytestmark = [pytest.mark.postgres, pytest.mark.concurrency, pytest.mark.django_db(transaction=True)]

#: Of each of three kinds.
ROWS = 70


def buy(stripe, count, drop=()):
    """Return sessions that are paid, with all that follows delivered but what is dropped."""
    sessions = [start_checkout(Booking.objects.create(deposit=10_00)) for _ in range(count)]
    for session in sessions:
        stripe.pay(session, deliver=False)
    stripe.deliver(drop=drop)
    return sessions


def owe(stripe, stage, count=ROWS):
    """Make payments of which one receiver has not been told."""
    stage.failures_to_come = count
    # One event for each: another would tell the receiver, which fails only once.
    sessions = buy(stripe, count, drop=["charge.*", "payment_intent.*"])
    stripe.deliver(drop=["*"])
    return sessions


def fail(stripe, count=ROWS):
    """Make events that could not be applied, because Stripe had to be asked what a payment cost."""
    sessions = buy(stripe, count)
    stripe.book_balance(deliver=False)
    stripe.sandbox.fail_next("503", method="GET", path=BALANCE, times=count)
    stripe.deliver()
    stripe.deliver(drop=["*"])
    return sessions


def ask_back(stripe, count=ROWS):
    """Make refunds of which nobody knows whether they were sent."""
    sessions = buy(stripe, count)
    stripe.sandbox.fail_next("connection_lost_after", path=REFUNDS, times=count)
    for session in sessions:
        with pytest.raises(GatewayUnavailable):
            refund_payment(session)
    stripe.deliver(drop=["*"])
    return sessions


def make_due():
    for model in (WebhookEvent, PaymentEvent, Refund, PaymentSession):
        model.objects.exclude(next_attempt_at=None).update(next_attempt_at=timezone.now())


def total(outcomes):
    done, failed = Counter(), Counter()
    for reports in outcomes:
        done.update({each.name: each.done for each in reports})
        failed.update({each.name: each.failed for each in reports})
    return +done, +failed


@pytest.mark.parametrize("workers", [2, 4])
def test_several_workers_do_each_thing_once(stripe, stage, workers):
    failed, back = fail(stripe), ask_back(stripe)
    owed = owe(stripe, stage)
    entries = stage.entries
    make_due()

    outcomes = race(*[work_off] * workers)

    assert total(outcomes) == ({"events of Stripe": ROWS, "payment events": ROWS, "refunds": ROWS}, {})
    assert stage.entries - entries == ROWS
    stage_told = PaymentEvent.objects.filter(session__in=owed, delivered_to__contains="|tests.stage|")
    assert stage_told.count() == ROWS
    assert not PaymentEvent.objects.owed().exists()
    assert not WebhookEvent.objects.filter(state=WebhookState.FAILED).exists()
    assert Transaction.objects.payments().filter(session__in=failed).exclude(fee=None).count() == ROWS
    assert [sent_back(stripe, session) for session in back] == [[10_00]] * ROWS
    assert set(Refund.objects.values_list("status", flat=True)) == {RefundStatus.SUCCEEDED}
    assert Heard.objects.filter(kind="payment_refunded").count() == ROWS
    assert set(Booking.objects.values_list("confirmed", flat=True)) == {1}


def test_workers_share_rows_whose_receivers_are_slow(stripe, stage):
    owe(stripe, stage, count=2)
    make_due()
    stage.hold()

    with in_the_background(work_off) as first, in_the_background(work_off) as second:
        # The second enters while the first is held: it has taken the other row.
        while stage.entries < 4:
            stage.wait_for_entry()
        stage.let_everybody_go()

    assert [report.done for report in (*first.result(), *second.result())] == [1, 1]


@pytest.fixture
def held(stripe, stage):
    """Two events that are due, the first of which somebody holds."""
    owe(stripe, stage, count=2)
    make_due()
    first, second = PaymentEvent.objects.owed().order_by("next_attempt_at", "pk")
    PaymentEvent.objects.filter(pk=second.pk).update(next_attempt_at=timezone.now())
    is_held, may_let_go = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic():
            PaymentEvent.objects.select_for_update().get(pk=first.pk)
            is_held.set()
            assert may_let_go.wait(PATIENCE)

    with in_the_background(hold):
        assert is_held.wait(PATIENCE)
        yield second
        may_let_go.set()


def test_a_row_that_somebody_holds_is_passed_over(held):
    assert PaymentEvent.objects.take_due() == held
    assert PaymentEvent.objects.take_due() is None


def test_without_passing_over_a_worker_waits_for_whoever_holds_a_row(held):
    lock = QuerySet.select_for_update

    with (
        swapped(
            QuerySet, "select_for_update", lambda self, **how: lock(self, **{**how, "skip_locked": False})
        ),
        in_the_background(PaymentEvent.objects.take_due) as taking,
    ):
        wait_until_somebody_waits()
        assert not taking.done()
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event_type = 'Lock' "
                "AND datname = current_database()"
            )
    assert type(taking.exception()).__name__ == "OperationalError"


@pytest.fixture
def one_due(stripe, stage):
    owe(stripe, stage, count=1)
    make_due()
    return PaymentEvent.objects.owed().get()


def unlocked(take):
    """Let two take a row over at once where rows cannot be locked: both have read it before either writes."""
    meet, first = meeting(), QuerySet.first

    def read_together(self):
        found = first(self)
        meet()
        return found

    with (
        swapped(QuerySet, "select_for_update", lambda self, **how: self),
        swapped(RetriedQuerySet, "first", read_together),
    ):
        return race(*[take] * 2)


def test_where_rows_cannot_be_locked_a_row_is_still_taken_over_once(one_due):
    outcomes = unlocked(PaymentEvent.objects.take_due)

    assert sorted(outcomes, key=bool) == [None, one_due]
    one_due.refresh_from_db()
    assert one_due.attempts == 2


def test_without_the_condition_it_would_be_taken_over_twice(one_due):
    def take_whatever_happened_meanwhile():
        with transaction.atomic():
            row = PaymentEvent.objects.due().order_by("next_attempt_at").first()
            PaymentEvent.objects.filter(pk=row.pk).update(next_attempt_at=timezone.now() + pause_after(2))
        return row

    assert unlocked(take_whatever_happened_meanwhile) == [one_due, one_due]


@pytest.mark.parametrize("model", [WebhookEvent, PaymentEvent, Refund, PaymentSession])
def test_what_is_due_is_found_by_an_index(model):
    with connection.cursor() as cursor:
        cursor.execute("SET enable_seqscan = off")
        try:
            plan = model.objects.due().order_by("next_attempt_at")[:1].explain()
        finally:
            cursor.execute("RESET enable_seqscan")

    assert "_due" in plan, plan
    assert "Seq Scan on " + model._meta.db_table not in plan
