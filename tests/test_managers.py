"""What can be asked of rows."""

from __future__ import annotations

import uuid
from datetime import timedelta
from itertools import count

import pytest
from django.db import DatabaseError, connection, transaction
from django.utils import timezone

from django_generic_payments.enums import (
    Cause,
    DeliveryState,
    EventKind,
    ReviewReason,
    SessionStatus,
    WebhookState,
)
from django_generic_payments.exceptions import PayableError, UnknownPayable
from django_generic_payments.models import Customer, PaymentEvent, PaymentSession, WebhookEvent
from tests.shop.models import Basket, Booking, LateBooking, Order

pytestmark = [pytest.mark.core, pytest.mark.django_db]

numbers = count(1)


def make_session(payable=None, **fields):
    fields = {
        "payable_type": "booking",
        "payable_id": str(next(numbers)),
        "amount": 12_50,
        "currency": "gbp",
        "livemode": False,
        **fields,
    }
    if payable is not None:
        fields["payable_id"] = str(payable.pk)
    return PaymentSession.objects.create(**fields)


def make_event(owed_to="|a|", session=None, **fields):
    return PaymentEvent.objects.create(
        session=session or make_session(),
        **{
            "kind": EventKind.PAYMENT_SUCCEEDED,
            "source_id": f"pi_{next(numbers)}",
            "occurred_at": timezone.now(),
            "cause": Cause.WEBHOOK,
            "state": DeliveryState.OWED,
            "owed_to": owed_to,
            **fields,
        },
    )


def make_webhook(event_id="evt_1", **fields):
    return WebhookEvent(
        **{
            "stripe_event_id": event_id,
            "type": "ping",
            "livemode": False,
            "created_at_stripe": timezone.now(),
            "state": WebhookState.IGNORED,
            **fields,
        }
    )


# insert_once


def test_a_new_row_is_inserted_as_it_is(django_assert_num_queries):
    row = make_webhook(body='{"a": "ä"}')

    with django_assert_num_queries(1):
        assert WebhookEvent.objects.insert_once(row) is True

    stored = WebhookEvent.objects.get()
    assert stored.pk == row.pk
    assert stored.body == '{"a": "ä"}'
    assert stored.created is not None
    assert not row._state.adding
    assert row._state.db == "default"


def test_a_row_that_was_inserted_can_be_saved_and_related():
    session = PaymentSession(payable_type="booking", payable_id="1", amount=1, currency="gbp", livemode=False)
    assert PaymentSession.objects.insert_once(session)

    session.status = SessionStatus.EXPIRED
    session.save()
    make_event(session=session)

    assert PaymentSession.objects.get().status == SessionStatus.EXPIRED


@pytest.mark.parametrize(
    "same",
    [{}, {"type": "pong"}, {"state": WebhookState.PROCESSED}],
)
def test_a_row_whose_key_is_taken_is_not_inserted(same, django_assert_num_queries):
    WebhookEvent.objects.insert_once(make_webhook())

    with django_assert_num_queries(1):
        assert WebhookEvent.objects.insert_once(make_webhook(**same)) is False

    assert WebhookEvent.objects.get().type == "ping"


@pytest.mark.parametrize("other", [{"event_id": "evt_2"}, {"livemode": True}, {"account": "acct_1"}])
def test_another_key_is_another_row(other):
    WebhookEvent.objects.insert_once(make_webhook())

    assert WebhookEvent.objects.insert_once(make_webhook(**other)) is True


def test_a_conflict_leaves_the_transaction_usable():
    with transaction.atomic():
        WebhookEvent.objects.insert_once(make_webhook())
        WebhookEvent.objects.insert_once(make_webhook())
        WebhookEvent.objects.insert_once(make_webhook("evt_2"))

    assert WebhookEvent.objects.count() == 2


def test_the_slot_goes_to_the_first():
    assert make_session(slot="booking:1:").slot == "booking:1:"

    second = PaymentSession(
        payable_type="booking", payable_id="1", slot="booking:1:", amount=1, currency="gbp", livemode=False
    )

    assert not PaymentSession.objects.insert_once(second)
    assert not PaymentSession.objects.filter(pk=second.pk).exists()


# claim


def test_the_last_receiver_sets_the_event_delivered():
    event = make_event("|a|")

    assert PaymentEvent.objects.claim(event, "a") is True

    event.refresh_from_db()
    assert (event.state, event.owed_to, event.delivered_to) == (DeliveryState.DELIVERED, "", "|a|")
    assert event.owed_receivers == []


@pytest.mark.parametrize("order", [["a", "b", "c"], ["c", "b", "a"], ["b", "a", "c"], ["b", "c", "a"]])
def test_each_of_several_is_marked_apart(order):
    event = make_event("|a|b|c|")

    for number, name in enumerate(order, start=1):
        assert PaymentEvent.objects.claim(event, name) is True
        event.refresh_from_db()
        assert sorted(event.owed_receivers) == sorted(order[number:])
        assert event.state == (DeliveryState.DELIVERED if number == 3 else DeliveryState.OWED)
        assert all(f"|{told}|" in event.delivered_to for told in order[:number])


