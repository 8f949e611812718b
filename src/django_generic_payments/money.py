"""Amounts as Stripe counts them: integers in the currency's minor unit."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Context, Decimal, DecimalException, Inexact, InvalidOperation, localcontext

from django.utils.formats import number_format
from django.utils.translation import gettext

from django_generic_payments.exceptions import MoneyError

__all__ = ["CURRENCIES", "Money"]

# Every presentment currency, from https://docs.stripe.com/currencies. The exponents are Stripe's and not
# those of ISO 4217, which gives ISK and UGX none: never derive them from a locale library.
_ZERO_DECIMAL = "bif clp djf gnf jpy kmf krw mga pyg rwf vnd vuv xaf xof xpf"
_THREE_DECIMAL = "bhd jod kwd omr tnd"
_TWO_DECIMAL = """
    aed afn all amd ang aoa ars aud awg azn bam bbd bdt bgn bmd bnd bob brl bsd bwp byn bzd cad cdf chf cny
    cop crc cve czk dkk dop dzd egp etb eur fjd fkp gbp gel gip gmd gtq gyd hkd hnl htg huf idr ils inr
    isk jmd kes kgs khr kyd kzt lak lbp lkr lrd lsl mad mdl mkd mmk mnt mop mur mvr mwk mxn myr mzn nad
    ngn nio nok npr nzd pab pen pgk php pkr pln qar ron rsd rub sar sbd scr sek sgd shp sle sos srd std
    szl thb tjs top try ttd twd tzs uah ugx usd uyu uzs wst xcd xcg yer zar zmw
"""
#: Decimals of every currency that Stripe charges, by lower-case code.
CURRENCIES: dict[str, int] = {
    **dict.fromkeys(_TWO_DECIMAL.split(), 2),
    **dict.fromkeys(_ZERO_DECIMAL.split(), 0),
    **dict.fromkeys(_THREE_DECIMAL.split(), 3),
}
# ISK and UGX are sent in hundredths but charged whole; the last of three decimals must be zero.
_STEPS: dict[str, int] = {"isk": 100, "ugx": 100, **dict.fromkeys(_THREE_DECIMAL.split(), 10)}

# Cards allow twelve digits: https://docs.stripe.com/currencies#minimum-and-maximum-charge-amounts.
_MAXIMUM = 999_999_999_999


@dataclass(frozen=True, order=False)
class Money:
    """
    An amount of money that Stripe can charge.

    ``amount`` is an integer in Stripe's minor unit (pence, yen, thousandths of a dinar), zero or more;
    ``currency`` a three-letter code in any case, kept in lower case. Raises ``MoneyError`` for what Stripe
    would not take. Source: https://docs.stripe.com/currencies.
    """

    amount: int
    currency: str

    def __post_init__(self) -> None:
        object.__setattr__(self, "currency", _checked_currency(self.currency))
        if type(self.amount) is not int:
            raise MoneyError(
                f"Money takes an integer in the minor unit, not {self.amount!r}. "
                "Use Money.from_major(Decimal('12.50'), 'gbp') for major units."
            )
        # Without the amount: Python refuses to write an integer of many thousand digits.
        if abs(self.amount) > _MAXIMUM:
            raise MoneyError(f"This is more than Stripe charges at once ({_MAXIMUM} {self.currency}).")
        if self.amount < 0:
            raise MoneyError(f"Money cannot be negative: {self.amount} {self.currency}.")
        step = _STEPS.get(self.currency, 1)
        if self.amount % step:
            raise MoneyError(
                f"Stripe charges {self.currency} in multiples of {step} of its minor unit; {self.amount} is not one. "
                "Round the price yourself."
            )

    @classmethod
    def from_major(cls, value: Decimal | int, currency: str) -> Money:
        """
        Convert an amount in major units (pounds, yen, dinars) exactly.

        ``value`` is a ``Decimal`` or an ``int``. Raises ``MoneyError`` when the currency has fewer decimals than
        the value, because rounding a price is the host's decision.
        """
        code = _checked_currency(currency)
        if type(value) not in {Decimal, int}:
            raise MoneyError(
                f"Money.from_major takes a Decimal or an int, not {value!r}: a float is never exact."
            )
        minor = _exact_minor(Decimal(value), CURRENCIES[code])
        if minor is None:
            raise MoneyError(
                f"{value} {code} has no exact value in {CURRENCIES[code]} decimals. Round it first, "
                f"for example with value.quantize(Decimal('{Decimal(1).scaleb(-CURRENCIES[code])}'))."
            )
        return cls(minor, code)

    @classmethod
    def at_most(cls, amount: int, currency: str) -> Money:
        """Return the most that Stripe can move without exceeding ``amount``, in the minor unit; nothing below zero."""
        step = _STEPS.get(_checked_currency(currency), 1)
        return cls(max(amount - amount % step, 0), currency)

    @property
    def major(self) -> Decimal:
        """The amount in major units, with the currency's own number of decimals."""
        # As text, because arithmetic would round to the context of the host.
        return Decimal(f"{self.amount}E-{CURRENCIES[self.currency]}")

    def __str__(self) -> str:
        return format_amount(self.amount, self.currency)

    def __bool__(self) -> bool:
        return self.amount > 0

    def __add__(self, other: Money) -> Money:
        return Money(self.amount + self._same_currency(other), self.currency)

    def __sub__(self, other: Money) -> Money:
        return Money(self.amount - self._same_currency(other), self.currency)

    def __lt__(self, other: Money) -> bool:
        return self.amount < self._same_currency(other)

    def __le__(self, other: Money) -> bool:
        return self.amount <= self._same_currency(other)

    def _same_currency(self, other: object) -> int:
        if not isinstance(other, Money):
            raise TypeError(f"Money cannot be added to or compared with {other!r}. Make it Money first.")
        if self.currency != other.currency:
            raise MoneyError(f"{self.currency} and {other.currency} cannot be added or compared.")
        return other.amount


def format_amount(amount: int, currency: str) -> str:
    """
    Write an amount of either sign for people to read, as ``-12.50 GBP``.

    Nothing is refused: a ledger row may be negative, and a settlement may be in a currency that ``Money`` does not
    know. Its decimals are not known either, so such an amount stays in the minor unit, and says so.
    """
    decimals = CURRENCIES.get(currency.lower())
    # As text, because arithmetic would round to the context of the host.
    major = Decimal(f"{amount}E-{decimals or 0}")
    written = f"{number_format(major, decimals or 0, force_grouping=True)} {currency.upper()}"
    return written if decimals is not None else gettext("%s in the minor unit") % written


def _checked_currency(currency: object) -> str:
    code = currency.lower() if isinstance(currency, str) else ""
    if code not in CURRENCIES:
        raise MoneyError(
            f"{currency!r} is not a currency that Stripe charges. Use a three-letter code such as 'gbp'."
        )
    return code


def _exact_minor(value: Decimal, decimals: int) -> int | None:
    if value.adjusted() > 20:  # int() of a huge exponent would take for ever
        return _MAXIMUM + 1
    # A context of our own: the host's may hold fewer digits, or lose them silently.
    with localcontext(Context(prec=60, traps=[Inexact, InvalidOperation])):
        try:
            minor = value.scaleb(decimals)
            return int(minor) if minor == minor.to_integral_value() else None
        except (DecimalException, OverflowError, ValueError):  # NaN, infinity, beyond precision
            return None
