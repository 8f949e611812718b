"""What is still to be paid for a payable, and whether its payer can do something about it."""

from __future__ import annotations

from typing import Any

from django_generic_payments.conf import get_settings
from django_generic_payments.models import PaymentSession, slot_of
from django_generic_payments.payables import get_payable_type, price_of

__all__ = ["checkout_possible", "payment_required"]


def payment_required(payable: Any, *, purpose: str = "", currency: str | None = None) -> bool:
    """
    Tell whether a payment is needed: payments are on, something is due, and it is not paid yet.

    When it is not, the host confirms at once. Raises ``PayableError`` as ``start_checkout`` does.
    """
    slot = _due_slot(payable, purpose, currency)
    return slot is not None and not PaymentSession.objects.paid().filter(slot=slot).exists()


def checkout_possible(payable: Any, *, purpose: str = "", currency: str | None = None) -> bool:
    """
    Tell whether a payer can do something about it: a payment is needed, and no delayed one is on its way.

    Raises ``PayableError`` as ``start_checkout`` does.
    """
    slot = _due_slot(payable, purpose, currency)
    return slot is not None and not PaymentSession.objects.past_paying().filter(slot=slot).exists()


def _due_slot(payable: Any, purpose: str, currency: str | None) -> str | None:
    settings = get_settings()
    if not settings.ENABLED:
        return None
    payable_type = get_payable_type(payable)
    payable_type.check_purpose(purpose)
    if not price_of(payable, purpose, currency, settings.DEFAULT_CURRENCY):
        return None
    return slot_of(payable_type.name, payable_type.identify(payable), purpose, livemode=settings.livemode)
