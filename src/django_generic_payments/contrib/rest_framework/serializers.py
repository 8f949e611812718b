"""What the API takes, and what it says. Amounts are integers in Stripe's minor unit, currencies lower case."""

from __future__ import annotations

from typing import Any

from django.db.models import TextChoices
from django.utils.translation import gettext_lazy as _
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

from django_generic_payments.contrib.rest_framework.parsing import (
    PayableIdField,
    StrictCharField,
    StrictIntegerField,
    StrictSerializer,
)
from django_generic_payments.contrib.rest_framework.problems import InvalidMoney
from django_generic_payments.enums import RefundStatus, SessionStatus
from django_generic_payments.exceptions import MoneyError
from django_generic_payments.models import PaymentSession
from django_generic_payments.money import Money, format_amount
from django_generic_payments.services.pay_links import token_of
from django_generic_payments.services.refund_requests import REASONS

__all__ = [
    "CheckoutRequestSerializer",
    "CheckoutSerializer",
    "PaymentSerializer",
    "ProblemSerializer",
    "RefundRequestSerializer",
    "RefundSerializer",
    "SyncSerializer",
]

_KEY = _("1 to 255 printable ASCII characters. The header Idempotency-Key does the same.")


def _schema_of(choices: type[TextChoices]) -> Any:
    # Below oneOf, because drf-spectacular gives one name to all choices that are called "status", and complains.
    return {"oneOf": [{"type": "string", "enum": list(choices.values)}]}


@extend_schema_field(_schema_of(SessionStatus))
class PaymentStatusField(serializers.CharField):
    """Where a payment stands."""


@extend_schema_field(_schema_of(RefundStatus))
class RefundStatusField(serializers.CharField):
    """Where a refund stands."""


def _key_field() -> serializers.Field:  # type: ignore[type-arg]
    field = serializers.RegexField(
        # Stripe's own bound; what is printed in a log stays on its line.
        r"\A[\x20-\x7e]{1,255}\Z",
        required=False,
        trim_whitespace=False,
        help_text=_KEY,
    )
    return field


class CheckoutRequestSerializer(StrictSerializer):
    """Asks for a checkout. What it costs is decided on the server."""

    payable_type = StrictCharField(max_length=100, help_text=_("The name under which it is registered."))
    payable_id = PayableIdField(max_length=128, trim_whitespace=False, help_text=_("Its primary key."))
    purpose = StrictCharField(
        required=False, allow_blank=True, max_length=50, trim_whitespace=False, default=""
    )
    currency = StrictCharField(
        required=False, max_length=3, min_length=3, help_text=_("One of those the payable offers.")
    )
    success_url = StrictCharField(
        required=False, max_length=2000, help_text=_("A path of this site, or an address of an allowed host.")
    )
    cancel_url = StrictCharField(required=False, max_length=2000, help_text=_("The same."))
    idempotency_key = _key_field()


class RefundSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """Money that goes back."""

    id = serializers.UUIDField()
    payment = serializers.UUIDField(source="session_id", help_text=_("The payment session."))
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    status = RefundStatusField()
    reason = serializers.CharField(allow_blank=True)
    failure_reason = serializers.CharField(allow_blank=True)
    created = serializers.DateTimeField()


class PaymentRefundSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A refund as its payer sees it: without what was between the shop and Stripe."""

    id = serializers.UUIDField()
    amount = serializers.IntegerField()
    currency = serializers.CharField()
    status = RefundStatusField()
    created = serializers.DateTimeField()


class PaymentSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """A payment session as its payer sees it."""

    id = serializers.UUIDField()
    payable_type = serializers.CharField()
    payable_id = serializers.CharField()
    purpose = serializers.CharField(allow_blank=True)
    description = serializers.CharField(allow_blank=True)
    status = PaymentStatusField()
    amount = serializers.IntegerField(help_text=_("What is asked for, in the minor unit of the currency."))
    currency = serializers.CharField()
    display_amount = serializers.SerializerMethodField(help_text=_("The same for people to read."))
    paid_amount = serializers.IntegerField()
    refunded_amount = serializers.IntegerField()
    refunds = serializers.SerializerMethodField()
    checkout_url = serializers.SerializerMethodField(
        help_text=_("Where to send the payer; null once nothing is to be paid any more.")
    )
    created = serializers.DateTimeField()

    def get_display_amount(self, session: PaymentSession) -> str:
        """Write the amount for people."""
        return format_amount(session.amount, session.currency)

    @extend_schema_field(PaymentRefundSerializer(many=True))
    def get_refunds(self, session: PaymentSession) -> Any:
        """List what went back, or is about to, the oldest first."""
        return PaymentRefundSerializer(session.refunds.order_by("created"), many=True).data

    def get_checkout_url(self, session: PaymentSession) -> str | None:
        """Return where it can be paid."""
        return session.checkout_url if SessionStatus(session.status).is_open else None


class CheckoutSerializer(PaymentSerializer):
    """A checkout that was opened, or is open already."""

    token = serializers.SerializerMethodField(
        help_text=_("Shows the status to somebody without an account, in the header Payment-Token.")
    )

    def get_token(self, session: PaymentSession) -> str:
        """Return the token of its pay link."""
        return token_of(session)


class SyncSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What may stand behind the question mark."""

    sync = serializers.BooleanField(
        required=False,
        default=False,
        help_text=_("Ask Stripe, if the outcome is open and nobody did in the last three seconds."),
    )


class RefundRequestSerializer(StrictSerializer):
    """Asks for money to be sent back, for those who may."""

    payment = serializers.UUIDField(help_text=_("The payment session."))
    amount = StrictIntegerField(
        required=False,
        min_value=1,
        help_text=_("In the minor unit of the currency; all that is left if it is left out."),
    )
    currency = StrictCharField(
        required=False, max_length=3, min_length=3, help_text=_("Needed with an amount.")
    )
    reason = serializers.ChoiceField(REASONS[1:], required=False)
    idempotency_key = _key_field()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Make ``Money`` of amount and currency. Raises ``ValidationError`` for one alone, or ``InvalidMoney``."""
        amount, currency = attrs.pop("amount", None), attrs.pop("currency", None)
        if (amount is None) != (currency is None):
            missing = "amount" if amount is None else "currency"
            raise serializers.ValidationError({missing: [_("Amount and currency go together.")]}, "required")
        attrs["money"] = _money(amount, currency) if amount is not None and currency is not None else None
        return attrs


def _money(amount: int, currency: str) -> Money:
    try:
        return Money(amount, currency)
    except MoneyError as error:
        raise InvalidMoney(str(error)) from error


class ProblemErrorSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """What is wrong with one field."""

    pointer = serializers.CharField(help_text=_("Which field, such as #/payable_id."))
    code = serializers.CharField()
    detail = serializers.CharField()


class ProblemSerializer(serializers.Serializer):  # type: ignore[type-arg]
    """An error, as problem details."""

    type = serializers.URLField(help_text=_("Where the code is explained."))
    title = serializers.CharField()
    status = serializers.IntegerField()
    code = serializers.CharField(help_text=_("Means the same for ever."))
    detail = serializers.CharField(required=False)
    payment = serializers.UUIDField(
        required=False, help_text=_("Your payment session that is in the way, if it is one of yours.")
    )
    errors = ProblemErrorSerializer(many=True, required=False)  # type: ignore[assignment]
