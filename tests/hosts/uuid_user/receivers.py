from __future__ import annotations

from django.dispatch import receiver

from django_generic_payments.signals import payment_succeeded
from tests.hosts.uuid_user.models import Membership


@receiver(payment_succeeded, sender=Membership)
def activate(sender, payable, **kwargs):
    payable.paid = True
    payable.save()
