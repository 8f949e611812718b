"""
Asking Stripe for a refund that is reserved, and booking its answer.

A call whose outcome is unknown is repeated with the same key and the same parameters while Stripe keeps the key, and
after that looked for at Stripe: it is never made a second time under another key.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Iterable
from uuid import UUID

from django.db import DatabaseError, transaction
from django.utils import timezone

from django_generic_payments import gateway as stripe
from django_generic_payments.conf import get_settings
from django_generic_payments.enums import Cause, RefundStatus, TransactionKind
from django_generic_payments.exceptions import ErrorRepeated, GatewayError, GatewayRefused, GatewayUnavailable
from django_generic_payments.models import PaymentEvent, PaymentSession, Refund
from django_generic_payments.services.after_sale import apply_statement
from django_generic_payments.services.bookkeeping import announce_failed_refund, save_changes, saved_values
from django_generic_payments.services.facts import MARKER_REFUND, Learnt, facts_of_refund
from django_generic_payments.services.fees import fill_fee_of
from django_generic_payments.transactions import database_alias, limit_lock_wait

__all__ = ["fill_refund_fees", "learn_refund", "send_refund"]

logger = logging.getLogger("django_generic_payments")

#: Why a refund failed that Stripe never made.
NEVER_MADE = "never_made"


def send_refund(refund: Refund, *, patient: bool = True) -> list[PaymentEvent]:
    """
    Ask Stripe for a refund that is reserved, and return what is news; harmless to repeat.

    A refusal of Stripe is news too: the refund has failed, and what it reserved is free again. Raises ``GatewayError``
    when the outcome is unknown, and the refund stays ``requested``; soon, unless ``patient``.
    """
    # One that a receiver rolled back again is not there any more.
    requested = Refund.objects.requested().filter(pk=refund.pk).select_related("session", "payment").first()
    if requested is None:
        return []
    try:
        return _settle(requested, patient)
    except (GatewayError, DatabaseError) as error:
        Refund.objects.requested().filter(pk=refund.pk).update(last_error=type(error).__name__)
        raise


def _settle(refund: Refund, patient: bool) -> list[PaymentEvent]:
    if refund.session.livemode != get_settings().livemode:
        raise GatewayUnavailable("The refund is of the other mode, test or live, than the key.")
    try:
        answer = _ask(refund, stripe.get_gateway(patient=patient))
    except GatewayRefused as error:
        if error.code == "resource_missing" and error.param == "payment_intent":
            # We have booked it: the key is one of another account, and says nothing of the refund.
            raise GatewayUnavailable(str(error), code=error.code) from error
        return _give_up(refund, error.code or "refused")
    if answer is None:
        logger.critical("Refund %s of session %s was never made.", refund.pk, refund.session_id)
        return _give_up(refund, NEVER_MADE)
    return learn_refund(refund.session, answer, Learnt(Cause.PERSON, refund.requested_by), row_id=refund.pk)


def learn_refund(
    session: PaymentSession, answer: stripe.Refund, learnt: Learnt, *, row_id: UUID | None = None
) -> list[PaymentEvent]:
    """
    Merge an answer of Stripe about a refund, and return what is news; receivers are the caller's to tell.

    ``row_id`` is our row, if we asked for it.
    """
    with transaction.atomic(using=database_alias(), durable=True):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=session.pk)
        facts = facts_of_refund(answer, timezone.now(), livemode=session.livemode, row_id=row_id)
        events = apply_statement(session, facts, learnt)
    fill_refund_fees(session, [answer])
    return events


def fill_refund_fees(session: PaymentSession, answers: Iterable[stripe.Refund]) -> None:
    """Ask what refunds and their failures cost, where Stripe has booked them and we do not know yet."""
    booked = {
        (kind, answer.id): movement
        for answer in answers
        for kind, movement in (
            (TransactionKind.REFUND.value, answer.balance_transaction_id),
            (TransactionKind.REFUND_REVERSAL.value, answer.failure_balance_transaction_id),
        )
        if movement
    }
    if not booked:
        return
    for row in session.transactions.without_fee().filter(source_id__in={source for _kind, source in booked}):
        if movement := booked.get((row.kind, row.source_id)):
            fill_fee_of(row, movement)


def _ask(refund: Refund, gateway: stripe.StripeGateway) -> stripe.Refund | None:
    if refund.created < timezone.now() - stripe.KEY_IS_KEPT_FOR:
        return _find(refund, gateway)
    try:
        return gateway.create_refund(json.loads(refund.stripe_params), idempotency_key=f"gp-re-{refund.pk}")
    except (ErrorRepeated, GatewayRefused) as error:
        # Stripe repeats an error of its own, or says that the key was used with other parameters (an upgrade may send
        # more than we did at first): the refund may well exist.
        if isinstance(error, GatewayRefused) and error.code != "idempotency_error":
            raise
        found = _find(refund, gateway)
        if found is None:
            raise ErrorRepeated(str(error), code=error.code) from error
        return found


def _find(refund: Refund, gateway: stripe.StripeGateway) -> stripe.Refund | None:
    """Return the refund as Stripe has it, ``None`` if it was never made."""
    try:
        refunds = gateway.list_refunds(refund.payment.source_id)
    except GatewayRefused as error:
        # That we may not look says nothing of the refund.
        raise GatewayUnavailable(str(error), code=error.code) from error
    return next((each for each in refunds if each.metadata.get(MARKER_REFUND) == str(refund.pk)), None)


def _give_up(refund: Refund, reason: str) -> list[PaymentEvent]:
    with transaction.atomic(using=database_alias(), durable=True):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=refund.session_id)
        # An event may have been faster than the answer.
        if not session.refunds.requested().filter(pk=refund.pk).exists():
            return []
        refund.status, refund.failure_reason = RefundStatus.FAILED, reason[:64]
        refund.last_error, refund.next_attempt_at = "", None
        refund.save(update_fields=["status", "failure_reason", "last_error", "next_attempt_at"])
        before = saved_values(session)
        events = announce_failed_refund(
            session, refund, timezone.now(), Learnt(Cause.PERSON, refund.requested_by)
        )
        save_changes(session, before)
        return events
