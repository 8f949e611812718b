"""Rooms, and bookings that a deposit confirms."""

from __future__ import annotations

import uuid
from datetime import date, datetime, timedelta
from decimal import ROUND_UP, Decimal
from typing import Any

from django.conf import settings
from django.db import IntegrityError, models, transaction
from django.http import HttpRequest
from django.urls import reverse
from django.utils import timezone
from django.utils.formats import date_format

from django_generic_payments.models import PaymentEvent, PaymentSession, Refund
from django_generic_payments.money import Money
from django_generic_payments.payables import payable
from django_generic_payments.services import payment_required, refund_payment

# How many days before the arrival a guest may still cancel, and what share of the deposit goes back, in percent.
REFUND_RULE = ((7, 100), (2, 50))


class Room(models.Model):
    """A room of the house. What it costs is in major units of ``settings.DEFAULT_CURRENCY``."""

    slug = models.SlugField(unique=True)
    name = models.CharField(max_length=100)
    tagline = models.CharField(max_length=200)
    description = models.TextField()
    picture_alt = models.CharField(max_length=250)
    sleeps = models.PositiveSmallIntegerField(default=2)
    nightly_rate = models.DecimalField(max_digits=8, decimal_places=2)
    #: Of the whole stay. With none, a booking is confirmed at once.
    deposit_percent = models.PositiveSmallIntegerField(default=20)

    class Meta:
        ordering = ["-nightly_rate"]

    def __str__(self) -> str:
        return self.name

    def get_absolute_url(self) -> str:
        return reverse("bookings:room", args=[self.slug])

    @property
    def picture(self) -> str:
        """The path of the picture among the static files."""
        return f"bookings/rooms/{self.slug}.svg"

    @property
    def price(self) -> Money:
        """What a night costs."""
        return Money.from_major(self.nightly_rate, settings.DEFAULT_CURRENCY)

    def total_for(self, nights: int) -> Money:
        """Return the price of a stay."""
        return Money.from_major(self.nightly_rate * nights, settings.DEFAULT_CURRENCY)

    def deposit_for(self, nights: int) -> Money:
        """Return the deposit of a stay, without pence."""
        share = self.nightly_rate * nights * self.deposit_percent / 100
        return Money.from_major(share.quantize(Decimal(1)), settings.DEFAULT_CURRENCY)

    def taken_between(self, first: date, last: date) -> set[date]:
        """Return the nights that are given away, ``last`` not included."""
        taken = self.taken_nights.filter(date__gte=first, date__lt=last)
        return set(taken.values_list("date", flat=True))


class BookingQuerySet(models.QuerySet["Booking"]):
    """Bookings."""

    def visible_to(self, request: HttpRequest) -> BookingQuerySet:
        """Return the bookings that this visitor may open: their own, and any guest's whose address they know."""
        mine = models.Q(owner=None)
        if request.user.is_authenticated:
            mine |= models.Q(owner=request.user)
        return self.filter(mine)

    def place(self, *, room: Room, starts_on: date, ends_on: date, **details: Any) -> Booking:
        """Book a room: the deposit is worked out here, and a booking that needs none is confirmed at once."""
        nights = (ends_on - starts_on).days
        deposit = room.deposit_for(nights)
        with transaction.atomic():
            booking = self.create(
                room=room,
                starts_on=starts_on,
                ends_on=ends_on,
                total=room.total_for(nights).amount,
                deposit=deposit.amount,
                currency=deposit.currency,
                **details,
            )
            booking.note("Booked")
            if not booking.requires_payment():
                booking.confirm()
        return booking


