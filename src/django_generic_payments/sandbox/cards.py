"""What the payer pays with: the test cards and test accounts.

https://docs.stripe.com/testing
"""

from __future__ import annotations

import re
from dataclasses import dataclass

__all__ = [
    "BANK_ACCOUNTS",
    "CARDS",
    "DEBIT_FAILED",
    "NEEDS_AUTHENTICATION",
    "BankAccount",
    "Card",
    "Decline",
    "bank_account",
    "card",
    "card_named",
    "find_test_means",
]


@dataclass(frozen=True)
class Decline:
    """Why a payment does not go through. One that the form refuses never reaches a bank."""

    code: str
    message: str
    decline_code: str = ""
    refused_by_form: bool = False
    blocked: bool = False


@dataclass(frozen=True)
class Card:
    """A card and how it behaves.

    `name` is what Stripe's SDKs call it: the id of a payment method that always exists in test mode.
    `refunds` is what becomes of its refunds: they "succeed", they "settle" later, or they succeed and "fail" later.
    `disputes` are the reasons for which its payments are disputed, and `inquiry` is whether the bank only asks.
    `alone` is whether it can be charged without its owner, although it asks for 3D Secure; `attaches` is whether a
    customer can keep it although it is declined later; `at_once` is whether its money is available at once.
    """

    number: str
    name: str
    note: str
    decline: Decline | None = None
    authentication: bool = False
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    refunds: str = "succeed"
    disputes: tuple[str, ...] = ()
    inquiry: bool = False
    alone: bool = False
    attaches: bool = False
    at_once: bool = False
    fraud_warning: bool = False
    risk: str = "normal"

    type = "card"
    noun = "card"


@dataclass(frozen=True)
class BankAccount:
    """A bank account for SEPA Direct Debit; `settles_after` is seconds, None until told to."""

    number: str
    note: str
    decline: Decline | None = None
    settles_after: int | None = None

    type = "sepa_debit"
    noun = "account"


DECLINED = "Your card was declined."
LIVE_CARD = (
    f"{DECLINED} Your request was in test mode, but used a non test card. "
    "For a list of valid test cards, visit: https://stripe.com/docs/testing."
)

GENERIC = Decline("card_declined", DECLINED, "generic_decline")
NO_FUNDS = Decline("card_declined", "Your card has insufficient funds.", "insufficient_funds")
LOST = Decline("card_declined", DECLINED, "lost_card")
STOLEN = Decline("card_declined", DECLINED, "stolen_card")
BLOCKED = Decline("card_declined", DECLINED, "fraudulent", blocked=True)
TOO_OFTEN = Decline(
    "card_declined",
    "Your card was declined for making repeated attempts too frequently or exceeding its amount limit.",
    "card_velocity_exceeded",
)
EXPIRED = Decline("expired_card", "Your card has expired.")
WRONG_CVC = Decline("incorrect_cvc", "Your card's security code is incorrect.")
TRY_AGAIN = Decline(
    "processing_error", "An error occurred while processing your card. Try again in a little bit."
)
WRONG_NUMBER = Decline("incorrect_number", "Your card number is incorrect.", refused_by_form=True)
NO_TEST_CARD = Decline("card_declined", LIVE_CARD, "test_mode_live_card", refused_by_form=True)
NEEDS_AUTHENTICATION = Decline(
    "authentication_required",
    "Your card was declined. This transaction requires authentication.",
    "authentication_required",
)
DEBIT_FAILED = Decline(
    "insufficient_funds", "The customer's account has insufficient funds to cover this payment."
)
WRONG_IBAN = Decline("invalid_iban", "The IBAN you entered is no test IBAN.", refused_by_form=True)

