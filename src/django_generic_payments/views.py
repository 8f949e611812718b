"""
The doors: Stripe's webhook, and the pages a payer passes through.

None of them runs in a transaction of ``ATOMIC_REQUESTS``, because they call Stripe or commit in steps. The payer's
pages work without an account, and so under ``LoginRequiredMiddleware``: what may be paid is the payable's decision.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from uuid import UUID

from django.contrib.auth.decorators import login_not_required
from django.db import DatabaseError, connections
from django.db.transaction import non_atomic_requests
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from django_generic_payments.conf import get_settings
from django_generic_payments.exceptions import (
    AlreadyPaid,
    GatewayError,
    GatewayUnavailable,
    GenericPaymentsError,
    NothingToPay,
    PayableError,
    PaymentInProgress,
    PaymentsDisabled,
    UnknownPayable,
    WebhookRejected,
)
from django_generic_payments.models import PaymentSession
from django_generic_payments.payables import get_payable_type
from django_generic_payments.services.checkout import resume_checkout, start_checkout
from django_generic_payments.services.redirects import landing_url
from django_generic_payments.services.sync import sync_if_stale
from django_generic_payments.webhooks import read_event, receive
from django_generic_payments.webhooks.intake import LARGEST_BODY

__all__ = ["checkout", "pay", "return_from_checkout", "stripe_webhook"]

logger = logging.getLogger("django_generic_payments")


def outside_transactions(view: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """Keep ``ATOMIC_REQUESTS`` from wrapping a view, on whichever database it is set."""
    for alias in connections:
        view = non_atomic_requests(alias)(view)
    return view


@csrf_exempt
@login_not_required
@require_POST
@outside_transactions
def stripe_webhook(request: HttpRequest) -> HttpResponse:
    """Take an event from Stripe: 200 when it is done with, 400 when it is not Stripe's, 503 to have it come again."""
    settings = get_settings()
    if not settings.webhook_secrets:
        logger.error(
            "A webhook was refused: GENERIC_PAYMENTS['STRIPE_WEBHOOK_SECRET'] holds no whsec_… secret."
        )
        return JsonResponse({"error": "unavailable"}, status=503)
    try:
        event = read_event(_body(request), request.headers.get("Stripe-Signature", ""), settings)
    except WebhookRejected as error:
        logger.warning("A webhook was refused: %s.", error.reason)
        return JsonResponse({"error": "invalid"}, status=400)
    return (
        JsonResponse({"received": True}) if receive(event) else JsonResponse({"error": "retry"}, status=503)
    )


@never_cache
@login_not_required
@require_POST
@outside_transactions
def checkout(request: HttpRequest, payable_type: str, payable_id: str) -> HttpResponse:
    """Open a checkout for what ``can_be_paid_by`` lets this visitor pay, and go there."""
    try:
        payable = get_payable_type(payable_type).load(payable_id, manager="_default_manager")
    except UnknownPayable as error:
        raise Http404 from error
    if payable is None or not payable.can_be_paid_by(request):
        raise Http404
    try:
        session = start_checkout(
            payable,
            user=getattr(request, "user", None),
            purpose=request.POST.get("purpose", ""),
            currency=request.POST.get("currency") or None,
        )
    except (AlreadyPaid, PaymentInProgress) as error:
        return _land(request, error.session)
    except PayableError as error:
        raise Http404 from error
    except GenericPaymentsError as error:
        return _unavailable(request, error)
    return _see_other(session.checkout_url)


@never_cache
@login_not_required
@require_GET
@outside_transactions
def pay(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Open or resume the checkout of a pay link. Whoever holds the link may pay."""
    session = get_object_or_404(PaymentSession, pk=session_id)
    if not get_settings().ENABLED:
        return _unavailable(request, PaymentsDisabled("Payments are switched off."))
    try:
        session = resume_checkout(session)
    except (AlreadyPaid, PaymentInProgress) as error:
        return _land(request, error.session)
    except GenericPaymentsError as error:
        return _unavailable(request, error)
    return _see_other(session.checkout_url)


@never_cache
@login_not_required
@require_GET
@outside_transactions
def return_from_checkout(request: HttpRequest, session_id: UUID) -> HttpResponse:
    """Receive a payer from Stripe, ask what became of the payment if the webhook is late, and send them on."""
    session = get_object_or_404(PaymentSession, pk=session_id)
    try:
        session = sync_if_stale(session)
    except (GatewayError, DatabaseError) as error:
        logger.warning("Session %s could not be asked for: %s.", session.pk, type(error).__name__)
    return _land(request, session, came_back="canceled" in request.GET)


def _body(request: HttpRequest) -> bytes:
    length = request.headers.get("Content-Length") or "0"
    if not length.isdecimal() or len(length) > 9 or int(length) > LARGEST_BODY:
        raise WebhookRejected("body is too large")
    return request.body


def _land(request: HttpRequest, session: PaymentSession | None, *, came_back: bool = False) -> HttpResponse:
    if session is None:
        raise Http404
    try:
        target = landing_url(session, canceled=came_back)
    except UnknownPayable:
        target = ""
    if target:
        return _see_other(target)
    return render(request, "generic_payments/return.html", {"session": session})


def _unavailable(request: HttpRequest, error: GenericPaymentsError) -> HttpResponse:
    # What a closed door looks like: the payer may come back later if the cause passes.
    at_stripe = isinstance(error, GatewayError)
    logger.log(logging.ERROR if at_stripe else logging.INFO, "A checkout could not be opened: %s", error)
    context = {"passing": at_stripe, "nothing_due": isinstance(error, NothingToPay)}
    response = render(request, "generic_payments/unavailable.html", context, status=503 if at_stripe else 409)
    if isinstance(error, GatewayUnavailable):
        response["Retry-After"] = "10"
    return response


def _see_other(url: str) -> HttpResponse:
    return HttpResponseRedirect(url, status=303)
