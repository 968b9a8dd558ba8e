"""A row of small bars: how a quantity went, in as many characters as there are values."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from decimal import Decimal

BARS = "▁▂▃▄▅▆▇█"
ASCII_BARS = "_.-~=+*#"


def sparkline(values: Sequence[Decimal | Fraction | int | str], *, unicode: bool = True) -> str:
    """
    One bar a value, the lowest for zero and the highest for the largest.

    Whatever is above zero is seen to be: it gets more than the lowest bar. Where
    there are negative values, the lowest bar is the least of them.
    """
    bars = BARS if unicode else ASCII_BARS
    exact = [Fraction(value) for value in values]
    low = min(exact, default=Fraction(0))
    low = min(low, Fraction(0))
    span = max([*exact, Fraction(0)]) - low
    if not span:
        return bars[0] * len(exact)
    steps = len(bars) - 1
    return "".join(bars[-((low - value) * steps // span)] for value in exact)  # rounds up
