"""Bookings for programs: who may do what, which rules hold, and what is never believed."""

from __future__ import annotations

import base64
import json
import uuid
from datetime import datetime, timedelta, timezone
from typing import Any

from django.core.cache import cache
from django.http import HttpResponse
from django.test import Client, RequestFactory, TestCase, override_settings
from standardwebhooks import Webhook

from bookings.api.views import confirm
from bookings.models import Booking
from bookings.tests.cases import SandboxMixin, book, day, user
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from inbox.models import ReceivedWebhook
from inbox.receiving import Message, receive


class ApiMixin(SandboxMixin):
    """Somebody who speaks JSON."""

    def setUp(self) -> None:
        super().setUp()
        cache.clear()  # throttles remember across tests

    def post(self, path: str, body: Any = None, **options: Any) -> HttpResponse:
        return self.client.post(f"/api/{path}", body, content_type="application/json", **options)

    def order(self, **changes: Any) -> dict[str, Any]:
        stay = {"starts_on": day(10).isoformat(), "ends_on": day(12).isoformat(), "people": 1}
        return {"room": "harbour-view", **stay, "name": "Gil Guest", "email": "gil@example.com", **changes}

    def assert_problem(self, response: HttpResponse, status: int, code: str) -> dict[str, Any]:
        self.assertEqual(
            (response.status_code, response["Content-Type"]), (status, "application/problem+json")
        )
        problem = response.json()
        self.assertEqual((problem["status"], problem["code"]), (status, code))
        return problem


class RoomsTests(ApiMixin, TestCase):
    def test_rooms_are_told_with_prices_in_the_minor_unit_and_for_people(self):
        rooms = {each["slug"]: each for each in self.client.get("/api/rooms/").json()}

        self.assertEqual(len(rooms), 6)
        room = rooms["harbour-view"]
        self.assertEqual((room["price"], room["currency"]), (120_00, "gbp"))
        self.assertEqual((room["display_price"], room["deposit_percent"]), ("120.00 GBP", 20))

    def test_pictures_have_whole_addresses_for_pages_of_other_origins(self):
        room = self.client.get("/api/rooms/").json()[0]

        self.assertEqual(room["picture"], "http://testserver/static/bookings/rooms/boathouse.svg")


