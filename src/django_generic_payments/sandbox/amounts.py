"""What Stripe refuses of an amount before anybody pays it.

https://docs.stripe.com/currencies
"""

from __future__ import annotations

from typing import Any

from .currencies import LARGEST, MINIMUM, STEP, SUPPORTED, format_amount, step
from .errors import ApiError, invalid
from .parameters import text
from .state import State

__all__ = ["check_step", "check_total", "currency"]


def currency(value: Any, name: str) -> str:
    """Accept a currency that Stripe takes, in upper or lower case."""
    code: str = text()(value, name).lower()
    if code not in SUPPORTED:
        supported = ", ".join(sorted(SUPPORTED))
        message = f"Invalid currency: {code}. Stripe currently supports these currencies: {supported}"
        raise invalid(message, name)
    return code


def check_step(state: State, amount: int, code: str, param: str) -> None:
    """Refuse a fraction that does not exist."""
    if amount % step(code, rounds=state.unconfirmed.rounds_three_decimals):
        message = f"Invalid amount: amounts in {code} must be a multiple of {STEP[code]}."
        raise invalid(message, param)


def check_total(amount: int, code: str, what: str, param: str = "") -> None:
    """Refuse what is too small or too large to be charged.

    Args:
        what: what the amount is of, as the message names it.
    """
    least = MINIMUM.get(code, 1)
    if amount < least:
        message = f"{what} due must add up to at least {format_amount(least, code)}"
        raise ApiError(message, code="amount_too_small", param=param)
    if amount > LARGEST:
        message = f"{what} must be no more than {format_amount(LARGEST, code)}"
        raise ApiError(message, code="amount_too_large", param=param)
