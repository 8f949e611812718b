"""
Telling receivers what happened to a payment, exactly once.

One transaction for each event and receiver: the mark that it was told, the receiver's own writes, one commit.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

from django.db import DatabaseError, connections, transaction

from django_generic_payments.enums import Cause, DeliveryState, EventKind, ReviewReason, TransactionKind
from django_generic_payments.exceptions import GatewayError
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund
from django_generic_payments.retries import after_failure
from django_generic_payments.services.announcements import SIGNALS, receivers_of, sender_of
from django_generic_payments.services.bookkeeping import record_event
from django_generic_payments.services.facts import Learnt
from django_generic_payments.services.refund_sending import send_refund
from django_generic_payments.signals import Receiver
from django_generic_payments.transactions import database_alias, in_transaction, limit_lock_wait

__all__ = ["current_event", "deliver", "deliver_owed", "note_refund"]

logger = logging.getLogger("django_generic_payments")


class TransactionBroken(DatabaseError):
    """A receiver swallowed a database error, so that nothing of its transaction would be committed."""


def deliver_owed(session_id: UUID, *, counted: bool = True) -> bool:
    """Tell whoever is still owed an event of this session, and send its refunds; return whether all is done."""
    owed = PaymentEvent.objects.owed().filter(session_id=session_id).order_by("occurred_at", "created")
    events = owed.select_related("session", "transaction", "refund", "dispute")
    return deliver(events, Refund.objects.owed_by([session_id]), counted=counted)


def deliver(events: Iterable[PaymentEvent], refunds: Iterable[Refund] = (), *, counted: bool = True) -> bool:
    """
    Tell the receivers of these events, and of those that are born meanwhile; return whether everybody was told.

    A receiver that raises is logged and tried again by the next delivery; it keeps nobody else from being told. Refunds
    that receivers asked for are sent when all have been told. Inside a host's transaction nothing can be told yet, and
    the events are delivered once it has committed. What fails without being ``counted`` is due when it was before.
    """
    events = list(events)
    waiting = deque(event for event in events if event.owed_receivers)
    reserved = deque([*refunds, *_refunds_of_duplicates(events)])
    if (waiting or reserved) and in_transaction():
        _postpone({*(each.session_id for each in waiting), *(each.session_id for each in reserved)}, waiting)
        return False
    all_told = True
    while waiting or reserved:
        if not waiting:
            born, was_sent = _send(reserved.popleft())
            waiting.extend(event for event in born if event.owed_receivers)
            all_told &= was_sent
            continue
        born_here, failed = _tell_everybody(waiting.popleft(), counted)
        waiting.extend(born_here.events)
        reserved.extend(born_here.refunds)
        all_told &= not failed
    return all_told


def current_event() -> PaymentEvent | None:
    """Return the event whose receiver is being called."""
    born = _born.get()
    return born.of if born is not None else None


def note_refund(refund: Refund) -> bool:
    """Leave a refund that a receiver asked for to the delivery that called it; return whether there is one."""
    born = _born.get()
    if born is not None:
        born.refunds.append(refund)
    return born is not None


def _refunds_of_duplicates(events: Iterable[PaymentEvent]) -> list[Refund]:
    twice = [event.session_id for event in events if event.kind == EventKind.PAYMENT_DUPLICATED]
    return list(Refund.objects.requested().filter(session__in=twice)) if twice else []


def _send(refund: Refund) -> tuple[list[PaymentEvent], bool]:
    try:
        return send_refund(refund, patient=False), True
    except (GatewayError, DatabaseError) as error:
        logger.error("Refund %s is not sent yet: %s.", refund.pk, type(error).__name__)
        return [], False


def _postpone(session_ids: Iterable[UUID], events: Iterable[PaymentEvent]) -> None:
    born = _born.get()
    if born is not None:
        # A receiver gave birth to them: the delivery that called it tells them next, and answers for them.
        born.events.extend(events)
        return
    for session_id in session_ids:
        transaction.on_commit(_later(session_id), using=database_alias(), robust=True)


def _later(session_id: UUID) -> Callable[[], bool]:
    # Not a partial: Django 5.2 asks what fails here for its name.
    return lambda: deliver_owed(session_id)


@dataclass
class Born:
    """What a receiver that is being called gives birth to, by canceling or paying back something for example."""

    of: PaymentEvent | None = None
    events: list[PaymentEvent] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)


def _tell_everybody(event: PaymentEvent, counted: bool) -> tuple[Born, list[str]]:
    """Tell each receiver that is owed the event; return what this gave birth to, and who failed."""
    known = receivers_of(event.kind, event.session)
    born, failed = Born(event), []
    for name in event.owed_receivers:
        before = event.state, event.owed_to, event.delivered_to
        try:
            born_here = _tell(event, name, known.get(name))
            born.events += born_here.events
            born.refunds += born_here.refunds
        except Exception as error:
            # As in the database, which rolled back.
            event.state, event.owed_to, event.delivered_to = before
            failed.append(f"{name}: {type(error).__name__}")
            logger.error(
                "Receiver %s of %s for session %s failed and will be called again.",
                name,
                event.kind,
                event.session_id,
                exc_info=error,
            )
    if failed and counted:
        _note_failure(event, ", ".join(failed))
    return born, failed


def _tell(event: PaymentEvent, name: str, receiver: Receiver | None) -> Born:
    """Tell one receiver, unless somebody else just did; return what this gave birth to."""
    with transaction.atomic(using=database_alias(), durable=True):
        limit_lock_wait()
        if not PaymentEvent.objects.claim(event, name):
            return Born()
        if receiver is None:
            logger.warning(
                "%s of session %s is owed to %s, which no longer exists.", event.kind, event.session_id, name
            )
            return Born()
        sender = sender_of(event.session)
        payable = _load(event.session)
        signal = SIGNALS[event.kind]
        is_gone = payable is None and event.kind != _REVIEW
        reported = _report_payable_gone(event) if is_gone else []
        if is_gone and signal.has_receiver_with_sender(name, sender):
            return Born(event, reported)
        with _collect_born(event) as born:
            receiver(signal=signal, sender=sender, payable=payable, **_arguments(event))
        _check_unbroken()
        return Born(event, [*reported, *born.events], born.refunds)


_born: ContextVar[Born | None] = ContextVar("born", default=None)


@contextmanager
def _collect_born(event: PaymentEvent) -> Iterator[Born]:
    born = Born(event)
    token = _born.set(born)
    try:
        yield born
    finally:
        _born.reset(token)


_REVIEW = EventKind.PAYMENT_NEEDS_REVIEW


def _load(session: PaymentSession) -> Any | None:
    return session.registered_type.load(session.payable_id) if sender_of(session) else None


def _arguments(event: PaymentEvent) -> dict[str, Any]:
    involved = {name: getattr(event, name) for name in ("transaction", "refund", "dispute")}
    return {
        "session": event.session,
        "event": event,
        **{key: value for key, value in involved.items() if value},
    }


def _report_payable_gone(event: PaymentEvent) -> list[PaymentEvent]:
    PaymentEvent.objects.filter(pk=event.pk).update(
        note="The payable is gone: receivers that need it were not called."
    )
    if event.transaction is None or event.transaction.kind != TransactionKind.PAYMENT:
        return []
    reported = PaymentEvent.objects.filter(
        session_id=event.session_id, kind=_REVIEW, source_id=event.source_id
    )
    if reported.exists():
        return []  # for another receiver, which may hold that row while it waits for our session
    session = PaymentSession.objects.locked().get(pk=event.session_id)
    session.review_reason = session.review_reason or ReviewReason.PAYABLE_GONE
    session.save(update_fields=["review_reason"])
    # The page that waits for this delivery shows what it holds.
    event.session.review_reason = session.review_reason
    logger.error(
        "Session %s is paid, and %s %s is gone.", session.pk, session.payable_type, session.payable_id
    )
    return record_event(
        session,
        EventKind.PAYMENT_NEEDS_REVIEW,
        event.source_id,
        event.occurred_at,
        Learnt(Cause(event.cause), event.caused_by),
        transaction=event.transaction,
        note="The payable is gone.",
    )


def _check_unbroken() -> None:
    # A receiver that catches a database error without a savepoint leaves a transaction that COMMIT silently rolls
    # back on PostgreSQL: our mark would be lost, and the event acknowledged.
    connection = connections[database_alias()]
    info = getattr(connection.connection, "info", None)
    aborted = connection.vendor == "postgresql" and getattr(info, "transaction_status", 0) == 3
    if connection.needs_rollback or aborted:
        raise TransactionBroken(
            "The receiver went on after a database error. Wrap what may fail in transaction.atomic()."
        )


def _note_failure(event: PaymentEvent, error: str) -> None:
    changes = after_failure(event, error, dead=DeliveryState.DEAD)
    if changes.get("state") == DeliveryState.DEAD:
        logger.critical(
            "%s of session %s is given up. Receivers that were not told: %s.",
            event.kind,
            event.session_id,
            ", ".join(event.owed_receivers),
        )
    try:
        with transaction.atomic(using=database_alias(), durable=True):
            # Whoever holds the row is telling this event now: Stripe's patience is not spent on waiting for them.
            limit_lock_wait(100)
            PaymentEvent.objects.owed().filter(pk=event.pk).update(**changes)
    except DatabaseError as unnoted:
        logger.warning("The failure could not be noted: %s.", type(unnoted).__name__)
