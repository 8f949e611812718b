"""Stripe's errors in our words."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager

import stripe

from django_generic_payments.exceptions import (
    ErrorRepeated,
    GatewayError,
    GatewayMisconfigured,
    GatewayRefused,
    GatewayUnavailable,
)

__all__ = ["TRANSLATIONS", "translated_errors"]

# Looked up along the error's MRO, so that the most specific row wins. An error that Stripe adds tomorrow counts as an
# unknown outcome, which is the answer that loses nothing. Source: https://docs.stripe.com/error-low-level.
TRANSLATIONS: dict[type[BaseException], type[GatewayError]] = {
    stripe.StripeError: GatewayUnavailable,
    stripe.APIConnectionError: GatewayUnavailable,
    stripe.APIError: GatewayUnavailable,
    stripe.RateLimitError: GatewayUnavailable,
    stripe.AuthenticationError: GatewayMisconfigured,
    stripe.PermissionError: GatewayMisconfigured,
    stripe.CardError: GatewayRefused,
    stripe.IdempotencyError: GatewayRefused,
    stripe.InvalidRequestError: GatewayRefused,
}

# Somebody else holds the key or the object at this moment: nothing was decided, whatever class the SDK makes of it.
# Source: https://docs.stripe.com/rate-limits#object-lock-timeouts.
_BUSY = {"idempotency_key_in_use", "lock_timeout", "rate_limit"}

_PRIVATE = re.compile(r"[^\s@]+@[^\s@]+|\b(?:sk|rk|pk|whsec|\w+_secret)_[A-Za-z0-9_*]+")


@contextmanager
def translated_errors() -> Iterator[None]:
    """Turn what the SDK raises into one of our ``GatewayError`` classes."""
    try:
        yield
    except stripe.StripeError as error:
        ours = next(TRANSLATIONS[cls] for cls in type(error).__mro__ if cls in TRANSLATIONS)
        details = error.error
        code = str(getattr(details, "code", None) or getattr(details, "type", None) or "")
        if ours is GatewayRefused and code in _BUSY:
            ours = GatewayUnavailable
        # Source: https://docs.stripe.com/api/idempotent_requests.
        if ours is GatewayUnavailable and (error.headers or {}).get("Idempotent-Replayed") == "true":
            ours = ErrorRepeated
        message = _PRIVATE.sub("…", str(error))
        # A chained error is printed with its own message: what was taken out of ours stays out of tracebacks.
        cause = error if message == str(error) else None
        raise ours(
            message or type(error).__name__,
            code=code,
            param=str(getattr(details, "param", None) or ""),
        ) from cause
