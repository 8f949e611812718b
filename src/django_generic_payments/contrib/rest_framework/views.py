"""
The doors for programs. They decide who may see what; everything else is done by the services.

As the views of the core, none runs in a transaction of ``ATOMIC_REQUESTS``. The project's own authentication,
permissions and throttles apply; ours are added to them.
"""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth import get_user_model
from django.db import DatabaseError
from django.http import Http404
from django.urls import reverse
from django.utils.translation import gettext as _
from rest_framework import permissions, serializers, status
from rest_framework.renderers import JSONRenderer
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.views import APIView

from django_generic_payments.contrib.rest_framework import documentation
from django_generic_payments.contrib.rest_framework.parsing import SmallJSONParser
from django_generic_payments.contrib.rest_framework.problems import problem_handler
from django_generic_payments.contrib.rest_framework.serializers import (
    CheckoutRequestSerializer,
    CheckoutSerializer,
    PaymentSerializer,
    RefundRequestSerializer,
    RefundSerializer,
    SyncSerializer,
)
from django_generic_payments.contrib.rest_framework.throttling import PaymentsThrottle
from django_generic_payments.exceptions import GatewayError
from django_generic_payments.models import PaymentSession, Refund
from django_generic_payments.payables import get_payable_type
from django_generic_payments.services.checkout import begin_checkout
from django_generic_payments.services.pay_links import is_token_of
from django_generic_payments.services.refunds import begin_refund
from django_generic_payments.services.sync import sync_if_stale
from django_generic_payments.views import outside_transactions

logger = logging.getLogger("django_generic_payments")

__all__ = ["CheckoutView", "RefundView", "RefundsView", "StatusView"]

# Of callers without an account, whose keys must not meet those of the project's own code.
_STRANGERS = "strangers"


class PaymentsView(APIView):
    """JSON in, JSON out, errors as problem details, and nothing kept by a cache."""

    parser_classes = (SmallJSONParser,)
    renderer_classes = (JSONRenderer,)
    metadata_class = None
    payments_scope = ""

    @classmethod
    def as_view(cls, **initkwargs: Any) -> Any:
        """Return the view, kept out of ``ATOMIC_REQUESTS``."""
        return outside_transactions(super().as_view(**initkwargs))

    def get_throttles(self) -> list[Any]:
        """Add ours to the project's."""
        return [*super().get_throttles(), PaymentsThrottle()]

    def get_exception_handler(self) -> Any:
        """Answer as every view of this API does, whatever the project's own do."""
        return problem_handler

    def finalize_response(self, request: Request, response: Response, *args: Any, **kwargs: Any) -> Response:
        """Keep answers about payments out of caches."""
        response = super().finalize_response(request, response, *args, **kwargs)
        response["Cache-Control"] = "no-store"
        return response


class CheckoutView(PaymentsView):
    """Open a checkout."""

    payments_scope = "payments_checkout"

    @documentation.checkout
    def post(self, request: Request) -> Response:
        """
        Open a checkout, or return the one that is open.

        Send the payer to its `checkout_url`. The price is asked of the payable on the server. The same request again
        is answered with the same payment session.
        """
        asked = _checked(CheckoutRequestSerializer(data=request.data))
        payable = get_payable_type(asked["payable_type"]).load(
            asked["payable_id"], manager="_default_manager"
        )
        if payable is None or not payable.can_be_paid_by(request._request):
            why = "is not there" if payable is None else "may not be paid by this caller"
            logger.info("A checkout was refused: %s %s.", asked["payable_type"], why)
            raise Http404
        user = _user(request)
        session, is_new = begin_checkout(
            payable,
            user=user,
            customer=None,
            purpose=asked["purpose"],
            currency=asked.get("currency"),
            success_url=asked.get("success_url"),
            cancel_url=asked.get("cancel_url"),
            idempotency_key=_idempotency_key(request, asked),
            metadata=None,
            scope="" if user is not None else _STRANGERS,
        )
        return _made(request, CheckoutSerializer(session).data, is_new, "status", session.pk)


