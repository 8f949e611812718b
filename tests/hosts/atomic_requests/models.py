from __future__ import annotations

from django.db import models

from django_generic_payments.money import Money
from django_generic_payments.payables import payable


@payable("course")
class Course(models.Model):
    title = models.CharField(max_length=50)
    places_sold = models.IntegerField(default=0)

    def get_payment_amount(self):
        return Money(100_00, "eur")

    def get_payment_description(self):
        return self.title

    def can_be_paid_by(self, request):
        return True
