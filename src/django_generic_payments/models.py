"""
The tables: Customer → PaymentSession → Transaction, Refund, Dispute; WebhookEvent → PaymentEvent.

Amounts are integers in Stripe's minor unit, currencies lower case. A session stores facts, each set once and never
unset; its status is a function of them, so that neither the order nor the number of deliveries can matter.
"""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Any, ClassVar, NoReturn

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from model_utils.models import TimeStampedModel

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import (
    Cause,
    DeliveryState,
    DisputeStatus,
    EventKind,
    RefundStatus,
    ReviewReason,
    SessionStatus,
    TransactionKind,
    WebhookState,
)
from django_generic_payments.managers import (
    DisputeQuerySet,
    InsertOnceQuerySet,
    PaymentEventQuerySet,
    PaymentSessionQuerySet,
    RefundQuerySet,
    TransactionQuerySet,
    WebhookEventQuerySet,
    slot_prefix,
)
from django_generic_payments.money import Money, format_amount
from django_generic_payments.payables import PayableType, get_payable_type
from django_generic_payments.retries import Retried, due_index

__all__ = [
    "Customer",
    "Dispute",
    "PaymentEvent",
    "PaymentSession",
    "Refund",
    "Transaction",
    "WebhookEvent",
]


class UUIDModel(TimeStampedModel):
    """A row with a key that says nothing and can be chosen before it is inserted."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)

    class Meta:
        abstract = True


class Customer(UUIDModel):
    """
    Somebody who pays.

    A payer with an account has one row per mode and a customer at Stripe. A guest gets a row from what was typed in a
    completed checkout, and is never merged with another by an e-mail address that was only typed.
    """

    user = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.SET_NULL,
        null=True,
        blank=True,
        related_name="+",
        db_index=False,
    )
    email = models.CharField(_("e-mail"), max_length=254, blank=True)
    name = models.CharField(_("name"), max_length=255, blank=True)
    phone = models.CharField(_("phone"), max_length=64, blank=True)
    stripe_customer_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 (NULL is not unique)
    livemode = models.BooleanField(_("live mode"))

    objects: ClassVar[InsertOnceQuerySet[Customer]] = InsertOnceQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"  # what a foreign key leads to is not read from a replica either
        verbose_name = _("customer")
        verbose_name_plural = _("customers")
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_customer_id"], name="generic_payments_customer_stripe_id"
            ),
            models.UniqueConstraint(fields=["user", "livemode"], name="generic_payments_customer_user"),
        ]

    def __str__(self) -> str:
        return self.stripe_customer_id or str(self.pk)


class PaymentSession(Retried, UUIDModel):
    """
    One attempt to be paid for one payable through Stripe Checkout.

    ``next_attempt_at`` is set while Stripe is being asked for the checkout, for the case that its answer never comes.
    """

    payable_type = models.CharField(_("payable type"), max_length=100)
    payable_id = models.CharField(_("payable id"), max_length=128)
    purpose = models.CharField(_("purpose"), max_length=50, blank=True, default="")
    #: ``type:id:purpose`` while this session holds the right to be paid for it, else ``NULL``. Its uniqueness is what
    #: refuses a second checkout.
    slot = models.CharField(max_length=300, null=True, blank=True, editable=False)  # noqa: DJ001 (NULL is not unique)
    owner = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.SET_NULL, null=True, blank=True, related_name="+"
    )
    customer = models.ForeignKey(
        Customer, on_delete=models.SET_NULL, null=True, blank=True, related_name="payment_sessions"
    )
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    description = models.TextField(_("description"), blank=True)
    metadata = models.JSONField(_("metadata"), default=dict, blank=True)
    livemode = models.BooleanField(_("live mode"))

    status = models.CharField(
        _("status"),
        max_length=32,
        choices=SessionStatus.choices,
        default=SessionStatus.CREATED,
        editable=False,
    )
    completed_at = models.DateTimeField(_("completed at"), null=True, blank=True)
    processing_at = models.DateTimeField(_("processing since"), null=True, blank=True)
    paid_at = models.DateTimeField(_("paid at"), null=True, blank=True)
    failed_at = models.DateTimeField(_("failed at"), null=True, blank=True)
    expired_at = models.DateTimeField(_("expired at"), null=True, blank=True)
    canceled_at = models.DateTimeField(_("canceled at"), null=True, blank=True)
    paid_amount = models.BigIntegerField(default=0)
    refunded_amount = models.BigIntegerField(default=0)

    review_reason = models.CharField(
        _("review reason"), max_length=32, choices=ReviewReason.choices, blank=True
    )
    review_decision = models.CharField(_("review decision"), max_length=32, blank=True)
    review_note = models.TextField(_("review note"), blank=True)
    reviewed_by = models.CharField(max_length=255, blank=True)
    reviewed_at = models.DateTimeField(_("reviewed at"), null=True, blank=True)

    stripe_checkout_session_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    stripe_payment_intent_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001
    stripe_checkout_url = models.TextField(blank=True)
    expires_at = models.DateTimeField(_("checkout expires at"), null=True, blank=True)
    #: The parameters of the call that opens the checkout, as JSON text: a retry must be the same to the byte.
    stripe_params = models.TextField(blank=True)
    #: Which of its idempotency keys the call has: another one only where nothing can exist under those before.
    key_number = models.PositiveSmallIntegerField(default=1)
    synced_at = models.DateTimeField(_("synced at"), null=True, blank=True)

    idempotency_scope = models.CharField(max_length=100, blank=True)
    idempotency_key = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 (NULL is not unique)
    request_fingerprint = models.CharField(max_length=64, blank=True)
    success_url = models.TextField(blank=True)
    cancel_url = models.TextField(blank=True)

    objects: ClassVar[PaymentSessionQuerySet] = PaymentSessionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("payment session")
        verbose_name_plural = _("payment sessions")
        get_latest_by = "created"
        indexes = [
            models.Index(fields=["payable_type", "payable_id"], name="generic_payments_payable"),
            due_index("generic_payments_session_due"),
        ]
        constraints = [
            models.UniqueConstraint(fields=["slot"], name="generic_payments_session_slot"),
            models.UniqueConstraint(
                fields=["stripe_checkout_session_id"], name="generic_payments_session_checkout"
            ),
            models.UniqueConstraint(
                fields=["stripe_payment_intent_id"], name="generic_payments_session_intent"
            ),
            models.UniqueConstraint(
                fields=["idempotency_scope", "idempotency_key"], name="generic_payments_session_key"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="generic_payments_session_amount"),
            models.CheckConstraint(
                condition=Q(status__in=SessionStatus.values), name="generic_payments_session_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.payable_type}:{self.payable_id} {self.get_status_display()}"

    @property
    def money(self) -> Money:
        """What is asked for."""
        return Money(self.amount, self.currency)

    @property
    def full_slot(self) -> str:
        """The slot this session holds, or would hold."""
        return slot_of(self.payable_type, self.payable_id, self.purpose, livemode=self.livemode)

    @property
    def registered_type(self) -> PayableType:
        """The type of what is paid for. Raises ``UnknownPayable`` if it is no longer registered."""
        return get_payable_type(self.payable_type)

    @property
    def pay_url(self) -> str:
        """Our own address of this session, absolute: it can be mailed and outlives the checkout at Stripe."""
        return get_settings().base_url + reverse("generic_payments:pay", args=[self.pk])

    @property
    def checkout_url(self) -> str:
        """Where to send the payer: the checkout at Stripe, or the pay link when it is not open yet, or no longer."""
        can_be_paid = SessionStatus(self.status).is_open and not self.is_due()
        return self.stripe_checkout_url if can_be_paid and self.stripe_checkout_url else self.pay_url

    def is_due(self, *, margin: int = 0) -> bool:
        """Tell whether the checkout at Stripe has run out, or will within ``margin`` seconds."""
        return self.expires_at is not None and self.expires_at <= timezone.now() + timedelta(seconds=margin)

    @property
    def derived_status(self) -> SessionStatus:
        """The status that follows from the facts. Money that arrived outweighs everything."""
        if self.paid_at:
            if self.refunded_amount <= 0:
                return SessionStatus.SUCCEEDED
            whole = self.refunded_amount >= self.paid_amount
            return SessionStatus.REFUNDED if whole else SessionStatus.PARTIALLY_REFUNDED
        for fact, status in _ENDINGS.items():
            if getattr(self, fact):
                return status
        if self.processing_at:
            return SessionStatus.PROCESSING
        return SessionStatus.PENDING if self.stripe_checkout_session_id else SessionStatus.CREATED

    @property
    def refundable(self) -> Money:
        """What can still be sent back; of the oldest payment that has something left, if there are more than one."""
        payment, left = self.transactions.refundable()
        return Money.at_most(left, payment.currency if payment else self.currency)

    @property
    def has_ended(self) -> bool:
        """No payment is to come any more, and none is kept: the slot is free for another session."""
        return self.derived_status in {*_ENDINGS.values(), SessionStatus.REFUNDED}


# In this order: a checkout that we canceled is also expired at Stripe, and stays canceled.
_ENDINGS = {
    "failed_at": SessionStatus.FAILED,
    "canceled_at": SessionStatus.CANCELED,
    "expired_at": SessionStatus.EXPIRED,
}


def slot_of(payable_type: str, payable_id: str, purpose: str, *, livemode: bool) -> str:
    """
    Return the slot of a payable and purpose: neither a type nor a purpose contains a colon.

    What was paid in test mode is not paid in live mode.
    """
    return f"{slot_prefix(livemode=livemode)}{payable_type}:{payable_id}:{purpose}"


class Transaction(UUIDModel):
    """A ledger row: money that moved. Rows are added, never changed in their amounts and never deleted."""

    session = models.ForeignKey(PaymentSession, on_delete=models.PROTECT, related_name="transactions")
    kind = models.CharField(_("kind"), max_length=32, choices=TransactionKind.choices)
    gross = models.BigIntegerField(_("gross"))
    currency = models.CharField(_("currency"), max_length=3)
    #: ``pi_…`` of a payment, ``re_…`` of a refund, ``txn_…`` of a dispute.
    source_id = models.CharField(max_length=255)
    stripe_charge_id = models.CharField(max_length=255, blank=True)
    occurred_at = models.DateTimeField(_("occurred at"))
    livemode = models.BooleanField(_("live mode"))

    settled_gross = models.BigIntegerField(_("settled gross"), null=True, blank=True)
    fee = models.BigIntegerField(_("fee"), null=True, blank=True)
    net = models.BigIntegerField(_("net"), null=True, blank=True)
    settlement_currency = models.CharField(max_length=3, blank=True)
    exchange_rate = models.DecimalField(
        _("exchange rate"), max_digits=20, decimal_places=10, null=True, blank=True
    )
    stripe_balance_transaction_id = models.CharField(max_length=255, blank=True)

    objects: ClassVar[TransactionQuerySet] = TransactionQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("transaction")
        verbose_name_plural = _("transactions")
        constraints = [
            models.UniqueConstraint(
                fields=["source_id", "kind", "livemode"], name="generic_payments_transaction_source"
            ),
            models.CheckConstraint(
                condition=Q(net__isnull=True, settled_gross__isnull=True, fee__isnull=True)
                | Q(net__isnull=False, settled_gross__isnull=False, fee__isnull=False)
                & Q(net=F("settled_gross") - F("fee")),
                name="generic_payments_transaction_net",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {format_amount(self.gross, self.currency)} {self.source_id}"

    def left_to_refund(self, *, despite_disputes: bool = False) -> int:
        """Return how much of a payment can still be sent back, in its minor unit."""
        total = self.session.transactions.totals()[self.currency]
        refunds = self.session.refunds.filter(currency=self.currency)
        left = total.paid - refunds.reserving() - (0 if despite_disputes else total.disputed)
        return min(left, self.gross - refunds.filter(payment=self).reserving())

    def delete(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: what happened to money stays in the ledger."""
        raise TypeError("A ledger row is never deleted. Book the opposite movement instead.")


