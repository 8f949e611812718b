"""
Taking webhooks after the Standard Webhooks specification: verified first, and acted upon once.

Source: https://www.standardwebhooks.com.
"""

from __future__ import annotations

import base64
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.conf import settings
from django.db import transaction
from django.http import HttpRequest, JsonResponse
from standardwebhooks import Webhook, WebhookVerificationError

from inbox.models import ReceivedWebhook

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Message:
    """What a webhook says."""

    id: str
    type: str
    data: dict[str, Any]


def receive(request: HttpRequest, act: Callable[[Message], None]) -> JsonResponse:
    """
    Verify a webhook, act upon it once, and answer: 503 while there is no secret to verify it with.

    What ``act`` writes is committed together with the mark that it was done: whoever is killed in between finds
    nothing done, and the sender tries again.
    """
    if not any(map(is_secret, settings.PAYMENTS_WEBHOOK_CALLBACK_SECRET)):
        logger.error("A webhook was refused: PAYMENTS_WEBHOOK_CALLBACK_SECRET holds no whsec_… secret.")
        return JsonResponse({"error": "unavailable"}, status=503)
    try:
        message = read(request)
    except WebhookVerificationError as error:
        logger.warning("A webhook was refused: %s.", error)
        return JsonResponse({"error": "invalid"}, status=400)
    with transaction.atomic():
        _row, is_new = ReceivedWebhook.objects.get_or_create(
            webhook_id=message.id, defaults={"type": message.type}
        )
        if is_new:
            act(message)
    return JsonResponse({"received": True})


def is_secret(text: str) -> bool:
    """Tell whether a secret is one that nobody can guess. A blank one would let anybody speak to us."""
    try:
        key = base64.b64decode(text.removeprefix("whsec_"), validate=True)
    except ValueError:
        return False
    return text.startswith("whsec_") and 24 <= len(key) <= 64


def read(request: HttpRequest) -> Message:
    """Return what a webhook says. Raises ``WebhookVerificationError`` unless one of our secrets signed it."""
    for secret in filter(is_secret, settings.PAYMENTS_WEBHOOK_CALLBACK_SECRET):
        try:
            said = Webhook(secret).verify(request.body, dict(request.headers))
        except (WebhookVerificationError, ValueError):  # also for what only looks like a signature
            continue
        if isinstance(said, dict) and isinstance(said.get("data"), dict):
            return Message(request.headers["webhook-id"], str(said.get("type")), said["data"])
    raise WebhookVerificationError("no signature of ours")
