"""
Errors as problem details: one body for all of them, with a code that programs can rely on.

Source: https://www.rfc-editor.org/rfc/rfc9457.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from http.client import responses
from typing import Any, NamedTuple
from urllib.parse import quote

from django.db import OperationalError
from rest_framework import exceptions as drf
from rest_framework.response import Response
from rest_framework.settings import api_settings
from rest_framework.views import exception_handler

from django_generic_payments import exceptions as ours
from django_generic_payments.models import PaymentSession

__all__ = ["CODES", "CONTENT_TYPE", "TITLES", "InvalidMoney", "Problem", "problem_handler", "type_of"]

logger = logging.getLogger("django_generic_payments")

CONTENT_TYPE = "application/problem+json"
_DOCUMENTATION = (
    "https://github.com/django-generic-payments/django-generic-payments/blob/main/docs/reference/rest-api.md"
)
# Seconds. Nothing was decided, and the same request is safe to repeat.
_RETRY_AFTER = {"in_flight": 1, "stripe_unavailable": 10}


class Problem(NamedTuple):
    """What stands for one kind of error: the same for ever."""

    code: str
    status: int
    title: str
    #: For clients: most messages of exceptions speak to the project's developer. ``None`` for those that do not.
    detail: str | None = None


class InvalidMoney(drf.APIException):
    """What a caller asked for is no amount that can be charged. A ``MoneyError`` of a payable is a bug instead."""

    status_code = 400
    default_code = "invalid_money"


#: By our exception: the first row that fits counts, so that the most specific come first.
_OF_OURS: Sequence[tuple[type[Exception], Problem]] = (
    (ours.UnknownPayable, Problem("not_found", 404, "Not found", "Nothing is here.")),
    (
        ours.UnknownPurpose,
        Problem("unknown_purpose", 400, "There is no such purpose", "It cannot be paid for this purpose."),
    ),
    (
        ours.CurrencyNotOffered,
        Problem(
            "currency_not_offered",
            400,
            "There is no such price",
            "It has no price in this currency. Leave the currency out for the usual one.",
        ),
    ),
    (
        ours.UnsafeRedirect,
        Problem(
            "unsafe_redirect",
            400,
            "Payers are not sent there",
            "success_url and cancel_url lead to this site, or to a host that it allows.",
        ),
    ),
    (ours.AlreadyPaid, Problem("already_paid", 409, "It is paid for", "Nothing is left to be paid.")),
    (
        ours.PaymentInProgress,
        Problem(
            "payment_in_progress", 409, "A payment is on its way", "The bank is at work. Ask again later."
        ),
    ),
    (
        ours.NothingToPay,
        Problem("nothing_to_pay", 409, "Nothing is due", "It needs no payment, or does no longer."),
    ),
    (
        ours.PaymentsDisabled,
        Problem("payments_disabled", 409, "Payments are switched off", "It needs no payment at the moment."),
    ),
    (
        ours.IdempotencyKeyReused,
        Problem(
            "idempotency_key_reused",
            422,
            "The key belongs to another request",
            "Use a new key for each request.",
        ),
    ),
    (
        ours.CheckoutRefused,
        Problem(
            "checkout_closed", 409, "The checkout was closed", "Others were faster. Send the request again."
        ),
    ),
    (ours.RefundRefused, Problem("refund_refused", 409, "This money cannot be sent back")),
    (
        ours.GatewayUnavailable,
        Problem(
            "stripe_unavailable",
            503,
            "Stripe does not answer",
            "Nothing is lost. Send the same request again, with the same key.",
        ),
    ),
    (
        ours.GatewayError,
        Problem(
            "stripe_refused", 502, "Stripe refuses the request", "The shop has to mend it; its log says why."
        ),
    ),
)
_IN_FLIGHT = Problem(
    "in_flight", 409, "The same request is being worked on", "Send it again in a second, with the same key."
)
_BUSY = {"idempotency_key_in_use", "lock_timeout"}

#: By the code of Django REST framework.
_OF_DRF = {
    problem.code: problem
    for problem in (
        Problem("invalid", 400, "The request cannot be understood"),
        Problem("invalid_money", 400, "No amount that can be charged"),
        Problem("parse_error", 400, "The body is no JSON object"),
        Problem("not_authenticated", 401, "Say who you are"),
        Problem("authentication_failed", 401, "The credentials are not valid"),
        Problem("permission_denied", 403, "You may not do this"),
        Problem("not_found", 404, "Not found", "Nothing is here."),
        Problem("method_not_allowed", 405, "The method is not allowed here"),
        Problem("not_acceptable", 406, "The answer is JSON"),
        Problem("unsupported_media_type", 415, "The body must be JSON"),
        Problem("throttled", 429, "Too many requests"),
    )
}

_ALL = (*_OF_DRF.values(), *(problem for _cls, problem in _OF_OURS), _IN_FLIGHT)
#: Every code, with its status: clients may rely on them.
CODES: Mapping[str, int] = {problem.code: problem.status for problem in _ALL}
TITLES: Mapping[str, str] = {problem.code: problem.title for problem in _ALL}


def type_of(code: str) -> str:
    """Return the address at which a code is explained, or what stands for none."""
    return f"{_DOCUMENTATION}#{code}" if code in CODES else "about:blank"


def problem_handler(error: Exception, context: Mapping[str, Any]) -> Response | None:
    """Answer an error as problem details; ``None`` for one that is a bug, which is Django's to report."""
    problem = _problem_of(error)
    if problem is None:
        response = exception_handler(error, dict(context))
        if response is None:
            return None
        response.data = _body_of_drf(error, response)
    else:
        response = Response(
            _body(problem, str(error), _visible_payment(error, context)), status=problem.status
        )
        level = logging.ERROR if problem.status >= 500 else logging.INFO
        logger.log(level, "A request of the REST API was refused (%s): %s", problem.code, error)
    response.content_type = CONTENT_TYPE
    if seconds := _RETRY_AFTER.get(response.data["code"]):
        response["Retry-After"] = str(seconds)
    return response


