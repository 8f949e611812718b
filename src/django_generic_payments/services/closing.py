"""Closing checkouts, at Stripe and on our side."""

from __future__ import annotations

import logging
from typing import Literal

from django.db import transaction
from django.utils import timezone

from django_generic_payments.enums import Cause, EventKind, SessionStatus
from django_generic_payments.exceptions import GatewayRefused
from django_generic_payments.gateway import CheckoutSession, get_gateway
from django_generic_payments.models import PaymentEvent, PaymentSession
from django_generic_payments.services.bookkeeping import record_event
from django_generic_payments.services.delivery import deliver
from django_generic_payments.services.facts import Learnt, closing_key
from django_generic_payments.services.sync import learn
from django_generic_payments.transactions import database_alias, limit_lock_wait

__all__ = ["Announcement", "close", "close_at_stripe", "expire"]

logger = logging.getLogger("django_generic_payments")

#: What receivers are told, and how it was learnt.
Announcement = tuple[EventKind, Learnt]


def close_at_stripe(
    session: PaymentSession, closing: Literal["cancel", "expire", "replace"]
) -> CheckoutSession | None:
    """
    Close the checkout at Stripe and return it as it is then: expired, unless somebody was faster.

    ``None`` if Stripe does not know it, as after a change of accounts: nobody can pay it here.
    """
    gateway, checkout_id = get_gateway(), session.stripe_checkout_session_id or ""
    try:
        return gateway.expire_checkout_session(checkout_id, idempotency_key=closing_key(session, closing))
    except GatewayRefused:
        pass
    try:
        return gateway.retrieve_checkout_session(checkout_id)
    except GatewayRefused as error:
        if error.code != "resource_missing":
            raise
        logger.warning("Stripe does not know the checkout of session %s.", session.pk)
        return None


def expire(session: PaymentSession, *, replaced: bool = False) -> PaymentSession:
    """Close a checkout that nobody shall pay any more, or find out what became of it."""
    checkout = close_at_stripe(session, "replace" if replaced else "expire")
    if checkout is None or (replaced and checkout.status == "expired"):
        return close(session, "expired_at" if session.is_due() else "canceled_at")
    return learn(session, checkout, Learnt(Cause.PERSON))


def close(
    session: PaymentSession,
    fact: str,
    *,
    announce: Announcement | None = None,
    last_error: str = "",
) -> PaymentSession:
    """
    End a session on our side unless it is paid, processing or over; tell receivers only if asked to.

    Nor is it ended if it was opened at Stripe since the caller looked: it can be paid there.
    """
    events: list[PaymentEvent] = []
    known = session.stripe_checkout_session_id
    with transaction.atomic(using=database_alias()):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=session.pk)
        if not SessionStatus(session.status).is_open or session.stripe_checkout_session_id != known:
            return session
        setattr(session, fact, timezone.now())
        session.slot, session.last_error, session.next_attempt_at = None, last_error, None
        session.status = session.derived_status
        session.save(update_fields=[fact, "slot", "last_error", "next_attempt_at", "status"])
        if announce is not None:
            kind, learnt = announce
            source = session.stripe_checkout_session_id or str(session.pk)
            events = record_event(session, kind, source, timezone.now(), learnt)
    deliver(events)
    return session
