"""Reconciliation: what another system says was used, beside what the events say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, NamedTuple

import msgspec

from lago_cli.domain.instants import format_instant, parse_moment
from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.errors import LagoError, refused, wrong_usage
from lago_cli.services.usage import UsageRow

UNITS, EVENTS = "units", "events_count"
_COUNT = re.compile(r"[0-9]{1,18}")


class Expected(NamedTuple):
    """One line of the file: its cells as keys, and the units it expects."""

    line: int
    key: tuple[object, ...]
    units: Fraction
    events: int | None


class Difference(NamedTuple):
    """A figure that is not as expected; what is not there is None."""

    status: Literal["different", "missing", "unexpected"]
    key: tuple[object, ...]
    row: UsageRow | None
    expected: Expected | None


@dataclass(frozen=True, slots=True)
class Expectations:
    """A file of figures, told apart by `columns`."""

    columns: Sequence[str]
    rows: Mapping[tuple[object, ...], Expected]
    ignored: Sequence[str]  # columns that say nothing about usage


class Tolerance(NamedTuple):
    """How far a figure may be off: so many units, or such a part of what is expected."""

    units: Fraction = Fraction(0)
    share: Fraction = Fraction(0)

    def allows(self, expected: Fraction, found: Fraction) -> bool:
        return abs(found - expected) <= max(self.units, self.share * abs(expected))


def parse_tolerance(text: str) -> Tolerance:
    """`0`, `0.1%` or `5`. Raises `LagoError` (wrong usage)."""
    try:
        number = Fraction(parse_decimal(text.removesuffix("%")))
    except ValueError:
        number = Fraction(-1)
    if number < 0:
        raise wrong_usage(
            "invalid_tolerance", f'"{text[:40]}" is no tolerance.', "Write 0, 0.1% or 5."
        )
    return Tolerance(share=number / 100) if text.endswith("%") else Tolerance(units=number)


def parse_expectations(
    name: str, header: Sequence[str], table: Iterable[tuple[int, Mapping[str, str]]]
) -> Expectations:
    """
    Read a table with the columns of `lago usage -o csv`, or some of them.

    Raises:
        LagoError: refused, with the place: no column of units, or of anything to tell
            figures apart; an unreadable cell; a figure that comes twice.
    """
    columns = [column for column in KEYS if column in header]
    if UNITS not in header or not columns:
        raise refused(
            "invalid_expectation",
            f"{name}:1: the columns are {', '.join(header) or 'none'}.",
            f"Needed are {UNITS} and at least one of {', '.join(KEYS)}.",
        )
    rows: dict[tuple[object, ...], Expected] = {}
    for line, cells in table:
        expected = _expected(f"{name}:{line}", line, cells, columns)
        if expected.key in rows:
            earlier = rows[expected.key].line
            raise refused(
                "repeated_expectation", f"{name}:{line}: the same figure as in line {earlier}."
            )
        rows[expected.key] = expected
    known = (*KEYS, UNITS, EVENTS, *_SAID_ANYWAY)
    return Expectations(columns, rows, [each for each in header if each not in known])


def _expected(place: str, line: int, cells: Mapping[str, str], columns: Sequence[str]) -> Expected:
    try:
        key = tuple(_READERS[column](cells[column]) for column in columns)
        units = Fraction(parse_decimal(cells[UNITS].strip()))
        events = cells.get(EVENTS, "").strip()
        if events and not _COUNT.fullmatch(events):
            raise ValueError(f"{events[:40]!r} is no number of events")
        return Expected(line, key, units, int(events) if events else None)
    except ValueError as error:
        raise refused("invalid_expectation", f"{place}: {error}.") from None


def differences(
    name: str,
    expectations: Expectations,
    rows: Sequence[UsageRow],
    group_by: Sequence[str],
    tolerance: Tolerance,
) -> list[Difference]:
    """
    What does not agree, in the order of the figures, then of the file.

    A figure that is not there is 0, on either side.

    Raises:
        LagoError: refused, where a line of the file stands for several figures.
    """
    found: list[Difference] = []
    seen: set[tuple[object, ...]] = set()
    for row in rows:
        key = tuple(_KEY_OF[column](row, group_by) for column in expectations.columns)
        expected = expectations.rows.get(key)
        if expected is not None and key in seen:
            raise _ambiguous(name, expected, expectations)
        seen.add(key)
        units = Fraction(as_plain(row.units))
        wanted = Fraction(0) if expected is None else expected.units
        counts = expected is None or expected.events in (None, row.events_count)
        if not tolerance.allows(wanted, units) or not counts:
            status: Literal["different", "unexpected"] = "different" if expected else "unexpected"
            found.append(Difference(status, key, row, expected))
    for key, expected in expectations.rows.items():
        is_nothing = tolerance.allows(expected.units, Fraction(0)) and not expected.events
        if key not in seen and not is_nothing:
            found.append(Difference("missing", key, None, expected))
    return found


def _ambiguous(name: str, expected: Expected, expectations: Expectations) -> LagoError:
    missing = [column for column in KEYS if column not in expectations.columns]
    return refused(
        "ambiguous_expectation",
        f"{name}:{expected.line}: stands for several figures.",
        f"Add a column that tells them apart ({', '.join(missing)}), or ask for fewer.",
    )


def _text(cell: str) -> str | None:
    return cell or None


def _instant(cell: str) -> str:
    return format_instant(parse_moment(cell.strip()))


def _group(cell: str) -> tuple[tuple[str, str | None], ...] | None:
    if not cell:
        return None
    try:
        return tuple(sorted(msgspec.json.decode(cell, type=dict[str, str | None]).items()))
    except msgspec.MsgspecError:
        raise ValueError(f"the group {cell[:40]!r} is no JSON object of texts") from None


_SAID_ANYWAY = ("aggregation_type",)  # in every export, and no key
_READERS: Mapping[str, Callable[[str], object]] = {
    "external_customer_id": _text,
    "external_subscription_id": _text,
    "billable_metric_code": _text,
    "from_datetime": _instant,
    "to_datetime": _instant,
    "group": _group,
}
_KEY_OF: Mapping[str, Callable[[UsageRow, Sequence[str]], object]] = {
    "external_customer_id": lambda row, _: row.owner[0],
    "external_subscription_id": lambda row, _: row.owner[1],
    "billable_metric_code": lambda row, _: row.metric.code,
    "from_datetime": lambda row, _: format_instant(row.window.start),
    "to_datetime": lambda row, _: format_instant(row.window.end),
    "group": lambda row, keys: (
        None if row.group is None else tuple(sorted(zip(keys, row.group, strict=True)))
    ),
}
KEYS = tuple(_READERS)
