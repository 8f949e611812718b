"""Receivers of the shop, found by themselves as admin modules are."""

from __future__ import annotations

from typing import Any

from django.db.models import F
from django.dispatch import receiver

from django_generic_payments import signals
from django_generic_payments.services.announcements import SIGNALS
from tests.shop.models import Booking, Heard


@receiver(signals.payment_succeeded, sender=Booking, dispatch_uid="shop.confirm")
def confirm_booking(sender: type, payable: Booking, **kwargs: Any) -> None:
    Booking.objects.filter(pk=payable.pk).update(confirmed=F("confirmed") + 1)


def write_down(sender: type, payable: Any, session: Any, event: Any, **kwargs: Any) -> None:
    Heard.objects.create(
        receiver="shop.write_down",
        kind=event.kind,
        event_id=event.pk,
        payable_type=session.payable_type,
        payable_id=session.payable_id,
        had_payable=payable is not None,
    )


for _name, _signal in SIGNALS.items():
    _signal.connect(write_down, dispatch_uid=f"shop.write_down.{_name}")
