"""
Storing an event once, applying it, and answering for what is owed.

The insert of the inbox row is the lock against repetitions. Row, facts, ledger and payment events are one transaction
in which no host code runs; receivers come after it, each in a transaction of its own.
"""

from __future__ import annotations

import logging
from uuid import UUID

from django.db import transaction
from django.db.models import BooleanField, Exists, ExpressionWrapper, Q
from django.utils import timezone

from django_generic_payments.enums import Cause, WebhookState
from django_generic_payments.exceptions import GenericPaymentsError, UnreadableObject
from django_generic_payments.managers import WebhookEventQuerySet
from django_generic_payments.models import (
    PaymentEvent,
    PaymentSession,
    Refund,
    Transaction,
    WebhookEvent,
)
from django_generic_payments.retries import after_failure, pause_after
from django_generic_payments.services.after_sale import apply_statement
from django_generic_payments.services.delivery import deliver, deliver_owed
from django_generic_payments.services.facts import Learnt, is_marked, refunds_in
from django_generic_payments.services.refund_sending import fill_refund_fees
from django_generic_payments.transactions import database_alias, limit_lock_wait
from django_generic_payments.webhooks.enquiries import News, news_of
from django_generic_payments.webhooks.handlers import statement_of
from django_generic_payments.webhooks.intake import StripeEvent, read_stored

__all__ = ["UNAPPLIED", "receive", "receive_again"]

logger = logging.getLogger("django_generic_payments")


class SessionMissing(GenericPaymentsError):
    """The object carries our mark, and there is no session of that name here."""


def receive(event: StripeEvent) -> bool:
    """
    Store, apply and announce a verified event; return whether Stripe may forget it.

    ``False`` asks Stripe to deliver it again: it could not be applied, or a receiver is still owed an event that it
    brought or that was owed before. Never raises.
    """
    try:
        return _receive(event)
    except Exception as error:
        reason = _reason(error)
        logger.error(
            "Event %s (%s) could not be applied and will come again: %s", event.id, event.type, reason
        )
        _store_failed(event, reason)
        return False


def receive_again(row: WebhookEvent) -> bool:
    """
    Apply a stored event that could not be applied when it was delivered, and announce it; return whether it is applied.

    A receiver that is still owed what it brought is not its business any more. ``row`` is as it was before the attempt.
    """
    try:
        _receive(read_stored(row.body))
        return True
    except Exception as error:
        reason = _reason(error)
        logger.error("Event %s (%s) could not be applied again: %s", row.stripe_event_id, row.type, reason)
        _note_failure(row, reason)
        return False


def _receive(event: StripeEvent) -> bool:
    news = _our_news(event)
    with transaction.atomic(using=database_alias(), durable=True):
        limit_lock_wait()
        row = _row(event, WebhookState.PROCESSED if news else WebhookState.IGNORED)
        is_new = WebhookEvent.objects.insert_once(row)
        if news is None:
            if not is_new:
                _ignore_failed(event)
            return True
        owes, events = False, []
        if not is_new:
            is_new, owes = _look_again(event, news)
        if is_new:
            session = _lock_session(news)
            for statement in news.statements:
                events += apply_statement(session, statement, Learnt(Cause.WEBHOOK, event.id))
            owes = session.has_owed  # type: ignore[attr-defined]  # annotated by with_owed()
            if not events and not owes:
                # What the lock waited for may have brought the same news, and the annotation is older than the wait.
                owes = PaymentSession.objects.owes(session.pk)
    told = deliver_owed(_session_id(news)) if owes else deliver(events)
    if is_new:
        _fill_fees(session, news)
    return told


def _look_again(event: StripeEvent, news: News) -> tuple[bool, bool]:
    """Return whether a repeated event must be applied after all, and whether the session still owes something."""
    sessions = PaymentSession.objects.filter(news.lookup).values("pk")
    owed = Exists(PaymentEvent.objects.owed().filter(session__in=sessions)) | Exists(
        Refund.objects.owed_by(sessions)
    )
    known = _stored(event).annotate(owes=ExpressionWrapper(owed, output_field=BooleanField()))
    state, owes = known.values_list("state", "owes").get()
    return state in UNAPPLIED and _claim_failed(event), owes


