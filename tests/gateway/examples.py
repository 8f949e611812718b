"""Objects as Stripe sends them, and the fields of each that are used and must be there."""

from __future__ import annotations

from django_generic_payments.gateway import (
    BalanceTransaction,
    Charge,
    CheckoutSession,
    Dispute,
    PaymentIntent,
    Refund,
)

CHECKOUT = {
    "id": "cs_1",
    "object": "checkout.session",
    "created": 1_800_000_000,
    "livemode": False,
    "mode": "payment",
    "status": "open",
    "payment_status": "unpaid",
    "amount_total": 12_50,
    "currency": "gbp",
    "payment_intent": None,
    "metadata": {"a": "b"},
    "url": "https://checkout.example/1",
    "expires_at": 1_800_086_400,
    "customer_details": None,
}
INTENT = {
    "id": "pi_1",
    "object": "payment_intent",
    "created": 1_800_000_000,
    "livemode": False,
    "status": "succeeded",
    "currency": "gbp",
    "amount_received": 12_50,
    "latest_charge": "ch_1",
    "metadata": {},
    "last_payment_error": None,
}
MOVEMENT = {
    "id": "txn_1",
    "object": "balance_transaction",
    "created": 1_800_000_000,
    "amount": 12_50,
    "fee": 39,
    "net": 12_11,
    "currency": "EUR",
    "exchange_rate": 1.16279,
    "source": "ch_1",
}
CHARGE = {
    "id": "ch_1",
    "object": "charge",
    "livemode": False,
    "payment_intent": "pi_1",
    "amount_refunded": 0,
    "balance_transaction": None,
    "metadata": {"a": "b"},
}
REFUND = {
    "id": "re_1",
    "object": "refund",
    "created": 1_800_000_000,
    "amount": 5_00,
    "currency": "GBP",
    "status": "succeeded",
    "reason": None,
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "balance_transaction": "txn_2",
    "metadata": {},
}
DISPUTE = {
    "id": "du_1",
    "object": "dispute",
    "created": 1_800_000_000,
    "livemode": False,
    "amount": 12_50,
    "currency": "GBP",
    "status": "needs_response",
    "reason": "fraudulent",
    "payment_intent": "pi_1",
    "charge": "ch_1",
    "evidence_details": {"due_by": 1_800_777_600},
    "balance_transactions": [{**MOVEMENT, "source": "du_1"}],
}
EXAMPLES = {
    CheckoutSession: CHECKOUT,
    PaymentIntent: INTENT,
    BalanceTransaction: MOVEMENT,
    Charge: CHARGE,
    Refund: REFUND,
    Dispute: DISPUTE,
}
REQUIRED = {
    CheckoutSession: ["id", "created", "livemode", "mode", "status", "payment_status", "expires_at"],
    PaymentIntent: ["id", "created", "livemode", "status", "currency", "amount_received"],
    BalanceTransaction: ["id", "created", "amount", "fee", "net", "currency"],
    Charge: ["id", "livemode", "amount_refunded"],
    Refund: ["id", "created", "amount", "currency"],
    Dispute: ["id", "created", "livemode", "amount", "currency", "status"],
}
