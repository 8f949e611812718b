"""The host calls a checkout off."""

from __future__ import annotations

import pytest
from django.db import transaction

from django_generic_payments.enums import Cause, SessionStatus
from django_generic_payments.exceptions import AlreadyPaid, GatewayUnavailable, PaymentInProgress
from django_generic_payments.models import PaymentSession
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.services import cancel_checkout, payment_required, start_checkout
from tests.flows.account import CHECKOUTS, open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.django_db, pytest.mark.core]


@pytest.fixture
def booking():
    return Booking.objects.create(currency="eur")


@pytest.fixture
def session(stripe, booking):
    return start_checkout(booking)


def test_a_canceled_checkout_cannot_be_paid_and_is_announced_once(stripe, session, booking):
    closed = cancel_checkout(session, by="ann")
    again = cancel_checkout(session)

    assert closed == again == [session]
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.CANCELED, ["payment_canceled"])
    assert open_checkouts(stripe) == []
    event = session.events.get()
    assert (event.cause, event.caused_by) == (Cause.PERSON, "ann")


def test_the_expiry_that_stripe_reports_of_it_changes_nothing(stripe, session, booking):
    cancel_checkout(session)

    answers = stripe.deliver(times=2)

    assert [each.event_type for each in answers] == ["checkout.session.expired"] * 2
    assert {each.status for each in answers} == {200}
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.CANCELED, ["payment_canceled"])


def test_everything_that_is_open_for_a_payable_is_closed(stripe):
    order = Order.objects.create()
    goods, shipping = start_checkout(order), start_checkout(order, purpose="shipping")
    elsewhere = start_checkout(Order.objects.create())

    closed = cancel_checkout(order)

    assert set(closed) == {goods, shipping}
    assert open_checkouts(stripe) == [elsewhere.stripe_checkout_session_id]
    for each in (goods, shipping, elsewhere):
        assert_coherent(each)
    assert heard(order) == ["payment_canceled", "payment_canceled"]


def test_there_may_be_nothing_to_close(stripe, booking):
    assert cancel_checkout(booking) == []


def test_what_was_paid_meanwhile_is_not_canceled_but_announced(stripe, session, booking):
    stripe.pay(session, deliver=False)

    with pytest.raises(AlreadyPaid) as refused:
        cancel_checkout(session)
    stripe.deliver()

    assert refused.value.session == session
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.SUCCEEDED, ["payment_succeeded"])


def test_nobody_is_left_to_believe_that_what_was_paid_was_canceled(stripe, session, booking):
    stripe.pay(session, deliver=False)

    for _again in range(2):
        with pytest.raises(AlreadyPaid):
            cancel_checkout(booking)

    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]


def test_what_is_known_to_be_paid_is_not_canceled(stripe, session, booking):
    stripe.pay(session)

    with pytest.raises(AlreadyPaid):
        cancel_checkout(session)

    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded"]


@pytest.mark.parametrize("heard_of_it", [False, True])
def test_a_debit_on_its_way_is_not_canceled(stripe, session, booking, heard_of_it):
    stripe.pay(session, iban="AT611904300234573201", deliver=heard_of_it)

    with pytest.raises(PaymentInProgress):
        cancel_checkout(session)

    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.PROCESSING, ["payment_processing"])


def test_what_has_expired_is_left_as_it_is(stripe, session, booking):
    stripe.expire(session)

    cancel_checkout(session)

    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.EXPIRED, ["payment_expired"])


def test_a_canceled_booking_can_be_opened_again_by_the_host_but_not_by_the_link(
    stripe, client, session, booking
):
    cancel_checkout(session)

    link = client.get(session.pay_url)
    anew = start_checkout(booking)

    assert link.status_code == 409
    assert "was canceled" in link.content.decode()
    assert payment_required(booking)
    assert open_checkouts(stripe) == [anew.stripe_checkout_session_id]


class Meanwhile:
    """Does something once, while Stripe is being asked for a checkout."""

    def __init__(self, action) -> None:
        self.action = action

    def request(self, method, path, body) -> None:
        action, self.action = self.action, None
        if action:
            action()

    def response(self, method, path, status, obj) -> None:
        """Nothing to do."""

    def event(self, event) -> None:
        """Nothing to do."""


def test_what_is_canceled_while_stripe_is_asked_is_closed_and_the_caller_gets_another(stripe, booking):
    meanwhile = Meanwhile(lambda: cancel_checkout(PaymentSession.objects.get()))
    Sandbox.observers.append(meanwhile)

    session = start_checkout(booking)
    Sandbox.observers.remove(meanwhile)

    canceled = PaymentSession.objects.exclude(pk=session.pk).get()
    assert_coherent(canceled)
    assert_coherent(session)
    assert (canceled.status, session.status) == (SessionStatus.CANCELED, SessionStatus.PENDING)
    assert heard(booking) == ["payment_canceled"]
    assert open_checkouts(stripe) == [session.stripe_checkout_session_id]


def test_the_pay_link_that_is_canceled_while_it_is_opened_leads_nowhere(stripe, client, booking):
    with transaction.atomic():
        session = start_checkout(booking)
    meanwhile = Meanwhile(lambda: cancel_checkout(PaymentSession.objects.get()))
    Sandbox.observers.append(meanwhile)

    answer = client.get(session.pay_url)
    Sandbox.observers.remove(meanwhile)

    assert answer.status_code == 409
    assert_coherent(session)
    assert (session.status, open_checkouts(stripe)) == (SessionStatus.CANCELED, [])


@pytest.mark.parametrize("failure", ["connection_lost_before", "connection_lost_after"])
def test_a_cancellation_that_did_not_get_through_can_be_repeated(stripe, session, booking, failure):
    stripe.sandbox.fail_next(failure, path=f"{CHECKOUTS}/{{id}}/expire")
    with pytest.raises(GatewayUnavailable):
        cancel_checkout(session)
    before = PaymentSession.objects.get().status

    cancel_checkout(session)
    stripe.deliver()

    assert before == SessionStatus.PENDING
    assert_coherent(session)
    assert (session.status, heard(booking)) == (SessionStatus.CANCELED, ["payment_canceled"])
    assert open_checkouts(stripe) == []
