"""Who may see and do what, and where the checkout leads back to."""

from __future__ import annotations

from django.test import Client, TestCase

from bookings.models import Booking
from bookings.tests.cases import SandboxMixin, book, booked_by, user
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout


class AccessTests(SandboxMixin, TestCase):
    def test_a_booking_of_an_account_is_for_its_owner_alone(self):
        booking = book(owner=user("ann"))
        addresses = [booking.get_absolute_url() + end for end in ("share/", "cancel/")]

        self.client.force_login(user("eve"))

        self.assertEqual(self.client.get(booking.get_absolute_url()).status_code, 404)
        self.assertEqual([self.client.post(each).status_code for each in addresses], [404, 404])
        self.assertEqual(self.client.post(f"/payments/checkout/booking/{booking.pk}/").status_code, 404)

    def test_an_owner_who_is_logged_out_is_asked_to_log_in(self):
        booking = book(owner=user("ann"))

        response = self.client.get(booking.get_absolute_url())

        self.assertRedirects(response, f"/accounts/log-in/?next={booking.get_absolute_url()}")

    def test_a_guest_comes_back_by_the_address_on_any_device(self):
        booking = booked_by(self.client)

        self.assertContains(Client().get(booking.get_absolute_url()), "keep the address of this page")

    def test_my_bookings_are_those_of_the_account_and_of_this_browser(self):
        as_guest = booked_by(self.client)
        ann = user("ann")
        mine, others = book("garden-room", owner=ann), book("boathouse", owner=user("eve"))
        book("captains-cabin")

        self.client.force_login(ann)
        listed = set(self.client.get("/bookings/").context["booking_list"])

        self.assertEqual(listed, {as_guest, mine})
        self.assertNotIn(others, listed)

    def test_the_list_asks_the_database_as_often_for_many_as_for_one(self):
        ann = user("ann")
        self.client.force_login(ann)
        for number in range(8):
            book(first=10 + 3 * number, owner=ann)

        with self.assertNumQueries(3):  # the session, the user, the bookings
            self.client.get("/bookings/")

    def test_the_page_of_thanks_names_nobody(self):
        booking = book(owner=user("ann"))
        self.stripe.pay(start_checkout(booking))

        page = self.client.get(f"/receipts/{booking.receipt_id}/thank-you/")

        self.assertContains(page, "Thank you")
        for secret in ("Gil", "gil@example.com", "ann", "See the booking"):
            self.assertNotContains(page, secret)


class ComingBackTests(SandboxMixin, TestCase):
    def test_who_has_paid_lands_on_the_page_of_thanks(self):
        booking = book()
        outcome = self.stripe.pay(start_checkout(booking))

        page = self.client.get(outcome.redirect_url, follow=True)

        self.assertEqual(page.request["PATH_INFO"], f"/receipts/{booking.receipt_id}/thank-you/")
        self.assertContains(page, "The room is yours.")

    def test_who_presses_the_button_of_an_old_page_lands_on_the_page_of_thanks(self):
        booking = book()
        self.stripe.pay(start_checkout(booking))

        page = self.client.post(f"/payments/checkout/booking/{booking.pk}/", follow=True)

        self.assertEqual(page.request["PATH_INFO"], f"/receipts/{booking.receipt_id}/thank-you/")

    def test_who_comes_back_before_the_webhook_is_confirmed_all_the_same(self):
        booking = book()
        outcome = self.stripe.pay(start_checkout(booking), deliver=False)

        page = self.client.get(outcome.redirect_url, follow=True)

        self.assertContains(page, "The room is yours.")

    def test_who_turns_back_is_told_that_nothing_was_charged_and_may_pay_after_all(self):
        booking = booked_by(self.client)
        session = start_checkout(booking)
        back = self.stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["cancel_url"]

        page = self.client.get(back, follow=True)

        self.assertEqual(page.request["PATH_INFO"], f"/receipts/{booking.receipt_id}/not-paid/")
        self.assertContains(page, "Nothing has been charged.")
        self.assertContains(page, "Pay 48.00 GBP")

    def test_a_friend_pays_by_the_link_without_an_account(self):
        ann = user("ann")
        booking = book(owner=ann)
        self.client.force_login(ann)
        page = self.client.post(f"{booking.get_absolute_url()}share/", follow=True)
        session = PaymentSession.objects.get()
        self.assertContains(page, session.pay_url)

        friend = Client()
        self.assertRedirects(
            friend.get(session.pay_url), session.checkout_url, status_code=303, fetch_redirect_response=False
        )
        landing = friend.get(self.stripe.pay(session).redirect_url, follow=True)

        self.assertContains(landing, "Thank you")

    def test_a_friend_who_pays_for_a_guest_learns_nothing_that_cancels_the_booking(self):
        booking = booked_by(self.client)
        session = start_checkout(booking)
        back = self.stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["cancel_url"]

        friend = Client()
        pages = [friend.get(back, follow=True)]
        pages.append(friend.get(self.stripe.pay(session).redirect_url, follow=True))

        for page in pages:
            self.assertEqual(page.status_code, 200)
            passed = [page.request["PATH_INFO"], *(address for address, _status in page.redirect_chain)]
            self.assertNotIn(str(booking.pk), "".join(passed))
            self.assertNotContains(page, str(booking.pk))

    def test_a_checkout_that_is_filled_in_for_an_account_has_no_link_for_others(self):
        ann = user("ann")
        booking = book(owner=ann)
        self.client.force_login(ann)
        own = start_checkout(booking, user=ann)
        page = self.client.get(booking.get_absolute_url())
        self.assertNotContains(page, own.pay_url)
        self.assertContains(page, "Make a pay link")

        self.client.post(f"{booking.get_absolute_url()}share/")

        self.assertIsNone(PaymentSession.objects.open().get().customer)