def test_who_was_told_is_not_told_again():
    event = make_event("|a|b|")
    PaymentEvent.objects.claim(event, "a")

    assert PaymentEvent.objects.claim(event, "a") is False

    event.refresh_from_db()
    assert event.owed_receivers == ["b"]


@pytest.mark.parametrize("name", ["b", "", "|", "A", "a|", "|a|", "%", "_", "a%"])
def test_who_is_owed_nothing_is_not_told(name):
    event = make_event("|a|")

    assert PaymentEvent.objects.claim(event, name) is False

    event.refresh_from_db()
    assert event.owed_receivers == ["a"]


@pytest.mark.parametrize(
    ("owed", "name", "left"),
    [
        ("|a|a.b|", "a", ["a.b"]),
        ("|a|a.b|", "a.b", ["a"]),
        ("|a.b|a|", "a", ["a.b"]),
        ("|ab|b|a|", "b", ["ab", "a"]),
        ("|shop.confirm|shop.confirm_all|", "shop.confirm", ["shop.confirm_all"]),
        ("|x.shop.confirm|shop.confirm|", "shop.confirm", ["x.shop.confirm"]),
        ("|a_b|axb|", "a_b", ["axb"]),
        ("|a%b|axxb|", "a%b", ["axxb"]),
        ("|ä|a|", "ä", ["a"]),
    ],
)
def test_a_name_that_contains_another_is_not_taken_for_it(owed, name, left):
    event = make_event(owed)

    assert PaymentEvent.objects.claim(event, name) is True

    event.refresh_from_db()
    assert event.owed_receivers == left
    assert event.state == DeliveryState.OWED


def test_only_one_event_is_marked():
    event, other = make_event("|a|"), make_event("|a|")

    PaymentEvent.objects.claim(event, "a")

    other.refresh_from_db()
    assert (other.state, other.owed_to) == (DeliveryState.OWED, "|a|")


@pytest.mark.parametrize("state", [DeliveryState.DELIVERED, DeliveryState.DEAD])
def test_an_event_that_is_not_owed_cannot_be_claimed(state):
    assert PaymentEvent.objects.claim(make_event("|a|", state=state), "a") is False


def test_a_mark_that_is_rolled_back_is_none():
    event = make_event("|a|")

    with transaction.atomic():
        assert PaymentEvent.objects.claim(event, "a") is True
        transaction.set_rollback(True)

    assert PaymentEvent.objects.claim(event, "a") is True


def test_mark_and_lock_are_one_statement(django_assert_num_queries):
    event = make_event("|a|b|")

    with django_assert_num_queries(1):
        PaymentEvent.objects.claim(event, "a")


def test_owed_are_the_events_that_somebody_is_to_be_told():
    owed = make_event("|a|")
    make_event("", state=DeliveryState.DELIVERED)
    make_event("|a|", state=DeliveryState.DEAD)

    assert list(PaymentEvent.objects.owed()) == [owed]


# Sessions of payables.


def test_the_sessions_of_a_payable_are_its_own():
    booking, other = Booking.objects.create(), Booking.objects.create()
    mine = {make_session(booking), make_session(booking, purpose="deposit")}
    make_session(other)
    make_session(booking, payable_type="basket")

    assert set(PaymentSession.objects.for_payable(booking)) == mine
    assert set(PaymentSession.objects.for_payable(LateBooking.objects.get(pk=booking.pk))) == mine


@pytest.mark.parametrize(("thing", "error"), [(Booking(), PayableError), (object(), UnknownPayable)])
def test_what_cannot_be_paid_for_has_no_sessions_to_ask_for(thing, error):
    with pytest.raises(error):
        PaymentSession.objects.for_payable(thing)
    with pytest.raises(error):
        PaymentSession.objects.for_payables([thing])


def test_several_payables_of_several_types_are_asked_for_at_once(django_assert_num_queries):
    first, second, third = (Booking.objects.create() for _ in range(3))
    order, basket = Order.objects.create(), Basket.objects.create()
    wanted = {
        make_session(first),
        make_session(second),
        make_session(order, payable_type="shop.order"),
        make_session(basket, payable_type="basket"),
    }
    make_session(third)
    make_session(second, payable_type="shop.order")

    with django_assert_num_queries(1):
        assert set(PaymentSession.objects.for_payables([first, second, order, basket])) == wanted


def test_no_payables_have_no_sessions():
    make_session()

    assert not PaymentSession.objects.for_payables([]).exists()


def test_a_queryset_of_payables_will_do():
    booking = Booking.objects.create()
    session = make_session(booking)

    assert list(PaymentSession.objects.for_payables(Booking.objects.all())) == [session]


