"""The pages of the site: my bookings, and one of them."""

from __future__ import annotations

from django.contrib.auth.mixins import LoginRequiredMixin
from django.db.models import QuerySet
from django.views.generic import DetailView, ListView

from bookings.models import Booking


class MyBookings(LoginRequiredMixin):
    """Only what belongs to the visitor."""

    def get_queryset(self) -> QuerySet[Booking]:
        return Booking.objects.filter(owner=self.request.user).order_by("starts_on")


class BookingList(MyBookings, ListView):
    """All bookings of the visitor."""


class BookingDetail(MyBookings, DetailView):
    """One booking, and the button that pays its deposit."""