class CancelTests(SandboxMixin, TestCase):
    def test_a_booking_that_waits_is_called_off_and_can_no_longer_be_paid(self):
        booking = booked_by(self.client)
        session = start_checkout(booking)

        page = self.client.post(f"{booking.get_absolute_url()}cancel/", follow=True)

        booking.refresh_from_db()
        self.assertEqual(booking.ending, Booking.Ending.BY_GUEST)
        checkout = self.stripe.sandbox.checkout_session(session.stripe_checkout_session_id)
        self.assertEqual(checkout["status"], "expired")
        self.assertContains(page, "Nothing has been charged.")
        self.stripe.deliver()
        self.assertEqual(
            [text for _at, text in booking.timeline()].count("Cancelled: cancelled by the guest"), 1
        )

    def test_a_booking_without_a_checkout_is_called_off_too(self):
        booking = booked_by(self.client)

        self.client.post(f"{booking.get_absolute_url()}cancel/")

        booking.refresh_from_db()
        self.assertEqual(booking.ending, Booking.Ending.BY_GUEST)

    def test_a_deposit_that_was_paid_in_the_same_moment_is_not_thrown_away(self):
        booking = booked_by(self.client)
        self.stripe.pay(start_checkout(booking), deliver=False)

        page = self.client.post(f"{booking.get_absolute_url()}cancel/", follow=True)

        booking.refresh_from_db()
        self.assertEqual(booking.status, Booking.Status.CONFIRMED)
        self.assertContains(page, "The deposit was paid already.")

    def test_when_stripe_cannot_be_reached_nothing_is_cancelled(self):
        booking = booked_by(self.client)
        session = start_checkout(booking)
        for method, path in (
            ("POST", "/v1/checkout/sessions/{id}/expire"),
            ("GET", "/v1/checkout/sessions/{id}"),
        ):
            self.stripe.sandbox.fail_next("503", method=method, path=path, times=9)

        page = self.client.post(f"{booking.get_absolute_url()}cancel/", follow=True)

        booking.refresh_from_db()
        session.refresh_from_db()
        self.assertEqual((booking.is_pending, session.status), (True, "pending"))
        self.assertContains(page, "cannot be cancelled at the moment")


class StaffTests(SandboxMixin, TestCase):
    """Staff find the deposits that came for a room that was gone, and decide."""

    def setUp(self) -> None:
        super().setUp()
        staff = user("staff")
        staff.is_staff = staff.is_superuser = True
        staff.save()
        self.client.force_login(staff)
        self.winner, self.loser = book(), book()
        for booking in (self.winner, self.loser):
            self.stripe.pay(start_checkout(booking))

    def act(self, action: str) -> str:
        form = {"action": action, "_selected_action": [str(self.loser.pk)]}
        page = self.client.post("/admin/bookings/booking/", form, follow=True)
        self.loser.refresh_from_db()
        return page.content.decode()

    def test_the_deposits_that_wait_are_found_by_a_filter(self):
        page = self.client.get("/admin/bookings/booking/?deposit_to__exact=staff")

        self.assertContains(page, str(self.loser.pk))
        self.assertNotContains(page, str(self.winner.pk))

    def test_staff_confirm_once_the_room_is_free(self):
        self.assertIn("the room is still taken", self.act("confirm_if_free"))
        self.assertEqual(self.loser.status, Booking.Status.CANCELLED)

        self.winner.taken_nights.all().delete()

        self.assertIn("is confirmed", self.act("confirm_if_free"))
        self.assertEqual((self.loser.status, self.loser.deposit_to), (Booking.Status.CONFIRMED, ""))

    def test_staff_send_the_deposit_back(self):
        self.assertIn("48.00 GBP sent back.", self.act("send_deposit_back"))
        self.stripe.deliver()

        self.loser.refresh_from_db()
        self.assertEqual(self.loser.deposit_to, Booking.DepositTo.SETTLED)

    def test_what_was_settled_is_remembered_with_a_name(self):
        self.act("mark_as_settled")

        self.assertEqual(self.loser.deposit_to, Booking.DepositTo.SETTLED)
        self.assertIn("Deposit settled by staff", [text for _at, text in self.loser.timeline()])
