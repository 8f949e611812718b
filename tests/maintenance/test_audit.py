"""The audit names every invariant that does not hold, and no other."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from django_generic_payments.enums import DeliveryState, RefundStatus, SessionStatus, WebhookState
from django_generic_payments.maintenance.audit import CHECKS, audit
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent
from django_generic_payments.money import Money
from django_generic_payments.services import (
    accept_payment,
    cancel_checkout,
    refund_payment,
    reject_payment,
    start_checkout,
)
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

LATE = "4000000000007726"


def buy(stripe, **how) -> PaymentSession:
    session = start_checkout(Booking.objects.create(deposit=10_00, currency="eur"))
    stripe.pay(session, **how)
    session.refresh_from_db()
    return session


@pytest.fixture
def history(stripe):
    """A little of everything, as it should be."""
    start_checkout(Booking.objects.create())
    cancel_checkout(start_checkout(Booking.objects.create()))
    stripe.expire(start_checkout(Booking.objects.create()))
    buy(stripe, iban="AT611904300234573201")
    stripe.settle(buy(stripe, iban="AT611904300234573201"))
    refund_payment(buy(stripe))
    stripe.refund(buy(stripe), 4_00)
    stripe.fail_refund(stripe.refund(buy(stripe)))
    stripe.refund(buy(stripe, card=LATE))
    for ending in ("won", "lost"):
        stripe.close_dispute(stripe.dispute(buy(stripe)), ending)
    stripe.dispute(buy(stripe), inquiry=True)
    for decide in (accept_payment, reject_payment):
        stripe.sandbox.alter_next_payment(amount=9_00)
        decide(buy(stripe), by="Ann")
    stripe.book_balance()
    stripe.deliver()


@pytest.fixture
def session(stripe):
    """Paid, with one refund that succeeded, one that failed, and a dispute that was won."""
    session = buy(stripe)
    refund_payment(session, Money(3_00, "eur"))
    stripe.fail_refund(stripe.refund(session, 2_00))
    stripe.close_dispute(stripe.dispute(session), "won")
    stripe.book_balance()
    assert red() == {}
    return session


def red() -> dict[str, int]:
    return {finding.invariant: finding.count for finding in audit() if finding.count}


def rows(session):
    return PaymentSession.objects.filter(pk=session.pk)


def age(row) -> None:
    type(row).objects.filter(pk=row.pk).update(created=timezone.now() - timedelta(days=2))


def break_status(session):
    rows(session).update(status=SessionStatus.SUCCEEDED)


def break_paid_amount(session):
    rows(session).update(paid_amount=F("paid_amount") + 1)


def break_refunded_amount(session):
    rows(session).update(refunded_amount=F("refunded_amount") + 1)


def break_fact(session):
    rows(session).update(paid_at=None, expired_at=timezone.now(), status=SessionStatus.EXPIRED, slot=None)


def break_single_payment(session):
    payment = session.transactions.payments().get()
    payment.pk, payment.source_id, payment._state.adding = None, "pi_another", True
    payment.save()
    rows(session).update(paid_amount=F("paid_amount") * 2)


def break_sign(session):
    # Of a dispute, which no sum of the session counts.
    Transaction.objects.filter(kind="dispute_reversal").update(
        gross=-F("gross"), settled_gross=-F("settled_gross"), net=-F("settled_gross") - F("fee")
    )


def break_reversal(session):
    reversal = session.transactions.get(kind="refund_reversal")
    Transaction.objects.filter(pk=reversal.pk).update(gross=1_00)
    session.transactions.filter(
        kind="refund", source_id__in=session.refunds.filter(status="succeeded").values("stripe_refund_id")
    ).update(gross=-2_00)


def break_refund(session):
    session.refunds.filter(status=RefundStatus.SUCCEEDED).update(status=RefundStatus.CANCELED)


def ask_back(session, amount):
    payment = session.transactions.payments().get()
    return Refund.objects.create(
        session=session, payment=payment, amount=amount, currency="eur", idempotency_key="x"
    )


def break_limit(session):
    ask_back(session, 8_00)


def break_slot(session):
    rows(session).update(slot=None)


def break_mode(session):
    session.transactions.update(livemode=True)


def break_settlement(session):
    session.transactions.payments().update(stripe_balance_transaction_id="")


def break_mark(session):
    event = session.events.get(kind="payment_succeeded")
    PaymentEvent.objects.filter(pk=event.pk).update(delivered_to="|a|b|a|")


def leave_a_receiver_waiting(session):
    event = session.events.get(kind="payment_succeeded")
    PaymentEvent.objects.filter(pk=event.pk).update(state=DeliveryState.OWED, owed_to="|c|")
    age(event)


def leave_a_refund_waiting(session):
    age(ask_back(session, 1_00))


def leave_an_event_waiting(session):
    event = WebhookEvent.objects.first()
    WebhookEvent.objects.filter(pk=event.pk).update(state=WebhookState.FAILED)
    age(event)


def give_up_on_a_receiver(session):
    event = session.events.get(kind="payment_succeeded")
    PaymentEvent.objects.filter(pk=event.pk).update(state=DeliveryState.DEAD, owed_to="|c|")


BREAKAGES = {
    "the status of a session follows from its facts": break_status,
    "the paid amount of a session is that of its ledger": break_paid_amount,
    "the refunded amount of a session is that of its ledger": break_refunded_amount,
    "a session is paid if and only if its ledger says so": break_fact,
    "a session is paid once, or is marked as paid twice": break_single_payment,
    "money comes in with a plus and goes out with a minus": break_sign,
    "what came back of a refund had gone out, and in the same amount": break_reversal,
    "a refund is in the ledger as its status says": break_refund,
    "no more goes back than was paid": break_limit,
    "the right to be paid is held by whoever is open or paid": break_slot,
    "the ledger of a session is of its mode, test or live, or waits for a review": break_mode,
    "what a movement cost is known altogether or not at all": break_settlement,
    "no receiver is told twice, or owed what it was told": break_mark,
    "no receiver waits for more than a day": leave_a_receiver_waiting,
    "no refund waits for more than a day": leave_a_refund_waiting,
    "no event of Stripe waits for more than a day": leave_an_event_waiting,
    "nothing was given up": give_up_on_a_receiver,
}


def test_every_invariant_is_broken_here():
    ours = {name for name, check in CHECKS.items() if check.__module__ == audit.__module__}

    assert BREAKAGES.keys() == ours


def test_a_history_in_order_holds_every_invariant(history):
    assert red() == {}


@pytest.mark.parametrize("invariant", BREAKAGES)
def test_what_is_broken_is_named_and_nothing_else(session, invariant):
    BREAKAGES[invariant](session)

    assert red().keys() == {invariant}


@pytest.mark.parametrize(
    ("invariant", "changes"),
    [
        (
            "a session is paid if and only if its ledger says so",
            {"paid_at": timezone.now(), "status": "succeeded"},
        ),
        ("the right to be paid is held by whoever is open or paid", {"slot": "booking:somebody_else:"}),
    ],
)
def test_the_other_side_of_it_is_named_too(stripe, invariant, changes):
    session = start_checkout(Booking.objects.create())

    rows(session).update(**changes)

    assert red().keys() == {invariant}


def test_a_slot_of_what_has_ended_is_named(stripe):
    session = start_checkout(Booking.objects.create())
    cancel_checkout(session)

    rows(session).update(slot=session.full_slot)

    assert red().keys() == {"the right to be paid is held by whoever is open or paid"}


@pytest.mark.parametrize(
    "changes", [{"owed_to": "|a|", "delivered_to": "|a|", "state": "owed"}, {"owed_to": "|a|"}]
)
def test_a_mark_that_contradicts_itself_is_named(session, changes):
    session.events.filter(kind="payment_succeeded").update(**changes)

    assert red().keys() == {"no receiver is told twice, or owed what it was told"}


@pytest.mark.parametrize("status", [RefundStatus.PENDING, RefundStatus.REQUIRES_ACTION, RefundStatus.FAILED])
def test_a_refund_that_is_in_the_ledger_and_says_otherwise_is_named(session, status):
    session.refunds.filter(status=RefundStatus.SUCCEEDED).update(status=status)

    assert "a refund is in the ledger as its status says" in red()


def test_a_duplicate_whose_rival_went_back_since_is_in_order(stripe):
    booking = Booking.objects.create(deposit=10_00, currency="eur")
    session = start_checkout(booking)
    stripe.pay(session)
    refund = stripe.refund(session)
    rival = start_checkout(booking)
    stripe.pay(rival)
    stripe.fail_refund(refund)
    refund_payment(rival)

    assert red() == {}


def test_an_event_of_stripe_that_was_given_up_is_named_by_its_id_there(session):
    event = WebhookEvent.objects.first()
    WebhookEvent.objects.filter(pk=event.pk).update(state=WebhookState.DEAD)

    (finding,) = [each for each in audit() if each.count]

    assert (finding.invariant, finding.examples) == ("nothing was given up", (event.stripe_event_id,))


def test_what_waits_for_less_than_a_day_is_in_order(session):
    ask_back(session, 1_00)
    WebhookEvent.objects.filter(pk=WebhookEvent.objects.first().pk).update(state=WebhookState.FAILED)
    event = session.events.get(kind="payment_succeeded")
    PaymentEvent.objects.filter(pk=event.pk).update(state=DeliveryState.OWED, owed_to="|c|")

    assert red() == {}


def test_a_finding_counts_all_and_names_five(history):
    PaymentSession.objects.update(paid_amount=F("paid_amount") + 1)

    (finding,) = [each for each in audit() if each.invariant.startswith("the paid amount")]

    assert finding.count == PaymentSession.objects.count() > 5
    assert len(finding.examples) == 5
    assert set(finding.examples) <= {str(each.pk) for each in PaymentSession.objects.all()}


def test_nothing_is_changed_and_nothing_is_asked_of_stripe(stripe, session, django_assert_num_queries):
    asked = len(stripe.sandbox.requests)

    # What was given up is looked for in two tables.
    with django_assert_num_queries(len(CHECKS) + 1) as queries:
        list(audit())

    # PostgreSQL declares a cursor for what is read in pieces.
    assert {query["sql"].split()[0] for query in queries.captured_queries} <= {"SELECT", "DECLARE"}
    assert len(stripe.sandbox.requests) == asked


# The command.


def run() -> tuple[int, list[str], str]:
    out, err = StringIO(), StringIO()
    try:
        call_command("payments_audit", stdout=out, stderr=err, no_color=True)
    except CommandError as error:
        return error.returncode, out.getvalue().splitlines(), str(error)
    return 0, out.getvalue().splitlines(), err.getvalue().strip()


def test_the_command_says_of_each_invariant_that_it_holds(history):
    assert run() == (0, [f"ok      {invariant}" for invariant in CHECKS], "")


def test_the_command_leaves_with_1_and_names_what_is_broken(session):
    break_paid_amount(session)

    status, lines, complaint = run()

    assert (status, complaint) == (1, "1 of the invariants do not hold.")
    broken = f"BROKEN  the paid amount of a session is that of its ledger: 1 ({session.pk})"
    assert [line for line in lines if not line.startswith("ok ")] == [broken]
    assert len(lines) == len(CHECKS)


def test_the_command_says_that_there_are_more_than_it_names(history):
    PaymentSession.objects.update(paid_amount=F("paid_amount") + 1)

    _, lines, _ = run()

    (broken,) = [line for line in lines if line.startswith("BROKEN  the paid amount")]
    assert broken.endswith(", …)")
    assert broken.count(", ") == 5


def test_an_empty_database_is_in_order():
    assert run()[0] == 0
