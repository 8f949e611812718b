"""Bookings that a deposit confirms, wherever it is paid."""

from __future__ import annotations

import uuid
from typing import Any

from django.db import models, transaction

#: What a night costs, and the deposit of a stay, in pence.
NIGHTLY_RATES = {"harbour-view": 120_00, "lighthouse-loft": 165_00}
DEPOSIT_PERCENT = 20
LONGEST_STAY = 28


class Booking(models.Model):
    """A room for some nights."""

    class Status(models.TextChoices):
        PENDING_PAYMENT = "pending_payment"
        CONFIRMED = "confirmed"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    room = models.SlugField()
    starts_on = models.DateField()
    ends_on = models.DateField()
    name = models.CharField(max_length=100)
    email = models.EmailField()
    deposit = models.BigIntegerField()
    currency = models.CharField(max_length=3, default="gbp")
    status = models.CharField(max_length=32, choices=Status.choices, default=Status.PENDING_PAYMENT)

    def __str__(self) -> str:
        return f"{self.room}, {self.starts_on}"

    def owes(self, payment: dict[str, Any]) -> bool:
        """Tell whether a payment, as the payments service describes it, is the one for this deposit."""
        return (
            (payment.get("payable_type"), payment.get("payable_id")) == ("booking", str(self.pk))
            and payment.get("status") == "succeeded"
            and (payment.get("paid_amount"), payment.get("currency")) == (self.deposit, self.currency)
        )

    def confirm(self) -> None:
        """Confirm a booking, and order its letter: once, however often it is asked for."""
        with transaction.atomic():
            waiting = Booking.objects.filter(pk=self.pk, status=self.Status.PENDING_PAYMENT)
            if waiting.update(status=self.Status.CONFIRMED):
                Letter.objects.create(booking=self)
        self.refresh_from_db()


class Letter(models.Model):
    """A letter that is to be sent to a guest who has a room now. Two of them would be one too many."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="letters")
    ordered_at = models.DateTimeField(auto_now_add=True)

    def __str__(self) -> str:
        return f"to {self.booking_id}"
