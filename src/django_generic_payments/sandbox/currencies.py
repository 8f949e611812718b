"""What Stripe demands of amounts, currency by currency.

https://docs.stripe.com/currencies
"""

from __future__ import annotations

import re

__all__ = [
    "LARGEST",
    "MINIMUM",
    "STEP",
    "SUPPORTED",
    "exponent",
    "format_amount",
    "money",
    "parse_amount",
    "step",
]

CODES = (
    "aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bhd bif bmd bnd bob brl bsd bwp byn bzd cad cdf "
    "chf clp cny cop crc cve czk djf dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gnf gtq gyd hkd hnl htg "
    "huf idr ils inr isk jmd jod jpy kes kgs khr kmf krw kwd kyd kzt lak lbp lkr lrd lsl mad mdl mga mkd mmk "
    "mnt mop mur mvr mwk mxn myr mzn nad ngn nio nok npr nzd omr pab pen pgk php pkr pln pyg qar ron rsd rub "
    "rwf sar sbd scr sek sgd shp sle sos srd std szl thb tjs tnd top try ttd twd tzs uah ugx usd uyu uzs vnd "
    "vuv wst xaf xcd xcg xof xpf yer zar zmw"
)
SUPPORTED = frozenset(CODES.split())

# UGX and ISK have two decimals at Stripe, although they have none in ISO 4217.
ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
THREE_DECIMAL = "bhd jod kwd omr tnd"

#: Currencies whose amounts must be a multiple of something.
STEP = {**dict.fromkeys(THREE_DECIMAL.split(), 10), "isk": 100, "ugx": 100}

#: The largest amount of any card.
LARGEST = 999_999_999_999

HALF = "ars aud brl cad chf cop eur idr ils inr nzd php rub sgd usd zar"
#: The smallest charge, in minor units, where it is charged and settled in the same currency.
MINIMUM = {
    **dict.fromkeys(HALF.split(), 50),
    **{"aed": 200, "czk": 1500, "dkk": 250, "gbp": 30, "hkd": 400, "huf": 17500, "jpy": 50, "krw": 50},
    **{"mxn": 1000, "myr": 200, "nok": 300, "pln": 200, "ron": 200, "sek": 300, "thb": 1000},
}

#: How Stripe's own messages write the commonest.
SYMBOLS = {"eur": "€", "gbp": "£", "jpy": "¥", "usd": "$"}


def step(currency: str, *, rounds: bool) -> int:
    """Return what amounts must be a multiple of; `rounds` is whether three decimals end in a zero."""
    if currency in THREE_DECIMAL.split() and not rounds:
        return 1
    return STEP.get(currency, 1)


def exponent(currency: str) -> int:
    """Return the number of decimals; Stripe's number, which is not always ISO's."""
    return 0 if currency in ZERO_DECIMAL.split() else 3 if currency in THREE_DECIMAL.split() else 2


def format_amount(amount: int, currency: str) -> str:
    """Write an amount in minor units for people."""
    decimals = exponent(currency)
    whole, rest = divmod(abs(amount), 10**decimals)
    fraction = f".{rest:0{decimals}d}" if decimals else ""
    return f"{'-' if amount < 0 else ''}{whole:,}{fraction} {currency.upper()}"


def parse_amount(text: str, currency: str) -> int:
    """Read what a person typed in major units: the amount in minor units.

    Raises:
        ValueError: for what is no amount of the currency.
    """
    decimals = exponent(currency)
    found = re.fullmatch(r"([0-9]{1,12})(?:[.,]([0-9]+))?", text)
    if not found or len(found[2] or "") > decimals:
        raise ValueError(f"{text[:20]!r} is no amount in {currency.upper()}.")
    return int(found[1] + (found[2] or "").ljust(decimals, "0"))


def money(amount: int, currency: str) -> str:
    """Write an amount as messages of the API do: with a symbol where there is one."""
    text = format_amount(amount, currency)
    return SYMBOLS[currency] + text[:-4] if currency in SYMBOLS else text
