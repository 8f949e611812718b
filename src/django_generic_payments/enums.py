"""The words for what a row can be. Literal lengths live in the models, never computed from here."""

from __future__ import annotations

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _

__all__ = [
    "Cause",
    "DeliveryState",
    "DisputeStatus",
    "EventKind",
    "RefundStatus",
    "ReviewDecision",
    "ReviewReason",
    "SessionStatus",
    "TransactionKind",
    "WebhookState",
]


class SessionStatus(TextChoices):
    """Where a payment session stands: always a function of its facts, see ``PaymentSession.derived_status``."""

    CREATED = "created", _("Created")  # not yet known to have a Checkout Session at Stripe
    PENDING = "pending", _("Waiting for payment")
    PROCESSING = "processing", _("Processing")  # a delayed method that settles in days
    SUCCEEDED = "succeeded", _("Paid")
    PARTIALLY_REFUNDED = "partially_refunded", _("Partially refunded")
    REFUNDED = "refunded", _("Refunded")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")
    EXPIRED = "expired", _("Expired")

    @property
    def is_open(self) -> bool:
        """The payer can still act."""
        return self in {self.CREATED, self.PENDING}

    @property
    def is_paid(self) -> bool:
        """Money arrived, whatever became of it later."""
        return self in {self.SUCCEEDED, self.PARTIALLY_REFUNDED, self.REFUNDED}

    @property
    def is_final(self) -> bool:
        """Nothing more is awaited from the payer or the bank."""
        return not self.is_open and self is not SessionStatus.PROCESSING


class ReviewReason(TextChoices):
    """Why a person must look at a payment session before the host may rely on it."""

    AMOUNT = "amount", _("Another amount was paid")
    CURRENCY = "currency", _("Another currency was paid")
    MODE = "mode", _("Paid in the other mode, test or live, or not by a one-off payment")
    ACCOUNT = "account", _("Paid to another Stripe account")
    MARKER = "marker", _("Paid through a Checkout Session that is not the one we opened")
    DUPLICATE = "duplicate", _("Paid although another session holds the payable")
    PAYABLE_GONE = "payable_gone", _("What was paid for is gone")


class ReviewDecision(TextChoices):
    """What a person decided about a payment that needed a review."""

    ACCEPTED = "accepted", _("Accepted")
    REJECTED = "rejected", _("Sent back")


class TransactionKind(TextChoices):
    """What moved money."""

    PAYMENT = "payment", _("Payment")
    REFUND = "refund", _("Refund")
    REFUND_REVERSAL = "refund_reversal", _("Refund reversal")
    DISPUTE = "dispute", _("Dispute")
    DISPUTE_REVERSAL = "dispute_reversal", _("Dispute reversal")


class RefundStatus(TextChoices):
    """Where a refund stands. Source: https://docs.stripe.com/refunds."""

    REQUESTED = "requested", _("Requested")  # ours, before Stripe answered
    PENDING = "pending", _("Pending")
    REQUIRES_ACTION = "requires_action", _("Requires action")
    SUCCEEDED = "succeeded", _("Succeeded")
    FAILED = "failed", _("Failed")
    CANCELED = "canceled", _("Canceled")

    @property
    def is_final(self) -> bool:
        """The money will not go back in this way. A refund that succeeded may still fail, for 30 days."""
        return self in {self.FAILED, self.CANCELED}


class DisputeStatus(TextChoices):
    """Where a dispute stands. Source: https://docs.stripe.com/api/disputes/object."""

    WARNING_NEEDS_RESPONSE = "warning_needs_response", _("Inquiry: needs response")
    WARNING_UNDER_REVIEW = "warning_under_review", _("Inquiry: under review")
    WARNING_CLOSED = "warning_closed", _("Inquiry: closed")
    NEEDS_RESPONSE = "needs_response", _("Needs response")
    UNDER_REVIEW = "under_review", _("Under review")
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response", _("Appeal: needs response")
    APPEAL_UNDER_REVIEW = "appeal_under_review", _("Appeal: under review")
    PREVENTED = "prevented", _("Prevented")
    WON = "won", _("Won")
    LOST = "lost", _("Lost")

    @property
    def is_closed(self) -> bool:
        """Nothing is to be decided any more, unless somebody appeals."""
        return self in {self.WARNING_CLOSED, self.PREVENTED, self.WON, self.LOST}

    @property
    def blocks_refunds(self) -> bool:
        """The bank has the money, or is about to take it: a refund would send it twice."""
        return not self.is_closed and not self.value.startswith("warning_")


class WebhookState(TextChoices):
    """What became of a delivery from Stripe."""

    RECEIVED = "received", _("Received")
    PROCESSED = "processed", _("Processed")
    IGNORED = "ignored", _("Ignored")  # an unknown type, or not about us
    FAILED = "failed", _("Failed")
    DEAD = "dead", _("Given up")


class EventKind(TextChoices):
    """What happened to a payment. All but the notes are told to receivers by the signal of that name."""

    ATTEMPT_FAILED = "attempt_failed", _("Attempt declined")  # a note on the timeline, no signal
    REVIEWED = "reviewed", _("Reviewed")  # likewise
    DISPUTE_UPDATED = "dispute_updated", _("Dispute updated")  # likewise
    PAYMENT_SUCCEEDED = "payment_succeeded", _("Payment succeeded")
    PAYMENT_PROCESSING = "payment_processing", _("Payment processing")
    PAYMENT_FAILED = "payment_failed", _("Payment failed")
    PAYMENT_EXPIRED = "payment_expired", _("Checkout expired")
    PAYMENT_CANCELED = "payment_canceled", _("Payment canceled")
    PAYMENT_DUPLICATED = "payment_duplicated", _("Paid twice")
    PAYMENT_NEEDS_REVIEW = "payment_needs_review", _("Needs review")
    PAYMENT_REFUNDED = "payment_refunded", _("Payment refunded")
    REFUND_FAILED = "refund_failed", _("Refund failed")
    DISPUTE_OPENED = "dispute_opened", _("Dispute opened")
    DISPUTE_CLOSED = "dispute_closed", _("Dispute closed")


class DeliveryState(TextChoices):
    """Whether the receivers of a payment event have been told."""

    OWED = "owed", _("Owed")
    DELIVERED = "delivered", _("Delivered")
    DEAD = "dead", _("Given up")


class Cause(TextChoices):
    """How we learnt of it."""

    WEBHOOK = "webhook", _("Webhook")
    RETURN_PAGE = "return_page", _("Return page")
    RECONCILIATION = "reconciliation", _("Reconciliation")
    PERSON = "person", _("Person")
