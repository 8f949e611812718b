"""
Sending callbacks, each until it is answered by 2xx or given up.

The worker does so; a project with a task queue of its own may call ``send_due_callbacks`` instead.
"""

from __future__ import annotations

import logging
import re
from datetime import datetime, timedelta, timezone as time_zones
from email.utils import parsedate_to_datetime
from typing import Any

from django.utils import timezone

from django_generic_payments import __version__
from django_generic_payments.conf import SETTING, get_settings
from django_generic_payments.contrib.callbacks.models import Callback, CallbackQuerySet
from django_generic_payments.contrib.callbacks.posting import Answer, NotSent, post
from django_generic_payments.contrib.callbacks.signing import sign
from django_generic_payments.enums import DeliveryState
from django_generic_payments.maintenance.work import Chore
from django_generic_payments.retries import FIRST_PAUSE, after_failure

__all__ = ["CHORE", "replay", "send", "send_due_callbacks"]

logger = logging.getLogger("django_generic_payments")

_A_DAY = timedelta(days=1)


def send_due_callbacks() -> int:
    """Send what is due, and return how many callbacks were delivered. Call it outside of any transaction."""
    delivered = 0
    while (callback := Callback.objects.take_due()) is not None:
        delivered += send(callback) == DeliveryState.DELIVERED
    return delivered


def replay(callbacks: CallbackQuerySet) -> int:
    """
    Owe these callbacks once more, whatever became of them, and return how many they are.

    The worker sends them at its next look: the same id and the same body, so that a receiver that had them knows.
    """
    return callbacks.begin_again(
        state=DeliveryState.OWED,
        next_attempt_at=timezone.now(),
        last_error="",
        response_status=None,
    )


def send(callback: Callback) -> DeliveryState:
    """Send a callback that was taken over, and return what it is then; what is still owed is due again later."""
    settings = get_settings()
    if callback.url not in settings.callback_urls:
        gone = f"Its URL is not in {SETTING}['CALLBACK_URLS'] any more."
        # A worker of an older release does not know the newest URLs.
        is_young = timezone.now() - callback.created < _A_DAY
        return _fail(callback, gone) if is_young else _give_up(callback, gone)
    secrets = settings.callback_secrets(callback.url)
    if not secrets:
        return _fail(callback, f"{SETTING}['CALLBACK_SECRETS'] has no secret for this URL that is one.")
    try:
        answer = post(
            callback.url,
            callback.body.encode(),
            _headers(callback, secrets),
            allow_private=settings.CALLBACK_ALLOW_PRIVATE,
        )
    except NotSent as error:
        # All that waits for a receiver that is down would keep the worker from everything else.
        return _fail(callback, str(error), rest_until=timezone.now() + FIRST_PAUSE)
    return _note(callback, answer)


def _headers(callback: Callback, secrets: tuple[str, ...]) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": f"django-generic-payments/{__version__}",
        **sign(str(callback.event_id), callback.body, secrets),
    }


def _note(callback: Callback, answer: Answer) -> DeliveryState:
    status = answer.status
    if 200 <= status < 300:
        Callback.objects.held(callback).update(
            state=DeliveryState.DELIVERED,
            response_status=status,
            delivered_at=timezone.now(),
            next_attempt_at=None,
            last_error="",
        )
        return DeliveryState.DELIVERED
    if status == 410:
        gone = (
            f"Answered 410: the receiver wants no callbacks. Take its URL out of {SETTING}['CALLBACK_URLS']."
        )
        return _give_up(callback, gone, status)
    rest_until = _asked_to_wait(answer)
    return _fail(callback, _complaint(status), status, not_before=rest_until, rest_until=rest_until)


def _complaint(status: int) -> str:
    if 300 <= status < 400:
        return (
            f"Answered {status}: redirects are not followed. "
            f"Set the final address in {SETTING}['CALLBACK_URLS']."
        )
    return f"Answered {status}."


def _asked_to_wait(answer: Answer) -> datetime | None:
    if answer.status not in (429, 503):
        return None
    text, now = answer.retry_after.strip(), timezone.now()
    if re.fullmatch("[0-9]+", text):
        return now + min(timedelta(seconds=int(text[:9])), _A_DAY)
    try:
        moment = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return min(moment if moment.tzinfo else moment.replace(tzinfo=time_zones.utc), now + _A_DAY)


def _fail(
    callback: Callback,
    error: str,
    status: int | None = None,
    *,
    not_before: datetime | None = None,
    rest_until: datetime | None = None,
) -> DeliveryState:
    changes: dict[str, Any] = after_failure(callback, error, dead=DeliveryState.DEAD)
    if not_before and changes["next_attempt_at"]:
        changes["next_attempt_at"] = max(changes["next_attempt_at"], not_before)
    Callback.objects.held(callback).update(response_status=status, **changes)
    if rest_until:
        Callback.objects.put_off(callback.url, rest_until)
    if "state" not in changes:
        due = timezone.localtime(changes["next_attempt_at"])
        logger.warning("Callback %s is sent again after %s. %s", callback, f"{due:%Y-%m-%d %H:%M:%S}", error)
        return DeliveryState.OWED
    logger.critical("Callback %s is given up after %s attempts. %s", callback, changes["attempts"], error)
    return DeliveryState.DEAD


def _give_up(callback: Callback, reason: str, status: int | None = None) -> DeliveryState:
    Callback.objects.held(callback).update(
        state=DeliveryState.DEAD, next_attempt_at=None, last_error=reason, response_status=status
    )
    logger.critical("Callback %s is given up. %s", callback, reason)
    return DeliveryState.DEAD


def _is_done_with(callback: Callback) -> bool:
    return send(callback) != DeliveryState.OWED


CHORE = Chore("callbacks", Callback.objects.take_due, _is_done_with)
