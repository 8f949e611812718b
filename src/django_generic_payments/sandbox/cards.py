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
    "BankAccount",
    "Card",
    "Decline",
    "bank_account",
    "card",
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

    `refunds` is what becomes of its refunds: they "succeed", they "settle" later, or they succeed and "fail" later.
    `disputes` are the reasons for which its payments are disputed, and `inquiry` is whether the bank only asks.
    """

    number: str
    note: str
    decline: Decline | None = None
    authentication: bool = False
    brand: str = "visa"
    funding: str = "credit"
    country: str = "US"
    refunds: str = "succeed"
    disputes: tuple[str, ...] = ()
    inquiry: bool = False

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
DEBIT_FAILED = Decline(
    "insufficient_funds", "The customer's account has insufficient funds to cover this payment."
)
WRONG_IBAN = Decline("invalid_iban", "The IBAN you entered is no test IBAN.", refused_by_form=True)

CARDS = (
    Card("4242424242424242", "succeeds"),
    Card("5555555555554444", "succeeds", brand="mastercard"),
    Card("378282246310005", "succeeds", brand="amex"),
    Card("4000056655665556", "succeeds", funding="debit"),
    Card("4000002500003155", "asks for 3D Secure", authentication=True),
    Card("4000002760003184", "asks for 3D Secure", authentication=True, country="DE"),
    Card("4000003800000446", "asks for 3D Secure", authentication=True),
    Card("4000000000003220", "asks for 3D Secure", authentication=True),
    Card("4000008260003178", "asks for 3D Secure, then has insufficient funds", NO_FUNDS, True),
    Card("4000008400001629", "asks for 3D Secure, then is declined", GENERIC, True),
    Card("4000000000007726", "is refunded late", refunds="settle"),
    Card("4000000000005126", "is refunded, and the refund fails", refunds="fail"),
    Card("4000000000000259", "is disputed as fraud", disputes=("fraudulent",)),
    Card("4000000000002685", "is disputed as not received", disputes=("product_not_received",)),
    Card("4000000000001976", "is asked about by its bank", disputes=("general",), inquiry=True),
    Card("4000000404000079", "is disputed twice", disputes=("fraudulent", "product_not_received")),
    Card("4000000000000002", "is declined", GENERIC),
    Card("4000000000000341", "is declined", GENERIC),
    Card("4000000000009995", "has insufficient funds", NO_FUNDS),
    Card("4000000000009987", "is reported lost", LOST),
    Card("4000000000009979", "is reported stolen", STOLEN),
    Card("4000000000000069", "has expired", EXPIRED),
    Card("4000000000000127", "has another security code", WRONG_CVC),
    Card("4000000000000119", "meets a processing error", TRY_AGAIN),
    Card("4000000000006975", "was used too often", TOO_OFTEN),
    Card("4100000000000019", "is blocked as fraud", BLOCKED),
)

BANK_ACCOUNTS = (
    BankAccount("AT611904300234573201", "succeeds"),
    BankAccount("AT321904300235473204", "succeeds after three minutes", settles_after=180),
    BankAccount("AT861904300235473202", "fails", DEBIT_FAILED),
    BankAccount("AT051904300235473205", "fails after three minutes", DEBIT_FAILED, 180),
)

CARDS_BY_NUMBER = {row.number: row for row in CARDS}
ACCOUNTS_BY_NUMBER = {row.number: row for row in BANK_ACCOUNTS}


def card(number: str) -> Card:
    """Look up a card; one that is in no table is refused as Stripe does in test mode."""
    digits = re.sub(r"[ -]", "", number)
    reason = NO_TEST_CARD if luhn(digits) else WRONG_NUMBER
    return CARDS_BY_NUMBER.get(digits) or Card(digits, "is no test card", reason)


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