class BookingTests(ApiMixin, TestCase):
    def test_a_guest_books_and_is_told_what_to_pay(self):
        response = self.post("bookings/", self.order())

        booking = Booking.objects.get()
        said = response.json()
        self.assertEqual((response.status_code, said["id"]), (201, str(booking.pk)))
        self.assertEqual((said["deposit"], said["total"], said["currency"]), (48_00, 240_00, "gbp"))
        self.assertEqual((said["status"], said["payment_required"]), ("pending_payment", True))
        self.assertEqual(said["payable"], {"payable_type": "booking", "payable_id": str(booking.pk)})
        self.assertIsNone(booking.owner)

    def test_a_booking_of_somebody_logged_in_is_theirs(self):
        ann = user("ann")
        self.client.force_login(ann)

        self.post("bookings/", self.order())

        self.assertEqual(Booking.objects.get().owner, ann)

    def test_nobody_books_for_somebody_else(self):
        response = self.post("bookings/", self.order(owner=user("ann").pk))

        self.assert_problem(response, 400, "invalid")
        self.assertEqual(Booking.objects.count(), 0)

    def test_a_room_without_a_deposit_is_confirmed_at_once(self):
        said = self.post("bookings/", self.order(room="crows-nest")).json()

        self.assertEqual((said["status"], said["payment_required"]), ("confirmed", False))

    def test_amounts_are_refused_whatever_they_are_called(self):
        for name in ("amount", "deposit", "total", "price", "currency", "status"):
            with self.subTest(name):
                response = self.post("bookings/", self.order(**{name: 1}))

                (error,) = self.assert_problem(response, 400, "invalid")["errors"]
                self.assertEqual((error["pointer"], error["code"]), (f"#/{name}", "unknown_field"))
        self.assertEqual(Booking.objects.count(), 0)

    def test_an_amount_is_refused_by_the_checkout_too(self):
        booking = book()

        response = self.post("payments/checkout/", {**payable(booking), "amount": 1})

        (error,) = self.assert_problem(response, 400, "invalid")["errors"]
        self.assertEqual(error["pointer"], "#/amount")
        self.assertEqual(PaymentSession.objects.count(), 0)

    def test_the_rules_of_the_form_are_told_at_their_fields(self):
        book(first=20, nights=3).confirm()
        for changes, pointer, remedy in (
            ({"starts_on": day(-1).isoformat()}, "#/starts_on", "Choose a day from today on."),
            ({"ends_on": day(10).isoformat()}, "#/ends_on", "Choose a day after your arrival."),
            ({"ends_on": day(60).isoformat()}, "#/ends_on", "at most 28 nights"),
            (
                {"starts_on": day(20).isoformat(), "ends_on": day(21).isoformat()},
                "#/starts_on",
                "The room is taken on some of these nights.",
            ),
            ({"people": 3}, "#/people", "less than or equal to 2"),
            ({"room": "cellar"}, "#/room", "does not exist"),
            ({"email": "gil"}, "#/email", "valid email"),
            ({"name": " "}, "#/name", "may not be blank"),
            ({"starts_on": "soon"}, "#/starts_on", "wrong format"),
        ):
            with self.subTest(**changes):
                response = self.post("bookings/", self.order(**changes))

                (error,) = self.assert_problem(response, 400, "invalid")["errors"]
                self.assertEqual(error["pointer"], pointer)
                self.assertIn(remedy, error["detail"])
        self.assertEqual(Booking.objects.filter(status=Booking.Status.PENDING_PAYMENT).count(), 0)

    def test_what_is_no_json_is_refused(self):
        broken = self.client.post("/api/bookings/", "{", content_type="application/json")
        form = self.client.post("/api/bookings/", self.order())
        array = self.post("bookings/", [self.order()])

        self.assert_problem(broken, 400, "parse_error")
        self.assert_problem(form, 415, "unsupported_media_type")
        self.assert_problem(array, 400, "invalid")

    def test_too_many_bookings_in_a_minute_are_refused_with_a_time_to_wait(self):
        for _ in range(30):
            self.post("bookings/", {})

        response = self.post("bookings/", self.order())

        self.assert_problem(response, 429, "throttled")
        self.assertGreater(int(response["Retry-After"]), 0)


class WhoMaySeeTests(ApiMixin, TestCase):
    """A booking of an account is its owner's; one of a guest is whoever's who knows its address, as on the site."""

    def setUp(self) -> None:
        super().setUp()
        self.ann, self.bo = user("ann"), user("bo")
        self.of_ann, self.of_guest = book(owner=self.ann), book(first=20)

    def statuses(self, booking: Booking) -> tuple[int, int, int]:
        read = self.client.get(f"/api/bookings/{booking.pk}/")
        confirmed = self.post(f"bookings/{booking.pk}/confirm-payment/")
        checkout = self.post("payments/checkout/", payable(booking))
        return read.status_code, confirmed.status_code, checkout.status_code

    def test_a_guest_has_those_of_guests(self):
        self.assertEqual(self.statuses(self.of_guest), (200, 409, 201))
        self.assertEqual(self.statuses(self.of_ann), (404, 404, 404))

    def test_the_owner_has_their_own(self):
        self.client.force_login(self.ann)

        self.assertEqual(self.statuses(self.of_ann), (200, 409, 201))

    def test_another_account_has_nothing_of_it(self):
        self.client.force_login(self.bo)

        self.assertEqual(self.statuses(self.of_ann), (404, 404, 404))

    def test_what_is_not_there_looks_the_same(self):
        theirs = self.client.get(f"/api/bookings/{self.of_ann.pk}/")
        nobodys = self.client.get(f"/api/bookings/{uuid.uuid4()}/")

        self.assertEqual(self.assert_problem(theirs, 404, "not_found"), nobodys.json())

    def test_neither_name_nor_address_of_a_guest_is_told(self):
        said = self.client.get(f"/api/bookings/{self.of_guest.pk}/").content.decode()

        self.assertNotIn("Gil Guest", said)
        self.assertNotIn("gil@example.com", said)


