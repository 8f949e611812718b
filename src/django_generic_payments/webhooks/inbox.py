"""
Storing an event once, applying it, and answering for what is owed.

The insert of the inbox row is the lock against repetitions. Row, facts, ledger and payment events are one transaction
in which no host code runs; receivers come after it, each in a transaction of its own.
"""

from __future__ import annotations

import logging
from datetime import timedelta

from django.db import transaction
from django.db.models import Exists, F, Q
from django.utils import timezone

from django_generic_payments.enums import Cause, WebhookState
from django_generic_payments.exceptions import GenericPaymentsError, UnreadableObject
from django_generic_payments.managers import PaymentEventQuerySet, WebhookEventQuerySet
from django_generic_payments.models import PaymentEvent, PaymentSession, WebhookEvent
from django_generic_payments.services.bookkeeping import apply_facts
from django_generic_payments.services.delivery import deliver
from django_generic_payments.services.facts import Facts, Learnt, is_marked
from django_generic_payments.transactions import database_alias, limit_lock_wait
from django_generic_payments.webhooks.handlers import facts_of
from django_generic_payments.webhooks.intake import StripeEvent

__all__ = ["receive"]

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
        # The message of a database error can quote the row, with the payer's name in it: only ours are logged.
        reason = str(error) if isinstance(error, GenericPaymentsError) else type(error).__name__
        logger.error(
            "Event %s (%s) could not be applied and will come again: %s", event.id, event.type, reason
        )
        _store_failed(event, reason)
        return False


def _receive(event: StripeEvent) -> bool:
    facts = _our_facts(event)
    with transaction.atomic(using=database_alias(), durable=True):
        limit_lock_wait()
        row = _row(event, WebhookState.PROCESSED if facts else WebhookState.IGNORED)
        is_new = WebhookEvent.objects.insert_once(row)
        if facts is None:
            return True
        owes = False
        if not is_new:
            is_new, owes = _look_again(event, facts)
        if is_new:
            session = _lock_session(facts)
            events = apply_facts(session, facts, Learnt(Cause.WEBHOOK, event.id))
            owes = session.has_owed  # type: ignore[attr-defined]  # annotated by with_owed()
            if not events and not owes:
                # What the lock waited for may have brought the same news, and the annotation is older than the wait.
                owes = _owed_of(facts).exists()
    if owes:
        return deliver(_owed_of(facts))
    return deliver(events) if is_new else True


def _look_again(event: StripeEvent, facts: Facts) -> tuple[bool, bool]:
    """Return whether a repeated event must be applied after all, and whether receivers are still owed something."""
    owed = Exists(_owed_of(facts).order_by().select_related(None))
    state, owes = _stored(event).annotate(owes=owed).values_list("state", "owes").get()
    return state == WebhookState.FAILED and _claim_failed(event), owes


def _our_facts(event: StripeEvent) -> Facts | None:
    """Return the facts in an event, ``None`` if it is of no use to us: another type, or about somebody else."""
    try:
        facts = facts_of(event)
    except UnreadableObject:
        if _is_about_us(event):
            raise
        return None
    if facts is None or facts.is_marked or PaymentSession.objects.filter(_by_stripe_id(facts)).exists():
        return facts
    return None


def _is_about_us(event: StripeEvent) -> bool:
    if is_marked(event.object.get("metadata")):
        return True
    object_id = event.object.get("id")
    known = Q(stripe_checkout_session_id=object_id) | Q(stripe_payment_intent_id=object_id)
    return isinstance(object_id, str) and PaymentSession.objects.filter(known).exists()


def _lock_session(facts: Facts) -> PaymentSession:
    sessions = PaymentSession.objects.locked().with_owed()
    session = sessions.filter(Q(pk=facts.session_id) if facts.is_marked else _by_stripe_id(facts)).first()
    if session is None:
        raise SessionMissing(
            f"There is no payment session {facts.session_id}. Was the database restored from a backup, "
            "or does another project use the same GENERIC_PAYMENTS['APP_NAME']?"
        )
    return session


def _owed_of(facts: Facts) -> PaymentEventQuerySet:
    owed = PaymentEvent.objects.owed().order_by("occurred_at", "created")
    owed = owed.select_related("session", "transaction", "refund", "dispute")
    if facts.is_marked:
        return owed.filter(session_id=facts.session_id)
    return owed.filter(session__in=PaymentSession.objects.filter(_by_stripe_id(facts)))


def _by_stripe_id(facts: Facts) -> Q:
    found = Q(pk__in=[])
    if facts.checkout_session_id:
        found |= Q(stripe_checkout_session_id=facts.checkout_session_id)
    if facts.payment_intent_id:
        found |= Q(stripe_payment_intent_id=facts.payment_intent_id)
    return found


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


def _claim_failed(event: StripeEvent) -> bool:
    """Take over a row that could not be applied before; a twin that does the same waits here, and is then too late."""
    failed = _stored(event).filter(state=WebhookState.FAILED)
    return bool(failed.update(state=WebhookState.PROCESSED, last_error="", next_attempt_at=None))


def _store_failed(event: StripeEvent, reason: str) -> None:
    row = _row(event, WebhookState.FAILED)
    row.last_error, row.attempts, row.next_attempt_at = reason, 1, timezone.now() + _PAUSE
    try:
        with transaction.atomic(using=database_alias(), durable=True):
            limit_lock_wait()
            if not WebhookEvent.objects.insert_once(row):
                _stored(event).filter(state=WebhookState.FAILED).update(
                    last_error=reason, attempts=F("attempts") + 1, next_attempt_at=row.next_attempt_at
                )
    except Exception as error:
        logger.error("Event %s could not be stored either: %s", event.id, type(error).__name__)


# A worker looks at what Stripe has not delivered again by then.
_PAUSE = timedelta(minutes=5)
