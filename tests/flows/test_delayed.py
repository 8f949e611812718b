"""A payer pays by bank debit: the money comes, or does not, in days."""

from __future__ import annotations

import pytest

from django_generic_payments.enums import SessionStatus
from django_generic_payments.exceptions import PaymentInProgress
from django_generic_payments.models import Transaction
from django_generic_payments.services import payment_required, start_checkout
from tests.flows.account import open_checkouts
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

IBAN = "AT611904300234573201"


@pytest.fixture
def booking():
    return Booking.objects.create(currency="eur")


@pytest.fixture
def session(stripe, booking):
    session = start_checkout(booking)
    stripe.pay(session, iban=IBAN)
    return session


def test_a_debit_that_was_only_authorised_is_no_success(session, booking):
    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.PROCESSING, 0)
    assert heard(booking) == ["payment_processing"]
    assert Transaction.objects.count() == 0


def test_a_debit_that_arrives_confirms_the_booking_once(stripe, session, booking):
    stripe.settle(session)

    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.SUCCEEDED, 1)
    assert heard(booking) == ["payment_processing", "payment_succeeded"]


def test_a_debit_that_fails_is_announced_and_frees_the_booking(stripe, session, booking):
    stripe.settle(session, success=False)

    assert_coherent(session)
    booking.refresh_from_db()
    assert (session.status, booking.confirmed) == (SessionStatus.FAILED, 0)
    assert heard(booking) == ["payment_processing", "payment_failed"]
    assert payment_required(booking)


def test_after_a_debit_that_failed_the_payer_pays_by_card(stripe, session, booking):
    stripe.settle(session, success=False)

    second = start_checkout(booking)
    stripe.pay(second)

    assert second != session
    assert_coherent(session)
    assert_coherent(second)
    assert (session.status, second.status) == (SessionStatus.FAILED, SessionStatus.SUCCEEDED)
    assert heard(booking) == ["payment_processing", "payment_failed", "payment_succeeded"]


def test_nothing_can_be_bought_twice_while_a_debit_is_on_its_way(stripe, session, booking):
    with pytest.raises(PaymentInProgress) as refused:
        start_checkout(booking)

    assert refused.value.session == session
    assert open_checkouts(stripe) == []


def test_the_pay_link_of_a_debit_on_its_way_says_so(client, session):
    answer = client.get(session.pay_url)

    assert "Your bank is processing the payment" in answer.content.decode()


def test_a_bank_that_answers_by_itself_is_heard(stripe):
    booking = Booking.objects.create(currency="eur")
    session = start_checkout(booking)
    stripe.pay(session, iban="AT321904300235473204")

    stripe.advance(180)

    assert_coherent(session)
    assert session.status == SessionStatus.SUCCEEDED
    assert heard(booking) == ["payment_processing", "payment_succeeded"]
