"""Booking a room: what it costs, and whether a deposit stands in between."""

from __future__ import annotations

from django.test import TestCase

from bookings.models import Booking, Room
from bookings.tests.cases import SandboxMixin, book, booked_by, day, user
from django_generic_payments.models import PaymentSession
from django_generic_payments.money import Money
from django_generic_payments.testing import override_payments


class DepositTests(SandboxMixin, TestCase):
    def test_the_deposit_is_worked_out_on_the_server(self):
        booking = booked_by(self.client, deposit="1", status="confirmed", currency="jpy")

        self.assertEqual(booking.deposit_money, Money(48_00, "gbp"))  # 20 % of two nights at 120.00
        self.assertEqual(booking.status, Booking.Status.PENDING_PAYMENT)
        self.assertTrue(booking.requires_payment())

    def test_a_deposit_has_no_pence(self):
        self.assertEqual(Room.objects.get(slug="lighthouse-loft").deposit_for(1), Money(41_00, "gbp"))

    def test_a_new_price_does_not_change_old_bookings(self):
        booking = book()
        Room.objects.update(nightly_rate=500)

        self.assertEqual(Booking.objects.get().get_payment_amount(), booking.deposit_money)

    def test_a_room_without_a_deposit_is_confirmed_at_once(self):
        booking = booked_by(self.client, "crows-nest")

        self.assertEqual(booking.status, Booking.Status.CONFIRMED)
        self.assertFalse(booking.requires_payment())
        self.assertEqual(PaymentSession.objects.count(), 0)

    def test_without_payments_every_booking_is_confirmed_at_once(self):
        with override_payments(ENABLED=False):
            booking = booked_by(self.client)
            page = self.client.get(booking.get_absolute_url())

        self.assertEqual(booking.status, Booking.Status.CONFIRMED)
        self.assertContains(page, "Payments are switched off")


class FormTests(SandboxMixin, TestCase):
    def refusal_of(self, **dates):
        form = {"people": 1, "name": "Gil", "email": "gil@example.com", **dates}
        response = self.client.post("/rooms/harbour-view/", form)
        self.assertEqual((response.status_code, Booking.objects.filter(name="Gil").count()), (200, 0))
        return str(response.context["form"].errors)

    def test_dates_that_cannot_be_are_refused_with_a_remedy(self):
        for first, last, remedy in (
            (-1, 2, "Choose a day from today on."),
            (400, 402, "within the next twelve months"),
            (5, 5, "Choose a day after your arrival."),
            (5, 4, "Choose a day after your arrival."),
            (5, 40, "at most 28 nights"),
        ):
            with self.subTest(first=first, last=last):
                self.assertIn(remedy, self.refusal_of(starts_on=day(first), ends_on=day(last)))

    def test_dates_that_are_missing_are_asked_for(self):
        self.assertIn("This field is required.", self.refusal_of(starts_on=day(5)))

    def test_nights_that_are_taken_are_refused(self):
        book(first=10, nights=3).confirm()

        refusal = self.refusal_of(starts_on=day(12), ends_on=day(14))

        self.assertIn("The room is taken on some of these nights.", refusal)

    def test_a_room_is_free_again_on_the_day_of_departure(self):
        book(first=10, nights=3).confirm()

        booking = booked_by(self.client, starts_on=day(13), ends_on=day(14))

        self.assertEqual(booking.nights, 1)

    def test_more_people_than_the_room_sleeps_are_refused(self):
        self.assertIn("less than or equal to 2", self.refusal_of(starts_on=day(5), ends_on=day(6), people=3))

    def test_the_calendar_shows_the_nights_that_are_taken(self):
        book(first=1, nights=3).confirm()

        page = self.client.get("/rooms/harbour-view/")

        self.assertContains(page, '<span class="hidden"> taken</span>', count=3)

    def test_an_account_need_not_type_its_name_again(self):
        ann = user("ann")
        ann.first_name = "Ann"
        ann.save()
        self.client.force_login(ann)

        page = self.client.get("/rooms/harbour-view/")

        self.assertContains(page, 'value="Ann"')
        self.assertContains(page, 'value="ann@example.com"')
