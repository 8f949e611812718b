"""A callback is sent until it is delivered or given up, and everybody can see which."""

from __future__ import annotations

from datetime import timedelta
from email.utils import format_datetime

import pytest
from django.utils import timezone

from django_generic_payments.contrib.callbacks.models import Callback
from django_generic_payments.contrib.callbacks.sending import replay, send, send_due_callbacks
from django_generic_payments.maintenance.audit import audit
from django_generic_payments.maintenance.work import work_off
from django_generic_payments.services import start_checkout
from django_generic_payments.testing import override_payments
from tests.callbacks.server import Told
from tests.shop.models import Booking

pytestmark = [pytest.mark.core, pytest.mark.django_db]

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)
PAUSES = [MINUTE, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 6 * HOUR, *[DAY] * 7]


def attempt(callback):
    """Let the callback be due, send it, and return how long it waits then."""
    Callback.objects.filter(pk=callback.pk).update(next_attempt_at=timezone.now())
    before = timezone.now()
    send_due_callbacks()
    callback.refresh_from_db()
    return callback.next_attempt_at and callback.next_attempt_at - before


def is_about(pause, wanted):
    return wanted <= pause < wanted + timedelta(seconds=30)


def test_a_callback_that_is_answered_by_2xx_is_delivered_and_not_sent_again(service, callback):
    assert send_due_callbacks() == 1
    assert send_due_callbacks() == 0

    callback.refresh_from_db()
    assert len(service.received) == 1
    assert (callback.state, callback.response_status, callback.attempts) == ("delivered", 204, 1)
    assert callback.next_attempt_at is None
    assert callback.created <= callback.delivered_at <= timezone.now()


def test_the_worker_sends_callbacks(service, callback):
    service.answers = [Told(500)]

    failed = {each.name: (each.done, each.failed) for each in work_off()}
    Callback.objects.update(next_attempt_at=timezone.now())
    done = {each.name: (each.done, each.failed) for each in work_off()}

    assert failed == {"callbacks": (0, 1)}
    assert done == {"callbacks": (1, 0)}


@pytest.mark.parametrize("status", [100, 300, 400, 401, 404, 409, 422, 500, 502, 504, 599])
def test_any_other_answer_is_tried_again(service, callback, status):
    # Whoever only ever says 100 says nothing.
    service.answers = [Told(status, body=b"" if status == 100 else b"body-canary")]

    pause = attempt(callback)

    assert is_about(pause, MINUTE)
    assert callback.state == "owed"
    assert str(callback.response_status or status) == str(status)
    assert "canary" not in callback.last_error


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_not_followed_and_says_what_to_do(service, callback, status):
    service.answers = [Told(status, {"Location": "/elsewhere/?canary"})]

    attempt(callback)

    assert [each.path for each in service.received] == ["/hooks/?token=query-canary"]
    assert callback.last_error == (
        f"Answered {status}: redirects are not followed. "
        "Set the final address in GENERIC_PAYMENTS['CALLBACK_URLS']."
    )


def test_a_failure_waits_longer_and_longer_and_is_given_up_loudly_after_a_week(service, callback, caplog):
    service.answers = [Told(500)] * 13
    Callback.objects.update(created=timezone.now() - 8 * DAY)

    *pauses, last = [attempt(callback) for _ in range(13)]

    assert all(is_about(pause, wanted) for pause, wanted in zip(pauses, PAUSES, strict=True))
    assert last is None
    assert (callback.state, callback.attempts) == ("dead", 13)
    (loud,) = [each for each in caplog.records if each.levelname == "CRITICAL"]
    assert loud.getMessage() == (
        f"Callback {callback.event_id} to http://127.0.0.1:{service.port}/hooks/ is given up after 13 attempts. "
        "Answered 500."
    )
    assert {each.id for each in service.received} == {str(callback.event_id)}


def test_it_is_not_given_up_before_a_week_is_over(service, callback):
    service.answers = [Told(500)] * 20

    for _ in range(20):
        assert attempt(callback)

    assert callback.state == "owed"


def test_gone_is_given_up_at_once(service, callback):
    service.answers = [Told(410)]

    assert attempt(callback) is None

    assert (callback.state, callback.response_status) == ("dead", 410)
    assert "CALLBACK_URLS" in callback.last_error


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "pause"),
    [
        ("7200", 2 * HOUR),
        ("1", MINUTE),  # never sooner than it would have been
        ("9999999", DAY),
        ("9" * 5000, DAY),
        ("soon", MINUTE),
        ("-5", MINUTE),
        ("", MINUTE),
    ],
)
def test_whoever_asks_for_patience_gets_it_for_up_to_a_day(service, callback, status, asked, pause):
    service.answers = [Told(status, {"Retry-After": asked})]

    assert is_about(attempt(callback), pause)


def test_patience_may_be_asked_for_by_a_date(service, callback):
    until = timezone.now() + 3 * HOUR
    service.answers = [Told(503, {"Retry-After": format_datetime(until, usegmt=False)})]

    attempt(callback)

    assert abs(callback.next_attempt_at - until) < timedelta(seconds=2)


