"""
Projection: what usage comes to by the end of its period, if it goes on as it began.

Units and what events carry grow by the same factor, exactly. Events are whole: there are as many
more as it takes, each as large as those so far on average.
"""

from __future__ import annotations

from fractions import Fraction
from math import ceil

from lago_cli.domain.metrics import Metric
from lago_cli.domain.pricing import Used
from lago_cli.domain.slices import Slice
from lago_cli.domain.steps import Steps

ONE = Fraction(1)


def growth_of(metric: Metric, part: Slice, day: int) -> Fraction:
    """
    By which factor usage grows from a local day, that day included, to the end of a slice.

    What is carried over from period to period stays as it is, and so does an average over the
    whole period: both are told for the end of the period already.
    """
    if metric.recurring or metric.aggregation_type == "weighted_sum_agg":
        return ONE
    elapsed = min(max(day, part.first_day), part.last_day) - part.first_day + 1
    return Fraction(part.days, elapsed) if part.days > 0 else ONE


def grown(used: Used, growth: Fraction) -> Used:
    """Usage of a charge that is not prorated, so many times as much."""
    events = ceil(used.events * growth)
    steps = used.steps
    if steps is not None and not steps.items:
        steps = _grown(steps, growth)
    return used._replace(
        units=used.units * growth, events=events, steps=steps, amount=used.amount * growth
    )


def _grown(steps: Steps, growth: Fraction) -> Steps:
    count, total = len(steps.values), Fraction(sum(steps.values))
    more = ceil(count * growth) - count
    if not more:
        return steps
    each = total * (growth - 1) / more
    return steps._replace(at=(), values=[*steps.values, *[each] * more])
