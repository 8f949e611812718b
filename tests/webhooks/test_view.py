"""The door that Stripe comes to, and what it says to everybody else."""

from __future__ import annotations

import json
import logging
import time

import pytest
from django.db import IntegrityError, connection
from django.test import Client, RequestFactory, override_settings
from django.urls import resolve, reverse

from django_generic_payments import views
from django_generic_payments.models import Customer, PaymentEvent, WebhookEvent
from django_generic_payments.testing import override_payments
from django_generic_payments.webhooks.intake import LARGEST_BODY
from tests.webhooks.conftest import WEBHOOK

pytestmark = pytest.mark.core

INVALID = b'{"error": "invalid"}'
UNAVAILABLE = b'{"error": "unavailable"}'
RETRY = b'{"error": "retry"}'
RECEIVED = b'{"received": true}'


def answer_of(response):
    return response.status_code, response.content


# The address.


def test_the_address_is_the_documented_one_and_needs_no_redirect():
    assert reverse("generic_payments:stripe-webhook") == WEBHOOK
    assert resolve(WEBHOOK).func is views.stripe_webhook


# Refusals.


def forgeries(body):
    moment = int(time.time())
    return {
        "no signature": "",
        "nonsense": "nonsense",
        "zeros": f"t={moment},v1={'0' * 64}",
        "not ascii": "t=1,v1=é",
        "two times": f"t={moment},t={moment},v1=0",
        "no time": "v1=0",
    }


@pytest.mark.django_db
@pytest.mark.parametrize("name", forgeries(b""))
def test_a_forgery_is_refused_in_one_way_and_touches_no_database(
    post, completed, name, django_assert_num_queries
):
    with django_assert_num_queries(0):
        response = post(completed, header=forgeries(b"")[name])

    assert answer_of(response) == (400, INVALID)


def test_a_forgery_needs_no_database_at_all(post):
    # pytest-django refuses the database to a test that does not ask for it.
    assert answer_of(post(b"{}", header="t=1,v1=0")) == (400, INVALID)


def test_an_old_event_is_refused(post, stripe):
    header = stripe.sandbox.sign(b"{}", timestamp=int(time.time()) - 301)

    assert answer_of(post(b"{}", header=header)) == (400, INVALID)


@pytest.mark.parametrize("body", [b"", b"null", b"[]", b"{}", b"1", b"[" * 100_000, b"\xff", b"NaN"])
def test_what_is_signed_and_no_event_is_refused_in_the_same_way(post, body):
    assert answer_of(post(body)) == (400, INVALID)


def test_a_request_without_the_header_is_refused():
    response = Client().post(WEBHOOK, b"{}", content_type="application/json")

    assert answer_of(response) == (400, INVALID)


def test_a_huge_body_is_refused_though_it_is_signed(post):
    assert answer_of(post(b" " * (LARGEST_BODY + 1))) == (400, INVALID)


@pytest.mark.parametrize(
    "length", [str(LARGEST_BODY + 1), "9" * 12, "9" * 5000, "-1", "1.5", "abc", "²", "+5", " "]
)
def test_a_length_that_is_too_much_or_no_number_is_refused_unread(stripe, length):
    class Unreadable:
        def read(self, *args):
            raise AssertionError("The body was read.")

    request = RequestFactory().generic("POST", WEBHOOK, b"", content_type="application/json")
    request.META["CONTENT_LENGTH"] = length
    request._stream = Unreadable()

    assert answer_of(views.stripe_webhook(request)) == (400, INVALID)


@pytest.mark.parametrize("method", ["get", "head", "put", "patch", "delete", "options"])
def test_only_post_is_allowed(method):
    response = getattr(Client(), method)(WEBHOOK)

    assert response.status_code == 405
    assert response["Allow"] == "POST"


# What must not stand in the way.


@pytest.mark.django_db
def test_no_csrf_token_is_needed(post, completed):
    # The client of this fixture enforces the check.
    assert answer_of(post(completed)) == (200, RECEIVED)


def test_the_csrf_check_is_on_elsewhere():
    assert Client(enforce_csrf_checks=True).post("/payments/checkout/booking/1/").status_code == 403


@override_settings(
    MIDDLEWARE=[
        "django.contrib.sessions.middleware.SessionMiddleware",
        "django.contrib.auth.middleware.AuthenticationMiddleware",
        "django.contrib.auth.middleware.LoginRequiredMiddleware",
    ]
)
@pytest.mark.django_db
def test_no_login_is_needed_where_everything_else_needs_one(post, completed):
    assert answer_of(post(completed)) == (200, RECEIVED)
    assert views.stripe_webhook.login_required is False


@pytest.mark.django_db(transaction=True)
def test_the_view_is_outside_of_a_transaction_under_atomic_requests(post, completed):
    connection.settings_dict["ATOMIC_REQUESTS"] = True
    try:
        response = post(completed)
    finally:
        connection.settings_dict["ATOMIC_REQUESTS"] = False

    assert answer_of(response) == (200, RECEIVED)


@pytest.mark.parametrize("name", views.__all__)
def test_every_door_is_outside_of_a_transaction(name):
    assert "default" in getattr(views, name)._non_atomic_requests


# Secrets.


@pytest.mark.parametrize("secret", ["", "  ", [], [""], "whsec_", "secret", None, [None]])
def test_without_a_secret_nothing_is_let_in_and_stripe_comes_again(post, secret):
    with override_payments(STRIPE_WEBHOOK_SECRET=secret):
        for guess in ("", "  ", "whsec_", "secret", "None"):
            assert answer_of(post(b"{}", secret=guess)) == (503, UNAVAILABLE)