def _problem_of(error: Exception) -> Problem | None:
    is_busy_there = isinstance(error, ours.GatewayUnavailable) and error.code in _BUSY
    if is_busy_there or _is_lock_timeout(error):
        return _IN_FLIGHT
    return next((problem for cls, problem in _OF_OURS if isinstance(error, cls)), None)


def _is_lock_timeout(error: Exception) -> bool:
    # PostgreSQL's code for it, and SQLite's words.
    locked = getattr(error.__cause__, "sqlstate", "") == "55P03" or "is locked" in str(error)
    return isinstance(error, OperationalError) and locked


def _body(problem: Problem, message: str, payment: str | None = None) -> dict[str, Any]:
    body: dict[str, Any] = {
        "type": type_of(problem.code),
        "title": problem.title,
        "status": problem.status,
        "code": problem.code,
        "detail": problem.detail or message,
    }
    if payment is not None:
        body["payment"] = payment
    return body


def _body_of_drf(error: Exception, response: Response) -> dict[str, Any]:
    # Where the project's first way to log in is a session, DRF answers 403 to somebody who has none.
    problem = _drf_problem_of(error, response.status_code)._replace(status=response.status_code)
    if not isinstance(error, drf.ValidationError):
        return _body(problem, str(getattr(error, "detail", problem.title)))
    errors = list(_errors_in(error.get_full_details()))
    return {**_body(problem, "; ".join(each["detail"] for each in errors)), "errors": errors}


def _drf_problem_of(error: Exception, status: int) -> Problem:
    """Return what stands for an error of DRF, for one of Django that it knows, or for one of the project's own."""
    codes = [code for cls in type(error).__mro__ if (code := getattr(cls, "default_code", ""))]
    for code in codes:
        if code in _OF_DRF:
            return _OF_DRF[code]
    own = next((code for code in codes if code != drf.APIException.default_code), None)
    if own is None:
        for problem in _OF_DRF.values():
            if problem.status == status:
                return problem
    # The title is what "about:blank" asks for.
    return Problem(own or "error", status, responses.get(status, "Error"))


def _errors_in(details: Any, pointer: str = "#") -> Iterator[dict[str, str]]:
    if _is_one_error(details):
        # Some messages repeat what was sent, and JSON has characters that UTF-8 has not.
        message = details["message"].encode(errors="replace").decode()
        yield {"pointer": pointer, "code": str(details["code"]), "detail": message}
    elif isinstance(details, Mapping):
        for name, inner in details.items():
            yield from _errors_in(inner, _below(pointer, str(name)))
    else:
        for number, inner in enumerate(details):
            # A list holds the errors of one field, or what is wrong with each of several objects.
            yield from _errors_in(inner, pointer if _is_one_error(inner) else f"{pointer}/{number}")


def _is_one_error(details: Any) -> bool:
    return isinstance(details, Mapping) and isinstance(details.get("message"), str)


def _below(pointer: str, name: str) -> str:
    if name == api_settings.NON_FIELD_ERRORS_KEY:
        return pointer
    # Source: https://www.rfc-editor.org/rfc/rfc6901#section-6.
    return f"{pointer}/{quote(name.replace('~', '~0').replace('/', '~1'), safe='', errors='replace')}"


def _visible_payment(error: Exception, context: Mapping[str, Any]) -> str | None:
    """Return the payment session in the way, if it is the caller's own."""
    session = getattr(error, "session", None)
    if not isinstance(session, PaymentSession) or session.owner_id is None:
        return None
    user = getattr(context.get("request"), "user", None)
    return str(session.pk) if getattr(user, "pk", None) == session.owner_id else None
