"""What the tests of bookings share: the fixtures, a sandbox in Stripe's place, and a visitor's ways."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from django.contrib.auth import get_user_model
from django.test import Client
from django.utils import timezone

from bookings.models import Booking, Room
from django_generic_payments.testing import PaymentsSandbox, use_sandbox


class SandboxMixin:
    """Puts a sandbox in Stripe's place for each test."""

    fixtures = ["rooms", "products"]
    stripe: PaymentsSandbox

    def setUp(self) -> None:
        super().setUp()
        sandbox = use_sandbox()
        self.stripe = sandbox.__enter__()
        self.addCleanup(sandbox.__exit__, None, None, None)


def day(number: int) -> date:
    """Return the day that is so many days ahead."""
    return timezone.localdate() + timedelta(days=number)


def user(name: str) -> Any:
    return get_user_model().objects.create_user(name, f"{name}@example.com")


def book(slug: str = "harbour-view", *, first: int = 10, nights: int = 2, owner: Any = None) -> Booking:
    """Book a room without a browser."""
    return Booking.objects.place(
        room=Room.objects.get(slug=slug),
        starts_on=day(first),
        ends_on=day(first + nights),
        owner=owner,
        name="Gil Guest",
        email="gil@example.com",
    )


def booked_by(client: Client, slug: str = "harbour-view", **changes: Any) -> Booking:
    """Book a room through the form, and return the newest booking."""
    form = {
        "starts_on": day(10).isoformat(),
        "ends_on": day(12).isoformat(),
        "people": 1,
        "name": "Gil Guest",
        "email": "gil@example.com",
        **changes,
    }
    response = client.post(f"/rooms/{slug}/", form)
    assert response.status_code == 302, response.context["form"].errors
    return Booking.objects.latest("created_at")
