"""https://docs.stripe.com/api/payment_methods/object"""

from __future__ import annotations

import time

from django_generic_payments.sandbox.cards import BankAccount, Card
from django_generic_payments.sandbox.json_object import JsonObject
from django_generic_payments.sandbox.records import Payer
from django_generic_payments.sandbox.state import State

__all__ = ["payment_method"]


def payment_method(state: State, means: Card | BankAccount, payer: Payer) -> JsonObject:
    """Build what the payer pays with."""
    details = card_details(state, means) if isinstance(means, Card) else account_details(means)
    return {
        "id": state.new_id("pm_1"),
        "object": "payment_method",
        "allow_redisplay": "limited",
        "billing_details": {
            "address": None,
            "email": payer.email,
            "name": payer.name,
            "phone": payer.phone,
            "tax_id": None,
        },
        means.type: details,
        "created": state.clock.now(),
        "customer": None,
        "customer_account": None,
        "livemode": state.livemode,
        "metadata": {},
        "type": means.type,
    }


def card_details(state: State, card: Card) -> JsonObject:
    return {
        "brand": card.brand,
        "checks": {"address_line1_check": None, "address_postal_code_check": None, "cvc_check": "pass"},
        "country": card.country,
        "display_brand": card.brand,
        "exp_month": 12,
        # No test card has expired, whatever year it is.
        "exp_year": time.gmtime(state.clock.now()).tm_year + 2,
        "fingerprint": f"card{card.number[-12:]}",
        "funding": card.funding,
        "generated_from": None,
        "last4": card.number[-4:],
        "networks": {"available": [card.brand], "preferred": None},
        "regulated_status": "unregulated",
        "three_d_secure_usage": {"supported": True},
        "wallet": None,
    }


def account_details(account: BankAccount) -> JsonObject:
    return {
        "bank_code": account.number[4:9],
        "branch_code": "",
        "country": account.number[:2],
        "fingerprint": f"iban{account.number[-12:]}",
        "generated_from": {"charge": None, "setup_attempt": None},
        "last4": account.number[-4:],
    }
