"""Webhook signatures.

https://docs.stripe.com/webhooks#verify-manually
"""

from __future__ import annotations

import hashlib
import hmac
import time

__all__ = ["signature_header"]


def signature_header(body: bytes, secrets: list[str], timestamp: int | None, *, livemode: bool) -> str:
    """Sign a body as Stripe does, once with each secret: while one is rolled there are two.

    The timestamp is real time and not the sandbox clock's, because the receiver compares it with its own.
    """
    moment = int(time.time()) if timestamp is None else timestamp
    signed = b"%d.%s" % (moment, body)
    header = ",".join([f"t={moment}", *(f"v1={digest(secret, signed)}" for secret in secrets)])
    # In test mode Stripe adds a signature of a scheme that does not exist; receivers must skip it.
    return header if livemode else f"{header},v0={digest(secrets[0][::-1], signed)}"


def digest(secret: str, signed: bytes) -> str:
    return hmac.new(secret.encode(), signed, hashlib.sha256).hexdigest()
