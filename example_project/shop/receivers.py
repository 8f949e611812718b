"""What an order does when something happens to its payment."""

from __future__ import annotations

from typing import Any

from django.dispatch import receiver

from django_generic_payments.models import PaymentSession
from django_generic_payments.signals import (
    payment_expired,
    payment_failed,
    payment_processing,
    payment_refunded,
    payment_succeeded,
)
from shop.models import Order


@receiver(payment_succeeded, sender=Order, dispatch_uid="shop.pack")
def pack_order(sender: type[Order], payable: Order, **kwargs: Any) -> None:
    payable.become(Order.Status.PAID)


@receiver(payment_processing, sender=Order, dispatch_uid="shop.wait_for_bank")
def wait_for_bank(sender: type[Order], payable: Order, **kwargs: Any) -> None:
    payable.become(Order.Status.WAITING_FOR_BANK)


@receiver(payment_refunded, sender=Order, dispatch_uid="shop.take_back")
def take_order_back(sender: type[Order], payable: Order, session: PaymentSession, **kwargs: Any) -> None:
    if not session.refundable:
        payable.become(Order.Status.REFUNDED)


# It can still be paid: nobody else wants this basket.
@receiver([payment_failed, payment_expired], sender=Order, dispatch_uid="shop.close")
def close_order(sender: type[Order], payable: Order, **kwargs: Any) -> None:
    payable.become(Order.Status.CLOSED)
