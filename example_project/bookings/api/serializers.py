"""Bookings as programs see them. Amounts are integers in the minor unit, as everywhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from django.templatetags.static import static
from rest_framework import serializers

from bookings.forms import BookingForm
from bookings.models import Booking, Room


class RoomSerializer(serializers.Serializer):
    """A room to choose."""

    slug = serializers.SlugField()
    name = serializers.CharField()
    tagline = serializers.CharField()
    picture = serializers.SerializerMethodField()
    picture_alt = serializers.CharField()
    sleeps = serializers.IntegerField()
    price = serializers.IntegerField(source="price.amount")
    currency = serializers.CharField(source="price.currency")
    display_price = serializers.CharField(source="price")
    deposit_percent = serializers.IntegerField()

    def get_picture(self, room: Room) -> str:
        """Return the whole address, for pages of other origins."""
        return self.context["request"].build_absolute_uri(static(room.picture))


class BookingRequestSerializer(serializers.Serializer):
    """Books a room. What it costs is not a question that is asked."""

    room = serializers.SlugRelatedField(slug_field="slug", queryset=Room.objects.all())
    starts_on = serializers.DateField()
    ends_on = serializers.DateField()
    people = serializers.IntegerField(min_value=1, max_value=20, default=2)
    name = serializers.CharField(max_length=100)
    email = serializers.EmailField()

    def to_internal_value(self, data: Any) -> dict[str, Any]:
        """Refuse what is not asked for: whoever sends an amount must not believe that it counts."""
        if isinstance(data, Mapping) and (unknown := [name for name in data if name not in self.fields]):
            raise serializers.ValidationError(
                dict.fromkeys(unknown, "There is no such field."), "unknown_field"
            )
        return super().to_internal_value(data)

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
    ending = serializers.CharField(source="get_ending_display", help_text="Why it is cancelled, if it is.")
    payment_required = serializers.BooleanField(source="requires_payment")
    payable = serializers.SerializerMethodField()

    def get_payable(self, booking: Booking) -> PayableSerializer:
        return PayableSerializer({"payable_type": "booking", "payable_id": str(booking.pk)}).data
