"""
Whether the books are right: what must hold of every payment, refund and dispute, asked of the database.

Nothing is changed, and nothing is asked of Stripe. A finding is a bug, a row that somebody changed by hand, or
something that waits for longer than it should.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain

from django.db.models import BigIntegerField, Count, Exists, F, OuterRef, Q, QuerySet, Subquery, Sum, Value
from django.db.models.functions import Coalesce
from django.utils import timezone

from django_generic_payments.enums import (
    DeliveryState,
    EventKind,
    RefundStatus,
    ReviewReason,
    TransactionKind,
    WebhookState,
)
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund, Transaction, WebhookEvent

__all__ = ["CHECKS", "Finding", "audit"]

#: How long something may wait before it is a finding.
PATIENCE = timedelta(days=1)
_EXAMPLES = 5

Check = Callable[[], Iterable[object]]


@dataclass(frozen=True)
class Finding:
    """An invariant, and the rows that break it: how many, and the keys of a few."""

    invariant: str
    count: int
    examples: tuple[str, ...]


def audit() -> Iterator[Finding]:
    """Hold every invariant against the database, one after the other; a ``count`` of zero is as it should be."""
    for invariant, check in CHECKS.items():
        broken = [str(key) for key in check()]
        yield Finding(invariant, len(broken), tuple(broken[:_EXAMPLES]))


def _sum_of(*kinds: TransactionKind) -> Coalesce:
    rows = Transaction.objects.filter(session=OuterRef("pk"), kind__in=kinds).order_by().values("session")
    total = rows.annotate(total=Sum("gross")).values("total")
    return Coalesce(Subquery(total), Value(0), output_field=BigIntegerField())


def _keys(rows: QuerySet[PaymentSession] | QuerySet[Transaction] | QuerySet[Refund]) -> Iterable[object]:
    return rows.values_list("pk", flat=True)


def statuses() -> Iterable[object]:
    return (each.pk for each in PaymentSession.objects.iterator() if each.status != each.derived_status)


def paid_amounts() -> Iterable[object]:
    booked = PaymentSession.objects.annotate(booked=_sum_of(TransactionKind.PAYMENT))
    return _keys(booked.exclude(paid_amount=F("booked")))


def refunded_amounts() -> Iterable[object]:
    back = _sum_of(TransactionKind.REFUND, TransactionKind.REFUND_REVERSAL)
    return _keys(PaymentSession.objects.annotate(back=back).exclude(refunded_amount=-F("back")))


def payments_and_facts() -> Iterable[object]:
    payment = Exists(Transaction.objects.payments().filter(session=OuterRef("pk")))
    return _keys(
        PaymentSession.objects.filter(Q(payment, paid_at=None) | ~Q(payment) & Q(paid_at__isnull=False))
    )


def one_payment_each() -> Iterable[object]:
    twice = PaymentEvent.objects.filter(session=OuterRef("pk"), kind=EventKind.PAYMENT_DUPLICATED)
    sessions = PaymentSession.objects.exclude(Exists(twice))
    payments = Count("transactions", filter=Q(transactions__kind=TransactionKind.PAYMENT))
    return _keys(sessions.annotate(payments=payments).filter(payments__gt=1))


def signs() -> Iterable[object]:
    comes_in = [TransactionKind.PAYMENT, TransactionKind.REFUND_REVERSAL, TransactionKind.DISPUTE_REVERSAL]
    wrong = Q(kind__in=comes_in, gross__lt=0) | ~Q(kind__in=comes_in) & Q(gross__gt=0)
    return _keys(Transaction.objects.filter(wrong))


def reversals() -> Iterable[object]:
    refunded = Transaction.objects.filter(
        kind=TransactionKind.REFUND, source_id=OuterRef("source_id"), gross=-OuterRef("gross")
    )
    return _keys(Transaction.objects.filter(~Exists(refunded), kind=TransactionKind.REFUND_REVERSAL))


def refunds_and_ledger() -> Iterable[object]:
    def booked(kind: TransactionKind) -> Exists:
        return Exists(Transaction.objects.filter(kind=kind, source_id=OuterRef("stripe_refund_id")))

    sent, returned = booked(TransactionKind.REFUND), booked(TransactionKind.REFUND_REVERSAL)
    right = (
        Q(sent, ~Q(returned), status=RefundStatus.SUCCEEDED)
        | Q(sent, returned, status=RefundStatus.FAILED)
        | Q(status=RefundStatus.FAILED, stripe_refund_id=None)
        | Q(~Q(sent), ~Q(returned), ~Q(status__in=[RefundStatus.SUCCEEDED, RefundStatus.FAILED]))
    )
    return _keys(Refund.objects.exclude(right))


def refunds_within_payments() -> Iterable[object]:
    kept = Refund.objects.filter(payment=OuterRef("pk")).exclude(
        status__in=[RefundStatus.FAILED, RefundStatus.CANCELED]
    )
    asked = kept.order_by().values("payment").annotate(total=Sum("amount")).values("total")
    return _keys(Transaction.objects.payments().annotate(asked=Subquery(asked)).filter(asked__gt=F("gross")))


def slots() -> Iterable[object]:
    for session in PaymentSession.objects.iterator():
        if session.has_ended:
            wrong = session.slot is not None
        elif session.slot is None:
            # Another session had it when the money came; a person decides, and the other may have ended since.
            wrong = not session.review_reason
        else:
            wrong = session.slot != session.full_slot
        if wrong:
            yield session.pk


def modes() -> Iterable[object]:
    wrong = Transaction.objects.exclude(livemode=F("session__livemode"))
    return _keys(wrong.exclude(session__review_reason=ReviewReason.MODE))


def settlements() -> Iterable[object]:
    half = Transaction.objects.exclude(stripe_balance_transaction_id="").filter(settled_gross=None)
    return _keys(half | Transaction.objects.without_fee().exclude(settled_gross=None))


def marks() -> Iterable[object]:
    for event in PaymentEvent.objects.only("state", "owed_to", "delivered_to").iterator():
        owed, told = event.owed_receivers, event.delivered_receivers
        if (
            (event.state == DeliveryState.DELIVERED and owed)
            or set(owed) & set(told)
            or len(set(told)) < len(told)
        ):
            yield event.pk


def waiting_receivers() -> Iterable[object]:
    return (
        PaymentEvent.objects.owed().filter(created__lt=timezone.now() - PATIENCE).values_list("pk", flat=True)
    )


def waiting_refunds() -> Iterable[object]:
    return _keys(Refund.objects.requested().filter(created__lt=timezone.now() - PATIENCE))


def waiting_events() -> Iterable[object]:
    failed = WebhookEvent.objects.filter(state=WebhookState.FAILED, created__lt=timezone.now() - PATIENCE)
    return failed.values_list("stripe_event_id", flat=True)


def given_up() -> Iterable[object]:
    events = WebhookEvent.objects.filter(state=WebhookState.DEAD).values_list("stripe_event_id", flat=True)
    told = PaymentEvent.objects.filter(state=DeliveryState.DEAD).values_list("pk", flat=True)
    return chain(events, told)


#: What must hold, in words, and what finds the rows that break it.
CHECKS: dict[str, Check] = {
    "the status of a session follows from its facts": statuses,
    "the paid amount of a session is that of its ledger": paid_amounts,
    "the refunded amount of a session is that of its ledger": refunded_amounts,
    "a session is paid if and only if its ledger says so": payments_and_facts,
    "a session is paid once, or is marked as paid twice": one_payment_each,
    "money comes in with a plus and goes out with a minus": signs,
    "what came back of a refund had gone out, and in the same amount": reversals,
    "a refund is in the ledger as its status says": refunds_and_ledger,
    "no more goes back than was paid": refunds_within_payments,
    "the right to be paid is held by whoever is open or paid": slots,
    "the ledger of a session is of its mode, test or live, or waits for a review": modes,
    "what a movement cost is known altogether or not at all": settlements,
    "no receiver is told twice, or owed what it was told": marks,
    "no receiver waits for more than a day": waiting_receivers,
    "no refund waits for more than a day": waiting_refunds,
    "no event of Stripe waits for more than a day": waiting_events,
    "nothing was given up": given_up,
}
