"""Money in another currency, at rates that never change.

https://docs.stripe.com/currencies/conversions
"""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

from .currencies import STEP, exponent

__all__ = ["convert", "is_exchanged", "rate", "round_money"]

#: Major units of a currency for one euro. What is not listed is not exchanged.
PER_EURO = {
    **{"aud": "1.65", "bhd": "0.41", "cad": "1.48", "chf": "0.95", "czk": "25.10", "dkk": "7.46"},
    **{"eur": "1", "gbp": "0.86", "huf": "395", "isk": "150", "jod": "0.77", "jpy": "164", "krw": "1480"},
    **{"kwd": "0.33", "nok": "11.60", "pln": "4.31", "ron": "4.97", "sek": "11.40", "usd": "1.08"},
}

#: As many digits as Stripe shows.
SIX_DIGITS = Context(prec=6, rounding=ROUND_HALF_UP)


def is_exchanged(currency: str) -> bool:
    """Tell whether there is a rate for a currency."""
    return currency in PER_EURO


def rate(source: str, target: str) -> Decimal:
    """Return the rate between two currencies as Stripe's `exchange_rate`: from minor units to minor units."""
    major = Decimal(PER_EURO[target]) / Decimal(PER_EURO[source])
    return SIX_DIGITS.create_decimal(major.scaleb(exponent(target) - exponent(source)))


def convert(amount: int, source: str, target: str) -> int:
    """Return an amount in another currency."""
    return round_money(amount * rate(source, target), target)


def round_money(amount: Decimal, currency: str) -> int:
    """Round to what exists of a currency; half goes away from zero, so that what comes back is what went."""
    step = STEP.get(currency, 1)
    return step * int((amount / step).quantize(Decimal(1), ROUND_HALF_UP))
