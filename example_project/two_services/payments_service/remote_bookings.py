"""Bookings as the payments service knows them: by their id, and by asking."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from functools import cached_property
from typing import Any
from uuid import UUID

from django.conf import settings
from django.http import HttpRequest
from rest_framework import status
from rest_framework.exceptions import APIException

from django_generic_payments.models import PaymentSession
from django_generic_payments.money import Money

SECONDS = 10


class BookingsUnavailable(APIException):
    """The bookings service does not answer."""

    status_code = status.HTTP_503_SERVICE_UNAVAILABLE
    default_code = "bookings_unavailable"
    default_detail = "The booking cannot be looked up at the moment. Try again."


class RemoteBooking:
    """
    A booking of the other service.

    It is asked only when somebody is about to pay. What was paid is told without asking, so that a bookings service
    that is down delays no webhook of Stripe.
    """

    def __init__(self, pk: str) -> None:
        self.pk = pk

    @classmethod
    def known_as(cls, payable_id: str) -> RemoteBooking | None:
        """Return the booking of this id, if it can be one."""
        try:
            return cls(str(UUID(payable_id)))
        except ValueError:
            return None

    @property
    def address(self) -> str:
        return f"{settings.BOOKINGS_URL}/api/bookings/{self.pk}/"

    @cached_property
    def facts(self) -> dict[str, Any] | None:
        """What the bookings service says of it, ``None`` if it has no such booking."""
        try:
            with urllib.request.urlopen(self.address, timeout=SECONDS) as answer:
                return json.load(answer)
        except urllib.error.HTTPError as error:
            if error.code == 404:
                return None
            raise BookingsUnavailable from error
        except (OSError, ValueError) as error:
            raise BookingsUnavailable from error

    def told(self) -> dict[str, Any]:
        """Return what the bookings service says. Raises ``LookupError`` if it no longer has the booking."""
        if self.facts is None:
            raise LookupError(f"The bookings service has no booking {self.pk}.")
        return self.facts

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        # Whoever knows the id: it cannot be guessed.
        return self.facts is not None and self.facts["status"] == "pending_payment"

    def get_payment_amount(self) -> Money:
        told = self.told()
        return Money(told["deposit"], told["currency"])

    def get_payment_description(self) -> str:
        told = self.told()
        return f"Deposit for {told['room']}, {told['starts_on']} to {told['ends_on']}"

    def get_payment_return_url(self, session: PaymentSession) -> str:
        return self.address
