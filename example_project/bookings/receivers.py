"""What a booking does when something happens to its payment."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bookings.models import Booking
from django_generic_payments.signals import (
    payment_canceled,
    payment_expired,
    payment_failed,
    payment_succeeded,
)


@receiver(payment_succeeded, sender=Booking, dispatch_uid="bookings.confirm")
def confirm_booking(sender: type[Booking], payable: Booking, **kwargs: Any) -> None:
    payable.confirm()


# Not sent when one checkout only made way for another.
@receiver([payment_failed, payment_expired], sender=Booking, dispatch_uid="bookings.release")
def release_booking(sender: type[Booking], payable: Booking, **kwargs: Any) -> None:
    payable.cancel(Booking.Ending.UNPAID)


@receiver(payment_canceled, sender=Booking, dispatch_uid="bookings.call_off")
def call_off_booking(sender: type[Booking], payable: Booking, **kwargs: Any) -> None:
    payable.cancel(Booking.Ending.BY_GUEST)
