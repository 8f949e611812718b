"""
Everything that is raised on purpose.

    ConfigurationError (ImproperlyConfigured)    a setting or a registration is wrong; fix the project
    GenericPaymentsError
     ├ PayableError (ValueError)                 the object cannot be paid for as it is
     │  ├ UnknownPayable (LookupError)           no class or object goes by that name
     │  ├ UnknownPurpose                         it cannot be paid for this purpose
     │  └ CurrencyNotOffered                     it has no price in this currency
     ├ MoneyError (ValueError)                   an amount or currency that Stripe does not take
     ├ UnsafeRedirect (ValueError)               a URL that leads to a host which is not allowed
     ├ CheckoutRefused                           no checkout can be opened now
     │  ├ PaymentsDisabled                       payments are switched off in the settings
     │  ├ NothingToPay                           the amount is zero: confirm without a payment
     │  ├ AlreadyPaid                            it is paid for; nobody pays twice
     │  ├ PaymentInProgress                      a delayed payment is on its way
     │  ├ CheckoutOpen                           another checkout is open and cannot be replaced here
     │  ├ CheckoutClosed                         this session has ended; start a new one
     │  └ IdempotencyKeyReused                   the key belongs to another request
     ├ RefundRefused                             this money cannot be sent back, or not so much of it
     ├ ReviewRefused                             there is nothing to decide about this payment
     ├ GatewayError                              Stripe, or the way to it
     │  ├ GatewayUnavailable                     the outcome is unknown; safe to call again
     │  │  └ ErrorRepeated                       the error is kept under the idempotency key for a day
     │  ├ GatewayMisconfigured                   Stripe refuses our key
     │  ├ GatewayRefused                         Stripe refuses the request; calling again does not help
     │  └ UnreadableObject (ValueError)          Stripe sent something without a field that is needed
     ├ TransactionOpen                           Stripe would be called inside a database transaction
     └ WebhookRejected                           a request to the webhook that Stripe did not sign
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from django.core.exceptions import ImproperlyConfigured

if TYPE_CHECKING:
    from django_generic_payments.models import PaymentSession, Refund

__all__ = [
    "AlreadyPaid",
    "CheckoutClosed",
    "CheckoutOpen",
    "CheckoutRefused",
    "ConfigurationError",
    "CurrencyNotOffered",
    "ErrorRepeated",
    "GatewayError",
    "GatewayMisconfigured",
    "GatewayRefused",
    "GatewayUnavailable",
    "GenericPaymentsError",
    "IdempotencyKeyReused",
    "MoneyError",
    "NothingToPay",
    "PayableError",
    "PaymentInProgress",
    "PaymentsDisabled",
    "RefundRefused",
    "ReviewRefused",
    "TransactionOpen",
    "UnknownPayable",
    "UnknownPurpose",
    "UnreadableObject",
    "UnsafeRedirect",
    "WebhookRejected",
]


class ConfigurationError(ImproperlyConfigured):
    """A setting or a registration is wrong. Fix the project; nothing was lost."""


class GenericPaymentsError(Exception):
    """Do not raise directly: the base of everything that is not a configuration error."""


class PayableError(GenericPaymentsError, ValueError):
    """The object cannot be paid for as it is."""


class UnknownPayable(PayableError, LookupError):
    """No registered class, or no object of it, goes by that name."""


class UnknownPurpose(PayableError):
    """The object cannot be paid for this purpose."""


class CurrencyNotOffered(PayableError):
    """The object has no price in this currency."""


class MoneyError(GenericPaymentsError, ValueError):
    """The amount or the currency is not one that Stripe takes."""


class UnsafeRedirect(GenericPaymentsError, ValueError):
    """The URL leads to a host that is neither ours nor allowed."""


class CheckoutRefused(GenericPaymentsError):
    """No checkout can be opened now. ``session`` is the one in the way, if there is one."""

    def __init__(self, message: str, *, session: PaymentSession | None = None) -> None:
        super().__init__(message)
        self.session = session


class PaymentsDisabled(CheckoutRefused):
    """Payments are switched off: confirm without one, as ``payment_required`` says."""


class NothingToPay(CheckoutRefused):
    """The amount is zero: confirm without a payment, as ``payment_required`` says."""


class AlreadyPaid(CheckoutRefused):
    """It is paid for. Show the payer ``session``."""


class PaymentInProgress(CheckoutRefused):
    """A delayed payment is on its way; wait for its outcome."""


class CheckoutOpen(CheckoutRefused):
    """Another checkout is open, and it cannot be closed inside a transaction. Call again outside of it."""


class CheckoutClosed(CheckoutRefused):
    """This payment session has ended. Start a new one."""


class IdempotencyKeyReused(CheckoutRefused):
    """The idempotency key was used for another request. Use a new key."""


class RefundRefused(GenericPaymentsError):
    """
    This money cannot be sent back, or not so much of it; nothing was sent.

    ``code`` is Stripe's if it was Stripe that refused, and ``refund`` then the row that says so.
    """

    def __init__(self, message: str, *, code: str = "", refund: Refund | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.refund = refund


class ReviewRefused(GenericPaymentsError):
    """There is nothing to decide about this payment, or not in this way."""

    def __init__(self, message: str, *, session: PaymentSession | None = None) -> None:
        super().__init__(message)
        self.session = session


class GatewayError(GenericPaymentsError):
    """Stripe, or the way to it, failed. ``code`` and ``param`` are Stripe's, where it gave them."""

    def __init__(self, message: str, *, code: str = "", param: str = "") -> None:
        super().__init__(message)
        self.code = code
        self.param = param


class GatewayUnavailable(GatewayError):
    """No usable answer came, so the outcome is unknown. Safe to call again: nothing is done twice."""


class ErrorRepeated(GatewayUnavailable):
    """Stripe keeps the error under the idempotency key and repeats it for a day. Only another key asks anew."""


class GatewayMisconfigured(GatewayError):
    """Stripe refuses the secret key, or what it may do. Fix the key."""


class GatewayRefused(GatewayError):
    """Stripe refuses the request. The same request will be refused again."""


class UnreadableObject(GatewayError, ValueError):
    """An object from Stripe lacks a field that is needed, or the field has another type."""


class TransactionOpen(GenericPaymentsError):
    """Stripe would be called inside a database transaction. Call outside of it, or use the pay link."""


class WebhookRejected(GenericPaymentsError):
    """The request to the webhook is not one that Stripe signed for us. ``reason`` is for the log only."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason
