"""Numbers: one grammar in, every digit kept, plain digits out."""

from __future__ import annotations

from decimal import Decimal, Inexact, getcontext
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.numbers import (
    MAX_DIGITS,
    as_plain,
    exact,
    from_scaled,
    parse_decimal,
    round_half_up,
    to_scaled,
)

decimals = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=12),
    st.integers(-(10**40), 10**40).map(Decimal),
    st.builds(
        lambda mantissa, exponent: Decimal(f"{mantissa}e{exponent}"),
        st.integers(-(2**65), 2**65),
        st.integers(-40, 25),
    ),
)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0", "0"),
        ("-0", "0"),
        ("007", "7"),
        ("+7", "7"),
        ("-12.50", "-12.5"),
        ("1e3", "1000"),
        ("1E+3", "1000"),
        ("-2.5e-3", "-0.0025"),
        ("12345678901234567890.123456789", "12345678901234567890.123456789"),
        ("1" + "0" * 9_999, "1" + "0" * 9_999),
    ],
)
def test_a_number_is_read_exactly_as_written(text, value):
    assert parse_decimal(text) == Decimal(value)
    assert as_plain(parse_decimal(text)) == value


@pytest.mark.parametrize(
    "text",
    [
        *(
            "",
            " ",
            " 9",
            "9 ",
            "9\n",
            ".5",
            "8.",
            "1,000",
            "1_000",
            "--1",
            "+-1",
            "1e",
            "e3",
            "1e1.5",
        ),
        *("NaN", "Infinity", "-inf", "0x10", "²", "٣", "1٠", "true", "1/3", "$1", "1 000"),
    ],
)
def test_everything_else_is_no_number(text):
    with pytest.raises(ValueError, match="is not a number"):
        parse_decimal(text)


@pytest.mark.parametrize(
    "text",
    ["1" * (MAX_DIGITS + 1), "1e10000", "1e-10000", "1e999999999", "1e-99999999999999999999"],
)
def test_a_number_that_would_fill_the_memory_is_not_counted(text):
    with pytest.raises(ValueError, match="more than 10000 digits"):
        parse_decimal(text)


@given(decimals)
def test_plain_digits_read_back_are_the_number(value):
    text = as_plain(value)

    assert "e" not in text.lower()
    assert not (text.endswith("0") and "." in text)
    assert text != "-0"
    assert parse_decimal(text) == value


@given(decimals)
def test_a_scaled_number_is_the_number(value):
    scaled = to_scaled(value)

    if scaled is not None:
        mantissa, scale = scaled
        assert -(2**63) <= mantissa < 2**63
        assert 0 <= scale <= 18
        assert from_scaled(mantissa, scale) == value
        assert scale == 0 or mantissa % 10


@pytest.mark.parametrize(
    ("text", "scaled"),
    [
        ("0", (0, 0)),
        ("-0.00", (0, 0)),
        ("1.50", (15, 1)),
        ("1e18", (10**18, 0)),
        ("9223372036854775807", (2**63 - 1, 0)),
        ("-9223372036854775808", (-(2**63), 0)),
        ("9223372036854775808", None),
        ("-9223372036854775809", None),
        ("0.000000000000000001", (1, 18)),
        ("0.0000000000000000001", None),
        ("922337203685477580.7", (2**63 - 1, 1)),
        ("1e19", None),
    ],
)
def test_ordinary_numbers_fit_into_64_bits(text, scaled):
    assert to_scaled(Decimal(text)) == scaled


@given(st.integers(-(10**60), 10**60), st.integers(0, 40))
def test_a_sum_of_any_size_is_scaled_back_exactly(mantissa, scale):
    assert Fraction(from_scaled(mantissa, scale)) == Fraction(mantissa, 10**scale)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1, 3), "0.333333333333"),
        (Fraction(2, 3), "0.666666666667"),
        (Fraction(-2, 3), "-0.666666666667"),
        (Fraction(1, 8), "0.125"),
        (Fraction(3, 1), "3"),
        (Fraction(0), "0"),
        (Fraction(-1, 10**13), "-0.0000000000001"),
        (Fraction(-1, 3 * 10**13), "0"),
        (Fraction(1, 2**20), "0.00000095367431640625"),
        (7, "7"),
        (-(10**30), "-" + "1" + "0" * 30),
        (Decimal("1E+5"), "100000"),
        (Decimal("-0.000"), "0"),
        (Decimal("1.10"), "1.1"),
    ],
    ids=str,
)
def test_numbers_are_shown_in_plain_digits(value, text):
    assert as_plain(value) == text


@pytest.mark.parametrize(
    ("value", "places", "rounded"),
    [
        ("2.5", 0, "3"),
        ("-2.5", 0, "-3"),
        ("0.5", 0, "1"),
        ("1.005", 2, "1.01"),
        ("1.0049999", 2, "1"),
        ("150", -2, "200"),
        ("-149.99", -2, "-100"),
        ("1e40", 2, "1" + "0" * 40),
    ],
)
def test_halves_are_rounded_away_from_zero(value, places, rounded):
    assert as_plain(round_half_up(Decimal(value), places)) == rounded
    assert as_plain(round_half_up(Fraction(value), places)) == rounded


def test_exact_arithmetic_cannot_round():
    before = getcontext().prec
    with exact():
        assert Decimal("1e40") + Decimal("1e-40") == Decimal("1" + "0" * 40 + "." + "0" * 39 + "1")
        with pytest.raises(Inexact):
            Decimal(1) / Decimal(3)

    assert getcontext().prec == before
