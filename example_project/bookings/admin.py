from __future__ import annotations

from django.contrib import admin, messages
from django.db.models import QuerySet
from django.http import HttpRequest

from bookings.models import Booking, Change, Room
from django_generic_payments.exceptions import GenericPaymentsError
from django_generic_payments.services import refund_payment


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
    # Other dates or another room would leave the taken nights, the deposit and the payment behind.
    readonly_fields = ["room", "starts_on", "ends_on", "status", "ending", "deposit_money", "deposit_to"]
    exclude = ["total", "deposit", "currency"]
    inlines = [ChangeInline]
    actions = ["confirm_if_free", "send_deposit_back", "mark_as_settled"]

    def has_add_permission(self, request: HttpRequest) -> bool:
        # The form of the site works out the deposit.
        return False

    @admin.action(description="Confirm, if the room is free by now")
    def confirm_if_free(self, request: HttpRequest, bookings: QuerySet[Booking]) -> None:
        # What a guest has cancelled stays cancelled, although its refund may wait for staff too.
        gone = bookings.filter(deposit_to=Booking.DepositTo.STAFF, ending=Booking.Ending.ROOM_TAKEN)
        for booking in gone:
            if booking.confirm():
                self.message_user(request, f"{booking} is confirmed.", messages.SUCCESS)
            else:
                self.message_user(request, f"{booking}: the room is still taken.", messages.ERROR)

    @admin.action(description="Send the deposit back")
    def send_deposit_back(self, request: HttpRequest, bookings: QuerySet[Booking]) -> None:
        for booking in bookings.filter(deposit_to=Booking.DepositTo.STAFF):
            payment = booking.payment()
            if payment is None:
                self.message_user(request, f"{booking}: nothing is left to send back.", messages.ERROR)
                continue
            try:
                refund = refund_payment(
                    payment, booking.refund_owed(), reason="requested_by_customer", by=request.user
                )
            except GenericPaymentsError as error:
                self.message_user(request, f"{booking}: {error}", messages.ERROR)
            else:
                self.message_user(request, f"{booking}: {refund.money} sent back.", messages.SUCCESS)

    @admin.action(description="The deposit went back, or was settled otherwise")
    def mark_as_settled(self, request: HttpRequest, bookings: QuerySet[Booking]) -> None:
        for booking in bookings.exclude(deposit_to="").exclude(deposit_to=Booking.DepositTo.SETTLED):
            booking.settle(by=str(request.user))
