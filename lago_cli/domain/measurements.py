"""
What an event says to its metric, in the form in which it is kept.

A number is kept as `mantissa / 10**scale` where the mantissa fits into 64 bits, so that
an engine can add integers; any other number as text (`"12.5"`, or `"1/3"` out of an
expression). An item of a unique count is text with a step: +1 on, -1 off. A usable
event of a count is kept as 1, an unusable one as None.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

import msgspec
from msgspec import Raw

from lago_cli.domain.aggregations import AGGREGATIONS, Measurement
from lago_cli.domain.json_text import decode_object, number_of, text_of
from lago_cli.domain.metrics import Metric
from lago_cli.domain.numbers import as_plain, to_scaled
from lago_cli.domain.properties import Missing, one_at

if TYPE_CHECKING:
    from lago_cli.domain.expressions import Expression

OPERATION = "operation_type"
STEPS = {None: 1, "add": 1, "remove": -1}
_PLAIN = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_ORDINARY = range(-(2**63), 2**63)


COUNTED: Measurement = (1, 0, None)
UNUSABLE: Measurement = (None, None, None)

Reader = Callable[[str, int], Measurement]
"""From an event's properties (a JSON object) and its instant (µs) to what is kept."""


class Measurements(NamedTuple):
    """Many of them by column."""

    values: list[Any]
    scales: list[int | None]
    steps: list[int | None]


def unmatched(_properties: str, _at: int) -> Measurement:
    """How events are read whose code is no metric."""
    return UNUSABLE


def reader_for(metric: Metric) -> Reader:
    """How events of this metric are read: never raises, gives `UNUSABLE` instead."""
    reads = AGGREGATIONS[metric.aggregation_type].reads
    if reads == "nothing":
        return lambda _properties, _at: COUNTED

    def carefully(properties: str, at: int) -> Measurement:
        try:
            return measurement_of(*measure(metric, decode_object(properties), at))
        except ValueError:
            return UNUSABLE

    decode = _decoder_of(metric) if metric.expression is None else None
    if decode is None:
        return carefully
    return (
        _number_reader(decode, carefully) if reads == "number" else _item_reader(decode, carefully)
    )


def read_all(
    codes: Iterable[str],
    properties: Iterable[str],
    at: Iterable[int],
    readers: Mapping[str, Reader],
) -> Measurements:
    """What many events say, each to the metric of its code."""
    found = [readers.get(code, unmatched) for code in codes]
    rows = [read(text, moment) for read, text, moment in zip(found, properties, at, strict=True)]
    return Measurements(*map(list, zip(*rows, strict=True))) if rows else Measurements([], [], [])


def measure(
    metric: Metric, properties: Mapping[str, Raw], at: int
) -> tuple[Decimal | Fraction | str, int]:
    """
    The value of an event and, for a unique count, its step (else +1).

    Raises:
        ValueError: with the reason why the event is unusable.
    """
    reads = AGGREGATIONS[metric.aggregation_type].reads
    if reads == "nothing":
        return Decimal(1), 1
    value = _value(metric, properties, at)
    if reads == "number":
        if isinstance(value, str):
            raise ValueError(f"the expression gives text, {value!r}")
        return value, 1
    operation = text_of(properties.get(OPERATION))
    if operation not in STEPS:
        raise ValueError(f"{OPERATION} is {operation!r}, neither add nor remove")
    return value if isinstance(value, str) else as_plain(value), STEPS[operation]


def _value(metric: Metric, properties: Mapping[str, Raw], at: int) -> Decimal | Fraction | str:
    if metric.expression is not None:
        return _expression(metric.expression).evaluate(metric.code, at, properties)
    name = metric.field_name or ""
    try:
        token = one_at(properties, name)
        if AGGREGATIONS[metric.aggregation_type].reads == "number" and token is not None:
            return number_of(token)
    except ValueError as error:
        raise ValueError(f"property {name!r} is unusable: {error}") from None
    if AGGREGATIONS[metric.aggregation_type].reads == "number":
        raise Missing(f"property {name!r} is unusable: it is missing", name)
    item = text_of(token)
    if item is None:
        reason = f"property {name!r} is missing or null"
        raise Missing(reason, name) if token is None else ValueError(reason)
    return item


@lru_cache(maxsize=256)
def _expression(text: str) -> Expression:
    from lago_cli.domain.expressions import parse_expression

    return parse_expression(text)


def measurement_of(value: Decimal | Fraction | str, step: int) -> Measurement:
    """A reading in the form in which it is stored."""
    if isinstance(value, str):
        return value, None, step
    if isinstance(value, Fraction):
        if value.denominator != 1:
            return str(value), None, None
        value = Decimal(value.numerator)
    scaled = to_scaled(value)
    return (*scaled, None) if scaled else (as_plain(value), None, None)


def measurement_of_amount(text: str | None) -> Measurement:
    """The price that an event carries (`precise_total_amount_cents`), as a number is kept."""
    if text is None:
        return 0, 0, None
    return _kept_short(text) or measurement_of(Decimal(text), 1)


def _decoder_of(metric: Metric) -> Callable[[str], Any] | None:
    """
    A decoder of just the properties this metric reads, None where names forbid it.

    It knows a path only as the key that it may be as well; what has none is read carefully.
    """
    names = (metric.field_name or "", OPERATION)
    if names[0] == OPERATION:
        return None
    rows = [
        (attribute, Any, msgspec.field(name=name, default=None))
        for attribute, name in zip(("value", "operation"), names, strict=True)
    ]
    try:
        read = msgspec.defstruct("Read", rows, gc=False)
        return msgspec.json.Decoder(read, float_hook=_kept_short).decode
    except ValueError:  # a name that needs escapes in JSON
        return None


def _kept_short(text: str) -> Measurement | None:
    """A number in plain digits that is short enough to need no second look."""
    if len(text) > 18 or not _PLAIN.fullmatch(text):
        return None
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0")
    return int(whole + fraction), len(fraction), None


def _number_reader(decode: Callable[[str], Any], carefully: Reader) -> Reader:
    def read(properties: str, at: int) -> Measurement:
        try:
            value = decode(properties).value
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return carefully(properties, at)
        if type(value) is tuple:
            return value
        if type(value) is int and value in _ORDINARY:
            return value, 0, None
        if type(value) is str and (short := _kept_short(value)):
            return short
        return carefully(properties, at)

    return read


def _item_reader(decode: Callable[[str], Any], carefully: Reader) -> Reader:
    def read(properties: str, at: int) -> Measurement:
        try:
            found = decode(properties)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return carefully(properties, at)
        if type(found.value) is str and type(found.operation) in (str, type(None)):
            step = STEPS.get(found.operation)
            return (found.value, None, step) if step else UNUSABLE
        return carefully(properties, at)

    return read
