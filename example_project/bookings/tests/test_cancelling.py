"""Cancelling a booking that is paid: what goes back, and what the page says of it."""

from __future__ import annotations

from django.test import TestCase

from bookings.models import Booking, TakenNight
from bookings.tests.cases import SandboxMixin, book, user
from django_generic_payments.models import PaymentSession, Refund
from django_generic_payments.money import Money
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments


class CancelPaidTests(SandboxMixin, TestCase):
    def paid(self, *, days_ahead: int, slug: str = "harbour-view") -> Booking:
        booking = book(slug, first=days_ahead)
        self.stripe.pay(start_checkout(booking))
        return Booking.objects.get(pk=booking.pk)

    def cancel(self, booking: Booking) -> str:
        # The refund is sent when the transaction has committed, which those of a TestCase never do.
        with self.captureOnCommitCallbacks(execute=True):
            page = self.client.post(f"{booking.get_absolute_url()}cancel/", follow=True)
        self.stripe.deliver()
        booking.refresh_from_db()
        return page.content.decode()

    def test_what_goes_back_depends_on_how_far_the_arrival_is(self):
        for days_ahead, goes_back in ((30, 48_00), (7, 48_00), (6, 24_00), (2, 24_00), (1, 0), (0, 0)):
            with self.subTest(days_ahead=days_ahead):
                booking = book(first=days_ahead)

                self.assertEqual(booking.refund_due(), Money(goes_back, "gbp"))

    def test_half_of_an_odd_deposit_is_rounded_in_favour_of_the_guest(self):
        booking = book("lighthouse-loft", first=3, nights=1)

        self.assertEqual((booking.deposit, booking.refund_due().amount), (41_00, 21_00))

    def test_a_guest_who_cancels_early_gets_everything_back_and_the_room_is_free(self):
        booking = self.paid(days_ahead=10)

        said = self.cancel(booking)

        self.assertIn("48.00 GBP of your deposit goes back.", said)
        self.assertEqual(
            (booking.status, booking.ending), (Booking.Status.CANCELLED, Booking.Ending.BY_GUEST)
        )
        self.assertEqual(TakenNight.objects.count(), 0)
        self.assertEqual(PaymentSession.objects.get().status, "refunded")
        self.assertContains(self.client.get(booking.get_absolute_url()), "48.00 GBP went back")
        self.assertIn("48.00 GBP sent back", [text for _at, text in booking.timeline()])

    def test_a_guest_who_cancels_late_gets_half(self):
        booking = self.paid(days_ahead=4)
        self.assertContains(
            self.client.get(booking.get_absolute_url()),
            "If you cancel today, 24.00 GBP of your deposit goes back.",
        )

        self.cancel(booking)

        self.assertEqual(PaymentSession.objects.get().refundable, Money(24_00, "gbp"))

    def test_a_guest_who_cancels_too_late_gets_nothing(self):
        booking = self.paid(days_ahead=1)

        said = self.cancel(booking)

        self.assertIn("Nothing of your deposit goes back.", said)
        self.assertEqual(Refund.objects.count(), 0)

    def test_what_staff_sent_back_by_hand_is_not_promised_or_sent_again(self):
        booking = self.paid(days_ahead=10)
        self.stripe.refund(PaymentSession.objects.get(), 30_00)
        self.assertContains(self.client.get(booking.get_absolute_url()), "18.00 GBP of your deposit")

        self.cancel(booking)

        self.assertEqual([refund.amount for refund in Refund.objects.order_by("created")], [30_00, 18_00])

    def test_after_a_whole_refund_nothing_more_is_promised(self):
        booking = self.paid(days_ahead=10)
        self.stripe.refund(PaymentSession.objects.get())
        self.assertNotContains(self.client.get(booking.get_absolute_url()), "If you cancel")

        self.assertNotIn("of your deposit goes back", self.cancel(booking))

    def test_while_a_part_is_disputed_a_person_must_help(self):
        booking = self.paid(days_ahead=10)
        self.stripe.dispute(PaymentSession.objects.get(), amount=10_00)

        said = self.cancel(booking)

        self.assertIn("The payment is disputed at the bank.", said)
        self.assertEqual(booking.status, Booking.Status.CONFIRMED)

    def test_what_the_bank_took_back_is_not_sent_as_well(self):
        booking = self.paid(days_ahead=10)
        self.stripe.dispute(PaymentSession.objects.get())

        self.assertIn("Nothing of your deposit goes back.", self.cancel(booking))
        self.assertEqual(Refund.objects.count(), 0)

    def test_staff_send_half_of_the_deposit_again_if_half_of_it_did_not_arrive(self):
        booking = book(first=4)
        self.stripe.pay(start_checkout(booking), card="4000000000005126")
        self.cancel(booking)
        self.stripe.advance(24 * 60 * 60)
        staff = user("staff")
        staff.is_staff = staff.is_superuser = True
        staff.save()
        self.client.force_login(staff)

        for action in ("confirm_if_free", "send_deposit_back"):
            form = {"action": action, "_selected_action": [str(booking.pk)]}
            with self.captureOnCommitCallbacks(execute=True):
                self.client.post("/admin/bookings/booking/", form)

        booking.refresh_from_db()
        self.assertEqual(booking.status, Booking.Status.CANCELLED)
        self.assertEqual([refund.amount for refund in Refund.objects.all()], [24_00, 24_00])

    def test_without_payments_nothing_is_said_of_a_deposit(self):
        with override_payments(ENABLED=False):
            booking = book(first=10)

            said = self.cancel(booking)

        self.assertNotIn("of your deposit", said)

    def test_cancelling_twice_refunds_once(self):
        booking = self.paid(days_ahead=10)

        for _click in range(2):
            self.cancel(booking)

        self.assertEqual([refund.amount for refund in Refund.objects.all()], [48_00])

    def test_a_refund_that_takes_days_is_shown_as_on_its_way(self):
        booking = book(first=10)
        self.stripe.pay(start_checkout(booking), card="4000000000007726")

        self.cancel(booking)

        self.assertContains(self.client.get(booking.get_absolute_url()), "48.00 GBP is on its way back")

    def test_when_stripe_cannot_be_reached_the_booking_is_cancelled_and_the_refund_goes_out_later(self):
        booking = self.paid(days_ahead=10)
        self.stripe.sandbox.fail_next("503", path="/v1/refunds")

        self.cancel(booking)
        self.assertEqual(
            (booking.status, Refund.objects.get().status), (Booking.Status.CANCELLED, "requested")
        )
        self.stripe.book_balance()

        self.assertEqual(Refund.objects.get().status, "succeeded")

    def test_a_booking_of_somebody_else_is_not_cancelled(self):
        booking = book(owner=user("ann"))
        self.stripe.pay(start_checkout(booking))
        self.client.force_login(user("eve"))

        self.assertEqual(self.client.post(f"{booking.get_absolute_url()}cancel/").status_code, 404)

    def test_a_booking_without_a_deposit_is_just_cancelled(self):
        booking = book("crows-nest")

        said = self.cancel(booking)

        self.assertIn("Your booking is cancelled.", said)
        self.assertNotIn("goes back", said)
