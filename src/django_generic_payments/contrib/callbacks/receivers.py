"""
The one receiver: it writes down what is to be sent, in the transaction in which its event is delivered.

It is connected only while ``CALLBACK_URLS`` names somebody. An event is owed to each of its receivers in a transaction
of its own, and a project that has the app and no URL should not pay for one that writes nothing.
"""

from __future__ import annotations

from typing import Any

from django.core.signals import setting_changed
from django.utils import timezone

from django_generic_payments.conf import SETTING, get_settings
from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.payload import body_of
from django_generic_payments.exceptions import ConfigurationError
from django_generic_payments.models import PaymentEvent
from django_generic_payments.services.announcements import SIGNALS

__all__ = ["write_down"]

_NAME = "generic_payments.callbacks"


def write_down(event: PaymentEvent, **kwargs: Any) -> None:
    """Owe this event to each URL."""
    body = body_of(event)
    for url in get_settings().callback_urls:
        callback = Callback(event=event, url=url, body=body, next_attempt_at=timezone.now())
        Callback.objects.insert_once(callback)


def connect_or_disconnect(*, setting: str = SETTING, **kwargs: Any) -> None:
    """Connect the receiver to every signal if there is somebody to tell; tests change the setting."""
    if setting != SETTING:
        return
    has_urls = _has_urls()
    for signal in SIGNALS.values():
        if has_urls:
            signal.connect(write_down, dispatch_uid=_NAME)
        else:
            signal.disconnect(dispatch_uid=_NAME)


def _has_urls() -> bool:
    try:
        return bool(get_settings().callback_urls)
    except (ConfigurationError, TypeError):
        # A check of its own says so, and it could not if the project did not start.
        return False


connect_or_disconnect()
setting_changed.connect(connect_or_disconnect, dispatch_uid=_NAME)