class ConfirmPaymentTests(ApiMixin, TestCase):
    def confirm(self, booking: Booking, body: Any = None) -> HttpResponse:
        return self.post(f"bookings/{booking.pk}/confirm-payment/", body)

    def test_its_caller_is_not_believed(self):
        booking = book()
        start_checkout(booking)

        response = self.confirm(booking, {"status": "succeeded", "paid": True, "paid_amount": 48_00})

        self.assert_problem(response, 409, "not_paid")
        self.assertEqual(fresh(booking).status, Booking.Status.PENDING_PAYMENT)

    def test_stripe_is_asked_when_the_webhook_is_late(self):
        booking = book()
        self.stripe.pay(start_checkout(booking), deliver=False)

        response = self.confirm(booking)

        self.assertEqual((response.status_code, response.json()["status"]), (200, "confirmed"))

    def test_it_is_harmless_to_repeat(self):
        booking = book()
        self.stripe.pay(start_checkout(booking), deliver=False)

        statuses = [self.confirm(booking).status_code for _ in range(3)]
        self.stripe.deliver()

        self.assertEqual(statuses, [200] * 3)
        self.assertEqual(booking.changes.filter(text="Confirmed").count(), 1)

    def test_without_a_checkout_nothing_is_paid(self):
        self.assert_problem(self.confirm(book()), 409, "not_paid")

    def test_while_stripe_does_not_answer_nothing_is_paid(self):
        booking = book()
        self.stripe.pay(start_checkout(booking), deliver=False)
        self.stripe.sandbox.fail_next("503", method="GET", path="/v1/checkout/sessions/{id}", times=10)

        with self.assertLogs("bookings.api.views", "WARNING"):
            response = self.confirm(booking)

        self.assert_problem(response, 409, "not_paid")

    def test_a_room_that_somebody_else_has_is_told_with_the_reason(self):
        first, second = book(first=10), book(first=11)
        sessions = [start_checkout(each) for each in (first, second)]
        for session in sessions:
            self.stripe.pay(session)

        problem = self.assert_problem(self.confirm(second), 409, "cancelled")

        self.assertEqual(problem["detail"], "The booking is cancelled: somebody else had the room first.")


class WayOfAPageTests(ApiMixin, TestCase):
    """The calls that a page makes, one after the other."""

    @override_payments(BASE_URL="http://127.0.0.1:8000", ALLOWED_REDIRECT_HOSTS=["127.0.0.1:5173"])
    def test_a_guest_books_pays_and_is_confirmed(self):
        booked = self.post("bookings/", self.order()).json()
        asked = {
            **booked["payable"],
            "success_url": "http://127.0.0.1:5173/?back=paid",
            "cancel_url": "http://127.0.0.1:5173/?back=unpaid",
        }
        checkout = self.post("payments/checkout/", asked, headers={"Idempotency-Key": "k1"})
        again = self.post("payments/checkout/", asked, headers={"Idempotency-Key": "k1"})
        self.assertEqual((checkout.status_code, again.status_code), (201, 200))
        self.assertEqual(checkout.json()["checkout_url"], again.json()["checkout_url"])
        session = PaymentSession.objects.get()
        self.stripe.pay(session, deliver=False)

        token = {"Payment-Token": checkout.json()["token"]}
        status = self.client.get(f"/api/payments/status/{session.pk}/?sync=1", headers=token)
        confirmed = self.post(f"bookings/{booked['id']}/confirm-payment/")

        self.assertEqual(status.json()["status"], "succeeded")
        self.assertEqual(confirmed.json()["status"], "confirmed")

    def test_payers_are_not_sent_to_a_page_that_is_not_ours(self):
        asked = {**payable(book()), "success_url": "https://evil.example/"}

        self.assert_problem(self.post("payments/checkout/", asked), 400, "unsafe_redirect")


def secret_of(letter: bytes) -> str:
    return "whsec_" + base64.b64encode(letter * 32).decode()


OLD, NEW, STRANGE = secret_of(b"o"), secret_of(b"n"), secret_of(b"s")


