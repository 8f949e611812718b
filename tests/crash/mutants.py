"""Builds of the package that are wrong on purpose: a harness that finds nothing in them is worth nothing."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext

from django.db import transaction

from django_generic_payments.enums import Cause, WebhookState
from django_generic_payments.models import PaymentEvent, WebhookEvent
from django_generic_payments.services import delivery
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
        return []

    return swapped(delivery, "_tell", tell)


def mark_after_the_receiver() -> Mutant:
    """Tell the receiver, commit, and only then mark that it was told."""

    def tell(event, name, receiver):
        with transaction.atomic():
            _call(event, receiver)
        with transaction.atomic():
            PaymentEvent.objects.claim(event, name)
        return []

    return swapped(delivery, "_tell", tell)


def inbox_before_the_money() -> Mutant:
    """Commit the inbox row as processed, and only then book the money."""

    def receive(event):
        facts = inbox._our_facts(event)
        with transaction.atomic():
            is_new = WebhookEvent.objects.insert_once(inbox._row(event, WebhookState.PROCESSED))
        if not is_new:
            return delivery.deliver(inbox._owed_of(facts))
        with transaction.atomic():
            session = inbox._lock_session(facts)
            events = apply_facts(session, facts, Learnt(Cause.WEBHOOK, event.id))
        return delivery.deliver(events)

    return swapped(inbox, "_receive", receive)


def acknowledged_before_told() -> Mutant:
    """Answer a repetition by 200 without looking whether receivers are still owed something."""
    return swapped(inbox, "_look_again", lambda event, facts: (False, False))


def _call(event, receiver):
    payable = delivery._load(event.session)
    sender = delivery.sender_of(event.session)
    receiver(signal=payment_succeeded, sender=sender, payable=payable, **delivery._arguments(event))


MUTANTS: dict[str, Callable[[], Mutant]] = {
    "": nullcontext,
    **{
        build.__name__: build
        for build in (
            mark_before_the_receiver,
            mark_after_the_receiver,
            inbox_before_the_money,
            acknowledged_before_told,
        )
    },
}