@pytest.mark.django_db
def test_while_secrets_are_exchanged_both_are_good(post, completed):
    with override_payments(STRIPE_WEBHOOK_SECRET=["whsec_new", "whsec_old"]):
        assert post(completed, secret="whsec_old").status_code == 200
        assert post(completed, secret="whsec_new").status_code == 200
        assert post(completed, secret="whsec_other").status_code == 400
    with override_payments(STRIPE_WEBHOOK_SECRET=["whsec_new"]):
        assert post(completed, secret="whsec_old").status_code == 400


@pytest.mark.django_db
def test_nothing_in_the_request_chooses_the_secret(post, completed, django_assert_num_queries):
    with django_assert_num_queries(0):
        response = post(completed, secret="whsec_mine", **{"X-Webhook-Secret": "whsec_mine", "X-Test": "1"})

    assert answer_of(response) == (400, INVALID)


@pytest.mark.django_db
@override_settings(DEBUG=True)
def test_debug_opens_no_door(post, completed):
    assert answer_of(post(completed, secret="whsec_mine")) == (400, INVALID)


# Answers.


@pytest.mark.django_db
def test_a_payment_is_booked_and_acknowledged(post, completed, session, booking):
    assert answer_of(post(completed)) == (200, RECEIVED)

    session.refresh_from_db()
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == ("succeeded", 1)


@pytest.mark.django_db
def test_what_could_not_be_applied_is_asked_for_again(post, completed):
    completed["data"]["object"]["payment_status"] = 5

    assert answer_of(post(completed)) == (503, RETRY)


@pytest.mark.django_db
@pytest.mark.parametrize(
    "content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""]
)
def test_the_content_type_is_no_matter(stripe, completed, content_type):
    body = json.dumps(completed).encode()

    response = Client().post(
        WEBHOOK,
        body,
        content_type=content_type or "x/y",
        headers={"Stripe-Signature": stripe.sandbox.sign(body)},
    )

    assert answer_of(response) == (200, RECEIVED)


# Logs.


CANARIES = ["canary@example.com", "Canary Payer", "+441234canary", "sk_test_canary", "whsec_canary"]


def breakages(event):
    """Return bodies for every way in which an event with a payer's details can go wrong."""
    details = {"email": CANARIES[0], "name": CANARIES[1], "phone": CANARIES[2]}
    event["data"]["object"]["customer_details"] = details

    def changed(**fields):
        copy = json.loads(json.dumps(event))
        copy["data"]["object"].update(fields)
        return copy

    return {
        "applied": changed(),
        "unreadable": changed(id=None),
        "wrong type": changed(amount_total=CANARIES[0]),
        "no session": changed(
            metadata={**event["data"]["object"]["metadata"], "generic_payments_session": f"{0:032}"}
        ),
        "refused by the database": changed(currency=CANARIES[0] * 1000),
        "half a character": changed(payment_intent="\ud800canary"),
        "other amount": changed(amount_total=1),
        "no event": {"object": "x", **details},
        "no id": {**event, "id": CANARIES[0]},
        "unknown type": {**event, "type": "customer.created"},
    }


@pytest.mark.django_db
@pytest.mark.parametrize("signed", [True, False])
@pytest.mark.parametrize("index", range(10))
def test_no_log_record_names_the_payer_or_a_secret(post, events, caplog, index, signed):
    body = list(breakages(events["checkout.session.completed"]).values())[index]
    caplog.set_level(logging.DEBUG)

    with override_payments(STRIPE_SECRET_KEY=CANARIES[3], STRIPE_WEBHOOK_SECRET=CANARIES[4]):
        response = post(body, secret=CANARIES[4] if signed else "whsec_other")

    # What Django itself logs of statements while DEBUG is on is its own affair, and off in production.
    records = [record for record in caplog.records if record.name != "django.db.backends"]
    formatter = logging.Formatter("%(name)s %(message)s")
    logged = "\n".join(formatter.format(record) for record in records)
    assert records or response.status_code == 200
    assert "canary" not in logged.lower()


@pytest.mark.django_db
def test_an_error_that_quotes_the_row_is_called_by_its_class_alone(post, completed, caplog):
    def refuse(execute, sql, params, many, context):
        # As PostgreSQL does of a row that breaks a constraint.
        if Customer._meta.db_table in sql:
            raise IntegrityError(f"Failing row contains ({params}).")
        return execute(sql, params, many, context)

    completed["data"]["object"]["customer_details"] = {"email": CANARIES[0]}
    with connection.execute_wrapper(refuse):
        response = post(completed)

    assert answer_of(response) == (503, RETRY)
    assert WebhookEvent.objects.get().last_error == "IntegrityError"
    assert "canary" not in caplog.text


@pytest.mark.django_db
@pytest.mark.parametrize("index", range(10))
def test_no_stored_error_names_the_payer(post, events, index):
    post(list(breakages(events["checkout.session.completed"]).values())[index])

    assert not [row for row in WebhookEvent.objects.all() if "canary" in row.last_error.lower()]
    assert not [
        row for row in PaymentEvent.objects.all() if "canary" in f"{row.note}{row.last_error}".lower()
    ]


def test_a_refusal_is_logged_with_its_reason(post, caplog):
    post(b"{}", header="t=1,v1=0")

    assert [
        (record.levelname, record.getMessage())
        for record in caplog.records
        if record.name == "django_generic_payments"
    ] == [("WARNING", "A webhook was refused: signature time is too old or in the future.")]


def test_a_missing_secret_is_logged_with_the_remedy(post, caplog):
    with override_payments(STRIPE_WEBHOOK_SECRET=""):
        post(b"{}")

    [record] = [record for record in caplog.records if record.name == "django_generic_payments"]
    assert record.levelname == "ERROR"
    assert "GENERIC_PAYMENTS['STRIPE_WEBHOOK_SECRET']" in record.getMessage()
