"""What a movement cost is known later than the movement itself, is written once, and nobody waits for it."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from django_generic_payments.exceptions import GatewayUnavailable
from django_generic_payments.gateway import BalanceTransaction
from django_generic_payments.models import PaymentSession, Transaction, WebhookEvent
from django_generic_payments.money import Money
from django_generic_payments.sandbox import Clock, Sandbox
from django_generic_payments.services import fill_missing_fees, refund_payment, start_checkout, sync_session
from django_generic_payments.services.fees import settle
from django_generic_payments.signals import payment_succeeded
from django_generic_payments.testing import use_sandbox
from tests.flows.account import CHECKOUTS, altered, ask, calls, post, sent
from tests.flows.coherence import assert_coherent, heard
from tests.shop.models import Booking

pytestmark = [pytest.mark.django_db, pytest.mark.core]

BALANCE = "/v1/balance_transactions"
ONE = f"{BALANCE}/{{id}}"
UPDATED = "charge.updated"
FAULTS = ["503", "connection_lost_before", "connection_lost_after", "429"]


def payment_of(session) -> Transaction:
    return session.transactions.payments().get()


def costs(row) -> tuple[object, ...]:
    return (row.settled_gross, row.fee, row.net, row.settlement_currency, row.exchange_rate)


UNKNOWN = (None, None, None, "", None)
KNOWN = (10_00, 35, 9_65, "gbp", None)


def assert_as_at_stripe(stripe, row) -> None:
    (stated,) = (
        each
        for each in stripe.sandbox.balance_transactions()
        if each["id"] == row.stripe_balance_transaction_id
    )
    rate = stated["exchange_rate"]
    assert costs(row) == (
        stated["amount"],
        stated["fee"],
        stated["net"],
        stated["currency"],
        None if rate is None else Decimal(str(rate)),
    )


# Heard of.


def test_a_payment_is_announced_before_and_without_its_fee(stripe, unpaid, connect):
    known = []
    connect(
        payment_succeeded, lambda transaction, **kwargs: known.append(costs(transaction)), uid="tests.known"
    )

    stripe.pay(unpaid)

    assert_coherent(unpaid)
    assert known == [UNKNOWN]
    assert (costs(payment_of(unpaid)), calls(stripe, BALANCE, "GET")) == (UNKNOWN, [])


def test_the_charge_that_is_booked_later_tells_the_fee(stripe, booking, session):
    stripe.book_balance()

    assert_coherent(session)
    assert costs(payment_of(session)) == KNOWN
    assert_as_at_stripe(stripe, payment_of(session))
    assert heard(booking) == ["payment_succeeded"]


def test_the_fee_that_is_heard_before_the_payment_comes_with_it(stripe, booking, unpaid):
    stripe.pay(unpaid, deliver=False)
    stripe.book_balance(deliver=False)

    answer = post(stripe, sent(stripe, UPDATED))

    assert answer == 200
    assert_coherent(unpaid)
    assert (costs(payment_of(unpaid)), heard(booking)) == (KNOWN, ["payment_succeeded"])
    stripe.deliver(times=2)
    assert_coherent(unpaid)
    assert (costs(payment_of(unpaid)), heard(booking)) == (KNOWN, ["payment_succeeded"])


def test_the_fee_is_written_once_and_never_changed(stripe, session):
    stripe.book_balance()
    updated = sent(stripe, UPDATED)
    asked = len(stripe.sandbox.requests)

    answers = [post(stripe, updated), post(stripe, altered(updated))]
    # Stripe changes its mind, which it does not.
    other = next(iter(stripe.sandbox.state.tables["balance_transaction"].values()))
    other.update(fee=99, net=9_01)
    answers.append(post(stripe, altered(updated)))

    assert answers == [200, 200, 200]
    assert costs(payment_of(session)) == KNOWN
    assert len(stripe.sandbox.requests) == asked


def test_a_charge_that_is_updated_without_being_booked_asks_for_nothing(stripe, session):
    stripe.book_balance(deliver=False)

    answer = post(stripe, altered(sent(stripe, UPDATED), balance_transaction=None))

    assert answer == 200
    assert (costs(payment_of(session)), calls(stripe, BALANCE, "GET")) == (UNKNOWN, [])


@pytest.mark.parametrize("fault", FAULTS)
def test_while_stripe_is_down_the_charge_comes_again(stripe, session, fault):
    stripe.book_balance(deliver=False)
    stripe.sandbox.fail_next(fault, method="GET", path=ONE)
    updated = sent(stripe, UPDATED)

    answers = [post(stripe, updated) for _ in range(2)]

    assert answers == [503, 200]
    assert_coherent(session)
    assert costs(payment_of(session)) == KNOWN
    assert WebhookEvent.objects.get(type=UPDATED).state == "processed"


def test_a_movement_that_stripe_does_not_know_makes_the_charge_come_again(stripe, session):
    stripe.book_balance(deliver=False)

    answer = post(stripe, altered(sent(stripe, UPDATED), balance_transaction="txn_of_nobody"))

    assert answer == 503
    assert costs(payment_of(session)) == UNKNOWN


@pytest.mark.parametrize("envelope", [{"account": "acct_somebody"}, {"livemode": True}])
def test_a_charge_of_another_account_or_mode_tells_no_fee(stripe, session, envelope):
    stripe.book_balance(deliver=False)

    answer = post(stripe, altered(sent(stripe, UPDATED), envelope=envelope))

    assert answer == 200
    assert costs(payment_of(session)) == UNKNOWN


# Refunds and disputes.


def test_a_refund_of_ours_knows_its_fee_at_once(stripe, session):
    refund_payment(session, Money(4_00, "gbp"))

    row = session.transactions.get(kind="refund")
    assert costs(row) == (-4_00, 0, -4_00, "gbp", None)
    assert_as_at_stripe(stripe, row)


@pytest.mark.parametrize("kind", ["refund.created", "charge.refunded", "charge.refund.updated"])
def test_a_refund_of_others_knows_its_fee_when_it_is_heard(stripe, session, kind):
    stripe.refund(session, 4_00, deliver=False)

    post(stripe, sent(stripe, kind))

    assert_as_at_stripe(stripe, session.transactions.get(kind="refund"))


def test_a_refund_that_fails_knows_both_its_fees(stripe, session):
    stripe.fail_refund(stripe.refund(session, 4_00))

    assert_coherent(session)
    assert costs(session.transactions.get(kind="refund")) == (-4_00, 0, -4_00, "gbp", None)
    assert costs(session.transactions.get(kind="refund_reversal")) == (4_00, 0, 4_00, "gbp", None)
    for row in session.transactions.exclude(kind="payment"):
        assert_as_at_stripe(stripe, row)


@pytest.mark.parametrize("fault", FAULTS)
def test_a_refund_is_told_although_its_fee_cannot_be_asked_for(stripe, booking, session, fault):
    stripe.sandbox.fail_next(fault, method="GET", path=ONE, times=9)
    stripe.refund(session, 4_00, deliver=False)

    answer = post(stripe, sent(stripe, "refund.created"))

    assert answer == 200
    assert_coherent(session)
    assert heard(booking) == ["payment_succeeded", "payment_refunded"]
    assert costs(session.transactions.get(kind="refund")) == UNKNOWN


def test_a_dispute_brings_its_fees_along(stripe, session):
    stripe.close_dispute(stripe.dispute(session), "won")

    for row in session.transactions.exclude(kind="payment"):
        assert_as_at_stripe(stripe, row)
    assert session.transactions.get(kind="dispute").fee == 20_00


# Currencies.


@pytest.mark.parametrize(("currency", "amount"), [("jpy", 1_500), ("eur", 15_00), ("kwd", 5_120)])
@pytest.mark.parametrize("settled_in", ["jpy", "gbp", "kwd", "eur"])
def test_fees_are_kept_in_the_currency_that_is_settled_in(currency, amount, settled_in):
    booking = Booking.objects.create(deposit=amount, currency=currency)
    with use_sandbox(Sandbox(settlement_currency=settled_in)) as stripe:
        session = start_checkout(booking)
        stripe.pay(session)
        stripe.book_balance()
        stripe.refund(session)
        stripe.fail_refund(stripe.sandbox.refunds(session.stripe_checkout_session_id)[0]["id"])
        stripe.dispute(session)

        assert_coherent(session)
        rows = list(session.transactions.order_by("created"))
        assert [row.gross for row in rows] == [amount, -amount, amount, -amount]
        assert {(row.currency, row.settlement_currency) for row in rows} == {(currency, settled_in)}
        for row in rows:
            assert_as_at_stripe(stripe, row)


# Made good.


def lose_the_fee(stripe, session, **how) -> None:
    stripe.pay(session, **how)
    stripe.sandbox.book_balance()
    stripe.deliver(drop=[UPDATED])
    session.refresh_from_db()


def test_a_fee_that_got_lost_is_filled_in(stripe, unpaid):
    lose_the_fee(stripe, unpaid)
    assert costs(payment_of(unpaid)) == UNKNOWN

    assert fill_missing_fees() == 1

    assert_coherent(unpaid)
    assert costs(payment_of(unpaid)) == KNOWN
    assert fill_missing_fees() == 0


def test_nothing_is_asked_when_nothing_is_missing(stripe, session):
    stripe.book_balance()
    asked = len(stripe.sandbox.requests)

    assert fill_missing_fees() == 0
    assert len(stripe.sandbox.requests) == asked


def test_what_is_not_booked_yet_stays_unknown(stripe, session):
    assert fill_missing_fees() == 0
    assert costs(payment_of(session)) == UNKNOWN


def test_refunds_and_their_failures_are_filled_in(stripe, unpaid):
    lose_the_fee(stripe, unpaid)
    stripe.sandbox.fail_next("503", method="GET", path=ONE, times=99)
    stripe.fail_refund(stripe.refund(unpaid, 4_00))
    stripe.refund(unpaid, 3_00)
    assert session_rows_without_fee(unpaid) == 4

    assert fill_missing_fees() == 4

    assert_coherent(unpaid)
    for row in unpaid.transactions.all():
        assert_as_at_stripe(stripe, row)


def session_rows_without_fee(session) -> int:
    return session.transactions.without_fee().count()


@pytest.mark.parametrize("ending", ["won", "lost"])
def test_what_a_dispute_took_and_gave_is_not_taken_for_the_payment(stripe, unpaid, ending):
    lose_the_fee(stripe, unpaid)
    stripe.close_dispute(stripe.dispute(unpaid), ending)

    assert fill_missing_fees() == 1

    assert_coherent(unpaid)
    assert costs(payment_of(unpaid)) == KNOWN


def test_what_came_back_of_a_refund_is_not_taken_for_the_payment(stripe, unpaid):
    lose_the_fee(stripe, unpaid)
    # The charge would tell what the payment cost.
    stripe.fail_refund(stripe.refund(unpaid, deliver=False), deliver=False)
    stripe.deliver(drop=["charge.refunded"])

    assert fill_missing_fees() == 1

    assert_coherent(unpaid)
    assert costs(payment_of(unpaid)) == KNOWN


def test_a_payment_that_was_learnt_days_later_gets_its_fee():
    """Of what was learnt by asking, our time is that of the question."""
    days_ago = timezone.now() - timedelta(days=3)
    with use_sandbox(Sandbox(clock=Clock(int(days_ago.timestamp())))) as stripe:
        session = start_checkout(Booking.objects.create(deposit=10_00))
        PaymentSession.objects.update(created=days_ago)
        stripe.pay(session, deliver=False)
        stripe.book_balance(deliver=False)
        sync_session(session)

        assert fill_missing_fees() == 1
        assert costs(payment_of(session)) == KNOWN


def test_a_clock_at_stripe_that_is_slow_hides_no_fee():
    slow = Clock(int(timezone.now().timestamp()) - 60 * 60)
    with use_sandbox(Sandbox(clock=slow)) as stripe:
        session = start_checkout(Booking.objects.create(deposit=10_00))
        lose_the_fee(stripe, session)

        assert fill_missing_fees() == 1


def test_of_two_that_learn_a_fee_at_the_same_moment_one_writes_it(stripe, session):
    one, two = (payment_of(session) for _ in range(2))
    stripe.sandbox.book_balance()
    (stated,) = stripe.sandbox.balance_transactions()
    movement = BalanceTransaction.from_object(stated)
    other = replace(movement, id="txn_other", fee=1, net=9_99)

    written = [settle(one, movement, save=True), settle(two, other, save=True)]

    assert written == [True, False]
    assert not settle(one, other, save=True)
    assert costs(one) == costs(payment_of(session)) == KNOWN


def pay_something_else(stripe, times: int) -> None:
    checkout = {
        "mode": "payment",
        "success_url": "https://example.com/",
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "gbp",
        "line_items[0][price_data][unit_amount]": "500",
        "line_items[0][price_data][product_data][name]": "Something else",
    }
    for _ in range(times):
        stripe.sandbox.pay(ask(stripe, "POST", CHECKOUTS, checkout)["id"])
    stripe.sandbox.book_balance()


def pages(stripe) -> list[dict[str, object]]:
    return [each.params for each in calls(stripe, BALANCE, "GET")]


def test_a_balance_of_many_movements_is_read_a_hundred_at_a_time(stripe, unpaid):
    lose_the_fee(stripe, unpaid)
    pay_something_else(stripe, 230)

    assert fill_missing_fees() == 1

    assert costs(payment_of(unpaid)) == KNOWN
    assert [each["limit"] for each in pages(stripe)] == ["100", "100", "100"]
    assert len({each.get("starting_after") for each in pages(stripe)}) == 3


def test_the_balance_is_read_no_further_than_is_needed(stripe, unpaid):
    pay_something_else(stripe, 105)
    lose_the_fee(stripe, unpaid)

    assert fill_missing_fees() == 1

    assert len(pages(stripe)) == 1


def test_fees_of_several_payments_are_filled_in_together(stripe):
    for _ in range(5):
        lose_the_fee(stripe, start_checkout(Booking.objects.create()))

    assert fill_missing_fees() == 5

    assert len(pages(stripe)) == 1
    assert not Transaction.objects.without_fee().exists()


def test_what_was_filled_in_before_stripe_broke_off_stays(stripe, unpaid):
    lose_the_fee(stripe, unpaid)
    pay_something_else(stripe, 100)
    late = start_checkout(Booking.objects.create())
    lose_the_fee(stripe, late)
    stripe.sandbox.fail_next("503", method="GET", path=BALANCE)
    with pytest.raises(GatewayUnavailable):
        fill_missing_fees()

    assert fill_missing_fees() == 2


def test_fees_of_the_other_mode_are_left_alone(stripe, unpaid):
    lose_the_fee(stripe, unpaid)
    Transaction.objects.update(livemode=True)

    assert fill_missing_fees() == 0
    assert pages(stripe) == []


def test_a_payment_that_was_learnt_by_asking_gets_its_fee(stripe, booking, unpaid):
    stripe.pay(unpaid, deliver=False)
    sync_session(unpaid)
    stripe.sandbox.book_balance()

    assert fill_missing_fees() == 1

    assert_coherent(unpaid)
    assert costs(payment_of(unpaid)) == KNOWN
