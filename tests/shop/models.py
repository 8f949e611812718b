"""Payables of several kinds, and a log of what their receivers heard."""

from __future__ import annotations

import uuid
from typing import Any

from django.conf import settings
from django.db import models
from django.http import HttpRequest

from django_generic_payments.money import Money
from django_generic_payments.payables import LineItem, payable


@payable("booking")
class Booking(models.Model):
    """The ordinary payable: an owner, a price, one purpose."""

    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True)
    deposit = models.BigIntegerField(default=12_50)
    currency = models.CharField(max_length=3, default="gbp")
    confirmed = models.IntegerField(default=0)

    def get_payment_amount(self) -> Money:
        return Money(self.deposit, self.currency)

    def get_payment_description(self) -> str:
        return f"Deposit for booking {self.pk}"

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        return self.owner_id is None or request.user.pk == self.owner_id


class LateBooking(Booking):
    """A proxy: it counts as a booking."""

    class Meta:
        proxy = True


class SuiteBooking(Booking):
    """A child: it counts as a booking too."""

    suite = models.CharField(max_length=20, default="Blue")


@payable
class Order(models.Model):
    """A payable with a UUID, prices, lines, purposes, and everything else that is optional."""

    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    total = models.BigIntegerField(default=30_00)
    email = models.CharField(max_length=100, blank=True)

    payment_purposes = ("", "shipping")

    def get_payment_amount(self, purpose: str = "") -> Money:
        return Money(5_00 if purpose == "shipping" else self.total, "eur")

    def get_payment_prices(self, purpose: str = "") -> list[Money]:
        return [self.get_payment_amount(purpose), Money(5000, "jpy")]

    def get_payment_description(self, purpose: str = "") -> str:
        return f"{purpose or 'goods'} of order {self.pk}"

    def get_payment_customer(self, purpose: str = "") -> dict[str, str]:
        return {"email": self.email}

    def get_payment_return_url(self, session: Any, purpose: str = "") -> str:
        return f"/orders/{self.pk}/?payment={session.pk}&purpose={purpose}"

    def get_payment_cancel_url(self, session: Any, purpose: str = "") -> str:
        return f"/orders/{self.pk}/basket/?payment={session.pk}&purpose={purpose}"

    def get_stripe_params(self, purpose: str = "") -> dict[str, Any]:
        return {"submit_type": "book", "payment_intent_data": {"statement_descriptor_suffix": "SHOP"}}

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        return True


@payable("basket")
class Basket(models.Model):
    """A payable of several lines."""

    lines = models.JSONField(default=list)
    declared = models.BigIntegerField(default=0)

    def get_payment_amount(self) -> Money:
        return Money(self.declared, "gbp")

    def get_payment_line_items(self) -> list[LineItem]:
        return [LineItem(name, Money(price, "gbp"), quantity) for name, price, quantity in self.lines]

    def get_payment_description(self) -> str:
        return "Basket"

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        return True


class Heard(models.Model):
    """One line for each call of a receiver, written in the receiver's own transaction."""

    receiver = models.CharField(max_length=100)
    kind = models.CharField(max_length=50)
    event_id = models.UUIDField()
    payable_type = models.CharField(max_length=100)
    payable_id = models.CharField(max_length=128)
    had_payable = models.BooleanField()
