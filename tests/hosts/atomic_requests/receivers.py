from __future__ import annotations

from django.dispatch import receiver

from django_generic_payments.signals import payment_succeeded
from tests.hosts.atomic_requests.models import Course


@receiver(payment_succeeded, sender=Course, dispatch_uid="courses.sell_place")
def sell_place(sender, payable, **kwargs):
    payable.places_sold += 1
    payable.save()