def _our_news(event: StripeEvent) -> News | None:
    """Return what an event says of us, ``None`` if it is of no use: another type, or about somebody else."""
    try:
        statement = statement_of(event)
    except UnreadableObject:
        if _is_about_us(event):
            raise
        return None
    return news_of(statement) if statement is not None else None


def _is_about_us(event: StripeEvent) -> bool:
    if is_marked(event.object.get("metadata")):
        return True
    ids = [each for each in map(event.object.get, ("id", "payment_intent")) if isinstance(each, str)]
    known = Q(stripe_checkout_session_id__in=ids) | Q(stripe_payment_intent_id__in=ids)
    booked = Q(pk__in=Transaction.objects.payments().filter(source_id__in=ids).values("session"))
    return PaymentSession.objects.filter(known | booked).exists()


def _lock_session(news: News) -> PaymentSession:
    session = PaymentSession.objects.locked().with_owed().filter(news.lookup).first()
    if session is None:
        raise SessionMissing(
            f"There is no payment session {news.session_id}. Was the database restored from a backup, "
            "or does another project use the same GENERIC_PAYMENTS['APP_NAME']?"
        )
    return session


def _session_id(news: News) -> UUID:
    return news.session_id or PaymentSession.objects.filter(news.lookup).values_list("pk", flat=True).get()


def _fill_fees(session: PaymentSession, news: News) -> None:
    # After everybody was told: what a refund cost is worth no wait.
    fill_refund_fees(session, [refund for each in news.statements for refund in refunds_in(each)])


def _row(event: StripeEvent, state: WebhookState) -> WebhookEvent:
    return WebhookEvent(
        stripe_event_id=event.id,
        type=event.type,
        api_version=event.api_version,
        livemode=event.livemode,
        account=event.account,
        created_at_stripe=event.created,
        # What is not about us is counted, and its personal data are none of our business.
        body="" if state is WebhookState.IGNORED else event.body,
        state=state,
    )


def _stored(event: StripeEvent) -> WebhookEventQuerySet:
    return WebhookEvent.objects.filter(
        stripe_event_id=event.id, account=event.account, livemode=event.livemode
    )


def _unapplied(event: StripeEvent) -> WebhookEventQuerySet:
    return _stored(event).filter(state__in=UNAPPLIED)


def _claim_failed(event: StripeEvent) -> bool:
    """Take over a row that could not be applied before; a twin that does the same waits here, and is then too late."""
    return bool(_unapplied(event).update(state=WebhookState.PROCESSED, last_error="", next_attempt_at=None))


def _ignore_failed(event: StripeEvent) -> None:
    _unapplied(event).update(state=WebhookState.IGNORED, body="", last_error="", next_attempt_at=None)


#: Of these, one that was given up is applied all the same if Stripe delivers it again.
UNAPPLIED = (WebhookState.RECEIVED, WebhookState.FAILED, WebhookState.DEAD)


def _reason(error: Exception) -> str:
    # The message of a database error can quote the row, with the payer's name in it: only ours are logged.
    return str(error) if isinstance(error, GenericPaymentsError) else type(error).__name__


def _store_failed(event: StripeEvent, reason: str) -> None:
    row = _row(event, WebhookState.FAILED)
    row.last_error, row.attempts, row.next_attempt_at = reason, 1, timezone.now() + _PAUSE
    try:
        with transaction.atomic(using=database_alias(), durable=True):
            limit_lock_wait()
            if WebhookEvent.objects.insert_once(row):
                return
            known = _stored(event).get()
        _note_failure(known, reason)
    except Exception as error:
        logger.error("Event %s could not be stored either: %s", event.id, type(error).__name__)


def _note_failure(row: WebhookEvent, reason: str) -> None:
    changes = {"state": WebhookState.FAILED, **after_failure(row, reason, dead=WebhookState.DEAD)}
    if changes["state"] == WebhookState.DEAD:
        logger.critical("Event %s (%s) is given up: %s", row.stripe_event_id, row.type, reason)
    WebhookEvent.objects.filter(pk=row.pk, state__in=UNAPPLIED).update(**changes)


# A worker looks at what Stripe has not delivered again by then.
_PAUSE = pause_after(2)
