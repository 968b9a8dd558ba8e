"""
Usage: the question and the answer.

A question is put for one metric. Its scope says whose every event is (by the names it carries,
and when it happened), and in which windows each owner's events count. Owners and windows are
numbered by the one who asks; many questions share a scope.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, NamedTuple

from lago_cli.domain.aggregations import AGGREGATIONS, Aggregation, Sum
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import Units
from lago_cli.domain.ordered import Ordered
from lago_cli.domain.steps import Steps
from lago_cli.domain.stored import StoredEvent

Group = tuple[str | None, ...]
"""Values of the group keys, in their order; None where the property is missing or empty."""

PropertyFilter = Mapping[str, Sequence[str]]
"""Property to the texts it may have; the empty text stands for missing."""


class Member(NamedTuple):
    """Events that name `party` and happen within `span` are the owner's."""

    party: Subject
    owner: int
    span: Window


@dataclass(frozen=True, slots=True, eq=False)
class Scope:
    """Whose events count, and where."""

    members: Sequence[Member]
    windows: Sequence[Sequence[Window]]  # by owner: contiguous, in order, none empty


@dataclass(frozen=True, slots=True)
class UsageQuery:
    """What one metric measured, for every owner and window of a scope."""

    metric: Metric
    scope: Scope
    group_by: Sequence[str] = ()
    filters: PropertyFilter = field(default_factory=dict)
    # an event belongs to the first bucket that it matches, or to the rest, which comes last
    buckets: Sequence[PropertyFilter] = ()
    as_of: int | None = None  # events received later are left out
    daily: bool = False  # the figures that proration averages; windows are local days
    of_amounts: bool = False  # of usable events, their prices (`precise_total_amount_cents`)
    in_steps: bool = False  # each share says how it came about

    @property
    def aggregation(self) -> type[Aggregation]:
        if self.in_steps:
            return Ordered
        return Sum if self.of_amounts else AGGREGATIONS[self.metric.aggregation_type]

    @property
    def reads(self) -> Literal["nothing", "number", "item", "amount"]:
        """What of a usable event makes the figures."""
        return "amount" if self.of_amounts else AGGREGATIONS[self.metric.aggregation_type].reads


class Share(NamedTuple):
    """What one owner used in one window, group and bucket."""

    owner: int
    window: Window
    group: Group
    units: Units  # before the metric's own rounding; of steps, only how many there are
    events_count: int
    bucket: int = 0  # its number; that of the rest is the number of buckets
    events_before: int = 0  # the window, that a recurring metric carries into it
    steps: Steps | None = None  # of a question that asks for them


class Evidence(NamedTuple):
    """An event that was looked at for an owner's figure, whether or not it counts."""

    owner: int
    event: StoredEvent
