"""The bookings service, which dies where a test says: a file named by ``DIE_AT`` holds the place."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from typing import Any

from django.db.models.signals import post_save

from two_services.bookings_service.settings import *  # noqa: F403

#: Before anything is done with a webhook, in the transaction that confirms, and after it, before the answer.
PLACES = ("arrival", "confirmation", "answer")

MIDDLEWARE = ["tests.two_services.fragile.dies_on_the_way"]


def die_at(place: str) -> None:
    order = Path(os.environ["DIE_AT"])
    if order.read_text() == place:
        order.write_text("")
        os.kill(os.getpid(), signal.SIGKILL)


def dies_on_the_way(get_response: Any) -> Any:
    # Not before: the models are not there yet when the settings are read.
    post_save.connect(lambda **_: die_at("confirmation"), "bookings.Letter", weak=False)

    def middleware(request: Any) -> Any:
        is_webhook = request.path.endswith("/webhook/payment/")
        if is_webhook:
            die_at("arrival")
        response = get_response(request)
        if is_webhook:
            die_at("answer")
        return response

    return middleware
