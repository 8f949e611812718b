"""
Starting, resuming and canceling checkouts.

Three phases: a short transaction takes the slot and freezes the parameters; Stripe is asked with no transaction open;
a short transaction stores the answer. The first is here, the others are in ``opening``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.db import transaction
from django.utils import timezone

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import Cause, EventKind, SessionStatus
from django_generic_payments.exceptions import (
    AlreadyPaid,
    CheckoutClosed,
    CheckoutOpen,
    IdempotencyKeyReused,
    PaymentInProgress,
    PaymentsDisabled,
)
from django_generic_payments.models import Customer, PaymentEvent, PaymentSession
from django_generic_payments.retries import UNDER_WAY
from django_generic_payments.services.closing import close, close_at_stripe, expire
from django_generic_payments.services.facts import Learnt
from django_generic_payments.services.opening import open_checkout
from django_generic_payments.services.requests import CheckoutRequest, past_paying
from django_generic_payments.services.sync import learn
from django_generic_payments.transactions import database_alias, in_transaction

__all__ = ["begin_checkout", "cancel_checkout", "resume_checkout", "start_checkout"]

# Each round ends because somebody else took or gave back the slot, so that a few rounds are plenty.
_ROUNDS = 5
# A checkout that ends within this many seconds is not worth handing out.
_MARGIN = 60


def start_checkout(
    payable: Any,
    *,
    user: Any | None = None,
    customer: Customer | None = None,
    purpose: str = "",
    currency: str | None = None,
    success_url: str | None = None,
    cancel_url: str | None = None,
    idempotency_key: str | None = None,
    metadata: Mapping[str, str] | None = None,
) -> PaymentSession:
    """
    Open a checkout for a payable, or return the one that is open, and send the payer to its ``checkout_url``.

    The amount, the description and the lines are asked of the payable. ``user`` gets a customer at Stripe;
    ``success_url`` and ``cancel_url`` lead to our own or allowed hosts. The same ``idempotency_key`` with the same
    request returns the same session; one that was opened without a key keeps none. An open checkout is shared, unless
    it was opened for another payer, whose details nobody else sees: that one is replaced. Inside a transaction Stripe
    is not called: ``checkout_url`` is then the pay link.

    Raises ``AlreadyPaid``, ``PaymentInProgress``, ``NothingToPay``, ``PaymentsDisabled``, ``CheckoutOpen`` (inside a
    transaction, when an open checkout at another price would have to be closed at Stripe first),
    ``IdempotencyKeyReused``, ``PayableError``, ``UnsafeRedirect``, or a ``GatewayError``; after ``GatewayUnavailable``
    the same call is safe to repeat.
    """
    session, _is_new = begin_checkout(
        payable,
        user=user,
        customer=customer,
        purpose=purpose,
        currency=currency,
        success_url=success_url,
        cancel_url=cancel_url,
        idempotency_key=idempotency_key,
        metadata=metadata,
    )
    return session


def begin_checkout(payable: Any, **options: Any) -> tuple[PaymentSession, bool]:
    """Do as ``start_checkout``, and return the session and whether it is a new one."""
    if not get_settings().ENABLED:
        raise PaymentsDisabled(
            "Payments are switched off (GENERIC_PAYMENTS['ENABLED']). Ask payment_required() first."
        )
    return _start(CheckoutRequest.build(payable, **options))


def resume_checkout(session: PaymentSession) -> PaymentSession:
    """
    Return a session whose ``checkout_url`` can be paid now, for whoever holds the pay link.

    A checkout that has run out is replaced by a new one at today's price. Raises ``AlreadyPaid``,
    ``PaymentInProgress``, ``CheckoutClosed`` (canceled, or what was to be paid for is gone), or as ``start_checkout``.
    """
    is_gone = session.registered_type.load(session.payable_id) is None
    if session.status == SessionStatus.PENDING and session.is_due(margin=_MARGIN):
        session = expire(session, replaced=not is_gone)
    status = SessionStatus(session.status)
    if status.is_paid:
        raise AlreadyPaid("This is paid for.", session=session)
    if status is SessionStatus.PROCESSING:
        raise PaymentInProgress("A payment is on its way.", session=session)
    if is_gone:
        raise CheckoutClosed("What was to be paid for is gone.", session=session)
    if session.livemode != get_settings().livemode:
        raise CheckoutClosed("This payment was asked for in the other mode, test or live.", session=session)
    if status.is_open:
        return open_checkout(session)
    if status is SessionStatus.CANCELED and _was_canceled(session):
        raise CheckoutClosed("This payment was canceled.", session=session)
    return _start_again(session)


def cancel_checkout(target: PaymentSession | Any, *, by: str = "") -> list[PaymentSession]:
    """
    Close a session, or everything that is open for a payable, so that it cannot be paid; return what was closed.

    ``by`` names the person for the timeline. Receivers hear ``payment_canceled``. Raises ``AlreadyPaid`` or
    ``PaymentInProgress`` for a session that is past canceling, and ``TransactionOpen`` inside a transaction when
    Stripe would have to be called.
    """
    if isinstance(target, PaymentSession):
        sessions = [target]
    else:
        # Whatever holds a slot: what is open is closed, and nobody is left to believe that what is paid was canceled.
        mine = PaymentSession.objects.for_payable(target).filter(livemode=get_settings().livemode)
        sessions = list(mine.filter(slot__isnull=False))
    ended = [_cancel(each, by) for each in sessions]
    for session in ended:
        if SessionStatus(session.status).is_paid:
            raise AlreadyPaid("It is paid for and cannot be canceled. Refund it.", session=session)
        if session.status == SessionStatus.PROCESSING:
            raise PaymentInProgress(
                "A delayed payment is on its way and cannot be canceled.", session=session
            )
    return [session for session in ended if session.status == SessionStatus.CANCELED]


def _start(request: CheckoutRequest) -> tuple[PaymentSession, bool]:
    for _round in range(_ROUNDS):
        new = request.new_session()
        if not in_transaction():
            new.next_attempt_at = timezone.now() + UNDER_WAY
        with transaction.atomic(using=database_alias()):
            inserted = PaymentSession.objects.insert_once(new)
        session = new if inserted else _find_existing(request)
        if session is None:
            continue
        if in_transaction() or not SessionStatus(session.status).is_open:
            return session, inserted
        try:
            return open_checkout(session), inserted
        except CheckoutClosed:
            continue  # somebody replaced or canceled it at the same moment
    raise CheckoutOpen(f"Others keep opening checkouts for {request.slot}. Try again.")


def _find_existing(request: CheckoutRequest) -> PaymentSession | None:
    """Return the session that serves the request, ``None`` when the slot is free again, or raise what is in the way."""
    if request.idempotency_key is not None:
        known = PaymentSession.objects.filter(
            idempotency_scope=request.scope, idempotency_key=request.idempotency_key
        ).first()
        if known is not None:
            if known.request_fingerprint != request.fingerprint:
                raise IdempotencyKeyReused(
                    f"The idempotency key {request.idempotency_key!r} was used for another request. Use a new one.",
                    session=known,
                )
            return known
    holder = PaymentSession.objects.filter(slot=request.slot).first()
    if holder is None:
        return None
    if in_the_way := past_paying(holder):
        raise in_the_way
    # Inside a transaction one that has run out is handed out too: its pay link opens another.
    if request.may_reuse(holder) and (in_transaction() or not holder.is_due(margin=_MARGIN)):
        return _redirected(holder, request)
    _replace(holder)
    return None


def _redirected(session: PaymentSession, request: CheckoutRequest) -> PaymentSession:
    # Stripe sends the payer to our return page, which decides where they land: the newest wish counts.
    if session.success_url != request.success_url or (session.owner_id is None and request.user is not None):
        session.success_url, session.owner = request.success_url, session.owner or request.user
        session.save(update_fields=["success_url", "owner"])
    return session


def _replace(holder: PaymentSession) -> None:
    """Free the slot of an open session, and tell nobody: its payable is about to have another."""
    if not holder.stripe_checkout_session_id:
        # Nobody was ever given an address to pay at. If Stripe is being asked at this moment, the answer will find
        # the session ended and close the checkout.
        close(holder, "canceled_at")
        return
    if in_transaction():
        raise CheckoutOpen(
            f"An open checkout for {holder.full_slot} must be closed at Stripe before another can replace it, and "
            "Stripe is not called inside a transaction. Call start_checkout() outside of it, or in on_commit().",
            session=holder,
        )
    expire(holder, replaced=True)


def _cancel(session: PaymentSession, by: str) -> PaymentSession:
    learnt = Learnt(Cause.PERSON, by)
    if session.stripe_checkout_session_id and SessionStatus(session.status).is_open:
        checkout = close_at_stripe(session, "cancel")
        if checkout is not None and checkout.status != "expired":
            session = learn(session, checkout, learnt)
    closed = close(session, "canceled_at", announce=(EventKind.PAYMENT_CANCELED, learnt))
    # Opened at Stripe while we looked away: now there is something to close there.
    return _cancel(closed, by) if SessionStatus(closed.status).is_open else closed


def _was_canceled(session: PaymentSession) -> bool:
    """Tell a session that somebody called off from one that was only replaced."""
    return PaymentEvent.objects.filter(session=session, kind=EventKind.PAYMENT_CANCELED).exists()


def _start_again(session: PaymentSession) -> PaymentSession:
    payable = session.registered_type.load(session.payable_id)
    if payable is None:
        raise CheckoutClosed("What was to be paid for is gone.", session=session)
    request = CheckoutRequest.build(
        payable,
        # A checkout that was open to anybody is not filled in with the details of whoever used it too.
        user=session.owner if session.customer_id else None,
        customer=session.customer if session.owner is None else None,
        purpose=session.purpose,
        currency=session.currency,
        success_url=session.success_url,
        cancel_url=session.cancel_url,
        idempotency_key=None,
        metadata=session.metadata,
    )
    return _start(request)[0]
