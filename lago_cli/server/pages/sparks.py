"""Sparklines: how a series went, drawn in whole pixels and told in words."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lago_cli.renderers.chart import Chart, Scale, Series

WIDTH, HEIGHT = 240, 36


@dataclass(frozen=True, slots=True)
class Spark:
    """One series: bars in an image, and what a person needs who does not see it."""

    label: str
    bars: list[tuple[int, int, int, int, str]]  # x, y, width, height, and what it stands for
    zero: int
    highest: str
    when: str
    last: str


@dataclass(frozen=True, slots=True)
class Sparks:
    """The series of a metric, to one scale."""

    title: str
    lines: list[Spark]
    others: str
    total: str
    width: int = WIDTH
    height: int = HEIGHT


def sparks_of(chart: Chart) -> Sparks:
    lines, others = chart.lines_shown()
    return Sparks(chart.title, [_spark(line, chart.scale) for line in lines], others, chart.total)


def _spark(line: Series, scale: Scale) -> Spark:
    highest = max(line.points, key=lambda point: point.value)
    below = scale.zero(HEIGHT)
    zero = HEIGHT - below
    count = len(line.points)
    bars = []
    for place, point in enumerate(line.points):
        left, right = place * WIDTH // count, (place + 1) * WIDTH // count
        size = scale.size(point.value, below if point.value < 0 else HEIGHT - below)
        top = zero if point.value < Fraction(0) else zero - size
        gap = 1 if right - left > 2 else 0
        bars.append((left, top, max(right - left - gap, 1), size, f"{point.label}: {point.shown}"))
    label = line.label or "all"
    return Spark(label, bars, zero, highest.digits, highest.label, line.points[-1].digits)
