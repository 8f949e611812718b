"""Money is exact, or refused."""

from __future__ import annotations

from decimal import Context, Decimal, Inexact, localcontext
from fractions import Fraction

import pytest
from django.utils import translation
from hypothesis import given, strategies as st

from django_generic_payments.exceptions import GenericPaymentsError, MoneyError
from django_generic_payments.money import CURRENCIES, Money, format_amount

pytestmark = pytest.mark.core

# Every presentment currency of https://docs.stripe.com/currencies, read on 2026-07-10: code, decimals, and the
# step that amounts must be a multiple of. Written down apart from the table of the package, on purpose.
GOLDEN = """
aed 2 1, afn 2 1, all 2 1, amd 2 1, ang 2 1, aoa 2 1, ars 2 1, aud 2 1, awg 2 1, azn 2 1, bam 2 1, bbd 2 1,
bdt 2 1, bgn 2 1, bhd 3 10, bif 0 1, bmd 2 1, bnd 2 1, bob 2 1, brl 2 1, bsd 2 1, bwp 2 1, byn 2 1, bzd 2 1,
cad 2 1, cdf 2 1, chf 2 1, clp 0 1, cny 2 1, cop 2 1, crc 2 1, cve 2 1, czk 2 1, djf 0 1, dkk 2 1, dop 2 1,
dzd 2 1, egp 2 1, etb 2 1, eur 2 1, fjd 2 1, fkp 2 1, gbp 2 1, gel 2 1, gip 2 1, gmd 2 1, gnf 0 1, gtq 2 1,
gyd 2 1, hkd 2 1, hnl 2 1, htg 2 1, huf 2 1, idr 2 1, ils 2 1, inr 2 1, isk 2 100, jmd 2 1, jod 3 10, jpy 0 1,
kes 2 1, kgs 2 1, khr 2 1, kmf 0 1, krw 0 1, kwd 3 10, kyd 2 1, kzt 2 1, lak 2 1, lbp 2 1, lkr 2 1, lrd 2 1,
lsl 2 1, mad 2 1, mdl 2 1, mga 0 1, mkd 2 1, mmk 2 1, mnt 2 1, mop 2 1, mur 2 1, mvr 2 1, mwk 2 1, mxn 2 1,
myr 2 1, mzn 2 1, nad 2 1, ngn 2 1, nio 2 1, nok 2 1, npr 2 1, nzd 2 1, omr 3 10, pab 2 1, pen 2 1, pgk 2 1,
php 2 1, pkr 2 1, pln 2 1, pyg 0 1, qar 2 1, ron 2 1, rsd 2 1, rub 2 1, rwf 0 1, sar 2 1, sbd 2 1, scr 2 1,
sek 2 1, sgd 2 1, shp 2 1, sle 2 1, sos 2 1, srd 2 1, std 2 1, szl 2 1, thb 2 1, tjs 2 1, tnd 3 10, top 2 1,
try 2 1, ttd 2 1, twd 2 1, tzs 2 1, uah 2 1, ugx 2 100, usd 2 1, uyu 2 1, uzs 2 1, vnd 0 1, vuv 0 1, wst 2 1,
xaf 0 1, xcd 2 1, xcg 2 1, xof 0 1, xpf 0 1, yer 2 1, zar 2 1, zmw 2 1
"""
TABLE = [(row.split()[0], int(row.split()[1]), int(row.split()[2])) for row in GOLDEN.split(",")]
STEPS = {code: step for code, _, step in TABLE}
LARGEST = 999_999_999_999

currencies = st.sampled_from(sorted(STEPS))


