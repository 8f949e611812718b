"""The one thing that bookings ask the payments service for."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from typing import Any
from uuid import UUID

from django.conf import settings

SECONDS = 10


class PaymentsUnavailable(Exception):
    """The payments service does not answer."""


def find_payment(payment_id: UUID, token: str) -> dict[str, Any] | None:
    """
    Return what became of a payment, ``None`` if the token is not its own. Raises ``PaymentsUnavailable``.

    The token comes from the payer's browser, and only lets us ask: what counts is the answer.
    """
    request = urllib.request.Request(
        f"{settings.PAYMENTS_URL}/api/payments/status/{payment_id}/?sync=1", headers={"Payment-Token": token}
    )
    try:
        with urllib.request.urlopen(request, timeout=SECONDS) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        if error.code == 404:
            return None
        raise PaymentsUnavailable from error
    except (OSError, ValueError) as error:
        raise PaymentsUnavailable from error
