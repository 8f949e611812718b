"""``POST checkout/``: what is answered to whom, and that nobody decides on an amount but the server."""

from __future__ import annotations

import bz2
import json
import random
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection, transaction
from django.test import Client
from django.utils import timezone
from rest_framework.views import APIView

from django_generic_payments.models import PaymentSession
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from tests.flows.account import calls, open_checkouts
from tests.rest_framework.conftest import API, Caller, unthrottled
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.core, pytest.mark.django_db]


def code_of(response):
    assert response["Content-Type"] == "application/problem+json"
    assert response.json()["status"] == response.status_code
    return response.status_code, response.json()["code"]


# Who gets a checkout.


def test_an_owner_gets_a_checkout_at_the_price_of_the_server(stripe, ann, booking):
    response = ann.checkout(booking)

    session = PaymentSession.objects.get()
    answer = response.json()
    assert response.status_code == 201
    assert (answer["id"], answer["amount"], answer["currency"]) == (str(session.pk), 12_50, "gbp")
    assert (answer["status"], answer["display_amount"]) == ("pending", "12.50 GBP")
    assert answer["checkout_url"] == session.stripe_checkout_url
    assert session.owner == ann.user


def test_the_answer_says_where_its_status_is(stripe, ann, booking):
    response = ann.checkout(booking)

    assert response["Location"] == f"{API}status/{response.json()['id']}/"
    assert ann._client.get(response["Location"]).json()["id"] == response.json()["id"]


def test_the_same_again_is_the_same_payment_session(stripe, ann, booking):
    first, second = ann.checkout(booking), ann.checkout(booking)

    assert (first.status_code, second.status_code) == (201, 200)
    assert first.json() == second.json()
    assert len(open_checkouts(stripe)) == 1


def test_a_stranger_may_pay_what_anybody_may(stripe, stranger, guests_booking):
    response = stranger.checkout(guests_booking)

    assert response.status_code == 201
    assert PaymentSession.objects.get().owner is None


@pytest.mark.parametrize("caller", ["stranger", "bob", "cashier"])
def test_what_one_may_not_pay_is_not_there(request, stripe, booking, caller):
    response = request.getfixturevalue(caller).checkout(booking)

    assert code_of(response) == (404, "not_found")
    assert not PaymentSession.objects.exists()


@pytest.mark.parametrize(
    "asked", [("booking", "999999"), ("nothing", "1"), ("booking", "x"), ("booking", "٣x")]
)
def test_what_does_not_exist_looks_like_what_one_may_not_pay(stripe, bob, booking, asked):
    payable_type, payable_id = asked

    missing = bob.post("checkout/", {"payable_type": payable_type, "payable_id": payable_id})

    assert missing.json() == bob.checkout(booking).json()


def test_a_whole_number_is_a_key_too(stripe, ann, booking):
    assert ann.post("checkout/", {"payable_type": "booking", "payable_id": booking.pk}).status_code == 201


# Nobody else decides what is charged.


@pytest.mark.parametrize("name", ["amount", "price", "unit_amount", "discount", "line_items"])
def test_an_amount_is_refused_and_not_ignored(stripe, ann, booking, name):
    response = ann.checkout(booking, **{name: 1})

    assert code_of(response) == (400, "invalid")
    assert response.json()["errors"] == [
        {
            "pointer": f"#/{name}",
            "code": "decided_here",
            "detail": "What is charged is decided on the server. Leave it out.",
        }
    ]
    assert not PaymentSession.objects.exists()


@pytest.mark.parametrize(
    "name", ["customer", "owner", "metadata", "description", "user", "status", "id", "scope"]
)
def test_what_is_not_asked_for_is_refused(stripe, ann, booking, name):
    response = ann.checkout(booking, **{name: "x"})

    assert response.status_code == 400
    assert [each["code"] for each in response.json()["errors"]] == ["unknown_field"]


def test_a_currency_is_one_of_those_that_are_offered(stripe, stranger):
    order = Order.objects.create()

    in_yen = stranger.checkout(order, "shop.order", currency="JPY")

    assert (in_yen.json()["amount"], in_yen.json()["currency"]) == (5000, "jpy")
    assert code_of(stranger.checkout(order, "shop.order", currency="usd")) == (400, "currency_not_offered")


def test_a_purpose_is_one_of_those_that_there_are(stripe, stranger):
    order = Order.objects.create()

    shipping = stranger.checkout(order, "shop.order", purpose="shipping")

    assert (shipping.json()["amount"], shipping.json()["purpose"]) == (500, "shipping")
    assert code_of(stranger.checkout(order, "shop.order", purpose="gift")) == (400, "unknown_purpose")


