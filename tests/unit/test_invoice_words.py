"""Numbers, amounts and parts as an invoice says them."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from lago_cli.domain.pricing import Part
from lago_cli.reports.invoice_words import cents, money, number, part_texts, price


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (Fraction(1234567), "1,234,567"),
        (Fraction(-25, 2), "-12.5"),
        (Fraction(-1, 2), "-0.5"),
        (Decimal("1000.25"), "1,000.25"),
        pytest.param(Fraction("0.0000025"), "0.0000025", id="the price of a token"),
        (Fraction(250, 3), "83.333333…"),
        pytest.param(Fraction(1, 30_000_000), "0.00000003333…", id="small, without end"),
        pytest.param(Fraction("0.12345678901234"), "0.123456…", id="long"),
    ],
)
def test_a_number_has_all_its_digits_or_says_that_there_are_more(value, text):
    assert number(value) == text


@pytest.mark.parametrize(
    ("amount", "currency", "text"),
    [
        (123450, "EUR", "1,234.50"),
        (5, "EUR", "0.05"),
        (-5, "EUR", "-0.05"),
        (123450, "JPY", "123,450"),
        (123450, "KWD", "123.450"),
        (0, "EUR", "0.00"),
    ],
)
def test_money_has_the_decimals_of_its_currency(amount, currency, text):
    assert money(amount, currency) == text


def test_a_price_may_have_more_decimals_than_its_currency():
    assert price(Fraction(5), "EUR") == "5.00"
    assert price(Fraction("0.0025"), "EUR") == "0.0025"
    assert price(Fraction(5), "JPY") == "5"
    assert price(Fraction(1, 3), "JPY") == "0.333333…"


def test_only_hundredths_are_cents():
    assert cents(1600, "EUR") == "1600 cents"
    assert cents(1600, "JPY") == "1600 JPY minor units"


N = Fraction


@pytest.mark.parametrize(
    ("part", "text"),
    [
        (
            Part(
                "tier",
                N(15),
                {
                    "from": N(0),
                    "to": N(10),
                    "units": N(10),
                    "per_unit_amount": N(1, 2),
                    "flat_amount": N(10),
                },
            ),
            "tier 0–10: 10 × 0.5 + 10 = 15",
        ),
        (
            Part(
                "tier",
                N(1, 10),
                {"from": N(11), "to": None, "units": N(5), "rate": N(2), "flat_amount": N(0)},
            ),
            "tier from 11: 5 × 2 % = 0.1",
        ),
        (Part("free", N(0), {"units": N(1), "events": N(2)}), "2 events and 1 unit free"),
        (Part("trial", N(0), {"days": N(1)}), "1 day of trial free"),
        (
            Part("minimum", N(30), {"days": N(15), "full_days": N(30), "full_amount": N(60)}),
            "minimum: 15 of 30 days × 60 = 30",
        ),
        (Part("minimum", N(1), {"events": N(2)}), "2 events raised to the minimum: 1"),
        (Part("maximum", N(-1), {"events": N(1)}), "1 event cut to the maximum: -1"),
        (Part("used", N(-7)), "billed already: -7"),
        (Part("negative", N(3)), "never less than nothing: 3"),
        (Part("surprise", N(3)), "surprise: 3"),
    ],
    ids=lambda value: value.kind if isinstance(value, Part) else None,
)
def test_each_part_has_its_words(part, text):
    assert list(part_texts([part])) == [text]