CARDS = (
    Card("4242424242424242", "pm_card_visa", "succeeds"),
    Card("5555555555554444", "pm_card_mastercard", "succeeds", brand="mastercard"),
    Card("378282246310005", "pm_card_amex", "succeeds", brand="amex"),
    Card("4000056655665556", "pm_card_visa_debit", "succeeds", funding="debit"),
    Card("4000000000000077", "pm_card_bypassPending", "succeeds, available at once", at_once=True),
    Card(
        "4000003720000278",
        "pm_card_bypassPendingInternational",
        "succeeds, available at once",
        country="IE",
        at_once=True,
    ),
    Card("4000000000009235", "pm_card_riskLevelElevated", "succeeds, at an elevated risk", risk="elevated"),
    Card(
        "4000002500003155", "pm_card_authenticationRequiredOnSetup", "asks for 3D Secure", authentication=True
    ),
    Card(
        "4000002760003184",
        "pm_card_authenticationRequired",
        "asks for 3D Secure",
        authentication=True,
        country="DE",
    ),
    Card(
        "4000003800000446",
        "pm_card_authenticationRequiredSetupForOffSession",
        "asks for 3D Secure",
        authentication=True,
        alone=True,
    ),
    Card("4000000000003220", "pm_card_threeDSecure2Required", "asks for 3D Secure", authentication=True),
    Card(
        "4000008260003178",
        "pm_card_authenticationRequiredChargeDeclinedInsufficientFunds",
        "asks for 3D Secure, then has insufficient funds",
        NO_FUNDS,
        True,
    ),
    Card(
        "4000008400001629",
        "pm_card_threeDSecureRequiredChargeDeclined",
        "asks for 3D Secure, then is declined",
        GENERIC,
        True,
    ),
    Card("4000000000007726", "pm_card_pendingRefund", "is refunded late", refunds="settle"),
    Card("4000000000005126", "pm_card_refundFail", "is refunded, and the refund fails", refunds="fail"),
    Card("4000000000000259", "pm_card_createDispute", "is disputed as fraud", disputes=("fraudulent",)),
    Card(
        "4000000000002685",
        "pm_card_createDisputeProductNotReceived",
        "is disputed as not received",
        disputes=("product_not_received",),
    ),
    Card(
        "4000000000001976",
        "pm_card_createDisputeInquiry",
        "is asked about by its bank",
        disputes=("general",),
        inquiry=True,
    ),
    Card(
        "4000000404000079",
        "pm_card_createMultipleDisputes",
        "is disputed twice",
        disputes=("fraudulent", "product_not_received"),
    ),
    Card("4000000000005423", "pm_card_createIssuerFraudRecord", "is reported as fraud", fraud_warning=True),
    Card("4000000000000002", "pm_card_visa_chargeDeclined", "is declined", GENERIC),
    Card("4000000000000341", "pm_card_chargeCustomerFail", "is declined", GENERIC, attaches=True),
    Card(
        "4000000000009995",
        "pm_card_visa_chargeDeclinedInsufficientFunds",
        "has insufficient funds",
        NO_FUNDS,
    ),
    Card("4000000000009987", "pm_card_visa_chargeDeclinedLostCard", "is reported lost", LOST),
    Card("4000000000009979", "pm_card_visa_chargeDeclinedStolenCard", "is reported stolen", STOLEN),
    Card("4000000000000069", "pm_card_chargeDeclinedExpiredCard", "has expired", EXPIRED),
    Card("4000000000000127", "pm_card_chargeDeclinedIncorrectCvc", "has another security code", WRONG_CVC),
    Card("4000000000000119", "pm_card_chargeDeclinedProcessingError", "meets a processing error", TRY_AGAIN),
    Card(
        "4000000000006975",
        "pm_card_visa_chargeDeclinedVelocityLimitExceeded",
        "was used too often",
        TOO_OFTEN,
    ),
    Card("4100000000000019", "pm_card_radarBlock", "is blocked as fraud", BLOCKED, risk="highest"),
    Card("4000000000004954", "pm_card_riskLevelHighest", "is blocked as too risky", BLOCKED, risk="highest"),
)

BANK_ACCOUNTS = (
    BankAccount("AT611904300234573201", "succeeds"),
    BankAccount("AT321904300235473204", "succeeds after three minutes", settles_after=180),
    BankAccount("AT861904300235473202", "fails", DEBIT_FAILED),
    BankAccount("AT051904300235473205", "fails after three minutes", DEBIT_FAILED, 180),
)

CARDS_BY_NUMBER = {row.number: row for row in CARDS}
CARDS_BY_NAME = {row.name: row for row in CARDS}
ACCOUNTS_BY_NUMBER = {row.number: row for row in BANK_ACCOUNTS}


def card(number: str) -> Card:
    """Look up a card; one that is in no table is refused as Stripe does in test mode."""
    digits = re.sub(r"[ -]", "", number)
    reason = NO_TEST_CARD if luhn(digits) else WRONG_NUMBER
    return CARDS_BY_NUMBER.get(digits) or Card(digits, "", "is no test card", reason)


def card_named(name: str) -> Card | None:
    """Look up a card by what the SDKs call it."""
    return CARDS_BY_NAME.get(name)


def bank_account(iban: str) -> BankAccount:
    """Look up a bank account; one that is in no table is refused."""
    number = re.sub(r"\s", "", iban).upper()
    return ACCOUNTS_BY_NUMBER.get(number) or BankAccount(number, "is no test account", WRONG_IBAN)


def find_test_means(number: str) -> Card | BankAccount | None:
    """Look up what the hosted page offers for use."""
    return CARDS_BY_NUMBER.get(number) or ACCOUNTS_BY_NUMBER.get(number)


def luhn(digits: str) -> bool:
    if not re.fullmatch(r"[0-9]{12,19}", digits):
        return False
    doubled = (sum(divmod(2 * int(digit), 10)) for digit in digits[-2::-2])
    return (sum(map(int, digits[-1::-2])) + sum(doubled)) % 10 == 0
