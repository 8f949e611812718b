"""The form that books a room."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from django import forms
from django.utils import timezone

from bookings.models import Booking, Room

LONGEST_STAY = 28
FURTHEST_AHEAD = 365


class DateInput(forms.DateInput):
    input_type = "date"

    def __init__(self) -> None:
        super().__init__(format="%Y-%m-%d")


class BookingForm(forms.ModelForm):
    """Dates, people, and who they are; the price is not a question that is asked."""

    class Meta:
        model = Booking
        fields = ["starts_on", "ends_on", "people", "name", "email"]
        widgets = {
            "starts_on": DateInput,
            "ends_on": DateInput,
            "name": forms.TextInput({"autocomplete": "name"}),
            "email": forms.EmailInput({"autocomplete": "email"}),
        }

    def __init__(self, *args: Any, room: Room, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.room = room
        today = timezone.localdate()
        self.fields["starts_on"].widget.attrs["min"] = today.isoformat()
        self.fields["ends_on"].widget.attrs["min"] = (today + timedelta(days=1)).isoformat()
        self.fields["people"] = forms.IntegerField(
            min_value=1, max_value=room.sleeps, initial=min(2, room.sleeps)
        )

    def clean(self) -> dict[str, Any]:
        """Compare the dates with each other, with today and with what is taken."""
        cleaned = super().clean()
        starts_on, ends_on = cleaned.get("starts_on"), cleaned.get("ends_on")
        if not starts_on or not ends_on:
            return cleaned
        today = timezone.localdate()
        if starts_on < today:
            self.add_error("starts_on", "Choose a day from today on.")
        elif starts_on > today + timedelta(days=FURTHEST_AHEAD):
            self.add_error("starts_on", "Choose a day within the next twelve months.")
        elif ends_on <= starts_on:
            self.add_error("ends_on", "Choose a day after your arrival.")
        elif ends_on > starts_on + timedelta(days=LONGEST_STAY):
            self.add_error("ends_on", f"Choose at most {LONGEST_STAY} nights, or write to us.")
        elif self.room.taken_between(starts_on, ends_on):
            self.add_error(
                "starts_on", "The room is taken on some of these nights. Choose others, or another room."
            )
        return cleaned
