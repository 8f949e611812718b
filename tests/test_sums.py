"""What was paid, what went back, and what arrived: by currency, and one query each."""

from __future__ import annotations

from datetime import datetime, timedelta, timezone

import pytest

from django_generic_payments.managers import Settled, Totals
from django_generic_payments.models import Transaction
from django_generic_payments.money import Money
from django_generic_payments.sandbox import Sandbox
from django_generic_payments.services import refund_payment, start_checkout
from django_generic_payments.testing import use_sandbox
from tests.shop.models import Booking, Order

pytestmark = [pytest.mark.django_db, pytest.mark.core]


def buy(stripe, payable, **how):
    session = start_checkout(payable, **how)
    stripe.pay(session)
    session.refresh_from_db()
    return session


@pytest.fixture
def session(stripe):
    """Paid, in part paid back by us and by others, and one of these refunds failed."""
    session = buy(stripe, Booking.objects.create(deposit=100_00))
    refund_payment(session, Money(10_00, "gbp"))
    stripe.refund(session, 5_00)
    stripe.fail_refund(stripe.refund(session, 7_00))
    return session


def test_a_session_adds_up(session, django_assert_num_queries):
    with django_assert_num_queries(1):
        totals = session.transactions.totals()

    assert totals == {"gbp": Totals("gbp", paid=100_00, refunded=15_00, disputed=0)}
    assert totals["gbp"].net == 85_00


@pytest.mark.parametrize(("ending", "disputed"), [("won", 0), ("lost", 40_00)])
def test_a_dispute_counts_until_it_is_won(stripe, session, ending, disputed):
    dispute = stripe.dispute(session, amount=40_00)
    assert session.transactions.totals()["gbp"] == Totals("gbp", 100_00, 15_00, 40_00)

    stripe.close_dispute(dispute, ending)

    totals = session.transactions.totals()["gbp"]
    assert (totals.disputed, totals.net) == (disputed, 85_00 - disputed)


def test_a_payment_that_went_back_and_was_lost_as_well_is_less_than_nothing(stripe):
    session = buy(stripe, Booking.objects.create(deposit=10_00))
    refund_payment(session)
    stripe.close_dispute(stripe.dispute(session), "lost")

    assert session.transactions.totals()["gbp"].net == -10_00


def test_a_lost_dispute_costs_more_than_it_took(stripe):
    session = buy(stripe, Booking.objects.create(deposit=10_00))
    stripe.book_balance()
    stripe.close_dispute(stripe.dispute(session), "lost")

    (settled,) = session.transactions.settled().values()
    assert settled == Settled("gbp", gross=0, fee=20_35, net=-20_35, rows=2)


def test_what_is_not_paid_adds_up_to_nothing(stripe, django_assert_num_queries):
    session = start_checkout(Booking.objects.create())

    with django_assert_num_queries(2):
        assert session.transactions.totals() == {}
        assert session.transactions.settled() == {}


def test_currencies_are_never_added(stripe, django_assert_num_queries):
    for currency, deposit in [("gbp", 10_00), ("gbp", 5_00), ("jpy", 900), ("kwd", 5_120)]:
        buy(stripe, Booking.objects.create(deposit=deposit, currency=currency))
    stripe.book_balance()

    with django_assert_num_queries(1):
        totals = Transaction.objects.totals()
    with django_assert_num_queries(1):
        settled = Transaction.objects.settled()

    assert {currency: each.net for currency, each in totals.items()} == {
        "gbp": 15_00,
        "jpy": 900,
        "kwd": 5_120,
    }
    assert {currency: (each.gross, each.rows) for currency, each in settled.items()} == {
        "gbp": (15_00, 2),
        "jpy": (900, 1),
        "kwd": (5_120, 1),
    }
    assert all(each.net == each.gross - each.fee for each in settled.values())


def test_what_arrived_is_told_in_the_currency_of_the_account():
    with use_sandbox(Sandbox(settlement_currency="eur")) as stripe:
        for currency, deposit in [("gbp", 10_00), ("jpy", 900)]:
            buy(stripe, Booking.objects.create(deposit=deposit, currency=currency))
        stripe.book_balance()
        buy(stripe, Booking.objects.create())  # of which the fee is not known yet

        settled = Transaction.objects.settled()
        booked = stripe.sandbox.balance_transactions()

    assert settled == {
        "eur": Settled(
            "eur",
            gross=sum(each["amount"] for each in booked),
            fee=sum(each["fee"] for each in booked),
            net=sum(each["net"] for each in booked),
            rows=2,
        )
    }


def test_a_payable_adds_up_over_all_its_sessions_and_purposes(stripe, django_assert_num_queries):
    order, another = Order.objects.create(), Order.objects.create()
    first = buy(stripe, order)
    buy(stripe, order, purpose="shipping")
    refund_payment(first)
    buy(stripe, order)
    buy(stripe, another)
    Booking.objects.create(pk=1)

    with django_assert_num_queries(1):
        totals = Transaction.objects.for_payable(order).totals()

    assert totals == {"eur": Totals("eur", paid=65_00, refunded=30_00, disputed=0)}


def test_a_period_ends_before_its_end(stripe, django_assert_num_queries):
    moment = datetime(2027, 1, 1, tzinfo=timezone.utc)
    for offset in (-1, 0, 1):
        session = buy(stripe, Booking.objects.create(deposit=10_00))
        session.transactions.update(occurred_at=moment + timedelta(seconds=offset))

    def paid(start, end):
        with django_assert_num_queries(1):
            totals = Transaction.objects.between(start, end).totals()
        return totals["gbp"].paid if totals else 0

    second = timedelta(seconds=1)
    assert paid(moment, moment + second) == 10_00
    assert paid(moment - second, moment) == 10_00
    assert paid(moment - second, moment + 2 * second) == 30_00
    assert paid(moment, moment) == 0


def test_a_queryset_that_is_ordered_adds_up_all_the_same(session):
    ordered = Transaction.objects.order_by("-occurred_at", "gross")

    assert ordered.totals() == Transaction.objects.totals()
    assert ordered.settled() == Transaction.objects.settled()


def test_ledger_rows_are_not_deleted(session):
    with pytest.raises(TypeError, match="never deleted"):
        session.transactions.all().delete()
    with pytest.raises(TypeError, match="never deleted"):
        session.transactions.first().delete()