@st.composite
def moneys(draw):
    currency = draw(currencies)
    step = STEPS[currency]
    return Money(draw(st.integers(0, LARGEST // step)) * step, currency)


def test_the_currencies_are_those_of_stripe_with_their_decimals():
    assert {code: decimals for code, decimals, _ in TABLE} == CURRENCIES


def test_no_currency_is_listed_twice():
    assert len({code for code, _, _ in TABLE}) == len(TABLE)


@pytest.mark.parametrize(("currency", "decimals", "step"), TABLE)
def test_a_unit_of_every_currency_survives_the_way_to_stripe_and_back(currency, decimals, step):
    whole = Money.from_major(Decimal(7), currency)
    smallest = Money(step, currency)

    assert whole.amount == 7 * 10**decimals
    assert whole.major == 7
    assert Money.from_major(whole.major, currency) == whole
    assert Money.from_major(smallest.major, currency) == smallest
    assert -smallest.major.as_tuple().exponent == decimals


@pytest.mark.parametrize(("currency", "decimals", "step"), TABLE)
def test_a_fraction_of_the_step_is_refused_in_every_currency(currency, decimals, step):
    half_a_step = Decimal(step).scaleb(-decimals) / 2

    with pytest.raises(MoneyError):
        Money.from_major(half_a_step, currency)


@pytest.mark.parametrize("amount", [1, 5, 9, 5124, 5121])
@pytest.mark.parametrize("currency", ["bhd", "jod", "kwd", "omr", "tnd"])
def test_three_decimals_must_end_in_zero(currency, amount):
    with pytest.raises(MoneyError, match=r"multiples of 10 .*Round the price yourself"):
        Money(amount, currency)


@pytest.mark.parametrize("amount", [1, 50, 99, 101, 550])
@pytest.mark.parametrize("currency", ["isk", "ugx"])
def test_krona_and_shilling_are_counted_in_hundredths_and_charged_whole(currency, amount):
    with pytest.raises(MoneyError, match="multiples of 100"):
        Money(amount, currency)


@pytest.mark.parametrize(
    "amount",
    [
        12.5,
        12.0,
        True,
        False,
        None,
        "12",
        "1e5",
        b"12",
        Decimal(12),
        Fraction(12),
        float("nan"),
        float("inf"),
    ],
)
def test_minor_units_are_integers_and_nothing_else(amount):
    with pytest.raises(MoneyError, match=r"Use Money\.from_major\(Decimal\('12\.50'\), 'gbp'\)"):
        Money(amount, "gbp")


@pytest.mark.parametrize(
    "value", [12.5, 19.99, 1.0, True, False, None, "12.50", "1e5", b"1", Fraction(1, 2), 1j]
)
def test_major_units_are_decimals_or_whole_numbers(value):
    with pytest.raises(MoneyError, match="a float is never exact"):
        Money.from_major(value, "gbp")


@pytest.mark.parametrize("value", ["NaN", "sNaN", "-NaN", "Infinity", "-Infinity", "NaN123"])
def test_what_is_no_number_is_refused(value):
    with pytest.raises(MoneyError):
        Money.from_major(Decimal(value), "gbp")


@pytest.mark.parametrize(
    "value", ["12.345", "0.001", "0.005", "1e-3", "12.50000000000000000000000000000000000001"]
)
def test_too_many_decimals_are_refused_and_never_rounded(value):
    with pytest.raises(MoneyError, match=r"Round it first, .*quantize\(Decimal\('0\.01'\)\)"):
        Money.from_major(Decimal(value), "gbp")


def test_yen_have_no_decimals():
    with pytest.raises(MoneyError, match=r"quantize\(Decimal\('1'\)\)"):
        Money.from_major(Decimal("500.5"), "jpy")


@pytest.mark.parametrize("value", ["12.50" + "0" * 60, "12.5", "1.25e1", "1250e-2", "+12.50", "012.50"])
def test_every_way_to_write_a_decimal_is_the_same_money(value):
    assert Money.from_major(Decimal(value), "gbp") == Money(1250, "gbp")


def test_more_digits_than_the_context_holds_are_refused_and_never_rounded():
    nearly = Decimal("1." + "9" * 80)

    with pytest.raises(MoneyError):
        Money.from_major(nearly, "gbp")


def test_the_context_of_the_host_changes_nothing():
    with localcontext(Context(prec=3)):
        assert Money.from_major(Decimal("123456.78"), "gbp") == Money(12_345_678, "gbp")
        assert Money(12_345_678, "gbp").major == Decimal("123456.78")
    with localcontext(Context(traps=[])), pytest.raises(MoneyError):
        Money.from_major(Decimal("1." + "9" * 80), "gbp")


def test_conversion_leaves_the_context_of_the_host_alone():
    with localcontext() as context:
        context.clear_flags()

        Money.from_major(Decimal("12.50"), "gbp")

        assert not context.traps[Inexact]
        assert not context.flags[Inexact]


@pytest.mark.parametrize("amount", [-1, -100, -(10**9)])
def test_negative_money_is_refused(amount):
    with pytest.raises(MoneyError, match="cannot be negative"):
        Money(amount, "gbp")
    with pytest.raises(MoneyError, match="cannot be negative"):
        Money.from_major(amount, "gbp")


def test_a_negative_zero_is_nothing():
    assert Money.from_major(Decimal("-0"), "gbp") == Money(0, "gbp")


def test_the_largest_amount_is_that_of_cards():
    assert Money(LARGEST, "gbp").amount == LARGEST
    with pytest.raises(MoneyError, match="more than Stripe charges at once"):
        Money(LARGEST + 1, "gbp")


@pytest.mark.parametrize("zeros", [12, 30, 4_000, 10_000])
def test_an_absurd_amount_is_refused_with_a_message_and_not_by_python(zeros):
    with pytest.raises(MoneyError, match="more than Stripe charges at once") as refused:
        Money(10**zeros, "gbp")

    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("value", ["1e30", "1e5000", "1e999999", "9.99e999999999"])
def test_an_absurd_exponent_is_refused_at_once(value):
    with pytest.raises(MoneyError, match="more than Stripe charges at once"):
        Money.from_major(Decimal(value), "gbp")


@pytest.mark.parametrize(
    "currency", ["xxx", "", "gb", "gbpp", "£", None, 826, b"gbp", " gbp", "gbp\n", "mro", "hrk"]
)
def test_an_unknown_currency_is_refused(currency):
    with pytest.raises(MoneyError, match="Use a three-letter code such as 'gbp'"):
        Money(100, currency)
    with pytest.raises(MoneyError, match="Use a three-letter code such as 'gbp'"):
        Money.from_major(1, currency)


def test_the_currency_is_kept_in_lower_case():
    assert Money(100, "GBP") == Money(100, "gBp") == Money(100, "gbp")
    assert Money(100, "GBP").currency == "gbp"


def test_money_adds_and_subtracts_in_one_currency():
    assert Money(100, "gbp") + Money(50, "gbp") == Money(150, "gbp")
    assert Money(100, "gbp") - Money(100, "gbp") == Money(0, "gbp")


def test_more_than_there_is_cannot_be_taken_away():
    with pytest.raises(MoneyError, match="cannot be negative"):
        Money(100, "gbp") - Money(101, "gbp")


@pytest.mark.parametrize(
    "combine",
    [
        lambda a, b: a + b,
        lambda a, b: a - b,
        lambda a, b: a < b,
        lambda a, b: a <= b,
        lambda a, b: a > b,
        lambda a, b: a >= b,
    ],
)
def test_two_currencies_are_neither_added_nor_ordered(combine):
    with pytest.raises(MoneyError, match="cannot be added or compared"):
        combine(Money(100, "gbp"), Money(100, "eur"))


@pytest.mark.parametrize("other", [0, 1, 1.0, "1", None, Decimal(1)])
@pytest.mark.parametrize(
    "combine", [lambda a, b: a + b, lambda a, b: a - b, lambda a, b: a < b, lambda a, b: a <= b]
)
def test_money_and_a_number_do_not_mix(combine, other):
    with pytest.raises(TypeError):
        combine(Money(100, "gbp"), other)


def test_money_is_ordered_by_amount():
    low, high = Money(1, "gbp"), Money(2, "gbp")

    assert low < high
    assert high > low
    assert low <= low <= high
    assert high >= low
    assert not high < low
    assert not high <= low
    assert max(low, high) == high


def test_equality_needs_amount_and_currency():
    assert Money(100, "gbp") != Money(100, "eur")
    assert Money(100, "gbp") != Money(101, "gbp")
    assert Money(100, "gbp") != 100
    assert len({Money(100, "gbp"), Money(100, "GBP")}) == 1


def test_nothing_is_false():
    assert not Money(0, "gbp")
    assert Money(1, "gbp")


def test_money_does_not_change():
    money = Money(100, "gbp")

    with pytest.raises(AttributeError):
        money.amount = 1


@pytest.mark.parametrize(
    ("language", "money", "expected"),
    [
        ("en", Money(123_450, "eur"), "1,234.50 EUR"),
        ("de", Money(123_450, "eur"), "1.234,50 EUR"),
        ("de", Money(123_450, "jpy"), "123.450 JPY"),
        ("en", Money(5, "gbp"), "0.05 GBP"),
        ("en", Money(5120, "kwd"), "5.120 KWD"),
        ("en", Money(0, "gbp"), "0.00 GBP"),
        ("en", Money(LARGEST, "usd"), "9,999,999,999.99 USD"),
    ],
)
def test_money_is_written_as_the_reader_writes_it(language, money, expected):
    with translation.override(language):
        assert str(money) == expected


@pytest.mark.parametrize(
    ("language", "amount", "currency", "expected"),
    [
        ("en", -123_450, "eur", "-1,234.50 EUR"),
        ("de", -123_450, "eur", "-1.234,50 EUR"),
        ("en", -5, "GBP", "-0.05 GBP"),
        ("en", -5000, "jpy", "-5,000 JPY"),
        ("en", -5121, "kwd", "-5.121 KWD"),
        ("en", 50, "isk", "0.50 ISK"),
        ("en", 0, "gbp", "0.00 GBP"),
        ("en", -(LARGEST + 1), "usd", "-10,000,000,000.00 USD"),
    ],
)
def test_an_amount_of_either_sign_is_written_as_the_reader_writes_it(language, amount, currency, expected):
    with translation.override(language):
        assert format_amount(amount, currency) == expected


@pytest.mark.parametrize(
    ("amount", "expected"),
    [
        (123_456, "123,456 ZZZ in the minor unit"),
        (-1, "-1 ZZZ in the minor unit"),
        (0, "0 ZZZ in the minor unit"),
    ],
)
def test_an_amount_in_a_currency_that_is_not_known_is_written_in_its_minor_unit(amount, expected):
    assert format_amount(amount, "zzz") == expected


@given(moneys())
def test_money_is_written_as_its_amount_is(money):
    assert str(money) == format_amount(money.amount, money.currency)


def test_an_error_of_money_is_a_value_error_and_one_of_ours():
    assert issubclass(MoneyError, ValueError)
    assert issubclass(MoneyError, GenericPaymentsError)


@given(moneys())
def test_any_money_survives_the_way_through_major_units(money):
    assert Money.from_major(money.major, money.currency) == money


@given(st.decimals(allow_nan=True, allow_infinity=True), currencies)
def test_any_decimal_is_exact_or_refused(value, currency):
    try:
        money = Money.from_major(value, currency)
    except MoneyError:
        return

    assert Fraction(money.amount) == Fraction(value) * 10 ** CURRENCIES[currency]
    assert money.amount % STEPS[currency] == 0


@given(st.one_of(st.integers(), st.floats(), st.text(), st.booleans(), st.none()), st.text() | currencies)
def test_money_is_an_integer_within_bounds_or_refused(amount, currency):
    try:
        money = Money(amount, currency)
    except MoneyError:
        return

    assert type(money.amount) is int
    assert 0 <= money.amount <= LARGEST
    assert money.currency in CURRENCIES


@given(moneys(), st.integers(0, 10**12))
def test_what_is_added_can_be_taken_away(money, more):
    try:
        other = Money(more, money.currency)
        total = money + other
    except MoneyError:
        return

    assert total - other == money
    assert total >= money
