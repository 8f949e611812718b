"""What happens when money arrives."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bookings.models import Booking
from django_generic_payments.signals import payment_succeeded


@receiver(payment_succeeded, sender=Booking, dispatch_uid="bookings.confirm")
def confirm_booking(sender: type[Booking], payable: Booking, **kwargs: Any) -> None:
    payable.confirm()
