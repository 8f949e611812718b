"""What an object from Stripe says of a payment session, and how an object is known to be ours."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Literal
from uuid import UUID, uuid4

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import Cause
from django_generic_payments.exceptions import UnreadableObject
from django_generic_payments.gateway import (
    BalanceTransaction,
    Charge,
    CheckoutSession,
    Contact,
    Dispute,
    PaymentIntent,
    Refund,
)
from django_generic_payments.models import PaymentSession

__all__ = [
    "MARKER_APP",
    "MARKER_REFUND",
    "ChargeFacts",
    "DisputeFacts",
    "Facts",
    "Learnt",
    "RefundFacts",
    "Statement",
    "closed_by",
    "closing_key",
    "facts_of_charge",
    "facts_of_checkout",
    "facts_of_dispute",
    "facts_of_intent",
    "facts_of_refund",
    "is_marked",
    "marker",
    "refunds_in",
]

MARKER_APP = "generic_payments_app"
MARKER_SESSION = "generic_payments_session"
MARKER_REFUND = "generic_payments_refund"


@dataclass(frozen=True)
class Learnt:
    """How facts came to us: the timeline names it."""

    cause: Cause
    by: str = ""


@dataclass(frozen=True)
class Statement:
    """What an object from Stripe says, and how the payment session is found that it is about."""

    occurred_at: datetime
    livemode: bool
    #: Of the event that brought the object, where one did.
    event_livemode: bool | None = None
    app: str = ""
    session_id: UUID | None = None
    account: str = ""
    checkout_session_id: str = ""
    payment_intent_id: str = ""

    @property
    def is_marked(self) -> bool:
        """Whether this project put its mark on the object when it asked for it."""
        return self.session_id is not None and self.app == get_settings().APP_NAME

    @property
    def is_of_mode(self) -> bool:
        """Whether the object and the event that brought it are of one mode."""
        return self.event_livemode in {None, self.livemode}


@dataclass(frozen=True)
class Facts(Statement):
    """What one object from Stripe says of one payment session."""

    mode: str = "payment"
    charge_id: str = ""
    url: str = ""
    expires_at: datetime | None = None
    amount: int | None = None
    currency: str = ""
    contact: Contact | None = None
    completed: bool = False
    processing: bool = False
    paid: bool = False
    failed: bool = False
    expired: bool = False
    canceled: bool = False
    #: We closed the checkout to open another, of which nobody needs to hear.
    replaced: bool = False
    #: Why an attempt was declined; the checkout stays open.
    declined: str = ""


@dataclass(frozen=True, kw_only=True)
class RefundFacts(Statement):
    """What a refund says of the session that it pays back."""

    refund: Refund
    #: Our row, where the refund is the answer to our own call.
    row_id: UUID | None = None


@dataclass(frozen=True, kw_only=True)
class DisputeFacts(Statement):
    """What a dispute says of the session that it is about."""

    dispute: Dispute


@dataclass(frozen=True, kw_only=True)
class ChargeFacts(Statement):
    """What a charge says of the session that it paid: its fee, and what else Stripe was asked because of it."""

    charge: Charge
    balance_transaction: BalanceTransaction | None = None
    refunds: tuple[Refund, ...] = ()


def refunds_in(statement: Statement) -> tuple[Refund, ...]:
    """Return the refunds that a statement tells of."""
    if isinstance(statement, RefundFacts):
        return (statement.refund,)
    return statement.refunds if isinstance(statement, ChargeFacts) else ()


def marker(session: PaymentSession) -> dict[str, str]:
    """Return the metadata by which an object at Stripe is known to be ours."""
    return {MARKER_APP: get_settings().APP_NAME, MARKER_SESSION: str(session.pk)}


def is_marked(metadata: object) -> bool:
    """Tell whether metadata carries this project's mark."""
    app, session_id = _marked(metadata)
    return session_id is not None and app == get_settings().APP_NAME


def closing_key(session: PaymentSession, closing: Literal["cancel", "expire", "replace"]) -> str:
    """
    Return an idempotency key that says why we close a checkout.

    Stripe's event of it names the key, and may arrive before the answer to our call. Random at its end: a call that is
    repeated is a new one, because closing twice does no harm and a kept error would.
    """
    return f"gp-{closing}-{session.pk}-{uuid4().hex[:12]}"


def closed_by(facts: Facts, idempotency_key: str) -> Facts:
    """Add to the facts of a closed checkout what the key of the call that closed it says."""
    replaced = idempotency_key.startswith("gp-replace-")
    canceled = replaced or idempotency_key.startswith("gp-cancel-")
    return replace(facts, replaced=replaced, canceled=canceled)


