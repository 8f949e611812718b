from __future__ import annotations

from django.dispatch import receiver

from django_generic_payments.signals import payment_succeeded
from tests.hosts.soft_delete.models import Invoice


@receiver(payment_succeeded, sender=Invoice, dispatch_uid="invoices.settle")
def settle(sender, payable, **kwargs):
    Invoice.everything.filter(pk=payable.pk).update(is_paid=True)
