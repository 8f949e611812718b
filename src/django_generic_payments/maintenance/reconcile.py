"""Asking Stripe about payments whose events may have been lost."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db.models import Q

from django_generic_payments.enums import SessionStatus
from django_generic_payments.models import PaymentEvent, PaymentSession
from django_generic_payments.services.sync import sync_session

__all__ = ["Comparison", "compare", "find_sessions"]


@dataclass(frozen=True)
class Comparison:
    """A payment session after Stripe was asked: how it stood before, and what is news, the oldest first."""

    session: PaymentSession
    before: SessionStatus
    news: list[PaymentEvent]

    @property
    def has_moved(self) -> bool:
        """Whether the status is another one."""
        return self.session.status != self.before


def compare(session: PaymentSession, **options: Any) -> Comparison:
    """Ask Stripe as ``sync_session`` does, and return what that came to."""
    before, known = SessionStatus(session.status), set(session.events.values_list("pk", flat=True))
    session = sync_session(session, **options)
    news = [event for event in session.events.order_by("created") if event.pk not in known]
    return Comparison(session, before, news)


def find_sessions(name: str) -> list[PaymentSession]:
    """
    Return the payment sessions that somebody calls by this name, the oldest first.

    An id of ours, a Checkout Session (``cs_…``) or payment intent (``pi_…``) of Stripe, or a payable as ``type:id``.
    """
    conditions = Q(stripe_checkout_session_id=name) | Q(stripe_payment_intent_id=name)
    payable_type, colon, payable_id = name.partition(":")
    if colon:
        conditions |= Q(payable_type=payable_type, payable_id=payable_id)
    with suppress(ValueError):
        conditions |= Q(pk=UUID(name))
    return list(PaymentSession.objects.filter(conditions).order_by("created"))
