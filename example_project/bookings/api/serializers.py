"""Bookings as programs see them. Amounts are integers in the minor unit, as everywhere."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers

from bookings.forms import BookingForm
from bookings.models import Booking, Room


class BookingRequestSerializer(serializers.Serializer):
    """Books a room. What it costs is not a question that is asked."""

    room = serializers.SlugRelatedField(slug_field="slug", queryset=Room.objects.all())
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    people = serializers.IntegerField(min_value=1, max_value=20, default=2)
    name = serializers.CharField(max_length=100)
    email = serializers.EmailField()

    def validate(self, attrs: dict[str, Any]) -> dict[str, Any]:
        """Ask the form of the site, so that there is one set of rules."""
        form = BookingForm(attrs, room=attrs["room"])
        if not form.is_valid():
            raise serializers.ValidationError(form.errors)
        return {"room": attrs["room"], **form.cleaned_data}


class PayableSerializer(serializers.Serializer):
    """What to ask the payments API for."""

    payable_type = serializers.CharField()
    payable_id = serializers.CharField()


class BookingSerializer(serializers.Serializer):
    """A booking, and what to pay for it."""

    id = serializers.UUIDField()
    room = serializers.CharField(source="room.slug")
    room_name = serializers.CharField(source="room.name")
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    people = serializers.IntegerField()
    total = serializers.IntegerField()
    deposit = serializers.IntegerField()
    currency = serializers.CharField()
    display_deposit = serializers.CharField(source="deposit_money")
    status = serializers.ChoiceField(Booking.Status.choices)
    payment_required = serializers.BooleanField(source="requires_payment")
    payable = serializers.SerializerMethodField()

    def get_payable(self, booking: Booking) -> PayableSerializer:
        return PayableSerializer({"payable_type": "booking", "payable_id": str(booking.pk)}).data
