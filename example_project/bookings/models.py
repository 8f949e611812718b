"""Bookings, which are confirmed by a deposit."""

from __future__ import annotations

from django.conf import settings
from django.db import models
from django.http import HttpRequest
from django.urls import reverse

from django_generic_payments.money import Money
from django_generic_payments.payables import payable

DEPOSIT_PER_NIGHT = 25_00  # pence


@payable("booking")
class Booking(models.Model):
    """A room for some nights."""

    class Status(models.TextChoices):
        PENDING_PAYMENT = "pending_payment", "waiting for the deposit"
        CONFIRMED = "confirmed", "confirmed"
        CANCELLED = "cancelled", "cancelled"

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE)
    room = models.CharField(max_length=100)
    starts_on = models.DateField()
    nights = models.PositiveSmallIntegerField(default=1)
    status = models.CharField(max_length=32, choices=Status.choices, default=Status.PENDING_PAYMENT)
    #: How often it was confirmed: once, whatever the network does.
    confirmations = models.PositiveIntegerField(default=0, editable=False)

    def __str__(self) -> str:
        return f"{self.room}, {self.starts_on}"

    def get_absolute_url(self) -> str:
        return reverse("bookings:detail", args=[self.pk])

    def confirm(self) -> None:
        """Give the room away: the deposit is there."""
        self.status = self.Status.CONFIRMED
        self.confirmations += 1
        self.save(update_fields=["status", "confirmations"])

    def get_payment_amount(self) -> Money:
        return Money(DEPOSIT_PER_NIGHT * self.nights, "gbp")

    def get_payment_description(self) -> str:
        return f"Deposit for {self.room}, {self.starts_on}"

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        return request.user.is_authenticated and self.owner_id == request.user.pk