EXPECTED = {
    "open": {SessionStatus.CREATED, SessionStatus.PENDING},
    "processing": {SessionStatus.PROCESSING},
    "succeeded": {SessionStatus.SUCCEEDED, SessionStatus.PARTIALLY_REFUNDED},
    "paid": {SessionStatus.SUCCEEDED, SessionStatus.PARTIALLY_REFUNDED, SessionStatus.REFUNDED},
}


@pytest.mark.parametrize(("name", "statuses"), EXPECTED.items())
def test_each_adjective_chooses_its_statuses(name, statuses):
    for status in SessionStatus:
        make_session(status=status)

    assert {SessionStatus(each.status) for each in getattr(PaymentSession.objects, name)()} == statuses


def test_a_session_in_review_has_not_succeeded_and_yet_is_paid():
    session = make_session(status=SessionStatus.SUCCEEDED, review_reason=ReviewReason.AMOUNT)

    assert not PaymentSession.objects.succeeded().exists()
    assert list(PaymentSession.objects.paid()) == [session]
    assert list(PaymentSession.objects.needing_review()) == [session]


def test_only_what_has_a_reason_needs_review():
    make_session(status=SessionStatus.SUCCEEDED)

    assert not PaymentSession.objects.needing_review().exists()


def test_adjectives_can_be_joined():
    booking = Booking.objects.create()
    session = make_session(booking, status=SessionStatus.PENDING)
    make_session(booking, status=SessionStatus.EXPIRED)

    assert list(PaymentSession.objects.for_payable(booking).open()) == [session]


def test_a_session_knows_whether_an_event_is_owed():
    quiet, told, owed, dead = (make_session() for _ in range(4))
    make_event("", session=told, state=DeliveryState.DELIVERED)
    make_event("|a|", session=owed)
    make_event("|a|", session=dead, state=DeliveryState.DEAD)

    found = {each.pk: each.has_owed for each in PaymentSession.objects.with_owed()}

    assert found == {quiet.pk: False, told.pk: False, owed.pk: True, dead.pk: False}


def test_a_locked_session_carries_what_is_owed():
    session = make_session()

    with transaction.atomic():
        locked = PaymentSession.objects.locked().with_owed().get(pk=session.pk)

    assert locked == session
    assert locked.has_owed is False


@pytest.mark.skipif(not connection.features.has_select_for_update, reason="the database has no row locks")
def test_a_row_is_locked_in_the_weakest_way():
    session = make_session()

    with transaction.atomic():
        query = str(PaymentSession.objects.locked().filter(pk=session.pk).query)

    assert ("FOR NO KEY UPDATE" in query) is connection.features.has_select_for_no_key_update


# The guards of the database.


def make_customer(**fields):
    return Customer(**{"livemode": False, **fields})


def test_guests_are_never_merged():
    assert Customer.objects.insert_once(make_customer(email="guest@example.com"))
    assert Customer.objects.insert_once(make_customer(email="guest@example.com"))


def test_a_user_has_one_customer_per_mode(user):
    assert Customer.objects.insert_once(make_customer(user=user))
    assert not Customer.objects.insert_once(make_customer(user=user))
    assert Customer.objects.insert_once(make_customer(user=user, livemode=True))


@pytest.mark.parametrize(
    "same",
    [
        {"slot": "booking:1:"},
        {"stripe_checkout_session_id": "cs_1"},
        {"stripe_payment_intent_id": "pi_1"},
        {"idempotency_scope": "user:1", "idempotency_key": "k"},
    ],
)
def test_what_is_unique_of_a_session_is_guarded(same):
    make_session(**same)

    with pytest.raises(DatabaseError), transaction.atomic():
        make_session(**same)


def test_sessions_without_keys_do_not_collide():
    make_session(idempotency_scope="server")
    make_session(idempotency_scope="server")
    make_session(idempotency_scope="user:1", idempotency_key="k")
    make_session(idempotency_scope="user:2", idempotency_key="k")

    assert PaymentSession.objects.count() == 4


@pytest.mark.parametrize("wrong", [{"amount": 0}, {"amount": -1}, {"status": "paid"}, {"status": ""}])
def test_what_cannot_be_is_refused_by_the_database(wrong):
    with pytest.raises(DatabaseError), transaction.atomic():
        make_session(**wrong)


def test_a_thing_that_is_heard_twice_is_one_event():
    event = make_event()
    twin = PaymentEvent(
        session=event.session,
        kind=event.kind,
        source_id=event.source_id,
        occurred_at=timezone.now() + timedelta(hours=1),
        cause=Cause.RETURN_PAGE,
        state=DeliveryState.OWED,
    )

    assert not PaymentEvent.objects.insert_once(twin)
    twin.id, twin.kind = uuid.uuid4(), EventKind.PAYMENT_NEEDS_REVIEW
    assert PaymentEvent.objects.insert_once(twin)
