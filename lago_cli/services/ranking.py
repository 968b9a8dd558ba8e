"""Ranking: lines in the order that was asked for, and the first of every metric."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from lago_cli.services.lines import Line, by_metric

_KEYS: dict[str, Callable[[Line], Any]] = {
    "units": lambda line: line.units,
    "change": lambda line: line.change,
    "customer": lambda line: line.row.owner[0],
    "metric": lambda line: line.row.metric.code,
}


def ordered(lines: Iterable[Line], sort: str) -> list[Line]:
    """
    By what `sort` names, descending where it begins with a minus.

    What is equal stays in its order; what has no such value comes last.
    """
    key = _KEYS[sort.removeprefix("-")]
    keyed = [(key(line), line) for line in lines]
    found = [each for each in keyed if each[0] is not None]
    found.sort(key=lambda each: each[0], reverse=sort.startswith("-"))
    return [line for _, line in found] + [line for value, line in keyed if value is None]


def top(lines: Sequence[Line], n: int, sort: str | None) -> tuple[list[Line], list[list[Line]]]:
    """
    The first `n` lines of every metric, and the others of each metric that has more.

    They stand metric by metric, whose units do not compare: the most used first, where
    `lines` are in no order that was asked for.
    """
    if sort is None:
        lines = ordered(lines, "-units")
    if sort not in ("metric", "-metric"):
        lines = ordered(lines, "metric")
    seen: Counter[str] = Counter()
    first: list[Line] = []
    others: list[Line] = []
    for line in lines:
        code = line.row.metric.code
        seen[code] += 1
        (first if seen[code] <= n else others).append(line)
    return first, list(by_metric(others).values())
