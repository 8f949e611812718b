"""
Facts in, payment events out.

Whatever is learnt of a payment, from the webhook, the return page, an answer of the API or a reconciliation, goes
through ``apply_facts``. Facts are set once and never unset, so that neither order nor repetition matters.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils import timezone

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import (
    DeliveryState,
    EventKind,
    ReviewDecision,
    ReviewReason,
    SessionStatus,
    TransactionKind,
)
from django_generic_payments.managers import between_bars
from django_generic_payments.models import (
    Customer,
    Dispute,
    PaymentEvent,
    PaymentSession,
    Refund,
    Transaction,
)
from django_generic_payments.retries import FIRST_PAUSE
from django_generic_payments.services.announcements import SIGNALS, receivers_of
from django_generic_payments.services.facts import Facts, Learnt
from django_generic_payments.services.refund_requests import new_refund
from django_generic_payments.transactions import database_alias

__all__ = [
    "announce_failed_refund",
    "apply_facts",
    "hold_slot",
    "record_event",
    "save_changes",
    "saved_values",
]

logger = logging.getLogger("django_generic_payments")

_ENDINGS = {
    "failed": EventKind.PAYMENT_FAILED,
    "canceled": EventKind.PAYMENT_CANCELED,
    "expired": EventKind.PAYMENT_EXPIRED,
}


def apply_facts(session: PaymentSession, facts: Facts, learnt: Learnt) -> list[PaymentEvent]:
    """
    Merge facts into a session that the caller has locked, book the money, and return what is news.

    No host code runs here and nothing is asked of Stripe. Saves the session if anything changed.
    """
    mismatch = _mismatch(session, facts)
    if mismatch and not facts.paid:
        logger.warning("%s is not changed by %s: %s", session.pk, learnt.by, mismatch)
        return []
    before = saved_values(session)
    was_open, was_processing = session.slot is not None, session.processing_at is not None
    if mismatch not in _UNBOUND:
        _bind(session, facts)
    _set_facts(session, facts)
    events = [
        *_book_payment(session, facts, learnt, mismatch, before["stripe_payment_intent_id"]),
        *_note_attempt(session, facts, learnt),
        *_end(session, facts, learnt, was_open),
    ]
    if facts.processing and not was_processing and session.derived_status is SessionStatus.PROCESSING:
        events += record_event(
            session, EventKind.PAYMENT_PROCESSING, _source(facts), facts.occurred_at, learnt
        )
    _keep_contact(session, facts)
    session.status = session.derived_status
    save_changes(session, before)
    return events


def saved_values(session: PaymentSession) -> dict[str, object]:
    """Return what may change when something is learnt, to be compared by ``save_changes`` later."""
    return {name: getattr(session, name) for name in _SAVED}


def save_changes(session: PaymentSession, before: dict[str, object]) -> None:
    """Save what differs from before, of a session that is locked."""
    values = {name: value for name, value in saved_values(session).items() if value != before[name]}
    if values:
        # Not save(): it costs twice as much.
        PaymentSession.objects.filter(pk=session.pk).update(**values, modified=timezone.now())


def record_event(
    session: PaymentSession,
    kind: EventKind,
    source_id: str,
    occurred_at: datetime,
    learnt: Learnt,
    *,
    transaction: Transaction | None = None,
    refund: Refund | None = None,
    dispute: Dispute | None = None,
    note: str = "",
) -> list[PaymentEvent]:
    """Write what happened, once, and return it if it is news."""
    names = receivers_of(kind, session)
    event = PaymentEvent(
        session=session,
        kind=kind,
        source_id=source_id,
        transaction=transaction,
        refund=refund,
        dispute=dispute,
        occurred_at=occurred_at,
        cause=learnt.cause,
        caused_by=learnt.by,
        note=note,
        state=DeliveryState.OWED if names else DeliveryState.DELIVERED,
        owed_to=between_bars(names),
        next_attempt_at=timezone.now() + FIRST_PAUSE if names else None,
    )
    if not PaymentEvent.objects.insert_once(event):
        return []
    if not names and kind.value in SIGNALS:
        logger.info("No receiver is connected to %s of %s.", kind.value, session.payable_type)
    return [event]


def announce_failed_refund(
    session: PaymentSession,
    refund: Refund,
    occurred_at: datetime,
    learnt: Learnt,
    *,
    transaction: Transaction | None = None,
) -> list[PaymentEvent]:
    """
    Write once that money did not go back.

    Whoever had decided to send it is asked again: the caller saves the session.
    """
    news = record_event(
        session,
        EventKind.REFUND_FAILED,
        str(refund.pk),
        occurred_at,
        learnt,
        transaction=transaction,
        refund=refund,
    )
    if news:
        logger.error(
            "Refund %s of session %s failed: %s.", refund.pk, session.pk, refund.failure_reason or "?"
        )
        if session.review_decision == ReviewDecision.REJECTED:
            session.review_decision = ""
    return news


# Facts that were not stated of the checkout that we opened: its ids are not ours to store.
_UNBOUND = {ReviewReason.MODE, ReviewReason.ACCOUNT, ReviewReason.MARKER}


def _mismatch(session: PaymentSession, facts: Facts) -> ReviewReason | None:
    modes = {facts.livemode, facts.event_livemode} - {None}
    if modes != {session.livemode} or facts.mode != "payment":
        return ReviewReason.MODE
    if facts.account:
        return ReviewReason.ACCOUNT
    known_checkout, known_intent = session.stripe_checkout_session_id, session.stripe_payment_intent_id
    if not facts.is_marked or facts.session_id != session.pk:
        return ReviewReason.MARKER
    if known_checkout and facts.checkout_session_id not in {"", known_checkout}:
        return ReviewReason.MARKER
    if known_intent and facts.payment_intent_id not in {"", known_intent}:
        return ReviewReason.MARKER
    if facts.paid and facts.currency.lower() != session.currency:
        return ReviewReason.CURRENCY
    if facts.paid and facts.amount != session.amount:
        return ReviewReason.AMOUNT
    return None


def _bind(session: PaymentSession, facts: Facts) -> None:
    session.stripe_checkout_session_id = (
        session.stripe_checkout_session_id or facts.checkout_session_id or None
    )
    session.stripe_payment_intent_id = session.stripe_payment_intent_id or facts.payment_intent_id or None
    session.stripe_checkout_url = session.stripe_checkout_url or facts.url
    session.expires_at = session.expires_at or facts.expires_at
    if session.stripe_checkout_session_id:
        session.next_attempt_at = None  # what was waited for is here


def _set_facts(session: PaymentSession, facts: Facts) -> None:
    # That it is paid is set where the money is booked.
    for name in ("completed", "processing", "failed", "expired", "canceled"):
        if getattr(facts, name) and getattr(session, f"{name}_at") is None:
            setattr(session, f"{name}_at", facts.occurred_at)


def _book_payment(
    session: PaymentSession,
    facts: Facts,
    learnt: Learnt,
    mismatch: ReviewReason | None,
    known_intent: object,
) -> list[PaymentEvent]:
    if not facts.paid or facts.amount is None:
        return []
    # What made the session paid may have been another payment, whose ids are not stored.
    if session.paid_at and facts.payment_intent_id == known_intent and session.review_reason not in _UNBOUND:
        _complete_charge(session, facts)
        session.review_reason = session.review_reason or mismatch or ""
        return []
    payment = Transaction(
        session=session,
        kind=TransactionKind.PAYMENT,
        gross=facts.amount,
        currency=facts.currency.lower(),
        source_id=_source(facts),
        stripe_charge_id=facts.charge_id,
        occurred_at=facts.occurred_at,
        livemode=facts.livemode,
    )
    if not Transaction.objects.insert_once(payment):
        _complete_charge(session, facts)
        return []
    reason = mismatch
    if session.paid_at or not hold_slot(session):
        reason = ReviewReason.DUPLICATE
    kind = {None: EventKind.PAYMENT_SUCCEEDED, ReviewReason.DUPLICATE: EventKind.PAYMENT_DUPLICATED}.get(
        reason, EventKind.PAYMENT_NEEDS_REVIEW
    )
    if reason is not None:
        if session.review_decision or not session.review_reason:
            # What was decided before was decided without knowing of this.
            session.review_reason, session.review_decision = reason, ""
        logger.error(
            "Payment %s of session %s needs review: %s.", payment.source_id, session.pk, reason.value
        )
    session.paid_at = session.paid_at or facts.occurred_at
    session.paid_amount += facts.amount
    if reason is ReviewReason.DUPLICATE and facts.amount and get_settings().DUPLICATES == "refund":
        _return_duplicate(session, payment)
    return record_event(session, kind, payment.source_id, facts.occurred_at, learnt, transaction=payment)


def _return_duplicate(session: PaymentSession, payment: Transaction) -> None:
    """Reserve the refund of money that came twice; it is sent before anybody is answered."""
    if session.review_reason == ReviewReason.DUPLICATE:
        session.review_decision = ReviewDecision.REJECTED
    refund = new_refund(
        payment,
        payment.gross,
        reason="duplicate",
        requested_by="DUPLICATES",
        idempotency_key=f"duplicate-{payment.source_id}",
    )
    Refund.objects.insert_once(refund)


def _complete_charge(session: PaymentSession, facts: Facts) -> None:
    # The Checkout Session does not name the charge; the payment intent does, and may come second.
    if facts.charge_id:
        Transaction.objects.filter(
            session=session,
            kind=TransactionKind.PAYMENT,
            source_id=facts.payment_intent_id,
            stripe_charge_id="",
        ).update(stripe_charge_id=facts.charge_id)


def hold_slot(session: PaymentSession) -> bool:
    """Keep the slot, or take it back if the session had ended before the money came."""
    if session.slot is not None:
        return True
    try:
        # Taken at once, and not looked for before: who is just starting another checkout is waited for.
        with transaction.atomic(using=database_alias()):
            PaymentSession.objects.filter(pk=session.pk).update(slot=session.full_slot)
    except IntegrityError:
        return False
    session.slot = session.full_slot
    return True


def _note_attempt(session: PaymentSession, facts: Facts, learnt: Learnt) -> list[PaymentEvent]:
    if not facts.declined:
        return []
    source = facts.charge_id or learnt.by or _source(facts)
    return record_event(
        session, EventKind.ATTEMPT_FAILED, source, facts.occurred_at, learnt, note=facts.declined
    )


def _end(session: PaymentSession, facts: Facts, learnt: Learnt, was_open: bool) -> list[PaymentEvent]:
    """Release the slot of a session that ended unpaid. One that held none was replaced, and nobody is told."""
    if not was_open or session.paid_at or not session.has_ended:
        return []
    session.slot = None
    if facts.replaced:
        return []
    ending = next(kind for name, kind in _ENDINGS.items() if getattr(facts, name))
    return record_event(session, ending, _source(facts) or str(session.pk), facts.occurred_at, learnt)


def _keep_contact(session: PaymentSession, facts: Facts) -> None:
    if facts.contact is None or not facts.completed or session.customer_id or session.owner_id:
        return
    session.customer = Customer(
        email=facts.contact.email,
        name=facts.contact.name,
        phone=facts.contact.phone,
        livemode=facts.livemode,
    )
    Customer.objects.insert_once(session.customer)


def _source(facts: Facts) -> str:
    return facts.payment_intent_id or facts.checkout_session_id


_SAVED = (
    "slot",
    "status",
    "completed_at",
    "processing_at",
    "paid_at",
    "failed_at",
    "expired_at",
    "canceled_at",
    "paid_amount",
    "refunded_amount",
    "review_reason",
    "review_decision",
    "stripe_checkout_session_id",
    "stripe_payment_intent_id",
    "stripe_checkout_url",
    "expires_at",
    "next_attempt_at",
    "customer_id",
)
