from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from bookings.models import Booking, Change, Room


@admin.register(Room)
class RoomAdmin(admin.ModelAdmin):
    list_display = ["name", "sleeps", "price", "deposit_percent"]


class ChangeInline(admin.TabularInline):
    model = Change
    extra = 0
    readonly_fields = ["at", "text"]
    can_delete = False

    def has_add_permission(self, request: HttpRequest, obj: Booking | None = None) -> bool:
        return False


@admin.register(Booking)
class BookingAdmin(admin.ModelAdmin):
    """Bookings; those whose deposit came for a room that was gone are found by "deposit to"."""

    list_display = ["__str__", "ends_on", "name", "status", "ending", "deposit_money", "deposit_to"]
    list_filter = ["status", "deposit_to", "room", "starts_on"]
    list_select_related = ["room"]
    search_fields = ["=id", "=email", "name"]
    readonly_fields = ["status", "ending", "deposit", "currency", "deposit_to"]
    inlines = [ChangeInline]
    actions = ["confirm_if_free", "mark_as_settled"]

    @admin.action(description="Confirm, if the room is free by now")
    def confirm_if_free(self, request: HttpRequest, bookings: QuerySet[Booking]) -> None:
        for booking in bookings.filter(deposit_to=Booking.DepositTo.STAFF):
            if booking.confirm():
                self.message_user(request, f"{booking} is confirmed.", messages.SUCCESS)
            else:
                self.message_user(request, f"{booking}: the room is still taken.", messages.ERROR)

    @admin.action(description="The deposit went back, or was settled otherwise")
    def mark_as_settled(self, request: HttpRequest, bookings: QuerySet[Booking]) -> None:
        for booking in bookings.exclude(deposit_to="").exclude(deposit_to=Booking.DepositTo.SETTLED):
            booking.settle(by=str(request.user))
