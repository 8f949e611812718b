"""What a booking does when something happens to its payment."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from bookings.models import Booking
from django_generic_payments.models import PaymentSession, Refund
from django_generic_payments.services import refund_payment
from django_generic_payments.signals import (
    payment_canceled,
    payment_expired,
    payment_failed,
    payment_refunded,
    payment_succeeded,
    refund_failed,
)


@receiver(payment_succeeded, sender=Booking, dispatch_uid="bookings.confirm")
def confirm_booking(sender: type[Booking], payable: Booking, session: PaymentSession, **kwargs: Any) -> None:
    if not payable.confirm() and payable.deposit_to == Booking.DepositTo.REFUND:
        # Reserved here, together with what this receiver writes, and sent before Stripe is answered.
        refund_payment(session, reason="requested_by_customer", by="ROOM_TAKEN")


# Not sent when one checkout only made way for another.
@receiver([payment_failed, payment_expired], sender=Booking, dispatch_uid="bookings.release")
def release_booking(sender: type[Booking], payable: Booking, **kwargs: Any) -> None:
    payable.cancel(Booking.Ending.UNPAID)


@receiver(payment_refunded, sender=Booking, dispatch_uid="bookings.refunded")
def note_refund(sender: type[Booking], payable: Booking, refund: Refund, **kwargs: Any) -> None:
    payable.deposit_went_back(refund.money)


@receiver(refund_failed, sender=Booking, dispatch_uid="bookings.refund_failed")
def ask_staff(sender: type[Booking], payable: Booking, refund: Refund, **kwargs: Any) -> None:
    payable.deposit_did_not_go_back(refund.money)


@receiver(payment_canceled, sender=Booking, dispatch_uid="bookings.call_off")
def call_off_booking(sender: type[Booking], payable: Booking, **kwargs: Any) -> None:
    payable.cancel(Booking.Ending.BY_GUEST)