@override_settings(PAYMENTS_WEBHOOK_CALLBACK_SECRET=[NEW])
class PaymentWebhookTests(ApiMixin, TestCase):
    """The receiving end of a callback."""

    def setUp(self) -> None:
        super().setUp()
        self.booking = book()

    def tell(
        self,
        *,
        secret: str = NEW,
        key: str = "msg_1",
        age: timedelta = timedelta(),
        client: Client | None = None,
        **changes: Any,
    ) -> HttpResponse:
        """Post a callback, signed as Standard Webhooks says."""
        body = json.dumps(self.said(**changes))
        at = datetime.now(tz=timezone.utc) - age
        return self.send(body, signature(body, secret, key, at), client)

    def said(self, *, kind: str = "payment.succeeded", **payment: Any) -> dict[str, Any]:
        payment = {"id": str(uuid.uuid4()), **payable(self.booking), "status": "succeeded", **payment}
        return {"type": kind, "timestamp": "2026-11-26T09:30:00Z", "data": {"payment": payment}}

    def send(self, body: str, headers: dict[str, str], client: Client | None = None) -> HttpResponse:
        return (client or self.client).post(
            "/api/bookings/webhook/payment/", body, content_type="application/json", headers=headers
        )

    def assert_refused(self, response: HttpResponse) -> None:
        self.assertEqual((response.status_code, response.json()), (400, {"error": "invalid"}))
        self.assertEqual(fresh(self.booking).status, Booking.Status.PENDING_PAYMENT)
        self.assertEqual(ReceivedWebhook.objects.count(), 0)

    def test_what_is_paid_is_confirmed(self):
        response = self.tell()

        self.assertEqual((response.status_code, response.json()), (200, {"received": True}))
        self.assertEqual(fresh(self.booking).status, Booking.Status.CONFIRMED)

    def test_it_needs_neither_a_csrf_token_nor_cors(self):
        response = self.tell(client=Client(enforce_csrf_checks=True))

        self.assertEqual(response.status_code, 200)
        self.assertNotIn("Access-Control-Allow-Origin", response)

    def test_unsigned_is_unheard(self):
        with self.assertLogs("inbox.receiving", "WARNING"):
            self.assert_refused(self.send(json.dumps(self.said()), {}))

    def test_what_only_looks_like_a_signature_is_refused(self):
        headers = {"webhook-id": "msg_1", "webhook-timestamp": str(int(datetime.now().timestamp()))}
        for signature in ("v1,", "v1", "v1,not base64", "v2,AAAA", "v1,AAAA v1", ","):
            with self.subTest(signature), self.assertLogs("inbox.receiving", "WARNING"):
                told = self.send(json.dumps(self.said()), {**headers, "webhook-signature": signature})
                self.assert_refused(told)

    def test_signed_by_a_stranger_is_refused(self):
        with self.assertLogs("inbox.receiving", "WARNING"):
            self.assert_refused(self.tell(secret=STRANGE))

    def test_a_body_that_was_changed_is_refused(self):
        headers = signature(json.dumps(self.said(kind="payment.failed")), NEW, "msg_1")
        with self.assertLogs("inbox.receiving", "WARNING"):
            self.assert_refused(self.send(json.dumps(self.said()), headers))

    def test_too_old_and_too_new_are_refused(self):
        for age in (timedelta(minutes=6), timedelta(minutes=-6)):
            with self.subTest(age=age), self.assertLogs("inbox.receiving", "WARNING"):
                self.assert_refused(self.tell(age=age))

    def test_without_a_secret_that_is_one_nobody_is_heard(self):
        guessed = base64.b64encode(b"changeme").decode()
        for secrets in ([], ["whsec_"], ["whsec_..."], [f"whsec_{guessed}"], [NEW.removeprefix("whsec_")]):
            with (
                self.subTest(secrets),
                override_settings(PAYMENTS_WEBHOOK_CALLBACK_SECRET=secrets),
                self.assertLogs("inbox.receiving", "ERROR"),
            ):
                told = self.tell(secret=f"whsec_{guessed}")
                self.assertEqual((told.status_code, told.json()), (503, {"error": "unavailable"}))
                self.assertEqual(fresh(self.booking).status, Booking.Status.PENDING_PAYMENT)

    def test_a_booking_that_was_called_off_meanwhile_stays_cancelled(self):
        self.stripe.pay(start_checkout(self.booking))
        booking = fresh(self.booking)
        with self.captureOnCommitCallbacks(execute=True):
            booking.call_off(by="guest")

        self.assertEqual(self.tell().status_code, 200)
        self.assertEqual(fresh(booking).status, Booking.Status.CANCELLED)
        self.assertEqual(booking.taken_nights.count(), 0)

    def test_a_booking_that_had_run_out_is_taken_up_again(self):
        self.booking.cancel(Booking.Ending.UNPAID)

        self.tell()

        self.assertEqual(fresh(self.booking).status, Booking.Status.CONFIRMED)

    @override_settings(PAYMENTS_WEBHOOK_CALLBACK_SECRET=[OLD, NEW])
    def test_while_one_secret_replaces_another_both_are_heard(self):
        statuses = [self.tell(secret=secret, key=secret).status_code for secret in (OLD, NEW)]

        self.assertEqual(statuses, [200, 200])

    def test_what_is_repeated_is_acted_upon_once(self):
        statuses = [self.tell().status_code for _ in range(3)]

        self.assertEqual(statuses, [200] * 3)
        self.assertEqual(self.booking.changes.filter(text="Confirmed").count(), 1)
        self.assertEqual(ReceivedWebhook.objects.get().type, "payment.succeeded")

    def test_the_id_makes_it_a_repetition_and_not_the_body(self):
        self.tell(kind="payment.failed")

        self.tell()

        self.assertEqual(fresh(self.booking).status, Booking.Status.PENDING_PAYMENT)

    def test_the_same_payment_under_two_ids_confirms_once(self):
        for key in ("msg_1", "msg_2"):
            self.tell(key=key)

        self.assertEqual(self.booking.changes.filter(text="Confirmed").count(), 1)
        self.assertEqual(ReceivedWebhook.objects.count(), 2)

    def test_a_booking_that_is_gone_is_told_to_the_log_and_not_asked_for_again(self):
        with self.assertLogs("bookings.api.views", "ERROR"):
            response = self.tell(payable_id=str(uuid.uuid4()))

        self.assertEqual(response.status_code, 200)

    def test_other_events_and_other_payables_change_nothing(self):
        for number, changes in enumerate(
            ({"kind": "payment.failed"}, {"kind": "payment.refunded"}, {"payable_type": "order"})
        ):
            with self.subTest(**changes):
                self.assertEqual(self.tell(key=f"msg_{number}", **changes).status_code, 200)
        self.assertEqual(fresh(self.booking).status, Booking.Status.PENDING_PAYMENT)

    def test_what_failed_halfway_is_rolled_back_with_its_mark_and_done_the_next_time(self):
        def fail_halfway(message: Message) -> None:
            confirm(message)
            raise RuntimeError("killed")

        body = json.dumps(self.said())
        request = RequestFactory().post(
            "/", body, content_type="application/json", headers=signature(body, NEW, "msg_1")
        )
        with self.assertRaisesMessage(RuntimeError, "killed"):
            receive(request, fail_halfway)

        self.assertEqual(fresh(self.booking).status, Booking.Status.PENDING_PAYMENT)
        self.assertEqual(ReceivedWebhook.objects.count(), 0)
        self.tell()
        self.assertEqual(fresh(self.booking).status, Booking.Status.CONFIRMED)


def signature(body: str, secret: str, key: str, at: datetime | None = None) -> dict[str, str]:
    """Return the headers by which Standard Webhooks signs a body."""
    at = at or datetime.now(tz=timezone.utc)
    return {
        "webhook-id": key,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(key, at, body),
    }


def payable(booking: Booking) -> dict[str, str]:
    return {"payable_type": "booking", "payable_id": str(booking.pk)}


def fresh(booking: Booking) -> Booking:
    return Booking.objects.get(pk=booking.pk)
