"""An event is stored once, applied once, and answered for."""

from __future__ import annotations

import copy
import logging
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from django_generic_payments.enums import DeliveryState, ReviewReason, SessionStatus, WebhookState
from django_generic_payments.models import Customer, PaymentEvent, PaymentSession, Transaction, WebhookEvent
from django_generic_payments.services import start_checkout
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.testing import override_payments
from tests.shop.models import Booking, Heard

pytestmark = [pytest.mark.core, pytest.mark.django_db]


def changed(event, **fields):
    """Return a copy of an event whose object has other fields."""
    event = copy.deepcopy(event)
    event["data"]["object"].update(fields)
    return event


def marked(event, **metadata):
    return changed(event, metadata={**event["data"]["object"]["metadata"], **metadata})


def nothing_happened(session):
    session.refresh_from_db()
    return (
        session.status,
        Transaction.objects.count(),
        PaymentEvent.objects.count(),
        Heard.objects.count(),
    ) == (
        SessionStatus.PENDING,
        0,
        0,
        0,
    )


@pytest.fixture
def breaking():
    """A receiver that raises until it is mended."""

    class Receiver:
        broken = True
        calls = 0

        def __call__(self, **kwargs):
            self.calls += 1
            if self.broken:
                raise RuntimeError("the host has a bug")

    receiver = Receiver()
    payment_succeeded.connect(receiver, dispatch_uid="tests.breaking")
    yield receiver
    payment_succeeded.disconnect(dispatch_uid="tests.breaking")


# What is stored.


def test_an_event_is_stored_verbatim(post, completed):
    assert post(completed).status_code == 200

    row = WebhookEvent.objects.get()
    assert (row.stripe_event_id, row.type, row.state) == (
        completed["id"],
        completed["type"],
        WebhookState.PROCESSED,
    )
    assert (row.livemode, row.account, row.api_version) == (False, "", completed["api_version"])
    assert row.body.startswith('{"')
    assert completed["data"]["object"]["id"] in row.body


@pytest.mark.parametrize("kind", ["customer.created", "brand.new.event", "charge.succeeded"])
def test_a_type_that_nobody_knows_is_counted_and_its_body_is_not_kept(post, completed, session, kind):
    assert post({**completed, "type": kind}).status_code == 200

    row = WebhookEvent.objects.get()
    assert (row.type, row.state, row.body) == (kind, WebhookState.IGNORED, "")
    assert nothing_happened(session)


def test_the_checkout_of_somebody_else_is_counted_and_its_body_is_not_kept(post, completed, session):
    foreign = changed(completed, id="cs_foreign", payment_intent="pi_foreign", metadata={"order": "5"})

    assert post(foreign).status_code == 200

    assert WebhookEvent.objects.values_list("state", "body").get() == (WebhookState.IGNORED, "")
    assert nothing_happened(session)


@pytest.mark.parametrize(
    "metadata", [None, {}, {"generic_payments_session": "nonsense"}, {"generic_payments_app": "default"}]
)
def test_an_object_without_our_whole_mark_is_somebody_elses(post, completed, session, metadata):
    assert (
        post(changed(completed, id="cs_foreign", payment_intent="pi_foreign", metadata=metadata)).status_code
        == 200
    )

    assert WebhookEvent.objects.get().state == WebhookState.IGNORED
    assert nothing_happened(session)


def test_an_object_with_the_mark_of_another_project_is_ignored(post, completed, session):
    foreign = marked(
        changed(completed, id="cs_foreign", payment_intent="pi_foreign"), generic_payments_app="staging"
    )

    assert post(foreign).status_code == 200

    assert WebhookEvent.objects.values_list("state", "body").get() == (WebhookState.IGNORED, "")
    assert nothing_happened(session)


def test_the_mark_is_that_of_the_settings(post, completed, session):
    with override_payments(APP_NAME="staging"):
        assert post(changed(completed, id="cs_other", payment_intent="pi_other")).status_code == 200

    assert WebhookEvent.objects.get().state == WebhookState.IGNORED
    assert nothing_happened(session)


# What cannot be applied.


def test_our_mark_without_a_row_is_stored_as_failed_and_asked_for_again(post, completed, session, caplog):
    orphan = marked(completed, generic_payments_session=str(uuid.uuid4()))

    assert post(orphan).status_code == 503

    row = WebhookEvent.objects.get()
    assert (row.state, row.attempts) == (WebhookState.FAILED, 1)
    assert "There is no payment session" in row.last_error
    assert "restored from a backup" in row.last_error
    assert row.next_attempt_at is not None
    assert row.body
    assert nothing_happened(session)
    assert any("will come again" in record.getMessage() for record in caplog.records)


