"""
`PATH=V1,V2`: which values a path may find, as `--where` and `--filter` write it.

Values are parted by commas and quoted like CSV: `legal="Acme, Inc.",Other`. They are
compared as texts; what is missing or null is the empty one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

from msgspec import Raw

from lago_cli.domain.paths import parse_path
from lago_cli.errors import wrong_usage

_SELECTOR_AHEAD = re.compile(r'\[(?:"(?:[^"\\]|\\.)*"|[^=\[\]"]+)=(?:"(?:[^"\\]|\\.)*"|[^\]]*)\]')
_VALUE = re.compile(r'"((?:[^"]|"")*)"(?=,|\Z)|([^,]*)')

Wanted = Mapping[str, Sequence[str]]
"""Path -> the texts of which one is to be found; all of its paths are asked for."""


def split_condition(text: str) -> tuple[str, list[str]] | None:
    """The path and the values of `PATH=V1,V2`; None where there is no `=` behind a path."""
    at = 0
    while at < len(text) and text[at] != "=":
        selector = _SELECTOR_AHEAD.match(text, at)
        at = selector.end() if selector else at + 1
    if at == 0 or at == len(text):
        return None
    return text[:at], split_values(text[at + 1 :])


def split_values(text: str) -> list[str]:
    """`a,"b, c",d` as three values; a quote that does not enclose a value is part of it."""
    values, at = [], 0
    while True:
        found = _VALUE.match(text, at)
        assert found is not None  # the second form matches anything
        quoted = found[1]
        values.append(found[2] if quoted is None else quoted.replace('""', '"'))
        at = found.end()
        if at == len(text):
            return values
        at += 1


def gathered(conditions: Iterable[tuple[str, list[str]]]) -> dict[str, list[str]]:
    """Conditions by their paths; a path that comes again adds values."""
    found: dict[str, list[str]] = {}
    for path, values in conditions:
        found.setdefault(path, []).extend(values)
    return found


def parse_conditions(
    arguments: Iterable[str],
    option: str = "--filter",
    code: str = "invalid_filter",
    example: str = "region=eu,us",
) -> dict[str, list[str]]:
    """
    The values of an option's arguments, by path.

    Raises:
        LagoError: wrong usage, for an argument without `=` or without a path.
    """
    conditions = []
    for argument in arguments:
        condition = split_condition(argument)
        if condition is None:
            message = f"{option} {argument}: expected PATH=V1,V2."
            raise wrong_usage(code, message, f"For example: {option} {example}")
        conditions.append(condition)
    return gathered(conditions)


def holds(wanted: Wanted, members: Mapping[str, Raw]) -> bool:
    """Whether each path finds one of its values."""
    return all(
        any((text or "") in values for text in parse_path(path).texts(members))
        for path, values in wanted.items()
    )
