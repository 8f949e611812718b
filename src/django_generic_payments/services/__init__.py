"""The use cases: what needs Stripe, or more than one table."""

from __future__ import annotations

from django_generic_payments.services.checkout import cancel_checkout, start_checkout
from django_generic_payments.services.customers import customer_portal_url
from django_generic_payments.services.dues import payment_required
from django_generic_payments.services.fees import fill_missing_fees
from django_generic_payments.services.refunds import refund_payment, resume_refunds
from django_generic_payments.services.reviews import accept_payment, reject_payment
from django_generic_payments.services.sync import sync_session

__all__ = [
    "accept_payment",
    "cancel_checkout",
    "customer_portal_url",
    "fill_missing_fees",
    "payment_required",
    "refund_payment",
    "reject_payment",
    "resume_refunds",
    "start_checkout",
    "sync_session",
]
