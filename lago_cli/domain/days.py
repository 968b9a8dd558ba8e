"""
Summaries of days: what events add to each UTC day, by code, party and label.

Whoever has decoded events can sum up their days: the process that stores them, or a second
one that is told which of them were stored.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple, Protocol

from msgspec import msgpack

from lago_cli.domain.labels import Label, label_reader
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import exact
from lago_cli.domain.readings import Kept
from lago_cli.domain.summaries import SUMMARIES
from lago_cli.domain.summary import Summary

DAY = 86_400_000_000  # microseconds

DayKey = tuple[int, int]
"""(code id, UTC days since 1970)."""

Who = tuple[int, Label | None]
"""Whose events: a party's, of a label; None where the metric has no filters."""

Unpacked = tuple[int, Label | None, Any]
"""(party, label, row of a summary)."""

Summaries = dict[Who, Summary]
"""Those of a day."""


class Way(NamedTuple):
    """How the events of a code are summed up."""

    kind: type[Summary] = Summary
    label: Callable[[str], Label] | None = None


def way_of(aggregation_type: str, filters: Sequence[str]) -> Way:
    """The way of a metric, given the keys of its filters."""
    return Way(SUMMARIES[aggregation_type], label_reader(filters) if filters else None)


def ways_of(metrics: Mapping[str, Metric]) -> dict[str, Way]:
    """By code."""
    return {
        code: way_of(metric.aggregation_type, [row.key for row in metric.filters])
        for code, metric in metrics.items()
    }


class Days:
    """Collects the summaries of events that are stored."""

    def __init__(self) -> None:
        self._summaries: dict[tuple[int, int, int, Label | None], Summary] = {}

    def __len__(self) -> int:
        return len(self._summaries)

    def add(
        self,
        codes: Sequence[int],
        at: Sequence[int],
        ranks: Iterable[int],
        parties: Sequence[int],
        readings: Iterable[Kept],
        properties: Sequence[str],
        ways: Mapping[int, Way],
    ) -> None:
        """Events by column; `ways` has one for each of their codes."""
        summaries = self._summaries
        with exact():
            for code, moment, rank, party, reading, text in zip(
                codes, at, ranks, parties, readings, properties, strict=True
            ):
                kind, label_of = ways[code]
                key = code, moment // DAY, party, label_of(text) if label_of else None
                summary = summaries.get(key)
                if summary is None:
                    summary = summaries[key] = kind()
                summary.take(moment, rank, reading)

    def take(self) -> Iterator[tuple[DayKey, Summaries]]:
        """What was collected, day by day; then there is nothing left."""
        by_day: dict[DayKey, Summaries] = {}
        for (code, day, party, label), summary in self._summaries.items():
            by_day.setdefault((code, day), {})[party, label] = summary
        self.clear()
        yield from by_day.items()

    def clear(self) -> None:
        """Forget what was collected."""
        self._summaries.clear()


def packed(summaries: Summaries) -> bytes:
    """The form in which a day is kept."""
    return msgpack.encode([(*who, summary.row()) for who, summary in summaries.items()])


@cache
def unpacker(form: Any = Summary.form) -> Callable[[bytes], list[Unpacked]]:
    """Takes apart what `packed` made; a kind of summary may like its rows in a form of its own."""
    return msgpack.Decoder(list[tuple[int, Label | None, form]]).decode


class SummingLost(Exception):  # noqa: N818 - no error: the days can be made anew
    """Whoever summed up days is gone, with all that he had collected."""


class Summing(Protocol):
    """Whoever decoded batches, and can sum up their days once he is told of their ids."""

    def add(self, number: int, codes: Sequence[int], first_id: int, parties: Sequence[int]) -> None:
        """
        All events of batch `number` were stored under ids that follow each other.

        Raises:
            SummingLost
        """

    def settle(self, number: int) -> None:
        """Nothing more will be said of batch `number`, nor of those before it."""

    def collect(self) -> Iterable[tuple[int, int, bytes]]:
        """
        (code id, day, packed summaries) of what was added; then there is nothing left.

        Raises:
            SummingLost
        """

    def forget(self) -> None:
        """What was added is not stored after all."""


class Part(NamedTuple):
    """Of a batch, so many events that `summing` knows by a number."""

    summing: Summing
    number: int
    events: int
