from __future__ import annotations

import uuid

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.db import models

from django_generic_payments.money import Money
from django_generic_payments.payables import payable


class Member(AbstractBaseUser):
    id = models.UUIDField(primary_key=True, default=uuid.uuid4)
    handle = models.CharField(max_length=30, unique=True)

    USERNAME_FIELD = "handle"
    objects = BaseUserManager()


@payable
class Membership(models.Model):
    member = models.OneToOneField(Member, on_delete=models.CASCADE)
    paid = models.BooleanField(default=False)

    def get_payment_amount(self):
        return Money.from_major(60, "chf")

    def get_payment_description(self):
        return f"Membership of {self.member.handle}"

    def can_be_paid_by(self, request):
        return request.user == self.member
