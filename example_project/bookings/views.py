"""The pages: rooms, a room and its booking form, my bookings, one of them, and where payers come back to."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.contrib.auth.views import redirect_to_login
from django.db.models import Q, QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils import timezone
from django.views.decorators.http import require_POST
from django.views.generic import DetailView, FormView, ListView

from bookings.calendar import WEEKDAYS, months_ahead
from bookings.forms import BookingForm
from bookings.models import Booking, Room
from django_generic_payments.exceptions import (
    AlreadyPaid,
    GenericPaymentsError,
    PaymentInProgress,
    RefundRefused,
)
from django_generic_payments.models import PaymentSession, Refund
from django_generic_payments.services import cancel_checkout, start_checkout

# The bookings that guests made in this browser.
GUEST_BOOKINGS = "guest_bookings"


class RoomList(ListView):
    """The way in."""

    model = Room


class RoomDetail(FormView):
    """A room, when it is free, and the form that books it."""

    form_class = BookingForm
    template_name = "bookings/room_detail.html"

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        self.room = get_object_or_404(Room, slug=kwargs["slug"])
        return super().dispatch(request, *args, **kwargs)

    def get_form_kwargs(self) -> dict[str, Any]:
        return {**super().get_form_kwargs(), "room": self.room}

    def get_initial(self) -> dict[str, Any]:
        user = self.request.user
        return {"name": user.get_full_name(), "email": user.email} if user.is_authenticated else {}

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        months = months_ahead(self.room, timezone.localdate())
        return super().get_context_data(room=self.room, months=months, weekdays=WEEKDAYS, **kwargs)

    def form_valid(self, form: BookingForm) -> HttpResponse:
        user = self.request.user
        owner = user if user.is_authenticated else None
        booking = Booking.objects.place(room=self.room, owner=owner, **form.cleaned_data)
        if owner is None:
            known = self.request.session.get(GUEST_BOOKINGS, [])
            self.request.session[GUEST_BOOKINGS] = [*known, str(booking.pk)]
        return redirect(booking)

    def form_invalid(self, form: BookingForm) -> HttpResponse:
        # On a phone the form is far below the picture: the browser goes to the first field to mend.
        wrong = next((name for name in form.fields if name in form.errors), "starts_on")
        form.fields[wrong].widget.attrs["autofocus"] = True
        return super().form_invalid(form)


class BookingList(ListView):
    """The visitor's bookings: those of the account, and those made as a guest in this browser."""

    def get_queryset(self) -> QuerySet[Booking]:
        as_guest = Q(owner=None, pk__in=self.request.session.get(GUEST_BOOKINGS, []))
        mine = Q(owner=self.request.user.pk) if self.request.user.is_authenticated else Q(pk=None)
        bookings = Booking.objects.filter(as_guest | mine).select_related("room")
        return PaymentSession.objects.annotate_paid(bookings)


class BookingPage(DetailView):
    """A page of one booking, as it is known by its address: a payer may know only that of the receipt."""

    model = Booking
    slug_field = slug_url_kwarg = "receipt_id"
    queryset = Booking.objects.select_related("room")

    def get_context_data(self, **kwargs: Any) -> dict[str, Any]:
        sessions = PaymentSession.objects.for_payable(self.object)
        return super().get_context_data(
            payment=sessions.order_by("-created").first(),
            is_in_review=sessions.needing_review().exists(),
            refunds=Refund.objects.filter(session__in=sessions).order_by("created"),
            is_mine=self._is_mine(),
            **kwargs,
        )

    def _is_mine(self) -> bool:
        if self.object.owner_id:
            return self.object.owner_id == self.request.user.pk
        # Whoever paid for a guest by a pay link may see that it is paid, and is not shown the way to the booking.
        return str(self.object.pk) in self.request.session.get(GUEST_BOOKINGS, [])


class BookingDetail(BookingPage):
    """One booking: its state, its history, and the button that pays its deposit."""

    template_name = "bookings/booking_detail.html"

    def get(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        visible = Booking.objects.visible_to(request).filter(pk=kwargs["pk"])
        if not visible.exists() and not request.user.is_authenticated:
            return redirect_to_login(request.path)
        self.queryset = self.queryset & visible
        return super().get(request, *args, **kwargs)


class BookingReturn(BookingPage):
    """Where a payer lands after the checkout, who need not be the one who booked."""

    template_name = "bookings/booking_return.html"


class BookingNotPaid(BookingPage):
    """Where a payer lands who turned back in the checkout."""

    template_name = "bookings/booking_not_paid.html"


@require_POST
def share(request: HttpRequest, pk: str) -> HttpResponse:
    """Make a pay link, for somebody else or for later."""
    booking = get_object_or_404(Booking.objects.visible_to(request), pk=pk)
    if not booking.requires_payment():
        return redirect(booking)
    try:
        # For nobody in particular: the checkout of an account would be filled in with its details.
        start_checkout(booking)
    except GenericPaymentsError:
        messages.error(request, "No pay link can be made at the moment. Please try again in a minute.")
    return redirect(booking)


@require_POST
def cancel(request: HttpRequest, pk: str) -> HttpResponse:
    """Call off a booking: what is not paid yet cannot be paid any more, and of what is paid goes back what is due."""
    booking = get_object_or_404(Booking.objects.visible_to(request), pk=pk)
    if booking.status == Booking.Status.CONFIRMED:
        try:
            refund = booking.call_off(by=request.user if request.user.is_authenticated else "guest")
        except RefundRefused:
            messages.error(
                request, "The payment is disputed at the bank. Write to us, and we will find a way."
            )
            return redirect(booking)
        said = "Your booking is cancelled."
        if refund:
            said += f" {refund.money} of your deposit goes back."
        elif booking.payment() and not Refund.objects.filter(session=booking.payment()).exists():
            said += " Nothing of your deposit goes back."
        messages.success(request, said)
        return redirect(booking)
    try:
        cancel_checkout(booking, by=str(request.user.pk or "guest"))
    except (AlreadyPaid, PaymentInProgress):
        messages.error(request, "The deposit was paid already. Write to us, and we will find a way.")
        return redirect(booking)
    except GenericPaymentsError:
        messages.error(
            request, "The booking cannot be cancelled at the moment. Please try again in a minute."
        )
        return redirect(booking)
    # Where no checkout was open, nobody was told that one was canceled.
    booking.cancel(Booking.Ending.BY_GUEST)
    messages.success(request, "Your booking is cancelled. Nothing has been charged.")
    return redirect(booking)
