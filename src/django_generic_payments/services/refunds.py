"""
Sending money back.

Three phases, as with checkouts: a short transaction reserves the amount under the session's lock; Stripe is asked with
no transaction open and a key made from our row; a short transaction books the answer.
"""

from __future__ import annotations

import logging
from typing import Any
from uuid import uuid4

from django.db import DatabaseError, transaction
from django.db.models import Q
from django.utils import timezone

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import RefundStatus
from django_generic_payments.exceptions import GatewayError, IdempotencyKeyReused, RefundRefused
from django_generic_payments.models import PaymentSession, Refund, Transaction
from django_generic_payments.money import Money, format_amount
from django_generic_payments.retries import UNDER_WAY, is_exhausted
from django_generic_payments.services.delivery import current_event, deliver, note_refund
from django_generic_payments.services.refund_requests import REASONS, name_of, new_refund
from django_generic_payments.services.refund_sending import send_refund
from django_generic_payments.transactions import database_alias, in_transaction, limit_lock_wait

__all__ = [
    "begin_refund",
    "refund_payment",
    "reserve_refund",
    "resume_refund",
    "resume_refunds",
    "start_refund",
]

logger = logging.getLogger("django_generic_payments")


def refund_payment(
    session: PaymentSession,
    amount: Money | None = None,
    *,
    reason: str = "",
    by: Any = None,
    idempotency_key: str | None = None,
    force: bool = False,
) -> Refund:
    """
    Send the payer of a session their money back, or a part of it.

    ``amount`` is what remains if it is ``None``. ``reason`` is one of Stripe's: ``duplicate``, ``fraudulent`` (which
    also blocks the card) or ``requested_by_customer``. ``by`` is a user or a name, for the books. The same
    ``idempotency_key`` with the same request is one refund; without a key, a call whose outcome is still unknown is
    taken up again by the next one of the same amount. ``force`` sends money although a bank disputes the payment.

    Inside a transaction, and so in a receiver, the refund is only reserved (``requested``): it is sent once the
    transaction has committed, and ``refund_failed`` tells of a refusal.

    Raises ``RefundRefused`` when it cannot be sent, ``IdempotencyKeyReused``, or a ``GatewayError``; after
    ``GatewayUnavailable`` the same call is safe to repeat. Source: https://docs.stripe.com/api/refunds/create.
    """
    refund, _is_new = begin_refund(
        session, amount, reason=reason, by=by, idempotency_key=idempotency_key, force=force
    )
    return refund


def begin_refund(
    session: PaymentSession,
    amount: Money | None = None,
    *,
    reason: str = "",
    by: Any = None,
    idempotency_key: str | None = None,
    force: bool = False,
) -> tuple[Refund, bool]:
    """Do as ``refund_payment``, and return the refund and whether it is a new one."""
    if reason not in REASONS:
        raise ValueError(f"{reason!r} is no reason that Stripe takes. Use one of {', '.join(REASONS[1:])}.")
    with transaction.atomic(using=database_alias()):
        limit_lock_wait()
        session = PaymentSession.objects.locked().get(pk=session.pk)
        earlier = _find_earlier(session, amount, reason, idempotency_key, force)
        refund = earlier or reserve_refund(
            session, amount, reason=reason, by=by, idempotency_key=idempotency_key, force=force
        )
    return start_refund(refund), earlier is None


def start_refund(refund: Refund) -> Refund:
    """Send a refund that is reserved, or leave that to the end of the transaction. Raises as ``refund_payment``."""
    if refund.status == RefundStatus.REQUESTED:
        if in_transaction():
            if not note_refund(refund):
                transaction.on_commit(lambda: _send_later(refund), using=database_alias())
            return refund
        try:
            deliver(send_refund(refund))
        except DatabaseError as error:
            # Perhaps the money has gone: an error would have the caller ask for it once more. Its webhook, or a
            # worker, books what Stripe answered.
            logger.error("The answer about refund %s is not stored yet: %s.", refund.pk, type(error).__name__)
        refund.refresh_from_db()
    if refund.status == RefundStatus.FAILED and refund.stripe_refund_id is None:
        raise RefundRefused(
            f"Stripe refused to send {refund.money} back: {refund.failure_reason}.",
            code=refund.failure_reason,
            refund=refund,
        )
    return refund


