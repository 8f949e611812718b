"""What a checkout is asked for: everything that Stripe will be told, decided on the server and then frozen."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from django.utils.functional import Promise
from django.utils.translation import get_language

from django_generic_payments.conf import get_settings
from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import (
    AlreadyPaid,
    CheckoutRefused,
    NothingToPay,
    PayableError,
    PaymentInProgress,
)
from django_generic_payments.models import Customer, PaymentSession, slot_of
from django_generic_payments.money import Money
from django_generic_payments.payables import (
    LineItem,
    PayableType,
    call,
    call_optional,
    get_payable_type,
    line_items_of,
    price_of,
)
from django_generic_payments.services.customers import customer_for
from django_generic_payments.services.facts import marker
from django_generic_payments.services.redirects import CHECKOUT_SESSION_ID, checked_url, return_url

__all__ = ["CheckoutRequest", "past_paying"]

# Parameters of a Checkout Session that change neither what is charged nor how we find it again.
# Source: https://docs.stripe.com/api/checkout/sessions/create.
_EXTRA_PARAMS = frozenset(
    "adaptive_pricing allowed_payment_method_types billing_address_collection branding_settings "
    "consent_collection custom_fields custom_text customer_creation customer_update excluded_payment_method_types "
    "expires_at invoice_creation locale name_collection origin_context payment_method_configuration "
    "payment_method_data payment_method_options phone_number_collection saved_payment_method_options "
    "shipping_address_collection submit_type tax_id_collection wallet_options".split()
)
_EXTRA_INTENT_PARAMS = frozenset(
    ("receipt_email", "setup_future_usage", "shipping", "statement_descriptor", "statement_descriptor_suffix")
)
_LOCALES = frozenset(
    "bg cs da de el en en-GB es es-419 et fi fil fr fr-CA hi-IN hr hu id it ja ko lt lv ms mt nb nl pl pt pt-BR ro ru "
    "sk sl sv th tr vi zh zh-HK zh-TW".split()
)

# Django names Chinese by its script, Stripe by the place.
_SCRIPTS = {"zh-hans": "zh", "zh-hant": "zh-tw"}


@dataclass(frozen=True)
class CheckoutRequest:
    """One call of ``start_checkout``, checked."""

    payable_type: PayableType
    payable_id: str
    purpose: str
    amount: Money
    description: str
    line_items: tuple[LineItem, ...]
    user: Any | None
    customer: Customer | None
    contact: Mapping[str, str]
    success_url: str
    cancel_url: str
    idempotency_key: str | None
    metadata: Mapping[str, str]
    extra: Mapping[str, Any]
    #: Whose idempotency key it is: one user's key says nothing to another.
    scope: str

    @classmethod
    def build(
        cls,
        payable: Any,
        *,
        user: Any | None,
        customer: Customer | None,
        purpose: str,
        currency: str | None,
        success_url: str | None,
        cancel_url: str | None,
        idempotency_key: str | None,
        metadata: Mapping[str, str] | None,
        scope: str = "",
    ) -> CheckoutRequest:
        """
        Ask the payable, and check every part. Raises before anything is written or sent.

        ``scope`` sets the keys of strangers apart from those of the project's own code.
        """
        payable_type = get_payable_type(payable)
        payable_id = payable_type.identify(payable)
        payable_type.check_purpose(purpose)
        amount = price_of(payable, purpose, currency, get_settings().DEFAULT_CURRENCY)
        if not amount:
            raise _nothing_due(payable_type.name, payable_id, purpose)
        payer = user if user is not None and getattr(user, "is_authenticated", True) else None
        return cls(
            payable_type=payable_type,
            payable_id=payable_id,
            purpose=purpose,
            amount=amount,
            description=_checked_description(call(payable, "get_payment_description", purpose)),
            line_items=tuple(line_items_of(payable, purpose, amount)),
            user=payer,
            customer=customer,
            contact=_contact(call_optional(payable, "get_payment_customer", purpose)),
            success_url=checked_url(success_url),
            cancel_url=checked_url(cancel_url),
            idempotency_key=_checked_key(idempotency_key),
            metadata=_checked_metadata(metadata),
            extra=_checked_extra(call_optional(payable, "get_stripe_params", purpose)),
            scope=scope or _scope_of(payer, customer),
        )

    @property
    def slot(self) -> str:
        """The right to be paid for this."""
        livemode = get_settings().livemode
        return slot_of(self.payable_type.name, self.payable_id, self.purpose, livemode=livemode)

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same one."""
        parts = [
            self.slot,
            self.amount.amount,
            self.amount.currency,
            self.scope,
            self.success_url,
            self.cancel_url,
            dict(self.metadata),
        ]
        return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()

    def new_session(self) -> PaymentSession:
        """Return a row, not yet saved, with the parameters that Stripe will be sent, frozen."""
        settings = get_settings()
        payer = self.customer
        if payer is None and self.user is not None:
            payer = customer_for(self.user, livemode=settings.livemode)
        session = PaymentSession(
            payable_type=self.payable_type.name,
            payable_id=self.payable_id,
            purpose=self.purpose,
            slot=self.slot,
            owner=self.user,
            customer=payer,
            amount=self.amount.amount,
            currency=self.amount.currency,
            description=self.description,
            metadata=dict(self.metadata),
            livemode=settings.livemode,
            idempotency_scope=self.scope,
            idempotency_key=self.idempotency_key,
            request_fingerprint=self.fingerprint,
            success_url=self.success_url,
            cancel_url=self.cancel_url,
        )
        session.stripe_params = json.dumps(self._stripe_params(session), sort_keys=True)
        return session

    def may_reuse(self, session: PaymentSession) -> bool:
        """Tell whether an open session serves this request too: the same amount, and not another payer's."""
        if session.money != self.amount:
            return False
        if session.owner_id is None and session.customer_id is None:
            return True  # opened for nobody in particular, so that it shows nobody's details
        if self.customer is not None:
            return session.customer_id == self.customer.pk
        return self.user is not None and session.owner_id == self.user.pk

    def _stripe_params(self, session: PaymentSession) -> dict[str, Any]:
        metadata = {**self.metadata, **marker(session)}
        extra = dict(self.extra)
        intent_data = {
            "metadata": metadata,
            "description": self.description[:1000],
            **extra.pop("payment_intent_data", {}),
        }
        params: dict[str, Any] = {
            "mode": "payment",
            "line_items": [_stripe_line(item) for item in self.line_items],
            # The braces must reach Stripe as they are, so the address is not built by urlencode().
            "success_url": f"{return_url(session)}?session_id={CHECKOUT_SESSION_ID}",
            "cancel_url": self.cancel_url or f"{return_url(session)}?canceled=1",
            "client_reference_id": f"{self.payable_type.name}:{self.payable_id}:{self.purpose}"[:200],
            "metadata": metadata,
            "payment_intent_data": intent_data,
            "locale": _locale(),
            **extra,
        }
        guest_email = self.contact.get("email") or (self.customer.email if self.customer else "")
        known = session.customer is not None and (
            session.customer.user_id or session.customer.stripe_customer_id
        )
        if guest_email and not known:
            params["customer_email"] = guest_email
        return params


