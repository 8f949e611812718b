from __future__ import annotations

from django.db import models

from django_generic_payments.money import Money
from django_generic_payments.payables import payable


@payable("ticket")
class Ticket(models.Model):
    code = models.CharField(primary_key=True, max_length=40)
    holder = models.CharField(max_length=100, blank=True)

    def get_payment_amount(self):
        return Money(25_00, "gbp")

    def get_payment_description(self):
        return f"Ticket {self.code}"

    def can_be_paid_by(self, request):
        return True
