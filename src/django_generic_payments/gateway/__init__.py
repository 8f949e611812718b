"""The only package that knows the Stripe SDK. It takes plain values and returns frozen records."""

from __future__ import annotations

from django_generic_payments.gateway.client import KEY_IS_KEPT_FOR, StripeGateway, get_gateway, in_process
from django_generic_payments.gateway.ledger_records import BalanceTransaction, Charge, Dispute, Refund
from django_generic_payments.gateway.records import CheckoutSession, Contact, PaymentIntent
from django_generic_payments.gateway.signatures import verify_signature

__all__ = [
    "KEY_IS_KEPT_FOR",
    "BalanceTransaction",
    "Charge",
    "CheckoutSession",
    "Contact",
    "Dispute",
    "PaymentIntent",
    "Refund",
    "StripeGateway",
    "get_gateway",
    "in_process",
    "verify_signature",
]