def test_other_answers_cannot_ask_for_patience(service, callback):
    service.answers = [Told(500, {"Retry-After": "7200"})]

    assert is_about(attempt(callback), MINUTE)


@pytest.fixture
def many(stripe, callback):
    """Five more callbacks for the same service."""
    for _ in range(5):
        stripe.pay(start_checkout(Booking.objects.create()))
    assert Callback.objects.due().count() == 6


def test_all_that_waits_for_whoever_asks_for_patience_waits(service, many):
    service.answers = [Told(429, {"Retry-After": "7200"})]

    send_due_callbacks()

    assert len(service.received) == 1
    assert sorted(Callback.objects.values_list("attempts", flat=True)) == [0] * 5 + [1]
    assert Callback.objects.filter(next_attempt_at__gt=timezone.now() + 1.9 * HOUR).count() == 6


def test_a_service_that_is_down_holds_the_worker_once_a_minute_and_not_once_a_callback(service, many):
    service.server_close()
    service.socket.close()

    (report,) = work_off()

    assert (report.name, report.done, report.failed) == ("callbacks", 0, 1)
    assert Callback.objects.due().count() == 0
    assert Callback.objects.filter(next_attempt_at__lte=timezone.now() + MINUTE).count() == 6


def test_one_service_that_is_down_keeps_nobody_else_waiting(stripe, told, service, secret):
    urls = ["http://127.0.0.1:1/", service.url]
    with override_payments(CALLBACK_URLS=urls):
        for _ in range(3):
            stripe.pay(start_checkout(Booking.objects.create()))
        assert send_due_callbacks() == 3

    assert len(service.received) == 3


GONE = "Its URL is not in GENERIC_PAYMENTS['CALLBACK_URLS'] any more."


def test_what_waits_for_a_url_that_was_taken_out_is_given_up_after_a_day(service, callback, caplog):
    Callback.objects.update(created=timezone.now() - DAY)

    with override_payments(CALLBACK_URLS=["https://other.example/"]):
        assert send_due_callbacks() == 0

    callback.refresh_from_db()
    assert service.received == []
    assert (callback.state, callback.next_attempt_at, callback.last_error) == ("dead", None, GONE)
    assert [each.levelname for each in caplog.records if GONE in each.getMessage()] == ["CRITICAL"]


def test_a_worker_of_an_older_release_gives_up_nothing_that_it_does_not_know(service, callback):
    with override_payments(CALLBACK_URLS=["https://older.example/"]):
        assert is_about(attempt(callback), MINUTE)
    assert (callback.state, callback.last_error) == ("owed", GONE)

    assert attempt(callback) is None
    assert callback.state == "delivered"


def test_what_is_given_up_is_a_finding_of_the_audit(callback):
    Callback.objects.update(state="dead")

    findings = {each.invariant: each.examples for each in audit() if each.count}

    assert findings == {"no callback was given up": (str(callback.pk),)}


@pytest.mark.parametrize("state", ["delivered", "dead", "owed"])
def test_a_replay_sends_the_same_once_more(service, callback, state):
    send_due_callbacks()
    Callback.objects.update(state=state, attempts=7, last_error="Answered 500.")

    assert replay(Callback.objects.all()) == 1
    callback.refresh_from_db()
    assert (callback.state, callback.attempts, callback.last_error) == ("owed", 0, "")
    assert send_due_callbacks() == 1

    first, second = service.received
    assert (first.id, first.body) == (second.id, second.body)
    assert first.headers["webhook-timestamp"] <= second.headers["webhook-timestamp"]


def test_a_replay_that_comes_while_it_is_being_sent_is_not_forgotten(service, callback):
    taken = Callback.objects.take_due()
    replay(Callback.objects.all())

    send(taken)

    callback.refresh_from_db()
    assert (callback.state, callback.attempts) == ("owed", 0)
    assert send_due_callbacks() == 1


def test_a_worker_that_dies_over_a_callback_leaves_it_to_the_next(service, callback):
    assert Callback.objects.take_due() == callback
    assert Callback.objects.take_due() is None

    assert send_due_callbacks() == 0
    attempt(callback)

    callback.refresh_from_db()
    assert (callback.state, callback.attempts) == ("delivered", 2)


def test_no_log_and_no_text_of_a_row_shows_a_secret_or_a_query(service, callback, secret, caplog):
    caplog.set_level("DEBUG")
    service.answers = [Told(500, body=b"body-canary"), Told(302), Told(410)]
    for _ in range(3):
        attempt(callback)

    with override_payments(CALLBACK_URLS=()):
        Callback.objects.update(state="owed")
        attempt(callback)

    said = [caplog.text, repr(callback), str(callback), callback.last_error]
    assert [text for text in said if "canary" in text or secret in text or secret[6:] in text] == []
    assert f"{callback.event_id} to http://127.0.0.1:{service.port}/hooks/" in caplog.text
