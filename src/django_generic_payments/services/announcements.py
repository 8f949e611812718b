"""Which signal tells what, and to whom."""

from __future__ import annotations

from collections.abc import Mapping

from django_generic_payments import signals
from django_generic_payments.enums import EventKind
from django_generic_payments.exceptions import UnknownPayable
from django_generic_payments.models import PaymentSession
from django_generic_payments.signals import PaymentSignal, Receiver

__all__ = ["SIGNALS", "receivers_of", "sender_of"]

#: Every kind of payment event that receivers hear of has a signal of the same name.
SIGNALS: Mapping[str, PaymentSignal] = {
    kind.value: getattr(signals, kind.value) for kind in EventKind if hasattr(signals, kind.value)
}


def sender_of(session: PaymentSession) -> type | None:
    """Return the registered class of what is paid for, ``None`` if it is no longer registered."""
    try:
        return session.registered_type.cls
    except UnknownPayable:
        return None


def receivers_of(kind: str, session: PaymentSession) -> Mapping[str, Receiver]:
    """Return the receivers that are to hear of this kind of event, by name."""
    signal = SIGNALS.get(kind)
    return signal.receivers_for(sender_of(session)) if signal else {}