@payable("booking")
class Booking(models.Model):
    """
    A room for some nights.

    Waiting bookings do not hold the room: whoever pays first has it, and the table of taken nights sees to it that
    nobody else has it too.
    """

    class Status(models.TextChoices):
        PENDING_PAYMENT = "pending_payment", "waiting for its deposit"
        CONFIRMED = "confirmed", "confirmed"
        CANCELLED = "cancelled", "cancelled"

    class Ending(models.TextChoices):
        """Why it was cancelled."""

        BY_GUEST = "by_guest", "cancelled by the guest"
        UNPAID = "unpaid", "the deposit was not paid in time"
        ROOM_TAKEN = "room_taken", "somebody else had the room first"

    class DepositTo(models.TextChoices):
        """What is to become of a deposit that came for a room that was gone."""

        STAFF = "staff", "waiting for staff"
        REFUND = "refund", "to be refunded"
        SETTLED = "settled", "settled"

    id = models.UUIDField(primary_key=True, default=uuid.uuid4, editable=False)
    #: In the addresses that payers come back to. A friend who pays for a guest learns it, and must not learn the key:
    #: whoever knows that may cancel.
    receipt_id = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    room = models.ForeignKey(Room, on_delete=models.PROTECT, related_name="bookings")
    owner = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.CASCADE, null=True, blank=True)
    name = models.CharField(max_length=100)
    email = models.EmailField("e-mail")
    starts_on = models.DateField("arrival")
    ends_on = models.DateField("departure")
    people = models.PositiveSmallIntegerField(default=2)
    #: In the minor unit, as they were when the room was booked: a new price does not change old bookings.
    total = models.BigIntegerField()
    deposit = models.BigIntegerField()
    currency = models.CharField(max_length=3)
    status = models.CharField(max_length=32, choices=Status.choices, default=Status.PENDING_PAYMENT)
    ending = models.CharField(max_length=32, choices=Ending.choices, blank=True)
    deposit_to = models.CharField(max_length=32, choices=DepositTo.choices, blank=True)
    created_at = models.DateTimeField(auto_now_add=True)

    objects = BookingQuerySet.as_manager()

    class Meta:
        ordering = ["starts_on", "created_at"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(ends_on__gt=models.F("starts_on")), name="bookings_booking_dates"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.room}, {date_format(self.starts_on)}"

    def get_absolute_url(self) -> str:
        return reverse("bookings:detail", args=[self.pk])

    @property
    def nights(self) -> int:
        return (self.ends_on - self.starts_on).days

    @property
    def is_pending(self) -> bool:
        return self.status == self.Status.PENDING_PAYMENT

    @property
    def deposit_money(self) -> Money:
        return Money(self.deposit, self.currency)

    @property
    def total_money(self) -> Money:
        return Money(self.total, self.currency)

    @property
    def rest_money(self) -> Money:
        """What is paid on departure."""
        return Money(self.total - self.deposit, self.currency)

    def requires_payment(self) -> bool:
        """Tell whether a deposit must be paid before the room is given away."""
        return self.is_pending and payment_required(self)

    def confirm(self) -> bool:
        """
        Give the room away, and tell whether it was still there; if not, the booking is cancelled.

        Harmless to repeat. A booking that had run out is taken up again: somebody paid for it after all.
        """
        if self.status == self.Status.CONFIRMED:
            return True
        nights = [TakenNight(room=self.room, date=night, booking=self) for night in self.dates()]
        try:
            # A savepoint, because the work goes on after an error that is expected.
            with transaction.atomic():
                TakenNight.objects.bulk_create(nights)
        except IntegrityError:
            self.refresh_from_db()
            if self.status != self.Status.CONFIRMED:
                self._give_up_the_room()
            return self.status == self.Status.CONFIRMED
        Booking.objects.filter(pk=self.pk).update(status=self.Status.CONFIRMED, ending="", deposit_to="")
        self.note("Confirmed")
        self.refresh_from_db()
        return True

    def cancel(self, ending: Booking.Ending) -> None:
        """Cancel a booking that still waits for its deposit; any other stays as it is."""
        waiting = Booking.objects.filter(pk=self.pk, status=self.Status.PENDING_PAYMENT)
        if waiting.update(status=self.Status.CANCELLED, ending=ending):
            self.note(f"Cancelled: {ending.label}")
        self.refresh_from_db()

    def refund_due(self) -> Money:
        """Return what is due if the guest cancels today: the whole deposit, half of it, or nothing."""
        days = (self.starts_on - timezone.localdate()).days
        share = next((percent for least, percent in REFUND_RULE if days >= least), 0)
        return Money.from_major(
            (self.deposit_money.major * share / 100).quantize(Decimal(1), ROUND_UP), self.currency
        )

    def payment(self) -> PaymentSession | None:
        """Return the payment of the deposit, unless all of it went back."""
        return PaymentSession.objects.for_payable(self).succeeded().first()

    def refund_left(self) -> Money:
        """Return as much of what is due as we still have: a part may have gone back by hand."""
        payment = self.payment()
        return min(self.refund_due(), payment.refundable) if payment else Money(0, self.currency)

    def call_off(self, *, by: Any = None) -> Refund | None:
        """
        Cancel a confirmed booking, free its room, and send back what is due of the deposit.

        All in one transaction: the refund is reserved in it, and sent when it has committed. Raises ``RefundRefused``,
        and cancels nothing, while a part of the payment is disputed.
        """
        with transaction.atomic():
            confirmed = Booking.objects.filter(pk=self.pk, status=self.Status.CONFIRMED)
            if not confirmed.update(status=self.Status.CANCELLED, ending=self.Ending.BY_GUEST):
                self.refresh_from_db()
                return None
            self.taken_nights.all().delete()
            self.note(f"Cancelled: {self.Ending.BY_GUEST.label}")
            payment, due = self.payment(), self.refund_left()
            refund = refund_payment(payment, due, reason="requested_by_customer", by=by) if due else None
        self.refresh_from_db()
        return refund

    def deposit_went_back(self, amount: Money) -> None:
        """Remember that money reached the payer."""
        Booking.objects.filter(pk=self.pk).exclude(deposit_to="").update(deposit_to=self.DepositTo.SETTLED)
        self.note(f"{amount} sent back")

    def deposit_did_not_go_back(self, amount: Money) -> None:
        """Put it before staff that money which was sent back did not arrive."""
        Booking.objects.filter(pk=self.pk).update(deposit_to=self.DepositTo.STAFF)
        self.note(f"{amount} could not be sent back")

    def refund_owed(self) -> Money | None:
        """Return what staff owe the payer: what was sent back and did not arrive, or else all there is (``None``)."""
        if self.ending == self.Ending.ROOM_TAKEN:
            return None
        refunds = Refund.objects.filter(session__in=PaymentSession.objects.for_payable(self))
        last = refunds.filter(status__in=["failed", "canceled"]).order_by("created").last()
        return last.money if last else None

    def settle(self, *, by: str) -> None:
        """Remember that the deposit of a room that was gone is no longer an open question."""
        Booking.objects.filter(pk=self.pk).update(deposit_to=self.DepositTo.SETTLED)
        self.note(f"Deposit settled by {by}")
        self.refresh_from_db()

    def dates(self) -> list[date]:
        """Return every night of the stay."""
        return [self.starts_on + timedelta(days=number) for number in range(self.nights)]

    def note(self, text: str) -> None:
        """Write a line of the booking's history."""
        self.changes.create(text=text)

    def timeline(self) -> list[tuple[datetime, str]]:
        """Return what happened to the booking and to its payments, oldest first."""
        payments = PaymentEvent.objects.filter(session__in=PaymentSession.objects.for_payable(self))
        lines = [(change.at, change.text) for change in self.changes.all()]
        # By when we heard of it: Stripe's own clock counts whole seconds.
        lines += [(event.created, _payment_line(event)) for event in payments]
        return sorted(lines)

    def _give_up_the_room(self) -> None:
        paid = PaymentSession.objects.for_payable(self).paid().exists()
        others = Booking.objects.filter(pk=self.pk).exclude(ending=self.Ending.ROOM_TAKEN)
        if others.update(
            status=self.Status.CANCELLED,
            ending=self.Ending.ROOM_TAKEN,
            deposit_to=settings.ROOM_TAKEN if paid else "",
        ):
            self.note(f"Cancelled: {self.Ending.ROOM_TAKEN.label}")
        self.refresh_from_db()

    # What the payments app asks of whatever can be paid for.

    def get_payment_amount(self) -> Money:
        return Money(self.deposit if self.is_pending else 0, self.currency)

    def get_payment_description(self) -> str:
        return f"Deposit for {self.room}, {date_format(self.starts_on)} to {date_format(self.ends_on)}"

    def can_be_paid_by(self, request: HttpRequest) -> bool:
        return self.owner_id is None or self.owner_id == request.user.pk

    def get_payment_customer(self) -> dict[str, str]:
        # An account has a customer at Stripe, and a pay link of its booking may be in the hands of a friend.
        return {} if self.owner_id else {"email": self.email, "name": self.name}

    def get_payment_return_url(self, session: PaymentSession) -> str:
        return reverse("bookings:return", args=[self.receipt_id])

    def get_payment_cancel_url(self, session: PaymentSession) -> str:
        return reverse("bookings:not-paid", args=[self.receipt_id])

    def get_stripe_params(self) -> dict[str, Any]:
        return {"submit_type": "book", "branding_settings": {"display_name": "The Harbour Rooms"}}


class TakenNight(models.Model):
    """A night that a room is given away for: the database knows of one booking for it at most."""

    room = models.ForeignKey(Room, on_delete=models.CASCADE, related_name="taken_nights")
    date = models.DateField()
    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="taken_nights")

    class Meta:
        constraints = [models.UniqueConstraint(fields=["room", "date"], name="bookings_takennight_once")]

    def __str__(self) -> str:
        return f"{self.room}, {self.date}"


class Change(models.Model):
    """A line of a booking's history."""

    booking = models.ForeignKey(Booking, on_delete=models.CASCADE, related_name="changes")
    at = models.DateTimeField(default=timezone.now)
    text = models.CharField(max_length=200)

    class Meta:
        ordering = ["at"]

    def __str__(self) -> str:
        return self.text


def _payment_line(event: PaymentEvent) -> str:
    reason = f" ({event.note.replace('_', ' ')})" if event.kind == "attempt_failed" and event.note else ""
    return f"{event.get_kind_display()}{reason}"
