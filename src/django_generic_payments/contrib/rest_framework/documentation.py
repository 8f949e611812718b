"""What the OpenAPI schema says of each operation, with examples."""

from __future__ import annotations

from typing import Any

from drf_spectacular.extensions import OpenApiSerializerExtension
from drf_spectacular.utils import OpenApiExample, OpenApiParameter, OpenApiResponse, extend_schema

from django_generic_payments.contrib.rest_framework.parsing import StrictSerializer
from django_generic_payments.contrib.rest_framework.problems import CODES, CONTENT_TYPE, TITLES, type_of
from django_generic_payments.contrib.rest_framework.serializers import (
    CheckoutRequestSerializer,
    CheckoutSerializer,
    PaymentSerializer,
    ProblemSerializer,
    RefundRequestSerializer,
    RefundSerializer,
    SyncSerializer,
)

__all__ = ["checkout", "refund", "refunds", "status"]

_TAGS = ["payments"]
_SESSION = "0c7a7e0e-6d0f-4f0e-8f5b-2f6f1f0c6a11"
_REFUND = "5f6e1c1c-9a55-4a6e-9d55-0a1b8d6c7e22"


class StrictSerializerSchema(OpenApiSerializerExtension):  # type: ignore[no-untyped-call]
    """Says of the requests that no other field is taken."""

    target_class = StrictSerializer
    match_subclasses = True

    def map_serializer(self, auto_schema: Any, direction: Any) -> Any:
        """Return the schema of the serializer, closed."""
        schema = auto_schema._map_serializer(self.target, direction, bypass_extensions=True)
        return {**schema, "additionalProperties": False}


_KEY = OpenApiParameter(
    "Idempotency-Key",
    {"type": "string", "minLength": 1, "maxLength": 255, "pattern": r"^[\x20-\x7e]+$"},
    OpenApiParameter.HEADER,
    description="The same as `idempotency_key` in the body. A key that was used for another request is refused.",
)
_TOKEN = OpenApiParameter(
    "Payment-Token",
    str,
    OpenApiParameter.HEADER,
    description="The `token` of the checkout, for somebody without an account.",
)

_PAYMENT = {
    "id": _SESSION,
    "payable_type": "booking",
    "payable_id": "41",
    "purpose": "",
    "description": "Deposit for Harbour View, 1 May",
    "status": "pending",
    "amount": 4800,
    "currency": "gbp",
    "display_amount": "48.00 GBP",
    "paid_amount": 0,
    "refunded_amount": 0,
    "refunds": [],
    "checkout_url": "https://checkout.stripe.com/c/pay/cs_test_a1",
    "created": "2026-11-26T09:30:00Z",
}
_PAID = {**_PAYMENT, "status": "succeeded", "paid_amount": 4800, "checkout_url": None}
_SENT_BACK = {
    "id": _REFUND,
    "payment": _SESSION,
    "amount": 1500,
    "currency": "gbp",
    "status": "succeeded",
    "reason": "requested_by_customer",
    "failure_reason": "",
    "created": "2026-11-27T10:00:00Z",
}


def _answer(serializer: Any, description: str, value: Any) -> OpenApiResponse:
    return OpenApiResponse(
        serializer, description, [OpenApiExample(description, value=value, response_only=True)]
    )


def _problems(*codes: str) -> dict[Any, OpenApiResponse]:
    """Return the answers for these codes, in the content type of problem details."""
    by_status: dict[int, list[str]] = {}
    for code in codes:
        by_status.setdefault(CODES[code], []).append(code)
    return {
        (status, CONTENT_TYPE): OpenApiResponse(
            ProblemSerializer,
            ", ".join(f"`{code}`" for code in named),
            [
                OpenApiExample(
                    code,
                    value={"type": type_of(code), "title": TITLES[code], "status": status, "code": code},
                    response_only=True,
                    status_codes=[str(status)],
                    media_type=CONTENT_TYPE,
                )
                for code in named
            ],
        )
        for status, named in by_status.items()
    }


_BODY = ("invalid", "parse_error", "unsupported_media_type", "not_acceptable")
_CALLER = ("not_authenticated", "permission_denied", "throttled")
_STRIPE = ("stripe_refused", "stripe_unavailable")

checkout = extend_schema(
    operation_id="payments_checkout",
    tags=_TAGS,
    parameters=[_KEY],
    request={"application/json": CheckoutRequestSerializer},
    responses={
        201: _answer(CheckoutSerializer, "A new checkout", {**_PAYMENT, "token": "kq0…"}),
        200: _answer(CheckoutSerializer, "The checkout that is open", {**_PAYMENT, "token": "kq0…"}),
        **_problems(
            *_BODY,
            "unknown_purpose",
            "currency_not_offered",
            "unsafe_redirect",
            *_CALLER,
            "not_found",
            "already_paid",
            "payment_in_progress",
            "nothing_to_pay",
            "payments_disabled",
            "checkout_closed",
            "in_flight",
            "idempotency_key_reused",
            *_STRIPE,
        ),
    },
    examples=[
        OpenApiExample("A deposit", value={"payable_type": "booking", "payable_id": "41"}, request_only=True),
        OpenApiExample(
            "From another origin",
            value={
                "payable_type": "booking",
                "payable_id": "41",
                "currency": "gbp",
                "success_url": "https://app.example.com/thank-you",
                "idempotency_key": "0b0f9f0e-41",
            },
            request_only=True,
        ),
    ],
)

status = extend_schema(
    operation_id="payments_status",
    tags=_TAGS,
    parameters=[SyncSerializer, _TOKEN],
    responses={
        200: _answer(PaymentSerializer, "The payment", _PAID),
        **_problems("invalid", *_CALLER, "not_acceptable", "not_found"),
    },
)

refunds = extend_schema(
    operation_id="payments_refund_create",
    tags=_TAGS,
    parameters=[_KEY],
    request={"application/json": RefundRequestSerializer},
    responses={
        201: _answer(RefundSerializer, "A new refund", _SENT_BACK),
        200: _answer(RefundSerializer, "The refund that was asked for before", _SENT_BACK),
        **_problems(
            *_BODY,
            "invalid_money",
            *_CALLER,
            "not_found",
            "refund_refused",
            "in_flight",
            "idempotency_key_reused",
            *_STRIPE,
        ),
    },
    examples=[
        OpenApiExample("All that is left", value={"payment": _SESSION}, request_only=True),
        OpenApiExample(
            "A part of it",
            value={
                "payment": _SESSION,
                "amount": 1500,
                "currency": "gbp",
                "reason": "requested_by_customer",
                "idempotency_key": "booking-41-late-cancel",
            },
            request_only=True,
        ),
    ],
)

refund = extend_schema(
    operation_id="payments_refund",
    tags=_TAGS,
    responses={
        200: _answer(RefundSerializer, "The refund", _SENT_BACK),
        **_problems(*_CALLER, "not_acceptable", "not_found"),
    },
)