class Refund(Retried, UUIDModel):
    """Money that goes back to the payer. ``last_error`` says why the outcome of the last call is not known."""

    session = models.ForeignKey(
        PaymentSession, on_delete=models.PROTECT, related_name="refunds", db_index=False
    )
    #: Which payment of the session goes back.
    payment = models.ForeignKey(Transaction, on_delete=models.PROTECT, related_name="+", db_index=False)
    #: The event whose receiver asked for it: its webhook is not acknowledged before the refund is sent.
    because_of = models.ForeignKey(
        "PaymentEvent", on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    status = models.CharField(
        _("status"), max_length=32, choices=RefundStatus.choices, default=RefundStatus.REQUESTED
    )
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    failure_reason = models.CharField(_("failure reason"), max_length=64, blank=True)
    requested_by = models.CharField(max_length=255, blank=True)
    idempotency_key = models.CharField(max_length=255)
    #: The parameters of the call, as JSON text: a retry must be the same to the byte.
    stripe_params = models.TextField(blank=True)
    stripe_refund_id = models.CharField(max_length=255, null=True, blank=True)  # noqa: DJ001 (NULL is not unique)

    objects: ClassVar[RefundQuerySet] = RefundQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("refund")
        verbose_name_plural = _("refunds")
        indexes = [due_index("generic_payments_refund_due")]
        constraints = [
            models.UniqueConstraint(fields=["stripe_refund_id"], name="generic_payments_refund_stripe_id"),
            models.UniqueConstraint(
                fields=["session", "idempotency_key"], name="generic_payments_refund_key"
            ),
            models.CheckConstraint(condition=Q(amount__gt=0), name="generic_payments_refund_amount"),
            models.CheckConstraint(
                condition=Q(status__in=RefundStatus.values), name="generic_payments_refund_status"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_refund_id or self.pk} {self.get_status_display()}"

    @property
    def money(self) -> Money:
        """What goes back."""
        return Money(self.amount, self.currency)


class Dispute(UUIDModel):
    """A payer's objection at their bank."""

    session = models.ForeignKey(PaymentSession, on_delete=models.PROTECT, related_name="disputes")
    amount = models.BigIntegerField(_("amount"))
    currency = models.CharField(_("currency"), max_length=3)
    # No check constraint: Stripe may add statuses, and what it reports is never refused.
    status = models.CharField(_("status"), max_length=32, choices=DisputeStatus.choices)
    #: When Stripe said so: of two events the newer one counts, whichever arrives last.
    status_at = models.DateTimeField(_("status since"))
    reason = models.CharField(_("reason"), max_length=64, blank=True)
    stripe_dispute_id = models.CharField(max_length=255)
    evidence_due_by = models.DateTimeField(_("evidence due by"), null=True, blank=True)

    objects: ClassVar[DisputeQuerySet] = DisputeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("dispute")
        verbose_name_plural = _("disputes")
        constraints = [
            models.UniqueConstraint(fields=["stripe_dispute_id"], name="generic_payments_dispute_stripe_id"),
        ]

    def __str__(self) -> str:
        return f"{self.stripe_dispute_id} {self.get_status_display()}"


class WebhookEvent(Retried, UUIDModel):
    """One event from Stripe, as it was delivered. The row stays when its body is pruned: the id is what dedupes."""

    stripe_event_id = models.CharField(max_length=255)
    type = models.CharField(_("type"), max_length=255)
    api_version = models.CharField(_("API version"), max_length=64, blank=True)
    livemode = models.BooleanField(_("live mode"))
    account = models.CharField(_("account"), max_length=255, blank=True)
    created_at_stripe = models.DateTimeField(_("created at Stripe"))
    #: Text, not JSON: it is kept verbatim, and a JSON column refuses some of what JSON text may hold.
    body = models.TextField(blank=True)
    state = models.CharField(_("state"), max_length=16, choices=WebhookState.choices)

    objects: ClassVar[WebhookEventQuerySet] = WebhookEventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = _("webhook event")
        verbose_name_plural = _("webhook events")
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="generic_payments_webhook_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["stripe_event_id", "account", "livemode"], name="generic_payments_webhook_event"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.stripe_event_id}"


class PaymentEvent(Retried, UUIDModel):
    """
    One thing that happened to a payment: a line of its timeline, and what its receivers are owed.

    The key is the same however often the event is delivered: hosts use it as an idempotency key.
    """

    session = models.ForeignKey(
        PaymentSession, on_delete=models.PROTECT, related_name="events", db_index=False
    )
    kind = models.CharField(_("kind"), max_length=32, choices=EventKind.choices)
    #: What it happened to at Stripe, so that the same thing heard twice is one event.
    source_id = models.CharField(max_length=255)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    refund = models.ForeignKey(
        Refund, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    dispute = models.ForeignKey(
        Dispute, on_delete=models.PROTECT, null=True, blank=True, related_name="+", db_index=False
    )
    occurred_at = models.DateTimeField(_("occurred at"))
    cause = models.CharField(_("cause"), max_length=32, choices=Cause.choices)
    #: The id of the Stripe event, or of the person.
    caused_by = models.CharField(max_length=255, blank=True)
    note = models.TextField(_("note"), blank=True)

    state = models.CharField(_("state"), max_length=16, choices=DeliveryState.choices)
    #: Names between bars (``|a|b|``): JSON cannot be searched for a member on SQLite.
    owed_to = models.TextField(blank=True)
    delivered_to = models.TextField(blank=True)

    objects: ClassVar[PaymentEventQuerySet] = PaymentEventQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        base_manager_name = "objects"
        verbose_name = _("payment event")
        verbose_name_plural = _("payment events")
        indexes = [models.Index(fields=["state", "next_attempt_at"], name="generic_payments_event_due")]
        constraints = [
            models.UniqueConstraint(
                fields=["session", "kind", "source_id"], name="generic_payments_event_source"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.session_id}"

    @property
    def owed_receivers(self) -> list[str]:
        """The names of the receivers that have not been told."""
        return [name for name in self.owed_to.split("|") if name]

    @property
    def delivered_receivers(self) -> list[str]:
        """The names of the receivers that have been told."""
        return [name for name in self.delivered_to.split("|") if name]
