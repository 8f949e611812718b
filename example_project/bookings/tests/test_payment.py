"""Paying the deposit: what the booking does, and what its page says."""

from __future__ import annotations

import threading
from unittest import skipUnless

from django.db import connection
from django.test import TestCase, TransactionTestCase, override_settings

from bookings.models import Booking, TakenNight
from bookings.tests.cases import SandboxMixin, book, user
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout


def fresh(booking: Booking) -> Booking:
    return Booking.objects.get(pk=booking.pk)


def lines(booking: Booking) -> list[str]:
    return [text for _at, text in booking.timeline()]


class PaymentTests(SandboxMixin, TestCase):
    def assert_page_says(self, booking: Booking, *texts: str) -> None:
        page = self.client.get(booking.get_absolute_url())
        for text in texts:
            self.assertContains(page, text)

    def test_a_paid_deposit_confirms_the_booking(self):
        booking = book()

        self.stripe.pay(start_checkout(booking))

        self.assertEqual(fresh(booking).status, Booking.Status.CONFIRMED)
        self.assertEqual(TakenNight.objects.filter(booking=booking).count(), 2)
        self.assert_page_says(booking, "The room is yours.", "Payment succeeded")

    def test_a_webhook_that_comes_three_times_confirms_once(self):
        booking = book()
        self.stripe.pay(start_checkout(booking), deliver=False)

        self.stripe.deliver(times=3)

        self.assertEqual(lines(booking), ["Booked", "Payment succeeded", "Confirmed"])

    def test_a_declined_card_leaves_the_booking_waiting(self):
        booking = book()

        self.stripe.decline(start_checkout(booking), card="4000000000009995")

        self.assertEqual(fresh(booking).status, Booking.Status.PENDING_PAYMENT)
        self.assert_page_says(
            booking, "Waiting for the deposit", "Attempt declined (insufficient funds)", "Pay 48.00 GBP"
        )

    def test_a_checkout_that_runs_out_cancels_the_booking(self):
        booking = book()

        self.stripe.expire(start_checkout(booking))

        self.assertEqual(fresh(booking).ending, Booking.Ending.UNPAID)
        self.assert_page_says(booking, "The deposit was not paid in time", "You have not been charged.")

    def test_what_was_cancelled_cannot_be_paid_by_an_old_link(self):
        booking = book()
        session = start_checkout(booking)
        self.stripe.expire(session)

        page = self.client.get(session.pay_url)

        self.assertContains(page, "Nothing to pay", status_code=409)

    def test_a_checkout_that_makes_way_for_another_cancels_nothing(self):
        booking = book(owner=user("ann"))
        start_checkout(booking, user=booking.owner)

        session = start_checkout(booking)  # for a friend, who has no account
        self.stripe.deliver()

        self.assertEqual(fresh(booking).status, Booking.Status.PENDING_PAYMENT)
        self.stripe.pay(session)
        self.assertEqual(fresh(booking).status, Booking.Status.CONFIRMED)

    @override_settings(DEFAULT_CURRENCY="eur")
    def test_a_debit_that_fails_cancels_the_booking(self):
        booking = book()
        session = start_checkout(booking)
        self.stripe.pay(session, iban="AT861904300235473202")
        self.assert_page_says(booking, "Your bank is at work")

        self.stripe.settle(session)

        self.assertEqual(fresh(booking).ending, Booking.Ending.UNPAID)

    def test_money_that_comes_late_takes_the_booking_up_again(self):
        booking = book()
        self.stripe.pay(start_checkout(booking), deliver=False)
        booking.cancel(Booking.Ending.UNPAID)

        self.stripe.deliver()

        self.assertEqual((fresh(booking).status, fresh(booking).ending), (Booking.Status.CONFIRMED, ""))


class RoomTakenTests(SandboxMixin, TestCase):
    """Two pay for one room."""

    def setUp(self) -> None:
        super().setUp()
        self.first, self.second = book(first=10, nights=3), book(first=12, nights=2)
        self.sessions = [start_checkout(each) for each in (self.first, self.second)]

    def test_whoever_pays_first_has_the_room_and_the_other_waits_for_staff(self):
        for session in self.sessions:
            self.stripe.pay(session)

        first, second = fresh(self.first), fresh(self.second)
        self.assertEqual((first.status, second.status), (Booking.Status.CONFIRMED, Booking.Status.CANCELLED))
        self.assertEqual(
            (second.ending, second.deposit_to), (Booking.Ending.ROOM_TAKEN, Booking.DepositTo.STAFF)
        )
        self.assertContains(self.client.get(second.get_absolute_url()), "We have your deposit")

    def test_the_money_of_the_other_stays_booked(self):
        for session in self.sessions:
            self.stripe.pay(session)

        self.assertTrue(PaymentSession.objects.for_payable(self.second).succeeded().exists())

    @override_settings(ROOM_TAKEN="refund")
    def test_a_setting_sends_the_deposit_back_instead_once(self):
        for session in self.sessions:
            self.stripe.pay(session)
        self.stripe.deliver(times=2)

        second = fresh(self.second)
        self.assertEqual(second.deposit_to, Booking.DepositTo.SETTLED)
        refunds = self.stripe.sandbox.refunds(self.sessions[1].stripe_checkout_session_id)
        self.assertEqual([each["amount"] for each in refunds], [second.deposit])
        self.assertContains(self.client.get(second.get_absolute_url()), "48.00 GBP went back")

    @override_settings(ROOM_TAKEN="refund")
    def test_a_deposit_that_comes_back_from_the_bank_waits_for_staff(self):
        self.stripe.pay(self.sessions[0])
        self.stripe.pay(self.sessions[1], card="4000000000005126")
        (refund,) = self.stripe.sandbox.refunds(self.sessions[1].stripe_checkout_session_id)

        self.stripe.fail_refund(refund["id"])

        second = fresh(self.second)
        self.assertEqual(second.deposit_to, Booking.DepositTo.STAFF)
        self.assertContains(self.client.get(second.get_absolute_url()), "could not be sent back")

    def test_nobody_owes_anything_to_who_has_not_paid(self):
        self.stripe.pay(self.sessions[0])

        self.second.confirm()

        self.assertEqual((self.second.ending, self.second.deposit_to), (Booking.Ending.ROOM_TAKEN, ""))
        self.assertContains(self.client.get(self.second.get_absolute_url()), "You have not been charged.")

    def test_a_repeated_confirmation_changes_nothing(self):
        self.assertTrue(self.first.confirm())
        stale = Booking.objects.get(pk=self.first.pk)
        stale.status = Booking.Status.PENDING_PAYMENT

        self.assertTrue(stale.confirm())
        self.assertEqual(lines(self.first).count("Confirmed"), 1)


class ConcurrencyTests(SandboxMixin, TransactionTestCase):
    """Two payments for one room arrive in the same moment."""

    @skipUnless(connection.vendor == "postgresql", "SQLite lets nobody write at the same time")
    def test_overlapping_bookings_are_never_both_confirmed(self):
        for round_number in range(5):
            bookings = [book(first=10 + 10 * round_number + shift, nights=4) for shift in range(4)]
            barrier = threading.Barrier(len(bookings))

            def confirm(booking: Booking, barrier: threading.Barrier = barrier) -> None:
                barrier.wait()
                booking.confirm()
                connection.close()

            threads = [threading.Thread(target=confirm, args=[each]) for each in bookings]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            statuses = sorted(fresh(each).status for each in bookings)
            self.assertEqual(statuses, ["cancelled", "cancelled", "cancelled", "confirmed"])
