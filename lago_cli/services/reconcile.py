"""Reconciliation: what another system says was used, beside what the events say."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import zip_longest
from typing import Literal, NamedTuple

import msgspec

from lago_cli.domain.currencies import CURRENCIES, minor_digits
from lago_cli.domain.instants import format_instant, parse_moment
from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.errors import LagoError, refused, wrong_usage
from lago_cli.services.amounts import Amount
from lago_cli.services.usage import UsageRow

UNITS, EVENTS = "units", "events_count"
CENTS, AMOUNT, CURRENCY = "amount_cents", "amount", "amount_currency"
FIGURES = (UNITS, CENTS, AMOUNT)  # one of them is needed
_COUNT = re.compile(r"[0-9]{1,18}")


class Expected(NamedTuple):
    """One line of a file: its cells as keys, and what it expects; None where it does not say."""

    line: int | None  # None: it stands in no file
    key: tuple[object, ...]
    units: Fraction | None
    events: int | None
    cents: Fraction | None = None  # in the smallest unit of the currency
    amount: Fraction | None = None  # in currency units
    currency: str | None = None

    def cents_in(self, price: Amount | None) -> Fraction | None:
        """What it expects to be paid; an amount in the currency of the figure, or its own."""
        if self.amount is None:
            return self.cents
        currency = self.currency or (price.currency if price else "")
        return self.amount * 10 ** minor_digits(currency) if currency in CURRENCIES else None

    @property
    def is_nothing(self) -> bool:
        return not (self.events or self.cents or self.amount)


class Difference(NamedTuple):
    """A figure that is not as expected; what is not there is None."""

    status: Literal["different", "missing", "unexpected"]
    key: tuple[object, ...]
    row: UsageRow | None
    expected: Expected | None
    price: Amount | None = None


@dataclass(frozen=True, slots=True)
class Expectations:
    """A file of figures, told apart by `columns`."""

    columns: Sequence[str]
    has_units: bool
    has_amounts: bool
    rows: Mapping[tuple[object, ...], Expected]
    ignored: Sequence[str]  # columns that say nothing about usage

    @property
    def is_by_subscription(self) -> bool:
        """
        Whether its figures are those of subscriptions.

        Usage by customer names a subscription too, where its events name no customer.
        """
        keys = [dict(zip(self.columns, key, strict=True)) for key in self.rows]
        return any(
            key.get("external_subscription_id") is not None
            and key.get("external_customer_id", "") is not None
            for key in keys
        )


class Tolerance(NamedTuple):
    """How far a figure may be off: so many units or cents, or such a part of what is expected."""

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
    if not set(FIGURES) & set(header) or not columns:
        raise refused(
            "invalid_expectation",
            f"{name}:1: the columns are {', '.join(header) or 'none'}.",
            f"Needed are {UNITS}, {CENTS} or {AMOUNT}, and at least one of {', '.join(KEYS)}.",
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
    known = (*KEYS, *FIGURES, EVENTS, CURRENCY, *_SAID_ANYWAY)
    has_amounts = CENTS in header or AMOUNT in header
    ignored = [each for each in header if each not in known]
    return Expectations(columns, UNITS in header, has_amounts, rows, ignored)


def _expected(place: str, line: int, cells: Mapping[str, str], columns: Sequence[str]) -> Expected:
    try:
        key = tuple(_READERS[column](cells[column]) for column in columns)
        units, cents, amount = (_number(cells.get(name)) for name in FIGURES)
        events = cells.get(EVENTS, "").strip()
        if events and not _COUNT.fullmatch(events):
            raise ValueError(f"{events[:40]!r} is no number of events")
        currency = cells.get(CURRENCY, "").strip() or None
        if currency is not None and currency not in CURRENCIES:
            raise ValueError(f"{currency[:40]!r} is no currency")
        if units is cents is amount is None:
            raise ValueError(f"it has no {' and no '.join(set(FIGURES) & cells.keys())}")
        count = int(events) if events else None
        return Expected(line, key, units, count, cents, amount, currency)
    except ValueError as error:
        raise refused("invalid_expectation", f"{place}: {error}.") from None


def _number(cell: str | None) -> Fraction | None:
    return None if not cell or not cell.strip() else Fraction(parse_decimal(cell.strip()))


def differences(
    name: str,
    expectations: Expectations,
    rows: Sequence[UsageRow],
    group_by: Sequence[str],
    tolerance: Tolerance,
    prices: Sequence[Amount | None] = (),
) -> list[Difference]:
    """
    What does not agree, in the order of the figures, then of the file.

    A figure that is not there is 0, on either side.

    Args:
        prices: what each row costs, where amounts are expected.

    Raises:
        LagoError: refused, where a line of the file stands for several figures.
    """
    found: list[Difference] = []
    seen: set[tuple[object, ...]] = set()
    for row, price in zip_longest(rows, prices):
        key = tuple(_KEY_OF[column](row, group_by) for column in expectations.columns)
        expected = expectations.rows.get(key)
        if expected is not None and key in seen:
            raise _ambiguous(name, expected, expectations)
        seen.add(key)
        if not _agrees(expected, row, price, tolerance, has_units=expectations.has_units):
            status: Literal["different", "unexpected"] = "different" if expected else "unexpected"
            found.append(Difference(status, key, row, expected, price))
    for key, expected in expectations.rows.items():
        is_nothing = tolerance.allows(expected.units or Fraction(0), Fraction(0))
        if key not in seen and not (is_nothing and expected.is_nothing):
            found.append(Difference("missing", key, None, expected))
    return found


def _agrees(
    expected: Expected | None,
    row: UsageRow,
    price: Amount | None,
    tolerance: Tolerance,
    *,
    has_units: bool,
) -> bool:
    units = Fraction(as_plain(row.units)) if has_units else Fraction(0)
    cents = Fraction(price.cents if price else 0)
    if expected is None:
        return tolerance.allows(Fraction(0), units) and tolerance.allows(Fraction(0), cents)
    wanted = expected.cents_in(price)
    return (
        (expected.units is None or tolerance.allows(expected.units, units))
        and expected.events in (None, row.events_count)
        and (wanted is None or tolerance.allows(wanted, cents))
        and (price is None or expected.currency in (None, price.currency))
    )


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
