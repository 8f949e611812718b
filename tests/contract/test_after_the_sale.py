"""Refunds, disputes, and the customer's portal."""

from __future__ import annotations

import pytest
import stripe

from .account import Account
from .orders import pay


def test_a_payment_is_refunded_part_by_part(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/refunds/create"""
    intent = pay(client)
    first = client.v1.refunds.create({"payment_intent": intent.id, "amount": 500})
    between = client.v1.charges.retrieve(intent.latest_charge)
    rest = client.v1.refunds.create({"payment_intent": intent.id})
    after = client.v1.charges.retrieve(intent.latest_charge)

    assert (first.status, first.amount, rest.amount) == ("succeeded", 500, 1500)
    assert (between.amount_refunded, between.refunded) == (500, False)
    assert (after.amount_refunded, after.refunded) == (2000, True)
    found = client.v1.refunds.list({"payment_intent": intent.id})
    assert [each.id for each in found] == [rest.id, first.id]


def test_nothing_is_refunded_twice(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/error-codes#charge-already-refunded"""
    intent = pay(client)
    client.v1.refunds.create({"payment_intent": intent.id})

    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.refunds.create({"payment_intent": intent.id})

    assert raised.value.code == "charge_already_refunded"


def test_no_more_is_refunded_than_was_paid(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/refunds"""
    intent = pay(client)

    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.refunds.create({"payment_intent": intent.id, "amount": 2001})

    assert (raised.value.http_status, raised.value.param) == (400, "amount")


def test_what_is_only_held_cannot_be_refunded(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/refunds"""
    held = pay(client, capture_method="manual")

    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.create({"payment_intent": held.id})


def test_a_refund_may_take_its_time(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/testing#refunds"""
    refund = client.v1.refunds.create({"payment_intent": pay(client, "pm_card_pendingRefund").id})

    def arrived() -> bool:
        return client.v1.refunds.retrieve(refund.id).status == "succeeded"

    assert refund.status == "pending"
    assert account.eventually(arrived)


def test_a_refund_may_fail_after_it_succeeded(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/testing#refunds"""
    refund = client.v1.refunds.create({"payment_intent": pay(client, "pm_card_refundFail").id})

    def failed() -> stripe.Refund | None:
        found = client.v1.refunds.retrieve(refund.id)
        return found if found.status == "failed" else None

    assert refund.status == "succeeded"
    found = account.eventually(failed)
    assert found
    assert found.failure_reason
    assert found.failure_balance_transaction


def test_only_metadata_of_a_refund_can_be_changed(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/refunds/update"""
    refund = client.v1.refunds.create({"payment_intent": pay(client).id})

    assert client.v1.refunds.update(refund.id, {"metadata": {"row": "7"}}).metadata["row"] == "7"
    with pytest.raises(stripe.InvalidRequestError):
        client.v1.refunds.update(refund.id, {"amount": 1})


@pytest.mark.parametrize(
    ("method", "reason", "status"),
    [
        ("pm_card_createDispute", "fraudulent", "needs_response"),
        ("pm_card_createDisputeProductNotReceived", "product_not_received", "needs_response"),
        ("pm_card_createDisputeInquiry", None, "warning_needs_response"),
    ],
)
def test_a_payer_may_dispute(
    client: stripe.StripeClient, account: Account, method: str, reason: str | None, status: str
) -> None:
    """https://docs.stripe.com/testing#disputes"""
    intent = pay(client, method)

    (dispute,) = account.eventually(lambda: client.v1.disputes.list({"payment_intent": intent.id}).data)

    assert (dispute.status, dispute.amount, dispute.charge) == (status, 2000, intent.latest_charge)
    assert reason is None or dispute.reason == reason


@pytest.mark.parametrize(("evidence", "status"), [("winning_evidence", "won"), ("losing_evidence", "lost")])
def test_a_dispute_is_won_or_lost_by_its_evidence(
    client: stripe.StripeClient, account: Account, evidence: str, status: str
) -> None:
    """https://docs.stripe.com/testing#evidence"""
    intent = pay(client, "pm_card_createDispute")
    (dispute,) = account.eventually(lambda: client.v1.disputes.list({"payment_intent": intent.id}).data)

    client.v1.disputes.update(dispute.id, {"evidence": {"uncategorized_text": evidence}, "submit": True})

    assert account.eventually(lambda: client.v1.disputes.retrieve(dispute.id).status == status)


def test_a_dispute_can_be_given_up(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/api/disputes/close"""
    intent = pay(client, "pm_card_createDispute")
    (dispute,) = account.eventually(lambda: client.v1.disputes.list({"payment_intent": intent.id}).data)

    assert client.v1.disputes.close(dispute.id).status == "lost"


def test_a_disputed_charge_cannot_be_refunded(client: stripe.StripeClient, account: Account) -> None:
    """https://docs.stripe.com/error-codes#charge-disputed"""
    intent = pay(client, "pm_card_createDispute")
    account.eventually(lambda: client.v1.disputes.list({"payment_intent": intent.id}).data)

    with pytest.raises(stripe.InvalidRequestError) as raised:
        client.v1.refunds.create({"payment_intent": intent.id})

    assert raised.value.code == "charge_disputed"


def test_a_customer_gets_an_address_at_the_portal(client: stripe.StripeClient) -> None:
    """https://docs.stripe.com/api/customer_portal/sessions/create"""
    customer = client.v1.customers.create({}).id

    session = client.v1.billing_portal.sessions.create(
        {"customer": customer, "return_url": "https://shop.example/account"}
    )

    assert (session.customer, session.return_url) == (customer, "https://shop.example/account")
    assert session.url.startswith("http")
