"""Limits of usage: who is above or below them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from fractions import Fraction
from typing import Literal, NamedTuple

from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.errors import wrong_usage
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import UsageRow, usage_for
from lago_cli.stores.base import UsageStore

Limits = Mapping[str, Fraction]
"""By code of a metric."""


class Breach(NamedTuple):
    """A figure on the wrong side of its limit."""

    status: Literal["above", "below"]
    row: UsageRow
    limit: Fraction


def read_limits(option: str, arguments: Iterable[str]) -> dict[str, Fraction]:
    """
    `CODE=N` arguments of an option; N is exact.

    Raises:
        LagoError: wrong usage, for one without a number, or for a metric that comes twice.
    """
    found: dict[str, Fraction] = {}
    for argument in arguments:
        code, _, text = argument.rpartition("=")
        try:
            if not code:
                raise ValueError("expected CODE=N")
            if code in found:
                raise ValueError(f'"{code}" has a limit already')
            found[code] = Fraction(parse_decimal(text.strip()))
        except ValueError as error:
            raise wrong_usage(
                "invalid_limit", f"{option} {argument}: {error}.", f"For example: {option} gb=100"
            ) from None
    return found


def refuse_crossed(highest: Limits, lowest: Limits) -> None:
    """Raises `LagoError` (wrong usage) for a maximum below the minimum, which nothing keeps."""
    for code in highest.keys() & lowest.keys():
        if highest[code] < lowest[code]:
            raise wrong_usage("invalid_limit", f'"{code}": its --max is below its --min.')


def limited_rows(
    store: UsageStore, request: UsageRequest, highest: Limits, lowest: Limits, *, now: int
) -> list[UsageRow]:
    """
    The figures that have a limit.

    With a minimum, where nobody is named, also those of everybody who is known and used
    nothing.
    """
    codes = list(dict.fromkeys([*highest, *lowest]))
    is_named = bool(request.customers or request.subscriptions)
    request = replace(request, metrics=codes, everybody=bool(lowest))
    return [
        row
        for row in usage_for(store, request, now=now)
        if is_named or row.units or row.events_count or row.metric.code in lowest
    ]


def breaches(rows: Iterable[UsageRow], highest: Limits, lowest: Limits) -> list[Breach]:
    """In the order of the figures."""
    found: list[Breach] = []
    for row in rows:
        units, code = Fraction(as_plain(row.units)), row.metric.code
        if code in highest and units > highest[code]:
            found.append(Breach("above", row, highest[code]))
        if code in lowest and units < lowest[code]:
            found.append(Breach("below", row, lowest[code]))
    return found
