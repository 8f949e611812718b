"""What a callback is headed by: its id, the time and its signatures, after Standard Webhooks."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timezone

from django_generic_payments.exceptions import ConfigurationError

try:
    from standardwebhooks import Webhook
except ModuleNotFoundError as error:
    # Here and not in ready(): the admin, which needs it too, may be looked for before that.
    raise ConfigurationError(
        "Callbacks are signed by the package standardwebhooks, which is not installed: "
        'pip install "django-generic-payments[callbacks]"'
    ) from error

__all__ = ["sign"]


def sign(identifier: str, body: str, secrets: Iterable[str]) -> dict[str, str]:
    """Return the headers of a callback that is sent now, with one signature for each secret."""
    now = datetime.now(timezone.utc)
    signatures = [Webhook(secret).sign(identifier, now, body) for secret in secrets]
    return {
        "webhook-id": identifier,
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": " ".join(signatures),
    }