class StatusView(PaymentsView):
    """What became of a payment."""

    @property
    def payments_scope(self) -> str:  # type: ignore[override]
        """Asking Stripe is dearer than looking."""
        return "payments_sync" if "sync" in self.request.GET else "payments_status"

    @documentation.status
    def get(self, request: Request, session_id: UUID) -> Response:
        """
        Tell what became of a payment.

        For whoever started it with an account, or holds its `token`. With `?sync=1` Stripe is asked, if its webhook is
        late.
        """
        session = PaymentSession.objects.filter(pk=session_id).first()
        if session is None or not _may_see(request, session):
            raise Http404
        if _checked(SyncSerializer(data=request.query_params))["sync"]:
            session = _asked_for(session)
        return Response(PaymentSerializer(session).data)


class _HasPermission(permissions.BasePermission):
    """Whoever has one of Django's permissions on refunds."""

    def __init__(self, *names: str) -> None:
        self._names = names

    def has_permission(self, request: Request, view: APIView) -> bool:
        """Tell whether the caller has one of them."""
        user = _user(request)
        return user is not None and any(user.has_perm(f"generic_payments.{name}") for name in self._names)


class RefundsView(PaymentsView):
    """Send money back."""

    payments_scope = "payments_refunds"

    def get_permissions(self) -> list[Any]:
        """Add ours to the project's."""
        return [*super().get_permissions(), _HasPermission("add_refund")]

    @documentation.refunds
    def post(self, request: Request) -> Response:
        """
        Send a payment back, or a part of it.

        For users with Django's permission `generic_payments.add_refund`. Send an idempotency key, so that a request
        whose answer was lost can be sent again.
        """
        asked = _checked(RefundRequestSerializer(data=request.data))
        session = PaymentSession.objects.filter(pk=asked["payment"]).first()
        if session is None:
            raise Http404
        refund, is_new = begin_refund(
            session,
            asked["money"],
            reason=asked.get("reason", ""),
            by=request.user,
            idempotency_key=_idempotency_key(request, asked),
        )
        return _made(request, RefundSerializer(refund).data, is_new, "refund", refund.pk)


class RefundView(PaymentsView):
    """What became of a refund."""

    payments_scope = "payments_refunds"

    def get_permissions(self) -> list[Any]:
        """Add ours to the project's."""
        return [*super().get_permissions(), _HasPermission("view_refund", "add_refund")]

    @documentation.refund
    def get(self, request: Request, refund_id: UUID) -> Response:
        """
        Tell what became of a refund.

        For users with Django's permission `generic_payments.view_refund` or `generic_payments.add_refund`.
        """
        refund = Refund.objects.filter(pk=refund_id).first()
        if refund is None:
            raise Http404
        return Response(RefundSerializer(refund).data)


def _checked(serializer: Any) -> dict[str, Any]:
    serializer.is_valid(raise_exception=True)
    values: dict[str, Any] = serializer.validated_data
    return values


def _user(request: Request) -> Any | None:
    # Some ways to log in know of people who are no row of ours: to us they are strangers.
    is_known = isinstance(request.user, get_user_model()) and request.user.is_authenticated
    return request.user if is_known else None


def _idempotency_key(request: Request, asked: dict[str, Any]) -> str | None:
    """Return the key in the body or in the header. Raises ``ValidationError`` for two that differ."""
    in_body, in_header = asked.get("idempotency_key"), request.headers.get("Idempotency-Key")
    if in_header is None:
        return in_body
    key: str = CheckoutRequestSerializer().fields["idempotency_key"].run_validation(in_header)
    if in_body not in {None, key}:
        raise serializers.ValidationError(
            {"idempotency_key": [_("The header Idempotency-Key says something else.")]}, "conflict"
        )
    return key


def _may_see(request: Request, session: PaymentSession) -> bool:
    user = _user(request)
    if user is not None and session.owner_id == user.pk:
        return True
    return is_token_of(session, request.headers.get("Payment-Token", ""))


def _asked_for(session: PaymentSession) -> PaymentSession:
    with suppress(GatewayError, DatabaseError):  # what is known is still true
        session = sync_if_stale(session)
        session.refresh_from_db()
    return session


def _made(request: Request, data: Any, is_new: bool, name: str, key: UUID) -> Response:
    namespace = request.resolver_match.namespace if request.resolver_match else ""
    where = reverse(f"{namespace}:{name}" if namespace else name, args=[key])
    if not is_new:
        return Response(data, status.HTTP_200_OK, headers={"Content-Location": where})
    return Response(data, status.HTTP_201_CREATED, headers={"Location": where})
