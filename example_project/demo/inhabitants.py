"""Who lives in the served demo: an admin, a guest with an account, and a few bookings of others."""

from __future__ import annotations

from datetime import timedelta

from django.contrib.auth import get_user_model
from django.utils import timezone

from bookings.models import Booking, Room
from demo.stage import Stage
from django_generic_payments.services import start_checkout

ADMIN, GUEST, PASSWORD = "admin", "ann", "harbour"

#: Room, days from now, nights, name, and whether the deposit is paid.
STAYS = (
    ("harbour-view", 3, 4, "Bo", True),
    ("harbour-view", 12, 2, "Cleo", True),
    ("harbour-view", 20, 3, "Dan", False),
    ("garden-room", 5, 7, "Eve", True),
    ("boathouse", 9, 5, "Finn", True),
)


def move_in(stage: Stage) -> None:
    """Make the accounts, and let others book and pay as anybody would."""
    users = get_user_model().objects
    users.create_superuser(ADMIN, "admin@example.com", PASSWORD)
    users.create_user(GUEST, "ann@example.com", PASSWORD, first_name="Ann")
    today = timezone.localdate()
    for slug, ahead, nights, name, is_paid in STAYS:
        arrival = today + timedelta(days=ahead)
        booking = Booking.objects.place(
            room=Room.objects.get(slug=slug),
            starts_on=arrival,
            ends_on=arrival + timedelta(days=nights),
            name=name,
            email=f"{name.lower()}@example.com",
        )
        session = start_checkout(booking)
        if is_paid:
            stage.stripe.sandbox.pay(
                session.stripe_checkout_session_id, email=booking.email, name=booking.name
            )
    stage.stripe.sender.wait_until_sent(30)
