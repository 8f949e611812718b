from __future__ import annotations

from django.db import models

from django_generic_payments.money import Money
from django_generic_payments.payables import payable


class VisibleManager(models.Manager):
    def get_queryset(self):
        return super().get_queryset().filter(is_deleted=False)


@payable("invoice")
class Invoice(models.Model):
    is_deleted = models.BooleanField(default=False)
    is_paid = models.BooleanField(default=False)

    objects = VisibleManager()
    everything = models.Manager()  # noqa: DJ012 (the visible ones are the default)

    def get_payment_amount(self):
        return Money(49_90, "usd")

    def get_payment_description(self):
        return f"Invoice {self.pk}"

    def can_be_paid_by(self, request):
        return True