SPELLINGS = {
    "payable_id": [
        "{0}",
        "0{0}",
        "00{0}",
        " {0}",
        "{0} ",
        "+{0}",
        "{0}.0",
        "{0}\n",
        "\t{0}",
        "{0}e0",
        "0x{0}",
        "-{0}",
    ],
    "purpose": ["", " ", "\u200b", "default", "None", "null", "\n"],
    "currency": ["gbp", "GBP", "Gbp", "gbP", "eur", "GBP ", "£", "usd"],
}


def test_two_hundred_spellings_never_open_a_second_checkout(stripe, stranger, guests_booking):
    chance = random.Random(20)  # noqa: S311
    digits = str(guests_booking.pk)
    fullwidth = "".join(chr(ord("０") + int(digit)) for digit in digits)
    ids = [spelling.format(digits) for spelling in SPELLINGS["payable_id"]] + [fullwidth, guests_booking.pk]
    with unthrottled():
        for _ in range(200):
            asked = {"payable_type": "booking", "payable_id": chance.choice(ids)}
            asked |= {
                name: chance.choice(SPELLINGS[name])
                for name in ("purpose", "currency")
                if chance.random() < 0.5
            }
            assert stranger.post("checkout/", asked).status_code in {200, 201, 400, 404}
            assert len(open_checkouts(stripe)) <= 1

    session = PaymentSession.objects.get()
    assert (session.payable_id, session.purpose) == (digits, "")
    assert len(open_checkouts(stripe)) == len(calls(stripe)) == 1


def test_two_hundred_spellings_never_open_a_second_checkout_for_one_purpose(stripe, stranger):
    chance = random.Random(21)  # noqa: S311
    order = Order.objects.create()
    key = str(order.pk)
    ids = [key, key.upper(), key.replace("-", ""), f"{{{key}}}", f"urn:uuid:{key}", f" {key}", f"{key}\n"]
    purposes = ["", "shipping", "SHIPPING", "shipping ", " ", "ship\u200bping"]
    currencies = ["eur", "EUR", "eUr", "jpy", "JPY", "usd"]
    opened = 0
    with unthrottled():
        for _ in range(200):
            asked = {
                "payable_type": "shop.order",
                "payable_id": chance.choice(ids),
                "purpose": chance.choice(purposes),
                "currency": chance.choice(currencies),
            }
            response = stranger.post("checkout/", asked)
            assert response.status_code in {200, 201, 400, 404}
            opened += response.status_code == 201
            can_be_paid = PaymentSession.objects.open()
            assert can_be_paid.count() == can_be_paid.values("payable_id", "purpose").distinct().count() <= 2
            assert len(open_checkouts(stripe)) == can_be_paid.count()

    # A price in another currency takes the place of the one before.
    assert opened > 2
    assert set(PaymentSession.objects.values_list("payable_id", flat=True)) == {key}


# Where the payer lands.


def test_payers_are_sent_to_hosts_that_are_allowed(stripe, ann, booking):
    with override_payments(ALLOWED_REDIRECT_HOSTS=["app.example.com"]):
        response = ann.checkout(
            booking,
            success_url="http://app.example.com/thanks?session={CHECKOUT_SESSION_ID}",
            cancel_url="/basket/",
        )

    session = PaymentSession.objects.get()
    assert response.status_code == 201
    assert session.success_url == "http://app.example.com/thanks?session={CHECKOUT_SESSION_ID}"
    assert session.cancel_url == "http://testserver/basket/"


@pytest.mark.parametrize("name", ["success_url", "cancel_url"])
@pytest.mark.parametrize(
    "address",
    [
        "https://evil.example",
        "//evil.example",
        "/\\evil.example",
        "https:evil.example",
        "javascript:alert(1)",
        "http://testserver@evil.example",
        "http:///evil.example",
        "https://evil.example\\@testserver",
    ],
)
def test_payers_are_not_sent_anywhere_else(stripe, ann, booking, name, address):
    response = ann.checkout(booking, **{name: address})

    assert code_of(response) == (400, "unsafe_redirect")
    assert "evil" not in response.json()["detail"]
    assert not PaymentSession.objects.exists()


# When no checkout can be had.


def test_what_is_paid_is_not_sold_again_and_its_owner_is_told_by_which_payment(ann, booking, paid):
    response = ann.checkout(booking)

    assert code_of(response) == (409, "already_paid")
    assert response.json()["payment"] == str(paid.pk)


def test_whose_payment_is_in_the_way_is_not_told_to_others(stripe, ann, bob, guests_booking):
    stripe.pay(start_checkout(guests_booking, user=ann.user))

    response = bob.checkout(guests_booking)

    assert code_of(response) == (409, "already_paid")
    assert "payment" not in response.json()


def test_a_debit_that_is_on_its_way_is_waited_for(stripe, stranger):
    order = Order.objects.create()
    stripe.pay(
        PaymentSession.objects.get(pk=stranger.checkout(order, "shop.order").json()["id"]),
        iban="AT611904300234573201",
    )

    assert code_of(stranger.checkout(order, "shop.order")) == (409, "payment_in_progress")