def past_paying(session: PaymentSession) -> CheckoutRefused | None:
    """Return what is to be said of a session that is paid, or about to be; ``None`` for any other."""
    status = SessionStatus(session.status)
    if status.is_paid:
        return AlreadyPaid(f"{session.full_slot} is paid for.", session=session)
    if status is SessionStatus.PROCESSING:
        return PaymentInProgress(f"A delayed payment of {session.full_slot} is on its way.", session=session)
    return None


def _nothing_due(name: str, payable_id: str, purpose: str) -> CheckoutRefused:
    # Of many payables nothing is due because it is paid, and that is what its payer should hear.
    slot = slot_of(name, payable_id, purpose, livemode=get_settings().livemode)
    holder = PaymentSession.objects.filter(slot=slot).first()
    return (holder and past_paying(holder)) or NothingToPay(
        f"Nothing is due for {name} {payable_id}. Ask payment_required() first, and confirm it."
    )


def _scope_of(user: Any | None, customer: Customer | None) -> str:
    if user is not None:
        return f"user:{user.pk}"
    if customer is not None:
        return f"guest:{hashlib.sha256(str(customer.pk).encode()).hexdigest()[:32]}"
    return "server"


def _stripe_line(item: LineItem) -> dict[str, Any]:
    return {
        "quantity": item.quantity,
        "price_data": {
            "currency": item.unit_amount.currency,
            "unit_amount": item.unit_amount.amount,
            "product_data": {"name": item.name[:250] or "-"},
        },
    }


def _locale() -> str:
    language = _SCRIPTS.get(get_language() or "", get_language() or "")
    language, _, region = language.partition("-")
    exact = f"{language}-{region.upper()}"
    if exact in _LOCALES:
        return exact
    return language if language in _LOCALES else "auto"


def _checked_description(value: Any) -> str:
    if not isinstance(value, (str, Promise)):
        raise PayableError(f"get_payment_description() must return a string, not {value!r}.")
    return str(value)


def _contact(value: Any) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, Mapping) or not set(value) <= {"email", "name", "phone"}:
        raise PayableError(
            "get_payment_customer() returns a dict with email, name and phone, or some of them."
        )
    return {key: str(text) for key, text in value.items() if text}


def _checked_key(key: object) -> str | None:
    if key is None:
        return None
    if not isinstance(key, str) or not 1 <= len(key) <= 255 or not key.isascii() or not key.isprintable():
        raise ValueError("An idempotency key is 1 to 255 printable ASCII characters. Use str(uuid.uuid4()).")
    return key


def _checked_metadata(given: Mapping[Any, Any] | None) -> Mapping[str, str]:
    # The limits are Stripe's, less two keys of ours: https://docs.stripe.com/metadata.
    metadata = dict(given or {})
    if len(metadata) > 48:
        raise ValueError(f"metadata has {len(metadata)} keys. Stripe keeps 50, two of which are ours.")
    for key, value in metadata.items():
        if not isinstance(key, str) or not 1 <= len(key) <= 40 or "[" in key or "]" in key:
            raise ValueError(f"{key!r} cannot be a metadata key: 1 to 40 characters, without '[' and ']'.")
        if key.startswith("generic_payments_") or key == "object":
            raise ValueError(f"The metadata key {key!r} is reserved. Choose another.")
        if not isinstance(value, str) or not 1 <= len(value) <= 500:
            raise ValueError(f"The metadata value of {key!r} must be a string of 1 to 500 characters.")
    return metadata


def _checked_extra(extra: Mapping[str, Any] | None) -> Mapping[str, Any]:
    extra = dict(extra or {})
    refused = set(extra) - _EXTRA_PARAMS - {"payment_intent_data"}
    if "capture_method" in json.dumps(extra, default=str):
        refused.add("capture_method")
    of_intent = set(extra.get("payment_intent_data", {})) - _EXTRA_INTENT_PARAMS
    refused |= {f"payment_intent_data.{name}" for name in of_intent}
    if refused:
        raise PayableError(
            f"get_stripe_params() may not set {', '.join(sorted(refused))}: it would change what is charged, "
            "or how the payment is found again."
        )
    return extra
