"""Things to take home, and orders of them: several lines, in euros, and nothing like a booking."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from django.conf import settings
from django.db import models, transaction
from django.http import HttpRequest
from django.urls import reverse

from django_generic_payments.money import Money
from django_generic_payments.payables import LineItem, payable
from django_generic_payments.services import payment_required

CURRENCY = "eur"


class Product(models.Model):
    """Something that the shop sells. The price is in cents."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    blurb = models.CharField(max_length=200)
    picture_alt = models.CharField(max_length=250)
    unit_price = models.PositiveIntegerField()

    class Meta:
        ordering = ["-unit_price"]

    def __str__(self) -> str:
        return self.name

    @property
    def picture(self) -> str:
        """The path of the picture among the static files."""
        return f"shop/products/{self.slug}.svg"

    @property
    def price(self) -> Money:
        return Money(self.unit_price, CURRENCY)


class OrderQuerySet(models.QuerySet["Order"]):
    """Orders."""

    def place(self, quantities: Mapping[Product, int], *, owner: Any | None) -> Order:
        """Order so many of each product, at the prices of today."""
        with transaction.atomic():
            order = self.create(owner=owner)
            for product, quantity in quantities.items():
                order.lines.create(name=product.name, unit_price=product.unit_price, quantity=quantity)
            if not payment_required(order):
                order.become(self.model.Status.PAID)
        return order


@payable("order")
class Order(models.Model):
    """What somebody bought, or is about to."""

    class Status(models.TextChoices):
        NEW = "new", "waiting for payment"
        WAITING_FOR_BANK = "waiting_for_bank", "waiting for your bank"
        PAID = "paid", "paid, and being packed"
        CLOSED = "closed", "closed without payment"
        REFUNDED = "refunded", "refunded"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    status = models.CharField(max_length=32, choices=Status.choices, default=Status.NEW)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = OrderQuerySet.as_manager()

    class Meta:
        ordering = ["-created_at"]

    def __str__(self) -> str:
        return f"Order {str(self.pk)[:8]}"

    # After a payment the payer lands here.
    def get_absolute_url(self) -> str:
        return reverse("shop:order", args=[self.pk])

    @property
    def total(self) -> Money:
        return Money(sum(line.unit_price * line.quantity for line in self.lines.all()), CURRENCY)

    def become(self, status: Order.Status) -> None:
        """Move on; what is paid can only be refunded."""
        if self.status != self.Status.PAID or status == self.Status.REFUNDED:
            self.status = status
            self.save(update_fields=["status"])

    # What the payments app asks of whatever can be paid for.

    def get_payment_amount(self) -> Money:
        return self.total

    def get_payment_description(self) -> str:
        return f"{self} at the Harbour Shop"

    def get_payment_line_items(self) -> list[LineItem]:
        return [LineItem(line.name, line.price, line.quantity) for line in self.lines.all()]

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        if self.status not in {self.Status.NEW, self.Status.CLOSED}:
            return False
        return self.owner_id is None or self.owner_id == request.user.pk

    def get_stripe_params(self) -> dict[str, Any]:
        return {"branding_settings": {"display_name": "The Harbour Shop"}}


class OrderLine(models.Model):
    """So many of one product, at the price of the day."""

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="lines")
    name = models.CharField(max_length=100)
    unit_price = models.PositiveIntegerField()
    quantity = models.PositiveSmallIntegerField()

    def __str__(self) -> str:
        return f"{self.quantity} x {self.name}"

    @property
    def price(self) -> Money:
        return Money(self.unit_price, CURRENCY)

    @property
    def total(self) -> Money:
        return Money(self.unit_price * self.quantity, CURRENCY)