def facts_of_checkout(
    checkout: CheckoutSession, occurred_at: datetime, *, account: str = "", failed: bool = False
) -> Facts:
    """
    Return the facts in a Checkout Session.

    A delayed payment that failed looks like one that is still processing: ``failed`` says that the event was of that
    type, or else the expanded payment intent tells. Source: https://docs.stripe.com/checkout/fulfillment.
    """
    completed = checkout.status == "complete"
    unpaid = completed and checkout.payment_status == "unpaid"
    intent = checkout.payment_intent
    failed = failed or (
        unpaid and intent is not None and intent.status in {"requires_payment_method", "canceled"}
    )
    paid = completed and checkout.payment_status in {"paid", "no_payment_required"}
    if paid and (checkout.amount_total is None or not checkout.currency):
        raise UnreadableObject(
            "The paid checkout.session from Stripe has no usable 'amount_total' or 'currency'."
        )
    app, session_id = _marked(checkout.metadata)
    return Facts(
        occurred_at=occurred_at,
        livemode=checkout.livemode,
        app=app,
        session_id=session_id,
        account=account,
        mode=checkout.mode,
        checkout_session_id=checkout.id,
        payment_intent_id=checkout.payment_intent_id,
        charge_id=intent.latest_charge if intent else "",
        url=checkout.url,
        expires_at=checkout.expires_at,
        amount=checkout.amount_total,
        currency=checkout.currency,
        contact=checkout.contact,
        completed=completed,
        processing=unpaid and not failed,
        # "no_payment_required" is a payment of nothing, which never matches what was asked for.
        paid=paid,
        failed=failed,
        expired=checkout.status == "expired",
    )


def facts_of_intent(
    intent: PaymentIntent,
    occurred_at: datetime,
    *,
    account: str = "",
    declined: bool = False,
) -> Facts:
    """
    Return the facts in a PaymentIntent.

    ``declined`` says that the event was about an attempt that failed: the checkout stays open, and the payer may try
    again. Source: https://docs.stripe.com/payments/paymentintents/lifecycle.
    """
    app, session_id = _marked(intent.metadata)
    canceled = intent.status == "canceled"
    # When a checkout runs out, its intent may be canceled with it. Whether Stripe says so twice or once is not
    # documented: both must come to the same.
    ran_out = intent.cancellation_reason in {"automatic", "expired"}
    return Facts(
        occurred_at=occurred_at,
        livemode=intent.livemode,
        app=app,
        session_id=session_id,
        account=account,
        payment_intent_id=intent.id,
        charge_id=intent.latest_charge,
        amount=intent.amount_received,
        currency=intent.currency,
        processing=intent.status == "processing",
        paid=intent.status == "succeeded",
        expired=canceled and ran_out,
        canceled=canceled and not ran_out,
        declined=(intent.decline_code or "declined") if declined else "",
    )


def facts_of_refund(
    refund: Refund,
    occurred_at: datetime,
    *,
    livemode: bool,
    account: str = "",
    row_id: UUID | None = None,
) -> RefundFacts:
    """Return the facts in a refund, which has no mode of its own; one that we started carries our mark."""
    app, session_id = _marked(refund.metadata)
    return RefundFacts(
        occurred_at=occurred_at,
        livemode=livemode,
        app=app,
        session_id=session_id,
        account=account,
        payment_intent_id=refund.payment_intent_id,
        refund=refund,
        row_id=row_id,
    )


def facts_of_dispute(dispute: Dispute, occurred_at: datetime, *, account: str = "") -> DisputeFacts:
    """Return the facts in a dispute, which knows the payment by its intent alone."""
    return DisputeFacts(
        occurred_at=occurred_at,
        livemode=dispute.livemode,
        account=account,
        payment_intent_id=dispute.payment_intent_id,
        dispute=dispute,
    )


def facts_of_charge(charge: Charge, occurred_at: datetime, *, account: str = "") -> ChargeFacts:
    """Return the facts in a charge, which inherits the mark of its payment intent."""
    app, session_id = _marked(charge.metadata)
    return ChargeFacts(
        occurred_at=occurred_at,
        livemode=charge.livemode,
        app=app,
        session_id=session_id,
        account=account,
        payment_intent_id=charge.payment_intent_id,
        charge=charge,
    )


def _marked(metadata: object) -> tuple[str, UUID | None]:
    values = metadata if isinstance(metadata, dict) else {}
    try:
        return str(values.get(MARKER_APP, "")), UUID(str(values[MARKER_SESSION]))
    except (KeyError, ValueError):
        return "", None
