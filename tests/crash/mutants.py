"""Builds of the package that are wrong on purpose: a harness that finds nothing in them is worth nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from uuid import uuid4

from django.db import transaction

from django_generic_payments.enums import Cause, WebhookState
from django_generic_payments.gateway import get_gateway
from django_generic_payments.models import PaymentEvent, WebhookEvent
from django_generic_payments.services import delivery, refund_sending, refunds
from django_generic_payments.services.bookkeeping import apply_facts
from django_generic_payments.services.facts import Learnt
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.webhooks import inbox
from tests.postgres.racing import swapped

Mutant = AbstractContextManager[None]


def mark_before_the_receiver() -> Mutant:
    """Commit the mark that a receiver was told, and only then tell it."""

    def tell(event, name, receiver):
        with transaction.atomic():
            claimed = PaymentEvent.objects.claim(event, name)
        if claimed:
            with transaction.atomic():
                _call(event, receiver)
        return delivery.Born()

    return swapped(delivery, "_tell", tell)


def mark_after_the_receiver() -> Mutant:
    """Tell the receiver, commit, and only then mark that it was told."""

    def tell(event, name, receiver):
        with transaction.atomic():
            _call(event, receiver)
        with transaction.atomic():
            PaymentEvent.objects.claim(event, name)
        return delivery.Born()

    return swapped(delivery, "_tell", tell)


def inbox_before_the_money() -> Mutant:
    """Commit the inbox row as processed, and only then book the money."""

    def receive(event):
        news = inbox._our_news(event)
        with transaction.atomic():
            is_new = WebhookEvent.objects.insert_once(inbox._row(event, WebhookState.PROCESSED))
        if not is_new:
            return delivery.deliver_owed(news.session_id)
        with transaction.atomic():
            session = inbox._lock_session(news)
            events = apply_facts(session, *news.statements, Learnt(Cause.WEBHOOK, event.id))
        return delivery.deliver(events)

    return swapped(inbox, "_receive", receive)


def acknowledged_before_told() -> Mutant:
    """Answer a repetition by 200 without looking whether receivers are still owed something."""
    return swapped(inbox, "_look_again", lambda event, news: (False, False))


def _call(event, receiver):
    payable = delivery._load(event.session)
    sender = delivery.sender_of(event.session)
    receiver(signal=payment_succeeded, sender=sender, payable=payable, **delivery._arguments(event))


def stripe_before_the_reservation() -> Mutant:
    """Ask Stripe for a refund, and only then write down that it was asked for."""

    def refund_payment(session, amount, *, idempotency_key):
        known = session.refunds.filter(idempotency_key=idempotency_key).first()
        if known is not None:
            return known
        with transaction.atomic():
            refund = refunds.reserve_refund(session, amount, idempotency_key=idempotency_key)
            transaction.set_rollback(True)
        answer = _ask(refund, f"gp-re-{refund.pk}")
        refund.save(force_insert=True)
        delivery.deliver(refund_sending.learn_refund(session, answer, Learnt(Cause.PERSON)))
        refund.refresh_from_db()
        return refund

    return swapped(refunds, "refund_payment", refund_payment)


def a_new_key_at_each_attempt() -> Mutant:
    """Ask Stripe for a refund with a key that is made for the call, and not from the row."""

    return swapped(refund_sending, "_ask", lambda refund, *args: _ask(refund, uuid4().hex))


def _ask(refund, key):
    return get_gateway().create_refund(json.loads(refund.stripe_params), idempotency_key=key)


def _by_name(*builders: Callable[[], Mutant]) -> dict[str, Callable[[], Mutant]]:
    return {build.__name__: build for build in builders}


OF_WEBHOOKS = _by_name(
    mark_before_the_receiver, mark_after_the_receiver, inbox_before_the_money, acknowledged_before_told
)
OF_REFUNDS = _by_name(stripe_before_the_reservation, a_new_key_at_each_attempt)
MUTANTS: dict[str, Callable[[], Mutant]] = {"": nullcontext, **OF_WEBHOOKS, **OF_REFUNDS}
