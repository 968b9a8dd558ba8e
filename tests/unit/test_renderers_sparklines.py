"""Small bars for small courses of values."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.renderers.sparklines import ASCII_BARS, BARS, sparkline


@pytest.mark.parametrize(
    ("values", "bars"),
    [
        pytest.param([], "", id="nothing"),
        pytest.param(["0", "0"], "▁▁", id="all zero is lowest"),
        pytest.param(["5", "5"], "██", id="all equal is highest"),
        pytest.param(["0", "1", "2", "3", "4", "5", "6", "7"], BARS, id="each level"),
        pytest.param(["0", "0.000001", "1000000"], "▁▂█", id="a little is not nothing"),
        pytest.param(["-7", "0", "7"], "▁▅█", id="from the least negative up"),
        pytest.param(["-3", "0"], "▁█", id="zero is the top of losses"),
        pytest.param(["1e30", "0.1"], "█▂", id="far apart"),
    ],
)
def test_sparkline(values, bars):
    assert sparkline([Decimal(value) for value in values]) == bars


def test_ascii_has_as_many_levels():
    assert sparkline(range(8), unicode=False) == ASCII_BARS


def test_a_course_may_hold_fractions():
    assert sparkline([Fraction(1, 3), Fraction(0)]) == "█▁"


@given(st.lists(st.decimals(-1000, 1000, places=3), min_size=1))
def test_more_never_draws_lower(values):
    drawn = sparkline(values)

    levels = [BARS.index(bar) for bar in drawn]
    pairs = sorted(zip(values, levels, strict=True))
    assert [level for _, level in pairs] == sorted(levels)