@pytest.mark.parametrize(
    "fields",
    [
        {"id": None},
        {"id": 5},
        {"payment_status": None},
        {"payment_status": 5},
        {"status": None},
        {"mode": None},
        {"livemode": None},
        {"livemode": "false"},
        {"created": None},
        {"expires_at": "tomorrow"},
        {"amount_total": None},
        {"currency": None},
        {"amount_total": "1250"},
        {"amount_total": 12.5},
        {"currency": 826},
        {"payment_intent": 5},
        {"metadata": "text"},
    ],
)
def test_an_object_that_cannot_be_read_is_applied_when_it_comes_again_in_order(
    post, completed, session, booking, fields
):
    for attempts in (1, 2):
        assert post(changed(completed, **fields)).status_code == 503
        row = WebhookEvent.objects.get()
        assert (row.state, row.attempts) == (WebhookState.FAILED, attempts)
        assert "has no usable" in row.last_error
        assert nothing_happened(session)

    assert post(completed).status_code == 200

    row = WebhookEvent.objects.get()
    assert (row.state, row.last_error, row.next_attempt_at) == (WebhookState.PROCESSED, "", None)
    session.refresh_from_db()
    booking.refresh_from_db()
    assert (session.status, booking.confirmed, Transaction.objects.count()) == (SessionStatus.SUCCEEDED, 1, 1)


def test_an_object_of_somebody_else_that_cannot_be_read_is_none_of_our_business(post, completed, session):
    theirs = changed(completed, id="cs_theirs", payment_intent=None, metadata={}, amount_total="1250")

    assert post(theirs).status_code == 200

    assert WebhookEvent.objects.get().state == WebhookState.IGNORED
    assert nothing_happened(session)


def test_what_failed_stays_failed_while_it_is_as_bad_as_before(post, completed):
    broken = changed(completed, mode=None)

    assert [post(broken).status_code for _ in range(3)] == [503] * 3

    assert WebhookEvent.objects.values_list("state", "attempts").get() == (WebhookState.FAILED, 3)


# Repetitions.


def test_a_repeated_event_doubles_nothing(post, completed, session, booking):
    assert [post(completed).status_code for _ in range(3)] == [200] * 3

    booking.refresh_from_db()
    assert booking.confirmed == 1
    assert (Transaction.objects.count(), PaymentEvent.objects.count(), WebhookEvent.objects.count()) == (
        1,
        1,
        1,
    )
    assert Heard.objects.count() == 1
    assert Customer.objects.count() == 1


def test_a_repetition_costs_two_statements(post, completed):
    post(completed)

    with CaptureQueriesContext(connection) as captured:
        post(completed)

    # BEGIN, COMMIT, SET and the savepoints of the test aside.
    statements = [
        each["sql"].split()[0] for each in captured if each["sql"].startswith(("SELECT", "INSERT", "UPDATE"))
    ]
    assert statements == ["INSERT", "SELECT"]


def test_another_event_of_the_same_object_doubles_nothing(post, completed, booking):
    post(completed)

    assert post({**completed, "id": "evt_other"}).status_code == 200

    booking.refresh_from_db()
    assert (booking.confirmed, Transaction.objects.count(), WebhookEvent.objects.count()) == (1, 1, 2)


@pytest.mark.parametrize("first", ["checkout.session.completed", "payment_intent.succeeded"])
def test_the_two_events_of_one_payment_book_it_once(post, events, booking, first):
    kinds = ["checkout.session.completed", "payment_intent.succeeded"]

    for kind in sorted(kinds, key=lambda kind: kind != first):
        assert post(events[kind]).status_code == 200

    booking.refresh_from_db()
    assert (booking.confirmed, Transaction.objects.count(), PaymentEvent.objects.count()) == (1, 1, 1)


def test_the_mark_alone_finds_the_session(post, completed, session):
    PaymentSession.objects.filter(pk=session.pk).update(stripe_checkout_session_id=None, status="created")

    assert post(completed).status_code == 200

    session.refresh_from_db()
    assert session.status == SessionStatus.SUCCEEDED
    assert session.stripe_checkout_session_id == completed["data"]["object"]["id"]


# Receivers.


