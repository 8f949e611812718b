"""Payment intents, charges and what the account keeps of them."""

from __future__ import annotations

import pytest
import stripe

from .account import Account
from .orders import pay


def test_a_card_is_charged(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/payments/payment-intents"""
    intent = pay(client, metadata={"row": "7"}, expand=["latest_charge"])

    charge = intent.latest_charge
    assert (intent.status, intent.amount, intent.amount_received) == ("succeeded", 2000, 2000)
    assert (charge.status, charge.paid, charge.captured, charge.refunded) == ("succeeded", True, True, False)
    assert (charge.payment_method_details.card.last4, charge.metadata["row"]) == ("4242", "7")
    assert charge.payment_intent == intent.id


def test_the_ledger_line_of_a_charge_comes_later(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/payments/payment-intents/asynchronous-capture"""
    charge = pay(client, expand=["latest_charge"]).latest_charge

    line_id = account.eventually(lambda: client.v1.charges.retrieve(charge.id).balance_transaction)
    line = client.v1.balance_transactions.retrieve(line_id)

    assert charge.balance_transaction is None
    assert (line.source, line.type, line.net) == (charge.id, "charge", line.amount - line.fee)
    assert sum(each.amount for each in line.fee_details) == line.fee


@pytest.mark.parametrize(
    ("method", "code", "decline_code"),
    [
        ("pm_card_visa_chargeDeclined", "card_declined", "generic_decline"),
        ("pm_card_visa_chargeDeclinedInsufficientFunds", "card_declined", "insufficient_funds"),
        ("pm_card_visa_chargeDeclinedLostCard", "card_declined", "lost_card"),
        ("pm_card_chargeDeclinedExpiredCard", "expired_card", None),
        ("pm_card_chargeDeclinedIncorrectCvc", "incorrect_cvc", None),
        ("pm_card_chargeDeclinedProcessingError", "processing_error", None),
    ],
)
def test_a_decline_is_a_card_error(
    client: stripe.StripeClient, method: str, code: str, decline_code: str | None
) -> None:
    """https://docs.stripe.com/testing#declined-payments"""
    with pytest.raises(stripe.CardError) as raised:
        pay(client, method)

    error = raised.value
    assert (error.http_status, error.code) == (402, code)
    assert decline_code is None or error.error.decline_code == decline_code
    intent = client.v1.payment_intents.retrieve(error.error.payment_intent.id)
    assert (intent.status, intent.last_payment_error.code) == ("requires_payment_method", code)


def test_a_declined_intent_can_be_tried_again(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/payments/paymentintents/lifecycle"""
    with pytest.raises(stripe.CardError) as raised:
        pay(client, "pm_card_visa_chargeDeclined")
    intent = raised.value.error.payment_intent.id

    paid = client.v1.payment_intents.confirm(intent, {"payment_method": "pm_card_visa"})

    charges = client.v1.charges.list({"payment_intent": intent})
    assert (paid.status, paid.last_payment_error) == ("succeeded", None)
    assert [each.status for each in charges] == ["succeeded", "failed"]


def test_3d_secure_asks_for_the_payer(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/testing#regulatory-cards"""
    intent = pay(client, "pm_card_threeDSecure2Required")

    assert (intent.status, intent.latest_charge) == ("requires_action", None)
    assert intent.next_action.type


def test_money_can_be_held_and_captured_in_part(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/payments/place-a-hold-on-a-payment-method"""
    held = pay(client, capture_method="manual", expand=["latest_charge"])
    captured = client.v1.payment_intents.capture(
        held.id, {"amount_to_capture": 1500, "expand": ["latest_charge"]}
    )

    assert (held.status, held.amount_capturable, held.amount_received) == ("requires_capture", 2000, 0)
    assert (held.latest_charge.captured, held.latest_charge.paid) == (False, True)
    assert (captured.status, captured.amount_received) == ("succeeded", 1500)
    assert (captured.latest_charge.captured, captured.latest_charge.amount_captured) == (True, 1500)


def test_money_that_is_held_can_be_let_go(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/payment_intents/cancel"""
    held = pay(client, capture_method="manual")

    canceled = client.v1.payment_intents.cancel(held.id, {"cancellation_reason": "abandoned"})

    assert (canceled.status, canceled.cancellation_reason) == ("canceled", "abandoned")
    assert (canceled.amount_capturable, canceled.canceled_at is None) == (0, False)


def test_what_is_paid_cannot_be_canceled_or_captured(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/error-codes#payment-intent-unexpected-state"""
    paid = pay(client)

    for refused in (client.v1.payment_intents.cancel, client.v1.payment_intents.capture):
        with pytest.raises(stripe.InvalidRequestError) as raised:
            refused(paid.id)
        assert raised.value.code == "payment_intent_unexpected_state"


def test_an_intent_is_made_changed_and_confirmed_step_by_step(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/payments/paymentintents/lifecycle"""
    intents = client.v1.payment_intents
    made = intents.create({"amount": 1000, "currency": "eur"})
    changed = intents.update(made.id, {"amount": 1200, "description": "Deposit"})
    chosen = intents.update(made.id, {"payment_method": "pm_card_visa"})
    paid = intents.confirm(made.id, {"return_url": "https://shop.example/done"})

    assert made.status == "requires_payment_method"
    assert (changed.amount, changed.description) == (1200, "Deposit")
    assert chosen.status == "requires_confirmation"
    assert (paid.status, paid.amount_received) == ("succeeded", 1200)


def test_a_charge_can_be_described(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/charges/update"""
    charge = pay(client).latest_charge

    changed = client.v1.charges.update(charge, {"description": "Deposit", "metadata": {"row": "8"}})

    assert (changed.description, changed.metadata["row"]) == ("Deposit", "8")


def test_a_card_is_kept_for_a_customer_and_let_go(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/payment_methods/attach"""
    customer = client.v1.customers.create({}).id

    kept = client.v1.payment_methods.attach("pm_card_visa", {"customer": customer})
    listed = client.v1.customers.payment_methods.list(customer)
    gone = client.v1.payment_methods.detach(kept.id)

    assert (kept.customer, kept.card.last4) == (customer, "4242")
    assert [each.id for each in listed] == [kept.id]
    assert gone.customer is None
    assert client.v1.customers.payment_methods.list(customer).data == []


def test_the_account_has_a_currency_and_a_balance(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/balance/balance_object"""
    account, balance = client.v1.accounts.retrieve_current(), client.v1.balance.retrieve()

    assert account.id.startswith("acct_")
    assert len(account.default_currency) == 3
    assert balance.livemode is False
    assert all(len(each.currency) == 3 for each in [*balance.available, *balance.pending])
