"""Two tabs, two clicks, two callers, and a price that changes while a checkout is open."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import AlreadyPaid, IdempotencyKeyReused
from django_generic_payments.gateway import in_process
from django_generic_payments.models import PaymentSession
from django_generic_payments.services import cancel_checkout, start_checkout
from django_generic_payments.services.checkout import resume_checkout
from tests.flows.account import calls, open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def test_two_tabs_show_the_same_checkout(stripe, client):
    booking = Booking.objects.create()

    first, second = (client.post(f"/payments/checkout/booking/{booking.pk}/") for _ in range(2))

    assert first["Location"] == second["Location"] == PaymentSession.objects.get().stripe_checkout_url
    assert len(calls(stripe)) == 1


def test_what_is_paid_in_one_tab_cannot_be_paid_in_the_other(stripe, client):
    booking = Booking.objects.create()
    session = start_checkout(booking)
    stripe.pay(session)

    other_tab = client.post(f"/payments/checkout/booking/{booking.pk}/")
    link = client.get(session.pay_url)

    assert "Your payment has arrived" in other_tab.content.decode()
    assert "Your payment has arrived" in link.content.decode()
    assert open_checkouts(stripe) == []
    assert_coherent(session)


def test_another_price_replaces_the_open_checkout_at_stripe(stripe):
    booking = Booking.objects.create(deposit=10_00)
    old = start_checkout(booking)
    booking.deposit = 20_00
    booking.save()

    new = start_checkout(booking)

    assert new != old
    assert open_checkouts(stripe) == [new.stripe_checkout_session_id]
    assert_coherent(old)
    assert_coherent(new)
    assert (old.status, new.status) == (SessionStatus.CANCELED, SessionStatus.PENDING)


def test_the_late_expiry_of_a_replaced_checkout_cancels_no_booking(stripe):
    booking = Booking.objects.create(deposit=10_00)
    old = start_checkout(booking)
    booking.deposit = 20_00
    booking.save()
    new = start_checkout(booking)
    stripe.pay(new, deliver=False)

    stripe.deliver(order=lambda events: sorted(events, key=lambda event: "expired" in event["type"]), times=2)

    assert_coherent(old)
    assert_coherent(new)
    assert (old.status, new.status) == (SessionStatus.CANCELED, SessionStatus.SUCCEEDED)
    assert heard(booking) == ["payment_succeeded"]


def test_the_early_expiry_of_a_replaced_checkout_cancels_no_booking_either(stripe):
    booking = Booking.objects.create(deposit=10_00)
    start_checkout(booking)
    booking.deposit = 20_00
    booking.save()
    new = start_checkout(booking)

    stripe.deliver()

    assert_coherent(new)
    assert (new.status, heard(booking)) == (SessionStatus.PENDING, [])


def test_the_pay_link_of_a_replaced_checkout_leads_to_the_new_one(stripe, client):
    booking = Booking.objects.create(deposit=10_00)
    old = start_checkout(booking)
    booking.deposit = 20_00
    booking.save()
    new = start_checkout(booking)

    answer = client.get(old.pay_url)

    assert answer["Location"] == new.stripe_checkout_url


def test_what_was_asked_for_is_owed_even_if_the_price_changes_meanwhile(stripe):
    booking = Booking.objects.create(deposit=10_00)
    session = start_checkout(booking)
    Booking.objects.update(deposit=20_00)

    stripe.pay(session)

    assert_coherent(session)
    assert (session.status, session.review_reason) == (SessionStatus.SUCCEEDED, "")
    assert session.transactions.get().gross == 10_00
    assert heard(booking) == ["payment_succeeded"]


def test_a_payment_made_while_its_checkout_is_being_replaced_wins(stripe):
    booking = Booking.objects.create(deposit=10_00)
    session = start_checkout(booking)
    stripe.pay(session, deliver=False)
    booking.deposit = 20_00
    booking.save()

    with pytest.raises(AlreadyPaid) as refused:
        start_checkout(booking)
    stripe.deliver()

    assert refused.value.session == session
    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]
    assert open_checkouts(stripe) == []


def test_the_checkout_of_one_payer_is_not_handed_to_another(stripe, user, django_user_model):
    booking = Booking.objects.create()
    other = django_user_model.objects.create_user("bob", "bob@example.com")
    first = start_checkout(booking, user=user)

    second = start_checkout(booking, user=other)

    assert (first.owner, second.owner) == (user, other)
    assert second.stripe_checkout_url != first.stripe_checkout_url
    assert open_checkouts(stripe) == [second.stripe_checkout_session_id]


def test_the_same_key_and_request_is_the_same_session(stripe):
    booking = Booking.objects.create()
    first = start_checkout(booking, idempotency_key="order-7")

    second = start_checkout(booking, idempotency_key="order-7")

    assert first == second
    assert len(calls(stripe)) == 1


def test_the_same_key_still_names_the_session_after_it_was_paid(stripe):
    booking = Booking.objects.create()
    first = start_checkout(booking, idempotency_key="order-7")
    stripe.pay(first)

    second = start_checkout(booking, idempotency_key="order-7")

    assert (second, second.status) == (first, SessionStatus.SUCCEEDED)
    assert open_checkouts(stripe) == []


def test_the_same_key_after_the_expiry_leads_to_a_checkout_that_can_be_paid(stripe, client):
    booking = Booking.objects.create()
    first = start_checkout(booking, idempotency_key="order-7")
    stripe.expire(first)

    same = start_checkout(booking, idempotency_key="order-7")
    to_stripe = client.get(same.checkout_url)

    assert same == first
    anew = PaymentSession.objects.open().get()
    assert to_stripe["Location"] == anew.stripe_checkout_url
    assert open_checkouts(stripe) == [anew.stripe_checkout_session_id]


@pytest.mark.parametrize(
    "other",
    [{"success_url": "/elsewhere/"}, {"cancel_url": "/elsewhere/"}, {"metadata": {"colour": "red"}}],
)
def test_the_same_key_with_another_request_is_refused(stripe, other):
    booking = Booking.objects.create()
    session = start_checkout(booking, idempotency_key="order-7")

    with pytest.raises(IdempotencyKeyReused) as refused:
        start_checkout(booking, idempotency_key="order-7", **other)

    assert refused.value.session == session
    assert len(calls(stripe)) == 1


def test_the_same_key_at_another_price_or_for_another_booking_is_refused(stripe):
    booking = Booking.objects.create()
    start_checkout(booking, idempotency_key="order-7")
    booking.deposit = 99_00
    booking.save()

    with pytest.raises(IdempotencyKeyReused):
        start_checkout(booking, idempotency_key="order-7")
    with pytest.raises(IdempotencyKeyReused):
        start_checkout(Booking.objects.create(), idempotency_key="order-7")

    assert PaymentSession.objects.count() == 1


def test_the_key_of_one_user_says_nothing_to_another(stripe, user, django_user_model):
    other = django_user_model.objects.create_user("bob", "bob@example.com")

    mine = start_checkout(Booking.objects.create(), user=user, idempotency_key="1")
    theirs = start_checkout(Booking.objects.create(), user=other, idempotency_key="1")
    servers = start_checkout(Booking.objects.create(), idempotency_key="1")

    assert len({mine.pk, theirs.pk, servers.pk}) == 3


@pytest.mark.parametrize("key", ["", "x" * 256, "naïve", "two\nlines"])
def test_a_key_that_stripe_would_not_take_is_refused_before_anything_is_written(stripe, key):
    with pytest.raises(ValueError, match="printable ASCII"):
        start_checkout(Booking.objects.create(), idempotency_key=key)

    assert PaymentSession.objects.count() == 0


@pytest.fixture
def hasty(stripe):
    """A Stripe whose webhooks arrive before the answer to the call that closes a checkout."""

    def handler(method, url, headers, body):
        answer = stripe.sandbox.handle(method, url, headers, body)
        if url.endswith("/expire"):
            stripe.deliver()
        return answer.status, answer.headers, answer.body

    with in_process(handler):
        yield stripe


def test_a_replaced_checkout_whose_end_is_heard_before_the_answer_tells_nobody(hasty):
    booking = Booking.objects.create()
    old = start_checkout(booking)
    Booking.objects.filter(pk=booking.pk).update(deposit=20_00)
    booking.refresh_from_db()

    new = start_checkout(booking)

    old.refresh_from_db()
    assert (old.status, new.status) == (SessionStatus.CANCELED, SessionStatus.PENDING)
    assert heard(booking) == []
    assert_coherent(old)


def test_a_canceled_checkout_whose_end_is_heard_before_the_answer_is_canceled_once(hasty):
    booking = Booking.objects.create()
    session = start_checkout(booking)

    cancel_checkout(session)

    session.refresh_from_db()
    assert session.status == SessionStatus.CANCELED
    assert heard(booking) == ["payment_canceled"]
    assert_coherent(session)


def test_a_shared_pay_link_never_opens_a_checkout_with_the_details_of_an_account(stripe, user):
    booking = Booking.objects.create(owner=user)
    shared = start_checkout(booking)
    start_checkout(booking, user=user)  # uses the open one too
    stripe.expire(shared)
    shared.refresh_from_db()

    again = resume_checkout(shared)

    assert again.customer is None
    assert stripe.sandbox.checkout_session(again.stripe_checkout_session_id)["customer"] is None
