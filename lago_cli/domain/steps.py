"""
Steps: the events of one figure, one after the other, for prices that depend on their order.

A charge that gives the first events for free, caps what one event costs, prorates tiers or is
paid in advance wants more than a figure: it wants to know how it came about.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import NamedTuple


class Steps(NamedTuple):
    """Usable events in the order of time, then of arrival, by column."""

    at: Sequence[int]  # microseconds since 1970
    values: Sequence[int | Fraction]  # times 10**scale; 1 of a count, +1 and -1 of a unique count
    scale: int = 0
    items: Sequence[str] = ()  # of a unique count, what each adds or removes