def test_nothing_due_is_a_conflict(stripe, ann, booking):
    Booking.objects.update(deposit=0)

    assert code_of(ann.checkout(booking)) == (409, "nothing_to_pay")


def test_payments_that_are_switched_off_are_a_conflict(stripe, ann, booking):
    with override_payments(ENABLED=False):
        assert code_of(ann.checkout(booking)) == (409, "payments_disabled")


def test_a_stripe_that_does_not_answer_is_asked_again(stripe, stranger, guests_booking):
    stripe.sandbox.fail_next("timeout_after")

    lost = stranger.checkout(guests_booking, key="k")

    assert code_of(lost) == (503, "stripe_unavailable")
    assert int(lost["Retry-After"]) > 0
    assert stranger.checkout(guests_booking, key="k").status_code == 200
    assert len(open_checkouts(stripe)) == 1


def test_what_stripe_said_stays_in_the_log(stripe, ann, booking):
    with override_payments(STRIPE_SECRET_KEY="sk_test_wrong"):
        response = ann.checkout(booking)

    assert code_of(response) == (502, "stripe_refused")
    assert "sk_test" not in response.content.decode()


def test_a_call_that_is_on_its_way_at_stripe_is_a_conflict_for_a_moment(stripe, ann, booking):
    stripe.sandbox.fail_next("409")

    response = ann.checkout(booking, key="k")

    assert code_of(response) == (409, "in_flight")
    assert response["Retry-After"] == "1"


# Idempotency keys.


@pytest.mark.parametrize("place", ["header", "body"])
def test_the_same_key_is_the_same_request(stripe, ann, booking, place):
    ask = {
        "header": lambda: ann.checkout(booking, key="k-1"),
        "body": lambda: ann.checkout(booking, idempotency_key="k-1"),
    }[place]

    first = ask()
    stripe.expire(PaymentSession.objects.get())
    again = ask()

    assert (first.status_code, again.status_code) == (201, 200)
    assert again.json()["id"] == first.json()["id"]
    assert (again.json()["status"], again.json()["checkout_url"]) == ("expired", None)


def test_a_key_of_another_request_is_refused(stripe, ann, booking):
    other = Booking.objects.create(owner=ann.user)
    ann.checkout(booking, key="k")

    assert code_of(ann.checkout(other, key="k")) == (422, "idempotency_key_reused")
    Booking.objects.update(deposit=99)
    assert code_of(ann.checkout(booking, key="k")) == (422, "idempotency_key_reused")


def test_the_key_of_one_user_says_nothing_to_another(stripe, ann, bob, booking):
    ann.checkout(booking, key="k")

    response = bob.checkout(Booking.objects.create(owner=bob.user), key="k")

    assert response.status_code == 201


def test_a_stranger_does_not_get_at_what_the_project_opened_under_a_key(stripe, stranger, guests_booking):
    ours = start_checkout(guests_booking, idempotency_key="nightly", metadata={"by": "us"})

    theirs = stranger.checkout(Booking.objects.create(), key="nightly")

    assert theirs.status_code == 201
    assert theirs.json()["id"] != str(ours.pk)


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve"])
def test_a_key_that_is_none_is_refused(stripe, ann, booking, key):
    assert code_of(ann.checkout(booking, idempotency_key=key)) == (400, "invalid")


def test_a_key_in_the_body_and_another_in_the_header_are_refused(stripe, ann, booking):
    response = ann.checkout(booking, key="a", idempotency_key="b")

    assert code_of(response) == (400, "invalid")
    assert response.json()["errors"][0]["pointer"] == "#/idempotency_key"


# What is no request.


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "invalid"),
        (b"{", "parse_error"),
        (b"\xff", "parse_error"),
        (b"NaN", "parse_error"),
        (b"[" * 10_000, "parse_error"),
        (b'{"payable_type": "booking"' + b" " * 20_000 + b"}", "parse_error"),
        (b"[]", "invalid"),
        (b"null", "invalid"),
        (b'"text"', "invalid"),
        (b"1", "invalid"),
        (b"{}", "invalid"),
        (b'{"payable_type": 1, "payable_id": "1"}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": true}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": 1.0}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": null}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": ["1"]}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": {"pk": 1}}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": "1\\u0000"}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": "\\ud800"}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": "1", "\\ud800": 1}', "invalid"),
        (b'{"payable_type": "booking", "payable_id": 1' + b"0" * 400 + b"}", "invalid"),
        (b'{"payable_type": "booking", "payable_id": "1", "purpose": null}', "invalid"),
    ],
    ids=range(22),
)
def test_what_is_no_request_is_refused(stripe, ann, booking, body, code):
    assert code_of(ann.post("checkout/", body)) == (400, code)


