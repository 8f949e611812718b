from __future__ import annotations

from django.dispatch import receiver

from django_generic_payments.signals import payment_succeeded
from tests.hosts.guests_only.models import Ticket


@receiver(payment_succeeded, sender=Ticket, dispatch_uid="tickets.hand_out")
def hand_out(sender, payable, session, **kwargs):
    payable.holder = session.customer.email
    payable.save()
