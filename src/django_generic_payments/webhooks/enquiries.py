"""
Which session an event is about, and what Stripe must be asked before it can be applied, outside any transaction.

Nothing is ever asked for a payment. A refund or a dispute may be heard of before the payment it belongs to; a charge
tells that it has a fee and not which, and that something was refunded and not what.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from uuid import UUID

from django.db.models import Q

from django_generic_payments.exceptions import GatewayRefused
from django_generic_payments.gateway import get_gateway
from django_generic_payments.models import PaymentSession, Refund, Transaction
from django_generic_payments.services.facts import ChargeFacts, Facts, Statement, facts_of_intent

__all__ = ["News", "news_of"]


@dataclass(frozen=True)
class News:
    """What an event says of one session of ours, in the order in which it is to be applied."""

    statements: tuple[Statement, ...]
    #: ``None`` where only Stripe's ids tell.
    session_id: UUID | None

    @property
    def lookup(self) -> Q:
        """How the session is found."""
        return by_stripe_id(self.statements[0]) if self.session_id is None else Q(pk=self.session_id)


def news_of(statement: Statement) -> News | None:
    """
    Return what there is to apply, ``None`` if it is about somebody else.

    Raises ``GatewayError`` if Stripe must be asked and cannot be reached.
    """
    if not isinstance(statement, Facts):
        return _news_after_sale(statement)
    if statement.is_marked:
        return News((statement,), statement.session_id)
    if PaymentSession.objects.filter(by_stripe_id(statement)).exists():
        return News((statement,), None)
    return None


def by_stripe_id(statement: Statement) -> Q:
    """Return the condition for the session that has one of Stripe's ids."""
    found = Q(pk__in=[])
    if statement.checkout_session_id:
        found |= Q(stripe_checkout_session_id=statement.checkout_session_id)
    if statement.payment_intent_id:
        found |= Q(stripe_payment_intent_id=statement.payment_intent_id)
    return found


def _news_after_sale(statement: Statement) -> News | None:
    # A payment without an intent is none of ours: every checkout has one.
    if not statement.payment_intent_id or statement.account:
        return None
    booked = Transaction.objects.payments().filter(
        source_id=statement.payment_intent_id, livemode=statement.livemode
    )
    payment = booked.first()
    if payment is None:
        if isinstance(statement, ChargeFacts) and not statement.is_marked:
            return None  # a charge inherits the mark of its intent, so that nobody has to be asked
        intent = _ask_for_payment(statement)
        if intent is None:
            return None
        return News((intent, _completed(statement, None)), intent.session_id)
    return News((_completed(statement, payment),), payment.session_id)


def _ask_for_payment(statement: Statement) -> Facts | None:
    """Return what the payment intent says, ``None`` if it is not ours."""
    try:
        intent = get_gateway(patient=False).retrieve_payment_intent(statement.payment_intent_id)
    except GatewayRefused as error:
        if error.code != "resource_missing":
            raise
        return None
    facts = facts_of_intent(intent, intent.created)
    return replace(facts, event_livemode=statement.event_livemode) if facts.is_marked else None


def _completed(statement: Statement, payment: Transaction | None) -> Statement:
    if not isinstance(statement, ChargeFacts):
        return statement
    charge, gateway = statement.charge, get_gateway(patient=False)
    if charge.balance_transaction_id and not (payment and payment.stripe_balance_transaction_id):
        movement = gateway.retrieve_balance_transaction(charge.balance_transaction_id)
        statement = replace(statement, balance_transaction=movement)
    if charge.amount_refunded != _known_refunds(payment):
        statement = replace(statement, refunds=tuple(gateway.list_refunds(charge.payment_intent_id)))
    return statement


def _known_refunds(payment: Transaction | None) -> int:
    """Return how much went back of a payment, or is on its way, as far as Stripe has told us."""
    if payment is None:
        return 0
    return Refund.objects.filter(payment=payment, stripe_refund_id__isnull=False).reserving()
