"""What Stripe refuses of an amount before anybody pays it.

https://docs.stripe.com/currencies
"""

from __future__ import annotations

from .currencies import LARGEST, MINIMUM, STEP, SUPPORTED, format_amount, step
from .errors import ApiError, invalid
from .state import State

__all__ = ["check_currency", "check_step", "check_total"]


def check_currency(currency: str, param: str) -> None:
    """Refuse a currency that Stripe does not take."""
    if currency not in SUPPORTED:
        supported = ", ".join(sorted(SUPPORTED))
        message = f"Invalid currency: {currency}. Stripe currently supports these currencies: {supported}"
        raise invalid(message, param)


def check_step(state: State, amount: int, currency: str, param: str) -> None:
    """Refuse a fraction that does not exist."""
    if amount % step(currency, rounds=state.unconfirmed.rounds_three_decimals):
        message = f"Invalid amount: amounts in {currency} must be a multiple of {STEP[currency]}."
        raise invalid(message, param)


def check_total(amount: int, currency: str, what: str, param: str = "") -> None:
    """Refuse what is too small or too large to be charged.

    Args:
        what: what the amount is of, as the message names it.
    """
    least = MINIMUM.get(currency, 1)
    if amount < least:
        message = f"{what} due must add up to at least {format_amount(least, currency)}"
        raise ApiError(message, code="amount_too_small", param=param)
    if amount > LARGEST:
        message = f"{what} must be no more than {format_amount(LARGEST, currency)}"
        raise ApiError(message, code="amount_too_large", param=param)
