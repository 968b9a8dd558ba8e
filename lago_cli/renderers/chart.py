"""
Charts: quantities to be drawn, each with its exact figure as text.

Figures are compared as fractions and drawn in whole cells or pixels, so that no binary float
comes between. What has another unit has a chart of its own.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

MOST_SHOWN = 20


class Point(NamedTuple):
    """One quantity: a bar, or a place that a line goes through."""

    label: str
    figure: str  # a plain decimal
    note: str = ""  # stands beside the figure
    text: str = ""  # the figure as it is read; as it is where there is none

    @property
    def value(self) -> Fraction:
        return Fraction(self.figure)

    @property
    def digits(self) -> str:
        return self.text or self.figure

    @property
    def shown(self) -> str:
        return f"{self.digits} {self.note}".rstrip()


@dataclass(frozen=True, slots=True)
class Series:
    """What a line is drawn of, in the order of time."""

    label: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars below each other, or lines, each in a frame of its own and all to one scale."""

    title: str
    bars: Sequence[Point] = ()
    lines: Sequence[Series] = ()
    total: str = ""  # a sentence below it

    @property
    def scale(self) -> Scale:
        points = [*self.bars, *(point for line in self.lines for point in line.points)]
        values = [point.value for point in points]
        return Scale(min([*values, Fraction(0)]), max([*values, Fraction(0)]))

    def bars_shown(self) -> tuple[list[Point], str]:
        """The largest, in their order, and what is to be said of the others."""
        sizes = [abs(bar.value) for bar in self.bars]
        shown = _largest(sizes)
        return [self.bars[at] for at in shown], _others(len(sizes) - len(shown))

    def lines_shown(self) -> tuple[list[Series], str]:
        """The ones that go highest, in their order, and what is to be said of the others."""
        sizes = [max(abs(point.value) for point in line.points) for line in self.lines]
        shown = _largest(sizes)
        return [self.lines[at] for at in shown], _others(len(sizes) - len(shown))


@dataclass(frozen=True, slots=True)
class Charts:
    """An answer as charts, one below the other."""

    charts: Sequence[Chart]
    footer: Sequence[str] = ()  # plain sentences
    empty: str = "Nothing to show."


class Scale(NamedTuple):
    """From the least value to the largest; zero lies between."""

    low: Fraction
    high: Fraction

    def zero(self, length: int) -> int:
        """How far zero is from the low end; whatever is on a side of it has room there."""
        if not self.low:
            return 0
        least = 1 if self.high else length
        return max(1, min(_nearest(-self.low * length / (self.high - self.low)), length - least))

    def size(self, value: Fraction, room: int) -> int:
        """
        How much of the `room` on its side of zero a value takes.

        One cell or pixel at least, and none for zero.
        """
        whole = self.low if value < 0 else self.high
        return max(_nearest(value * room / whole), 1) if value else 0


def _nearest(value: Fraction) -> int:
    return int(value + Fraction(1, 2))


def _largest(sizes: Sequence[Fraction]) -> list[int]:
    order = sorted(range(len(sizes)), key=lambda at: -sizes[at])
    return sorted(order[:MOST_SHOWN])


def _others(count: int) -> str:
    if count <= 0:
        return ""
    return f"… {count} {'other' if count == 1 else 'others'}, none larger than these"