@pytest.mark.parametrize(
    "kind", ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data; boundary=x"]
)
def test_a_form_is_refused_because_any_page_could_send_one(stripe, ann, booking, kind):
    response = ann._client.post(f"{API}checkout/", b"payable_type=booking", content_type=kind)

    assert code_of(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("charset", ["bz2", "zlib", "rot13", "utf-16", "x"])
@pytest.mark.parametrize("packed", [True, False])
def test_the_caller_does_not_choose_how_a_body_is_read(stripe, ann, booking, charset, packed):
    body = json.dumps({"payable_type": "booking", "payable_id": booking.pk}).encode()
    request = ann._client.generic(
        "POST",
        f"{API}checkout/",
        bz2.compress(b" " * 50_000_000) if packed else body,
        content_type=f"application/json; charset={charset}",
    )

    assert code_of(request) == (400, "parse_error") if packed else request.status_code in {201, 400}


@pytest.mark.parametrize("address", ["/a b", "/x\ty", "/x\ny", "/%0d%0aX-Y: z", "/\x00"])
@pytest.mark.parametrize("name", ["success_url", "cancel_url"])
def test_an_address_that_stripe_would_refuse_is_the_callers_mistake(stripe, ann, booking, name, address):
    response = ann.checkout(booking, **{name: address})

    assert response.status_code == 400
    assert not PaymentSession.objects.exists()


def test_an_address_without_a_scheme_gets_ours(stripe, ann, booking):
    ann.checkout(booking, cancel_url="//testserver/basket/")

    assert PaymentSession.objects.get().cancel_url == "http://testserver/basket/"


def test_somebody_who_is_no_row_of_the_database_is_a_stranger(stripe, guests_booking, monkeypatch):
    class Passport:
        """Somebody whom a token names, and no table."""

        pk = 7
        is_authenticated = True

        def has_perm(self, name):
            return True

    class ByPassport:
        def authenticate(self, request):
            return Passport(), None

        def authenticate_header(self, request):
            return "Passport"

    monkeypatch.setattr(APIView, "authentication_classes", [ByPassport])

    response = Caller().checkout(guests_booking)

    assert response.status_code == 201
    assert PaymentSession.objects.get().owner is None
    assert Caller().post("refunds/", {"payment": response.json()["id"]}).status_code == 403


@pytest.mark.django_db(transaction=True)
def test_what_somebody_else_holds_for_too_long_is_asked_for_again(stripe, ann, booking):
    if connection.vendor != "postgresql":
        pytest.skip("the database has no row locks")
    session = PaymentSession.objects.get(pk=ann.checkout(booking).json()["id"])
    PaymentSession.objects.update(expires_at=timezone.now())

    with ThreadPoolExecutor(1) as pool, transaction.atomic():
        PaymentSession.objects.select_for_update().get(pk=session.pk)

        def ask():
            try:
                return Caller(ann.user).checkout(booking)
            finally:
                connection.close()

        response = pool.submit(ask).result()

    assert code_of(response) == (409, "in_flight")
    assert response["Retry-After"] == "1"


@pytest.mark.parametrize("method", ["get", "put", "patch", "delete", "head", "options"])
def test_a_checkout_is_only_opened_by_post(stripe, ann, booking, method):
    response = getattr(ann._client, method)(f"{API}checkout/")

    assert response.status_code == 405
    assert not PaymentSession.objects.exists()


def test_somebody_who_only_wants_pages_is_told_that_there_are_none(stripe, ann, booking):
    assert code_of(ann.post("checkout/", {}, accept="text/html")) == (406, "not_acceptable")


def test_a_page_of_another_site_cannot_send_a_logged_in_visitor(stripe, ann, booking):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(ann.user)
    body = json.dumps({"payable_type": "booking", "payable_id": booking.pk})

    response = browser.post(f"{API}checkout/", body, content_type="application/json")

    assert code_of(response) == (403, "permission_denied")


def test_answers_are_not_kept_by_caches(stripe, ann, booking):
    assert ann.checkout(booking)["Cache-Control"] == "no-store"
    assert ann.checkout(booking, amount=1)["Cache-Control"] == "no-store"


@pytest.mark.django_db(transaction=True)
def test_fifty_requests_with_one_key_open_one_checkout(stripe, ann, booking):
    if connection.vendor == "sqlite":
        pytest.skip("the database has no row locks")

    def ask(_number):
        try:
            return Caller(ann.user).checkout(booking, key="k").status_code
        finally:
            connection.close()

    with (
        unthrottled(),
        ThreadPoolExecutor(10) as pool,
    ):
        statuses = list(pool.map(ask, range(50)))

    assert set(statuses) <= {200, 201, 409}
    assert statuses.count(201) <= 1
    assert len(open_checkouts(stripe)) == PaymentSession.objects.count() == 1
