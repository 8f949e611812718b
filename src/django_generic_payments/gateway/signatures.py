"""Whether Stripe signed a request."""

from __future__ import annotations

import time
from collections.abc import Iterable

import stripe

from django_generic_payments.exceptions import WebhookRejected

__all__ = ["verify_signature"]

_LONGEST_HEADER = 4096
_MOST_SIGNATURES = 16


def verify_signature(body: bytes, header: str, secrets: Iterable[str], *, tolerance: int) -> None:
    """
    Check that one of the secrets signed the body within ``tolerance`` seconds of now.

    Raises ``WebhookRejected`` and nothing else, whatever the header and the body are. Beyond the SDK it refuses times
    in the future and headers that make the SDK itself fail. Source: https://docs.stripe.com/webhooks/signature.
    """
    if not header:
        raise WebhookRejected("no signature header")
    if len(header) > _LONGEST_HEADER or not header.isascii() or not header.isprintable():
        raise WebhookRejected("malformed signature header")
    fields = [part.partition("=")[::2] for part in header.split(",")]
    times = [value for name, value in fields if name == "t"]
    signatures = [value for name, value in fields if name == "v1"]
    if len(times) != 1 or not times[0].isdigit() or len(times[0]) > 12 or len(signatures) > _MOST_SIGNATURES:
        raise WebhookRejected("malformed signature header")
    if abs(time.time() - int(times[0])) > tolerance:
        raise WebhookRejected("signature time is too old or in the future")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError as error:
        raise WebhookRejected("body is not UTF-8") from error
    if not any(_is_signed_by(secret, text, header) for secret in secrets):
        raise WebhookRejected("no signature matches")


def _is_signed_by(secret: str, text: str, header: str) -> bool:
    try:
        stripe.WebhookSignature.verify_header(text, header, secret)
    except Exception:
        return False
    return True
