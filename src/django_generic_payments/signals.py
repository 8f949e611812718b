"""
The things a host can hear.

Every receiver is called with ``sender`` (the registered class), ``payable`` (the object that was paid for, or
``None`` if it is gone), ``session`` (PaymentSession) and ``event`` (PaymentEvent), and some with ``transaction``,
``refund`` or ``dispute``. Accept ``**kwargs``: more may come.

A signal is sent after the payment's state is committed, in a transaction of its own. What a receiver writes to the
same database is committed together with the mark that it was told: exactly once, also after crashes and repeated
webhooks. Everything else (mail, HTTP, another database) may happen more than once: use ``event.pk`` as the
idempotency key. A receiver that raises loses its own writes and is called again, and nobody else is; the payment stays
booked. There is no order between different events.
"""

from __future__ import annotations

import inspect
import weakref
from collections.abc import Callable, Hashable
from dataclasses import dataclass
from typing import Any

from django.dispatch import Signal

from django_generic_payments.exceptions import ConfigurationError

__all__ = [
    "PaymentSignal",
    "dispute_closed",
    "dispute_opened",
    "payment_canceled",
    "payment_duplicated",
    "payment_expired",
    "payment_failed",
    "payment_needs_review",
    "payment_processing",
    "payment_refunded",
    "payment_succeeded",
    "refund_failed",
]

Receiver = Callable[..., Any]


@dataclass(frozen=True)
class _Connection:
    identity: str
    sender: Any
    reference: Callable[[], Receiver | None]
    lookup_key: tuple[Hashable, int]

    def would_hide(self, identity: str, receiver: Receiver, sender: Any) -> bool:
        """Tell whether another receiver of this name would hear of some of the same payments, by another sender."""
        shares = self.sender is not sender and None in (self.sender, sender)
        return shares and self.identity == identity and self.reference() != receiver


class PaymentSignal(Signal):
    """
    A signal whose receivers have a name, so that each can be told exactly once.

    The name is ``dispatch_uid``, or else the receiver's dotted path. Renaming a receiver that has no
    ``dispatch_uid`` makes it another receiver.
    """

    def __init__(self) -> None:
        super().__init__()
        self._connections: list[_Connection] = []

    def connect(
        self, receiver: Receiver, sender: Any = None, weak: bool = True, dispatch_uid: Hashable | None = None
    ) -> None:
        """
        Connect a receiver, as ``django.dispatch.Signal.connect`` does.

        Raises ``ConfigurationError`` for a receiver that could not be recognised in another process (a lambda, a
        function inside a function, a method of an instance) unless ``dispatch_uid`` names it, and for an async one.
        """
        if inspect.iscoroutinefunction(receiver) or inspect.iscoroutinefunction(type(receiver).__call__):
            raise ConfigurationError(
                f"{receiver!r} is async, and its writes could not be committed together with the mark that it "
                "was told. Connect a plain function."
            )
        identity = dispatch_uid or _dotted_path(receiver)
        if not isinstance(identity, str) or "|" in identity:
            raise ConfigurationError(f"The dispatch_uid {identity!r} is no string without '|'. Choose one.")
        live = self._live_connections()
        if any(each.would_hide(identity, receiver, sender) for each in live):
            raise ConfigurationError(
                f"Two receivers of the same payments are called {identity!r}, so that one would never be told. "
                "Give each a dispatch_uid of its own."
            )
        super().connect(receiver, sender=sender, weak=weak, dispatch_uid=dispatch_uid)
        lookup_key = (dispatch_uid or _receiver_key(receiver), id(sender))
        if all(each.lookup_key != lookup_key for each in live):
            live.append(_Connection(identity, sender, _reference(receiver, weak), lookup_key))
        self._connections = live

    def disconnect(
        self, receiver: Receiver | None = None, sender: Any = None, dispatch_uid: str | None = None
    ) -> bool:
        """Disconnect a receiver; what is still owed to it is closed without a call."""
        lookup_key = (dispatch_uid or _receiver_key(receiver), id(sender))
        self._connections = [each for each in self._live_connections() if each.lookup_key != lookup_key]
        return bool(super().disconnect(receiver, sender=sender, dispatch_uid=dispatch_uid))

    def receivers_for(self, sender: Any) -> dict[str, Receiver]:
        """Return the receivers that hear of ``sender``, by name, in the order in which they were connected."""
        found: dict[str, Receiver] = {}
        for each in self._live_connections():
            receiver = each.reference()
            if receiver is not None and (each.sender is None or each.sender is sender):
                found.setdefault(each.identity, receiver)
        return found

    def senders(self) -> set[Any]:
        """Return what receivers asked for by ``sender``."""
        return {each.sender for each in self._live_connections() if each.sender is not None}

    def has_receiver_with_sender(self, identity: str, sender: Any) -> bool:
        """Tell whether the named receiver asked for this sender alone, and so cannot do without a payable."""
        return any(
            each.identity == identity and each.sender is sender and sender is not None
            for each in self._live_connections()
        )

    def _live_connections(self) -> list[_Connection]:
        return [each for each in self._connections if each.reference() is not None]


def _dotted_path(receiver: Receiver) -> str:
    name = getattr(receiver, "__qualname__", "")
    bound_to_instance = inspect.ismethod(receiver) and not inspect.isclass(receiver.__self__)
    if not name or "<" in name or bound_to_instance:
        raise ConfigurationError(
            f"{receiver!r} has no name that another process would recognise. "
            'Give it one: connect(receiver, dispatch_uid="myapp.what_it_does").'
        )
    return f"{receiver.__module__}.{name}"


def _receiver_key(receiver: Receiver | None) -> Hashable:
    if inspect.ismethod(receiver):
        return (id(receiver.__self__), id(receiver.__func__))
    return id(receiver)


def _reference(receiver: Receiver, weak: bool) -> Callable[[], Receiver | None]:
    if not weak:
        return lambda: receiver
    return weakref.WeakMethod(receiver) if inspect.ismethod(receiver) else weakref.ref(receiver)


#: The money of a payment is booked and matches what was asked for.
#:
#: - ``transaction``: Transaction
payment_succeeded = PaymentSignal()

#: A delayed method (a bank debit) was authorised; the money comes, or does not, in days.
payment_processing = PaymentSignal()

#: A delayed payment failed, or Stripe refuses a checkout of which nobody had heard yet whether it is open. A declined
#: card is no failure: the payer may try again in the same checkout.
payment_failed = PaymentSignal()

#: The checkout expired unpaid, or could not be opened for a day. Not sent when another session holds the payable by
#: then.
payment_expired = PaymentSignal()

#: The checkout was canceled unpaid. Not sent when another session holds the payable by then.
payment_canceled = PaymentSignal()

#: Money arrived for a payable that another session holds or has paid for. It is booked.
#:
#: - ``transaction``: Transaction
payment_duplicated = PaymentSignal()

#: Money arrived that does not match, or what was paid for is gone: ``session.review_reason`` says which.
#:
#: - ``transaction``: Transaction
payment_needs_review = PaymentSignal()

#: Money went back to the payer.
#:
#: - ``refund``: Refund
#: - ``transaction``: Transaction
payment_refunded = PaymentSignal()

#: A refund failed, perhaps after it had succeeded: the payer has to be paid in another way.
#:
#: - ``refund``: Refund
#: - ``transaction``: Transaction, or ``None`` if no money had moved
refund_failed = PaymentSignal()

#: The payer disputes a payment with their bank.
#:
#: - ``dispute``: Dispute
dispute_opened = PaymentSignal()

#: A dispute has ended.
#:
#: - ``dispute``: Dispute
dispute_closed = PaymentSignal()
