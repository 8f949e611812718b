"""The use cases: what needs Stripe, or more than one table."""

from __future__ import annotations

from django_generic_payments.services.checkout import cancel_checkout, start_checkout
from django_generic_payments.services.dues import payment_required
from django_generic_payments.services.sync import sync_session

__all__ = ["cancel_checkout", "payment_required", "start_checkout", "sync_session"]