def test_a_broken_receiver_is_told_again_and_nobody_else_is(post, completed, session, booking, breaking):
    assert post(completed).status_code == 503
    assert post(completed).status_code == 503
    session.refresh_from_db()
    assert session.status == SessionStatus.SUCCEEDED
    assert PaymentEvent.objects.get().owed_receivers == ["tests.breaking"]

    breaking.broken = False
    assert post(completed).status_code == 200

    booking.refresh_from_db()
    assert (booking.confirmed, breaking.calls, Heard.objects.count()) == (1, 3, 1)
    assert PaymentEvent.objects.get().state == DeliveryState.DELIVERED


def test_what_is_owed_is_answered_for_by_every_event_of_the_session(post, events, breaking):
    assert post(events["checkout.session.completed"]).status_code == 503

    assert post(events["payment_intent.succeeded"]).status_code == 503

    breaking.broken = False
    assert post(events["payment_intent.succeeded"]).status_code == 200


def test_what_is_owed_of_another_session_is_no_matter(post, stripe, completed, breaking):
    post(completed)
    breaking.broken = False
    breaking.calls = 0
    other = start_checkout(Booking.objects.create())

    stripe.pay(other, deliver=False)
    event = next(
        each
        for each in stripe.sandbox.pending
        if each["type"] == "checkout.session.completed"
        and each["data"]["object"]["id"] == other.stripe_checkout_session_id
    )

    assert post(event).status_code == 200
    assert breaking.calls == 1
    assert PaymentEvent.objects.owed().count() == 1


# What does not match.


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"amount_total": 12_49}, ReviewReason.AMOUNT),
        ({"amount_total": 12_51}, ReviewReason.AMOUNT),
        ({"currency": "eur"}, ReviewReason.CURRENCY),
        ({"livemode": True}, ReviewReason.MODE),
        ({"mode": "subscription"}, ReviewReason.MODE),
        ({"id": "cs_other"}, ReviewReason.MARKER),
    ],
)
def test_money_that_does_not_match_is_booked_and_not_announced_as_a_success(
    post, completed, session, booking, fields, reason
):
    assert post(changed(completed, **fields)).status_code == 200

    session.refresh_from_db()
    booking.refresh_from_db()
    assert session.review_reason == reason
    assert booking.confirmed == 0
    assert Transaction.objects.get().gross == fields.get("amount_total", 12_50)
    assert PaymentEvent.objects.get().kind == "payment_needs_review"


def test_an_event_of_the_other_mode_than_its_object_does_not_match(post, completed, session, booking):
    assert post({**completed, "livemode": True}).status_code == 200

    session.refresh_from_db()
    booking.refresh_from_db()
    assert (session.review_reason, booking.confirmed) == (ReviewReason.MODE, 0)


def test_an_event_of_a_connected_account_does_not_match(post, completed, session, booking):
    assert post({**completed, "account": "acct_1"}).status_code == 200

    session.refresh_from_db()
    booking.refresh_from_db()
    assert (session.review_reason, booking.confirmed) == (ReviewReason.ACCOUNT, 0)


def test_a_currency_in_capitals_is_the_same_one(post, completed, booking):
    assert post(changed(completed, currency="GBP")).status_code == 200

    booking.refresh_from_db()
    assert booking.confirmed == 1
    assert Transaction.objects.get().currency == "gbp"


@pytest.mark.parametrize("reference", ["booking:1:", "booking:2:"])
def test_a_reference_that_the_payer_may_choose_binds_nothing(post, completed, session, reference):
    copied = changed(
        completed,
        id="cs_link",
        payment_intent="pi_link",
        metadata={},
        client_reference_id=reference,
        amount_total=1,
    )

    assert post(copied).status_code == 200

    assert nothing_happened(session)


def test_an_unpaid_checkout_is_no_payment(post, completed, session):
    assert post(changed(completed, payment_status="unpaid")).status_code == 200

    session.refresh_from_db()
    assert (session.status, session.paid_at, Transaction.objects.count()) == (
        SessionStatus.PROCESSING,
        None,
        0,
    )


def test_a_failure_of_storing_is_told_and_not_raised(post, completed, session, caplog):
    caplog.set_level(logging.ERROR, "django_generic_payments")
    # Longer than its column, which databases other than SQLite refuse; half a character, which all of them do.
    broken = changed(completed, payment_intent="pi_\ud800" + "x" * 300)

    assert post(broken).status_code == 503

    assert WebhookEvent.objects.get().state == WebhookState.FAILED
    assert nothing_happened(session)
    assert post(completed).status_code == 200
