"""
What happened to money after it was paid: refunds and disputes in, ledger rows and payment events out.

As with payments, nothing is taken back and everything has a natural key, so that neither the order nor the number of
deliveries matters: one final state, and the same ledger rows, whatever is heard first.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any
from uuid import UUID

from django_generic_payments.enums import (
    DisputeStatus,
    EventKind,
    RefundStatus,
    ReviewReason,
    SessionStatus,
    TransactionKind,
)
from django_generic_payments.gateway import BalanceTransaction
from django_generic_payments.models import Dispute, PaymentEvent, PaymentSession, Refund, Transaction
from django_generic_payments.services.bookkeeping import (
    announce_failed_refund,
    apply_facts,
    hold_slot,
    record_event,
    save_changes,
    saved_values,
)
from django_generic_payments.services.facts import (
    MARKER_REFUND,
    ChargeFacts,
    DisputeFacts,
    Facts,
    Learnt,
    RefundFacts,
    Statement,
    facts_of_refund,
)
from django_generic_payments.services.fees import settle

__all__ = ["apply_statement"]

logger = logging.getLogger("django_generic_payments")

# A refund never goes back to the left. One that succeeded may still fail, for 30 days.
# Source: https://docs.stripe.com/refunds#failed-refunds.
_REFUND_RANKS = {
    status: rank
    for rank, status in enumerate(
        (
            RefundStatus.REQUESTED,
            RefundStatus.REQUIRES_ACTION,
            RefundStatus.PENDING,
            RefundStatus.SUCCEEDED,
            RefundStatus.CANCELED,
            RefundStatus.FAILED,
        )
    )
}

# Of two things that Stripe said in the same second, the one further down is the newer.
_DISPUTE_RANKS = {
    status.value: rank
    for rank, status in enumerate(
        (
            DisputeStatus.WARNING_NEEDS_RESPONSE,
            DisputeStatus.WARNING_UNDER_REVIEW,
            DisputeStatus.WARNING_CLOSED,
            DisputeStatus.NEEDS_RESPONSE,
            DisputeStatus.UNDER_REVIEW,
            DisputeStatus.PREVENTED,
            DisputeStatus.LOST,
            DisputeStatus.APPEAL_NEEDS_RESPONSE,
            DisputeStatus.APPEAL_UNDER_REVIEW,
            DisputeStatus.WON,
        )
    )
}


def apply_statement(session: PaymentSession, statement: Statement, learnt: Learnt) -> list[PaymentEvent]:
    """
    Merge whatever Stripe said into a session that the caller has locked, and return what is news.

    No host code runs here and nothing is asked of Stripe.
    """
    apply: Callable[[PaymentSession, Any, Learnt], list[PaymentEvent]] = _APPLY[type(statement)]
    return apply(session, statement, learnt)


def apply_refund(session: PaymentSession, facts: RefundFacts, learnt: Learnt) -> list[PaymentEvent]:
    """Merge a refund: ours, which is known by its mark, or one that somebody made in the dashboard."""
    if _is_of_another_account(session, facts, learnt):
        return []
    payment = session.transactions.payments().filter(source_id=facts.payment_intent_id).first()
    if payment is None:
        logger.warning("Refund %s is of no payment of session %s.", facts.refund.id, session.pk)
        return []
    refund, stated = _refund_row(session, payment, facts), facts.refund
    status = RefundStatus(stated.status) if stated.status in RefundStatus.values else RefundStatus.PENDING
    known = RefundStatus(refund.status)
    # What we gave up on our own side, without an answer, says nothing against what Stripe did.
    known = known if refund.stripe_refund_id else RefundStatus.REQUESTED
    newer = _REFUND_RANKS[status] > _REFUND_RANKS[known]
    if newer or refund.stripe_refund_id is None:
        refund.status = status if newer else known
        refund.stripe_refund_id, refund.amount, refund.currency = stated.id, stated.amount, stated.currency
        refund.failure_reason = stated.failure_reason[:64] if status.is_final else ""
        refund.last_error, refund.next_attempt_at = "", None
        refund.save()
    return _book_refund(session, refund, facts, learnt, is_news=newer)


def _refund_row(session: PaymentSession, payment: Transaction, facts: RefundFacts) -> Refund:
    stated = facts.refund
    row = Refund.objects.filter(stripe_refund_id=stated.id).first()
    marked = _uuid(stated.metadata.get(MARKER_REFUND)) if facts.is_marked else None
    ours = facts.row_id or marked
    if row is None and ours is not None:
        row = session.refunds.filter(pk=ours, stripe_refund_id=None).first()
    if row is not None:
        return row
    row = Refund(
        session=session,
        payment=payment,
        amount=stated.amount,
        currency=stated.currency,
        status=RefundStatus.REQUESTED,
        reason=stated.reason[:64],
        idempotency_key=stated.id,
    )
    Refund.objects.insert_once(row)
    return row


def _book_refund(
    session: PaymentSession, refund: Refund, facts: RefundFacts, learnt: Learnt, *, is_news: bool
) -> list[PaymentEvent]:
    stated, status = facts.refund, RefundStatus(refund.status)
    # Whether a refund that failed had succeeded before is told by an event that may be late, or lost: both movements
    # are booked either way, and come to nothing together.
    sent = status in {RefundStatus.SUCCEEDED, RefundStatus.FAILED} and _book(
        session, TransactionKind.REFUND, -stated.amount, facts
    )
    returned = status is RefundStatus.FAILED and _book(
        session, TransactionKind.REFUND_REVERSAL, stated.amount, facts
    )
    before = saved_values(session)
    session.refunded_amount += (stated.amount if sent else 0) - (stated.amount if returned else 0)
    _keep_or_free_slot(session)
    news: list[PaymentEvent] = []
    if sent and status is RefundStatus.SUCCEEDED:
        news = record_event(
            session,
            EventKind.PAYMENT_REFUNDED,
            str(refund.pk),
            facts.occurred_at,
            learnt,
            transaction=sent,
            refund=refund,
        )
    elif status.is_final and is_news:
        # Not merely because the event is new: its row may be held by a receiver that waits for our session.
        news = announce_failed_refund(
            session, refund, facts.occurred_at, learnt, transaction=returned or None
        )
    save_changes(session, before)
    return news


def _keep_or_free_slot(session: PaymentSession) -> None:
    """Let a payable that was wholly paid back be paid for again, and take the slot back if that comes to nothing."""
    was_freed = session.status == SessionStatus.REFUNDED
    if session.has_ended:
        session.slot = None
    elif (
        session.paid_at
        and not hold_slot(session)
        and (not session.review_reason or (was_freed and session.review_decision))
    ):
        session.review_reason, session.review_decision = ReviewReason.DUPLICATE, ""
    session.status = session.derived_status


def apply_dispute(session: PaymentSession, facts: DisputeFacts, learnt: Learnt) -> list[PaymentEvent]:
    """Merge a dispute, and book the money that the bank took or gave back."""
    if _is_of_another_account(session, facts, learnt):
        return []
    stated = facts.dispute
    dispute = Dispute.objects.filter(stripe_dispute_id=stated.id).first()
    is_new = dispute is None
    if dispute is None:
        dispute = Dispute(
            session=session, stripe_dispute_id=stated.id, status="", status_at=facts.occurred_at
        )
    known = dispute.status
    if is_new or _age(facts.occurred_at, stated.status) > _age(dispute.status_at, dispute.status):
        dispute.status, dispute.status_at = stated.status[:32], facts.occurred_at
        dispute.amount, dispute.currency = stated.amount, stated.currency
        dispute.reason, dispute.evidence_due_by = stated.reason[:64], stated.evidence_due_by
        dispute.save()
    for movement in stated.balance_transactions:
        _book_dispute(session, facts, movement)
    if dispute.status == known:
        return []
    if dispute.status in _CLOSED:
        kind, source = EventKind.DISPUTE_CLOSED, f"{stated.id}:{dispute.status}"
    elif is_new:
        kind, source = EventKind.DISPUTE_OPENED, stated.id
    else:
        kind, source = EventKind.DISPUTE_UPDATED, f"{stated.id}:{dispute.status}"
    note = str(dispute.get_status_display())
    return record_event(session, kind, source, facts.occurred_at, learnt, dispute=dispute, note=note)


_CLOSED = [status.value for status in DisputeStatus if status.is_closed]


def _age(moment: Any, status: str) -> tuple[Any, int]:
    return moment, _DISPUTE_RANKS.get(status, -1)


def _book_dispute(session: PaymentSession, facts: DisputeFacts, movement: BalanceTransaction) -> None:
    taken = movement.amount < 0
    amount = movement.amount
    if movement.currency != facts.dispute.currency:
        amount = -facts.dispute.amount if taken else facts.dispute.amount
    row = Transaction(
        session=session,
        kind=TransactionKind.DISPUTE if taken else TransactionKind.DISPUTE_REVERSAL,
        gross=amount,
        currency=facts.dispute.currency,
        source_id=movement.id,
        stripe_charge_id=facts.dispute.charge_id,
        occurred_at=movement.created,
        livemode=session.livemode,
    )
    settle(row, movement)
    Transaction.objects.insert_once(row)


def apply_charge(session: PaymentSession, facts: ChargeFacts, learnt: Learnt) -> list[PaymentEvent]:
    """Merge a charge: what it cost, and the refunds that Stripe was asked for because of it."""
    if _is_of_another_account(session, facts, learnt):
        return []
    if facts.balance_transaction is not None:
        payment = session.transactions.payments().filter(source_id=facts.payment_intent_id).first()
        if payment is not None:
            settle(payment, facts.balance_transaction, save=True)
    return [
        event
        for refund in facts.refunds
        for event in apply_refund(
            session, facts_of_refund(refund, facts.occurred_at, livemode=facts.livemode), learnt
        )
    ]


def _book(
    session: PaymentSession, kind: TransactionKind, gross: int, facts: RefundFacts
) -> Transaction | None:
    row = Transaction(
        session=session,
        kind=kind,
        gross=gross,
        currency=facts.refund.currency,
        source_id=facts.refund.id,
        stripe_charge_id=facts.refund.charge_id,
        occurred_at=facts.refund.created if kind is TransactionKind.REFUND else facts.occurred_at,
        livemode=session.livemode,
    )
    return row if Transaction.objects.insert_once(row) else None


def _is_of_another_account(session: PaymentSession, facts: Statement, learnt: Learnt) -> bool:
    if facts.livemode == session.livemode and facts.is_of_mode and not facts.account:
        return False
    logger.warning("%s is not changed by %s: it is of another mode or account.", session.pk, learnt.by)
    return True


def _uuid(text: object) -> UUID | None:
    try:
        return UUID(str(text))
    except ValueError:
        return None


_APPLY: dict[type[Statement], Callable[..., list[PaymentEvent]]] = {
    Facts: apply_facts,
    RefundFacts: apply_refund,
    DisputeFacts: apply_dispute,
    ChargeFacts: apply_charge,
}
