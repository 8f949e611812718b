"""
What Stripe says of its objects, as frozen dataclasses.

Unknown fields are ignored, so that an event of another API version is read; the dozen fields that are used are
required and typed, so that nothing is guessed where one is missing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timezone
from decimal import Context, Decimal
from typing import Any, NoReturn

from django.conf import settings

from django_generic_payments.exceptions import UnreadableObject

__all__ = ["CheckoutSession", "Contact", "FieldReader", "PaymentIntent"]


@dataclass(frozen=True)
class Contact:
    """How to reach a payer, as typed in the checkout. Kept out of ``repr``, and so out of logs."""

    email: str
    name: str
    phone: str

    def __repr__(self) -> str:
        return "Contact(…)"


@dataclass(frozen=True)
class PaymentIntent:
    """A payment and its attempts. Source: https://docs.stripe.com/api/payment_intents/object."""

    id: str
    created: datetime
    livemode: bool
    status: str
    currency: str
    amount_received: int
    latest_charge: str
    metadata: Mapping[str, str]
    decline_code: str
    cancellation_reason: str

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> PaymentIntent:
        """Read the object. Raises ``UnreadableObject``."""
        read = FieldReader(data, "payment_intent")
        error = data.get("last_payment_error")
        error = error if isinstance(error, Mapping) else {}
        return cls(
            id=read.text("id"),
            created=read.moment("created"),
            livemode=read.flag("livemode"),
            status=read.text("status"),
            currency=read.text("currency"),
            amount_received=read.integer("amount_received"),
            latest_charge=read.reference("latest_charge"),
            metadata=read.metadata(),
            decline_code=str(error.get("decline_code") or error.get("code") or ""),
            cancellation_reason=read.optional_text("cancellation_reason"),
        )


@dataclass(frozen=True)
class CheckoutSession:
    """A checkout at Stripe. Source: https://docs.stripe.com/api/checkout/sessions/object."""

    id: str
    created: datetime
    livemode: bool
    mode: str
    status: str
    payment_status: str
    amount_total: int | None
    currency: str
    payment_intent_id: str
    metadata: Mapping[str, str]
    url: str
    expires_at: datetime
    contact: Contact | None
    payment_intent: PaymentIntent | None = None

    @classmethod
    def from_object(cls, data: Mapping[str, Any]) -> CheckoutSession:
        """Read the object, with the payment intent if it is expanded. Raises ``UnreadableObject``."""
        read = FieldReader(data, "checkout.session")
        intent = data.get("payment_intent")
        return cls(
            id=read.text("id"),
            created=read.moment("created"),
            livemode=read.flag("livemode"),
            mode=read.text("mode"),
            status=read.text("status"),
            payment_status=read.text("payment_status"),
            amount_total=read.optional_integer("amount_total"),
            currency=read.optional_text("currency"),
            payment_intent_id=read.reference("payment_intent"),
            metadata=read.metadata(),
            url=read.optional_text("url"),
            expires_at=read.moment("expires_at"),
            contact=_contact(data.get("customer_details")),
            payment_intent=PaymentIntent.from_object(intent) if isinstance(intent, Mapping) else None,
        )


class FieldReader:
    """Takes typed fields out of an object from Stripe, and names the one that is missing or of another type."""

    def __init__(self, data: Mapping[str, Any], kind: str) -> None:
        self._data = data
        self._kind = kind

    def text(self, name: str) -> str:
        """Return a string that must be there."""
        value = self._data.get(name)
        if isinstance(value, str) and value:
            return value
        self._unreadable(name)

    def optional_text(self, name: str) -> str:
        """Return a string, or ``""`` for null."""
        return "" if self._data.get(name) is None else self.text(name)

    def integer(self, name: str) -> int:
        """Return an integer that must be there."""
        value = self._data.get(name)
        if type(value) is int and abs(value) < 2**63:
            return value
        self._unreadable(name)

    def optional_integer(self, name: str) -> int | None:
        """Return an integer, or ``None`` for null."""
        return None if self._data.get(name) is None else self.integer(name)

    def flag(self, name: str) -> bool:
        """Return a boolean that must be there."""
        value = self._data.get(name)
        if isinstance(value, bool):
            return value
        self._unreadable(name)

    def moment(self, name: str) -> datetime:
        """Return a time, which Stripe sends in seconds since 1970."""
        seconds = self.integer(name)
        try:
            # A project with USE_TZ off stores its own local time, and its database refuses any other.
            return datetime.fromtimestamp(seconds, tz=timezone.utc if settings.USE_TZ else None)
        except (OverflowError, OSError, ValueError):
            self._unreadable(name)

    def reference(self, name: str) -> str:
        """Return the id of another object, expanded or not, or ``""`` for null."""
        value = self._data.get(name)
        if isinstance(value, Mapping):
            return FieldReader(value, name).text("id")
        return self.optional_text(name)

    def optional_decimal(self, name: str) -> Decimal | None:
        """Return a number that need not be whole, or ``None`` for null."""
        value = self._data.get(name)
        if value is None:
            return None
        if type(value) in {int, float} and abs(value) < 10**9:
            # As it is written: the binary value of a float has digits that nobody sent. The context of the host may
            # forbid to round, and is not ours to leave marks in.
            return Decimal(repr(value)).quantize(Decimal("1e-10"), context=Context(prec=40))
        self._unreadable(name)

    def objects(self, name: str) -> list[Mapping[str, Any]]:
        """Return a list of objects that must be there, perhaps empty."""
        value = self._data.get(name)
        if isinstance(value, list) and all(isinstance(each, Mapping) for each in value):
            return value
        self._unreadable(name)

    def metadata(self) -> Mapping[str, str]:
        """Return the metadata, empty for null."""
        value = self._data.get("metadata")
        if value is None:
            return {}
        if isinstance(value, Mapping):
            return value
        self._unreadable("metadata")

    def _unreadable(self, name: str) -> NoReturn:
        raise UnreadableObject(
            f"The {self._kind} from Stripe has no usable {name!r}. "
            "Check the API version of the webhook endpoint against the one this package is made for."
        )


def _contact(data: Any) -> Contact | None:
    if not isinstance(data, Mapping):
        return None
    email, name, phone = (_clean(data.get(key)) for key in ("email", "name", "phone"))
    return Contact(email[:254], name[:255], phone[:64]) if email or name or phone else None


def _clean(value: Any) -> str:
    # PostgreSQL refuses NUL, and no database takes half of a surrogate pair.
    text = value if isinstance(value, str) else ""
    return text.replace("\x00", "").encode("utf-8", "replace").decode("utf-8")
