"""Making our rows agree with Stripe."""

from __future__ import annotations

from datetime import timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from django_generic_payments.enums import Cause, SessionStatus
from django_generic_payments.gateway import CheckoutSession, get_gateway
from django_generic_payments.models import PaymentSession
from django_generic_payments.services.bookkeeping import apply_facts
from django_generic_payments.services.delivery import deliver, deliver_owed
from django_generic_payments.services.facts import Learnt, facts_of_checkout
from django_generic_payments.services.refund_sending import learn_refund
from django_generic_payments.transactions import database_alias, limit_lock_wait

__all__ = ["learn", "sync_if_stale", "sync_session"]

#: Seconds between two questions about one session that a waiting payer may cause.
_PAUSE = 3


def sync_session(
    session: PaymentSession, *, cause: Cause = Cause.RECONCILIATION, by: str = "", patient: bool = True
) -> PaymentSession:
    """
    Ask Stripe what became of a session, and let receivers hear of what is new.

    The way is the one of the webhook, so that both may learn the same at the same moment. Of a session that is paid,
    its refunds are asked for too. One that was never opened at Stripe is returned as it is. Raises a ``GatewayError``.
    """
    if not session.stripe_checkout_session_id:
        return session
    gateway, learnt = get_gateway(patient=patient), Learnt(cause, by)
    checkout = gateway.retrieve_checkout_session(session.stripe_checkout_session_id)
    session = learn(session, checkout, learnt)
    if session.paid_at and session.stripe_payment_intent_id:
        for refund in gateway.list_refunds(session.stripe_payment_intent_id):
            deliver(learn_refund(session, refund, learnt))
        deliver_owed(session.pk)
        session.refresh_from_db()
    return session


def learn(session: PaymentSession, checkout: CheckoutSession, learnt: Learnt) -> PaymentSession:
    """Merge an answer of Stripe into a session, and let receivers hear of what is new."""
    with transaction.atomic(using=database_alias(), durable=True):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=session.pk)
        events = apply_facts(session, facts_of_checkout(checkout, timezone.now()), learnt)
    deliver(events)
    return session


def sync_if_stale(session: PaymentSession) -> PaymentSession:
    """
    Ask Stripe on behalf of a payer who waits: only while the outcome is open, and every few seconds at most.

    Once it is settled, receivers that are still owed something are told, as often; a page that asks again and again
    does not use up their attempts. Raises a ``GatewayError``, after a few seconds at the latest.
    """
    if SessionStatus(session.status).is_final:
        if PaymentSession.objects.owes(session.pk) and _may_ask(session):
            deliver_owed(session.pk, counted=False)
        return session
    if not session.stripe_checkout_session_id or not _may_ask(session):
        return session
    checkout = get_gateway(patient=False).retrieve_checkout_session(session.stripe_checkout_session_id)
    return learn(session, checkout, Learnt(Cause.RETURN_PAGE))


def _may_ask(session: PaymentSession) -> bool:
    """Tell whether nobody did so for a few seconds, and that it is done now."""
    now = timezone.now()
    due = Q(synced_at__isnull=True) | Q(synced_at__lt=now - timedelta(seconds=_PAUSE))
    return bool(PaymentSession.objects.filter(due, pk=session.pk).update(synced_at=now))