def _send_later(refund: Refund) -> bool:
    """Send a refund of which nobody waits to hear; return whether Stripe has answered."""
    try:
        deliver(send_refund(refund, patient=False))
    except (GatewayError, DatabaseError) as error:
        logger.warning("Refund %s is not sent yet: %s.", refund.pk, type(error).__name__)
        return False
    return True


def resume_refund(refund: Refund) -> bool:
    """
    Send a refund that is still requested because Stripe did not answer; return whether it has answered now.

    It is asked for until there is an answer, because the payer was promised the money.
    """
    was_sent = _send_later(refund)
    if not was_sent and is_exhausted(refund.attempts + 1, refund.created):
        logger.critical("Refund %s of session %s is not sent for a week.", refund.pk, refund.session_id)
    return was_sent


def resume_refunds() -> int:
    """
    Send what is still requested and could not be sent, and return how many refunds that settled.

    For a cron job, where no ``payments_work`` runs.
    """
    unanswered = Refund.objects.requested().filter(created__lt=timezone.now() - UNDER_WAY)
    # Of a payment of the other mode our key would be told that it does not exist, and the refund would count as failed.
    waiting = unanswered.filter(session__livemode=get_settings().livemode)
    return sum(_send_later(refund) for refund in waiting)


def _find_earlier(
    session: PaymentSession, amount: Money | None, reason: str, idempotency_key: str | None, force: bool
) -> Refund | None:
    """Return the refund that this call asked for before."""
    if idempotency_key is None:
        return _find_unanswered(session, amount, reason, force)
    known = session.refunds.filter(idempotency_key=idempotency_key).first()
    if known is not None and (known.reason != reason or (amount is not None and known.money != amount)):
        raise IdempotencyKeyReused(
            f"The idempotency key {idempotency_key!r} was used for another refund. Use a new one.",
            session=session,
        )
    return known


def _find_unanswered(
    session: PaymentSession, amount: Money | None, reason: str, force: bool
) -> Refund | None:
    gone = Q(created__lt=timezone.now() - UNDER_WAY)
    unanswered = session.refunds.requested().filter(gone | ~Q(last_error=""), reason=reason)
    if amount is not None:
        unanswered = unanswered.filter(amount=amount.amount, currency=amount.currency)
    found = unanswered.first()
    if found is None or amount is not None:
        return found
    # What remains goes back, and only if nothing does can this call mean what is on its way.
    _payment, left = session.transactions.refundable(despite_disputes=force)
    return None if left else found


def reserve_refund(
    session: PaymentSession,
    amount: Money | None,
    *,
    reason: str = "",
    by: Any = None,
    idempotency_key: str | None = None,
    payment: Transaction | None = None,
    force: bool = False,
) -> Refund:
    """
    Write a refund down that is still to be sent, of a session that the caller has locked.

    ``payment`` is the oldest one that has something left unless told. Raises ``RefundRefused``.
    """
    if not session.transactions.payments().exists():
        raise RefundRefused(f"Session {session.pk} is not paid, so there is nothing to send back.")
    if not force and session.disputes.blocking_refunds().exists():
        raise RefundRefused(
            "The payer disputes this payment at their bank, which has the money or takes it: a refund would send it "
            "twice. Answer the dispute, or pass force=True."
        )
    if payment is None:
        currency = amount.currency if amount else ""
        payment, left = session.transactions.refundable(currency, despite_disputes=force)
    else:
        left = payment.left_to_refund(despite_disputes=force)
    wanted = left if amount is None else amount.amount
    if payment is None or not 0 < wanted <= left or (amount and amount.currency != payment.currency):
        most = format_amount(left, payment.currency) if payment else session.refundable
        raise RefundRefused(f"Of session {session.pk}, {most} can be sent back, and not {amount or 'more'}.")
    refund = new_refund(
        payment,
        wanted,
        reason=reason,
        requested_by=name_of(by),
        idempotency_key=idempotency_key or str(uuid4()),
        because_of=current_event(),
    )
    refund.save(force_insert=True)
    return refund
