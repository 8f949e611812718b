"""Money that does not match what was asked for is booked, and announced to nobody but those who review."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import ReviewReason, SessionStatus
from django_generic_payments.exceptions import AlreadyPaid
from django_generic_payments.models import PaymentSession, Transaction, WebhookEvent
from django_generic_payments.services import payment_required, start_checkout, sync_session
from tests.flows.account import altered, open_checkout, post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.fixture
def booking():
    return Booking.objects.create()


@pytest.fixture
def session(stripe, booking):
    return start_checkout(booking)


def assert_needs_review(session, booking, reason) -> None:
    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, session.review_reason) == (SessionStatus.SUCCEEDED, reason)
    assert (heard(booking), booking.confirmed) == (["payment_needs_review"], 0)


@pytest.mark.parametrize("amount", [1, 12_49, 12_51])
def test_another_amount_is_booked_as_it_was_paid(stripe, session, booking, amount):
    stripe.sandbox.alter_next_payment(amount=amount)

    stripe.pay(session)

    assert_needs_review(session, booking, ReviewReason.AMOUNT)
    assert session.transactions.get().gross == amount


def test_another_currency_is_booked_as_it_was_paid(stripe, session, booking):
    stripe.sandbox.alter_next_payment(currency="eur")

    stripe.pay(session)

    assert_needs_review(session, booking, ReviewReason.CURRENCY)
    assert session.transactions.get().currency == "eur"


def test_the_return_page_and_the_reconciler_judge_as_the_webhook_does(stripe, session, booking):
    stripe.sandbox.alter_next_payment(amount=1)
    stripe.pay(session, deliver=False)

    sync_session(session)
    stripe.deliver()

    assert_needs_review(session, booking, ReviewReason.AMOUNT)


def test_what_is_in_review_cannot_be_paid_again(stripe, session, booking):
    stripe.sandbox.alter_next_payment(amount=1)
    stripe.pay(session)

    with pytest.raises(AlreadyPaid):
        start_checkout(booking)

    assert not payment_required(booking)
    assert list(PaymentSession.objects.needing_review()) == [session]
    assert not PaymentSession.objects.succeeded().exists()


def test_a_payer_whose_payment_is_in_review_is_told_so(stripe, client, session):
    stripe.sandbox.alter_next_payment(amount=1)
    outcome = stripe.pay(session)

    page = client.get(outcome.redirect_url)

    assert "We have received your payment and will look at it" in page.content.decode()


@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.succeeded"])
@pytest.mark.parametrize("where", ["event", "object", "both"])
def test_money_of_the_other_mode_is_no_success(stripe, session, booking, kind, where):
    stripe.pay(session, deliver=False)
    envelope = {"livemode": True} if where != "object" else {}
    fields = {"livemode": True} if where != "event" else {}

    answer = post(stripe, altered(sent(stripe, kind), envelope=envelope, **fields))

    assert answer == 200
    assert_needs_review(session, booking, ReviewReason.MODE)


def test_a_subscription_is_no_payment_of_ours(stripe, session, booking):
    stripe.pay(session, deliver=False)

    post(stripe, altered(sent(stripe, "checkout.session.completed"), mode="subscription"))

    assert_needs_review(session, booking, ReviewReason.MODE)


@pytest.mark.parametrize("kind", ["checkout.session.completed", "payment_intent.succeeded"])
def test_money_on_a_connected_account_is_no_success(stripe, session, booking, kind):
    stripe.pay(session, deliver=False)

    answer = post(stripe, altered(sent(stripe, kind), envelope={"account": "acct_somebody"}))

    assert answer == 200
    assert_needs_review(session, booking, ReviewReason.ACCOUNT)


def test_the_checkout_of_another_project_is_none_of_our_business(stripe, session, booking):
    stripe.pay(session, deliver=False)
    foreign = {"generic_payments_app": "another", "generic_payments_session": str(session.pk)}
    event = altered(
        sent(stripe, "checkout.session.completed"),
        id="cs_test_foreign",
        payment_intent=None,
        metadata=foreign,
    )

    answer = post(stripe, event)

    assert answer == 200
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.PENDING, [])
    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.body) == ("ignored", "")


@pytest.mark.parametrize("metadata", [{}, {"generic_payments_session": "7"}, None])
def test_our_checkout_without_our_marker_is_no_success(stripe, session, booking, metadata):
    stripe.pay(session, deliver=False)

    post(stripe, altered(sent(stripe, "checkout.session.completed"), metadata=metadata))

    assert_needs_review(session, booking, ReviewReason.MARKER)


def test_a_client_reference_alone_binds_nothing(stripe, session, booking):
    stripe.pay(session, deliver=False)
    reference = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["client_reference_id"]
    link = {
        "id": "cs_test_link",
        "payment_intent": "pi_link",
        "client_reference_id": reference,
        "metadata": {},
    }

    answer = post(stripe, altered(sent(stripe, "checkout.session.completed"), **link))

    assert answer == 200
    assert_coherent(session)
    assert (session.status, Transaction.objects.count()) == (SessionStatus.PENDING, 0)


def test_metadata_that_was_copied_to_another_checkout_is_no_success(stripe, session, booking):
    ours = stripe.sandbox.checkout_session(session.stripe_checkout_session_id)
    copy = open_checkout(stripe, session.amount, metadata=ours["metadata"])

    stripe.sandbox.pay(copy["id"])
    stripe.deliver()

    assert_needs_review(session, booking, ReviewReason.MARKER)
    assert session.stripe_checkout_session_id == ours["id"]
    assert session.transactions.get().gross == session.amount


def test_a_payment_of_nothing_is_no_success(stripe, session, booking):
    stripe.pay(session, deliver=False)
    free = {"payment_status": "no_payment_required", "amount_total": 0, "payment_intent": None}

    post(stripe, altered(sent(stripe, "checkout.session.completed"), **free))

    assert_needs_review(session, booking, ReviewReason.AMOUNT)


def test_a_mismatch_without_money_changes_nothing(stripe, session, booking):
    stripe.pay(session, deliver=False)
    unpaid = {"payment_status": "unpaid", "livemode": True}

    answer = post(stripe, altered(sent(stripe, "checkout.session.completed"), **unpaid))

    assert answer == 200
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.PENDING, [])


def test_an_event_of_a_session_that_we_do_not_have_asks_to_come_again(stripe, session):
    stripe.pay(session, deliver=False)
    lost = {
        **session_metadata(stripe, session),
        "generic_payments_session": "6f1e0d3c-0000-4000-8000-000000000000",
    }
    event = altered(sent(stripe, "checkout.session.completed"), id="cs_test_lost", metadata=lost)

    answers = [post(stripe, event) for _ in range(2)]

    assert answers == [503, 503]
    stored = WebhookEvent.objects.get()
    assert (stored.state, stored.attempts) == ("failed", 2)
    assert "restored from a backup" in stored.last_error


def session_metadata(stripe, session):
    return stripe.sandbox.checkout_session(session.stripe_checkout_session_id)["metadata"]


def test_money_that_was_first_taken_for_a_success_is_reviewed_when_its_checkout_is_another(stripe, session):
    stripe.pay(session, deliver=False)
    post(stripe, sent(stripe, "payment_intent.succeeded"))

    post(stripe, altered(sent(stripe, "checkout.session.completed"), id="cs_test_of_somebody_else"))

    session.refresh_from_db()
    assert (session.review_reason, session.transactions.count()) == (ReviewReason.MARKER, 1)
