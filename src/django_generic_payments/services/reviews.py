"""
Deciding about money that does not add up: it is booked and waits for a person, who takes it as it is or sends it back.

Both leave a line on the timeline that says who decided what, and why.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction
from django.utils import timezone

from django_generic_payments.enums import Cause, EventKind, ReviewDecision, ReviewReason
from django_generic_payments.exceptions import ReviewRefused
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund
from django_generic_payments.services.bookkeeping import hold_slot, record_event
from django_generic_payments.services.delivery import deliver
from django_generic_payments.services.facts import Learnt
from django_generic_payments.services.refund_requests import name_of
from django_generic_payments.services.refunds import reserve_refund, start_refund
from django_generic_payments.transactions import database_alias, limit_lock_wait

__all__ = ["accept_payment", "reject_payment"]

# There is nothing that a receiver of a success could do: somebody else's payment counts, or nothing is left to pay for.
_KEPT_QUIETLY = {ReviewReason.DUPLICATE, ReviewReason.PAYABLE_GONE}


def accept_payment(session: PaymentSession, *, by: Any, note: str = "") -> PaymentSession:
    """
    Take a payment that needs a review as it is, and let receivers hear ``payment_succeeded``.

    Not where it was paid twice, or what was paid for is gone: the money is kept, and there is nothing to be told.
    ``by`` is a user or a name. Raises ``ReviewRefused`` if there is nothing to decide, or another session holds the
    payable.
    """
    with transaction.atomic(using=database_alias()):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=session.pk)
        _decide(session, ReviewDecision.ACCEPTED, by, note)
        events: list[PaymentEvent] = []
        if session.review_reason not in _KEPT_QUIETLY:
            if not hold_slot(session):
                raise ReviewRefused(
                    "Another payment holds what this one was for. Send it back instead.", session=session
                )
            payment = session.transactions.payments().order_by("created").first()
            learnt = Learnt(Cause.PERSON, session.reviewed_by)
            events = record_event(
                session,
                EventKind.PAYMENT_SUCCEEDED,
                payment.source_id if payment else str(session.pk),
                timezone.now(),
                learnt,
                transaction=payment,
            )
    deliver(events)
    return session


def reject_payment(session: PaymentSession, *, by: Any, note: str = "") -> Refund:
    """
    Send back all that is left of a payment that needs a review; of one that came twice, the second.

    ``by`` is a user or a name. Raises ``ReviewRefused`` if there is nothing to decide, and otherwise as
    ``refund_payment`` does. A refusal takes the decision back; after ``GatewayUnavailable`` the same call takes it up
    again.
    """
    with transaction.atomic(using=database_alias()):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=session.pk)
        refund = None
        if session.review_decision == ReviewDecision.REJECTED:
            refund = session.refunds.filter(idempotency_key=_key_of_rejection(session)).first()
        if refund is None:
            _decide(session, ReviewDecision.REJECTED, by, note)
            refund = _reserve_all(session, by)
    return start_refund(refund)


def _reserve_all(session: PaymentSession, by: Any) -> Refund:
    twice = session.review_reason == ReviewReason.DUPLICATE
    payments = session.transactions.payments().order_by("created")
    return reserve_refund(
        session,
        None,
        reason="duplicate" if twice else "",
        by=by,
        idempotency_key=_key_of_rejection(session),
        payment=payments.last() if twice else payments.first(),
    )


def _key_of_rejection(session: PaymentSession) -> str:
    # A person who is asked again, because a refund came to nothing, decides on another one.
    return f"rejected-{session.reviewed_at and session.reviewed_at.isoformat()}"


def _decide(session: PaymentSession, decision: ReviewDecision, by: Any, note: str) -> None:
    """Write the decision down, of a session that the caller has locked."""
    if not session.review_reason or session.review_decision or session.has_ended:
        raise ReviewRefused(f"Session {session.pk} waits for no decision.", session=session)
    session.review_decision, session.review_note = decision, note
    session.reviewed_by, session.reviewed_at = name_of(by), timezone.now()
    session.save(update_fields=["review_decision", "review_note", "reviewed_by", "reviewed_at"])
    said = f"{decision.label}: {ReviewReason(session.review_reason).label}. {note}".strip()
    record_event(
        session,
        EventKind.REVIEWED,
        f"{decision}:{session.reviewed_at.isoformat()}",
        session.reviewed_at,
        Learnt(Cause.PERSON, session.reviewed_by),
        note=said,
    )
