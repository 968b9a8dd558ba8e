"""
Billable metrics: what is measured, and how events become units.

A `Metric` that breaks a rule cannot be built. Names are Lago's own (API of August 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.definitions import (
    FLAG,
    TEXT,
    WHOLE,
    Defined,
    Definition,
    Field,
    Kind,
    created_at,
    definition,
    not_one_of,
    spec,
    wrong_type,
)
from lago_cli.errors import LagoError, refused

if TYPE_CHECKING:
    from datetime import tzinfo

WEIGHTED_INTERVALS = ("seconds",)
ROUNDING_FUNCTIONS = ("round", "ceil", "floor")
MAX_ROUNDING_PRECISION = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """A property by whose values usage is told apart."""

    key: str
    values: tuple[str, ...]


class _Filters(Kind):
    option_type = list[str]
    cell = "object"
    nothing = ()

    def parse(self, field: Field, given: Any, zone: tzinfo) -> tuple[Filter, ...]:  # noqa: ARG002
        from lago_cli.domain.conditions import parse_conditions

        return tuple(Filter(key, tuple(values)) for key, values in parse_conditions(given).items())

    def read(self, value: object, zone: tzinfo) -> tuple[Filter, ...]:
        if not isinstance(value, list):
            raise wrong_type(value, "a list")
        found = []
        for row in value:
            if not isinstance(row, dict) or row.keys() != {"key", "values"}:
                raise wrong_type(row, "an object with key and values")
            if not isinstance(row["values"], list):
                raise wrong_type(row["values"], "a list")
            values = tuple(TEXT.read(each, zone) for each in row["values"])
            found.append(Filter(TEXT.read(row["key"], zone), values))
        return tuple(found)

    def as_json(self, value: Any) -> list[dict[str, object]]:
        return [{"key": row.key, "values": list(row.values)} for row in value]

    def to_column(self, value: Any) -> str:
        import msgspec

        return msgspec.json.encode(value).decode()

    def from_column(self, stored: Any) -> tuple[Filter, ...]:
        import msgspec

        return msgspec.json.decode(str(stored), type=tuple[Filter, ...])


@definition
class Metric(Defined):
    """One billable metric."""

    code: str = spec(
        "CODE", "The code that its events carry.", required=True, fixed=True, cell="id"
    )
    name: str = spec(
        "NAME", "A name for people, where the code is not enough.", removable=True, spare=7
    )
    aggregation_type: str = spec(
        "TYPE",
        "count_agg, sum_agg, max_agg, latest_agg, unique_count_agg or weighted_sum_agg;"
        " also without _agg.",
        required=True,
        choices=AGGREGATIONS,
        heading="aggregation",
    )
    field_name: str | None = spec(
        "PATH", "The property it reads; not for a count.", default=None, heading="field", spare=1
    )
    recurring: bool = spec(
        help="Usage from before a period still counts in it.", default=False, kind=FLAG, spare=2
    )
    description: str | None = spec("TEXT", "What it is for.", default=None, spare=8)
    expression: str | None = spec(
        "EXPRESSION", "Computes the property from others, for each event.", default=None, spare=3
    )
    weighted_interval: str | None = spec(
        "UNIT",
        "The unit of time of a weighted sum: seconds.",
        default=None,
        choices=WEIGHTED_INTERVALS,
        heading="weighted by",
        spare=9,
    )
    rounding_function: str | None = spec(
        "FUNCTION",
        "How figures are rounded, at the very end: round, ceil or floor.",
        default=None,
        choices=ROUNDING_FUNCTIONS,
        heading="rounding",
        spare=5,
    )
    rounding_precision: int | None = spec(
        "N",
        "The number of decimals to round to.",
        default=None,
        kind=WHOLE,
        heading="precision",
        spare=6,
    )
    filters: tuple[Filter, ...] = spec(
        "PATH=V1,V2",
        "A property that usage is split by.",
        default=(),
        kind=_Filters(),
        option="--filter",
        spare=4,
    )

    def faults(self) -> Iterator[LagoError]:
        if not self.code.strip():
            yield refused("invalid_code", "A metric needs a code.", field="code")
        aggregation = AGGREGATIONS.get(self.aggregation_type)
        if aggregation is None:
            kind = self.aggregation_type
            yield not_one_of("aggregation_type", "aggregation type", kind, AGGREGATIONS)
        elif aggregation.reads != "nothing" and not self.field_name:
            yield refused(
                "field_name_required",
                f"{self.aggregation_type} needs the name of the property it reads.",
                "Give it with --field-name.",
                field="field_name",
            )
        if self.recurring and aggregation is not None and not aggregation.may_recur:
            allowed = ", ".join(name for name, row in AGGREGATIONS.items() if row.may_recur)
            yield refused(
                "not_recurring",
                f"{self.aggregation_type} cannot be recurring.",
                f"Recurring metrics are: {allowed}.",
                field="recurring",
            )
        yield from self._faults_of_details()

    def _faults_of_details(self) -> Iterator[LagoError]:
        weighted = self.aggregation_type == "weighted_sum_agg"
        if self.weighted_interval not in ("seconds" if weighted else None, None):
            yield refused(
                "invalid_weighted_interval",
                "The weighted interval is `seconds`, and only weighted_sum_agg has one.",
                field="weighted_interval",
            )
        function = self.rounding_function
        if function is not None and function not in ROUNDING_FUNCTIONS:
            noun = "rounding function"
            yield not_one_of("rounding_function", noun, function, ROUNDING_FUNCTIONS)
        if abs(self.rounding_precision or 0) > MAX_ROUNDING_PRECISION:
            yield refused(
                "invalid_rounding_precision",
                f"The rounding precision lies within ±{MAX_ROUNDING_PRECISION} decimals.",
                field="rounding_precision",
            )
        if self.expression is not None:
            from lago_cli.domain.expressions import parse_expression

            if not self.field_name:
                yield refused(
                    "field_name_required",
                    "An expression needs a field name: the property its result stands for.",
                    "Give it with --field-name.",
                    field="expression",
                )
            try:
                parse_expression(self.expression)
            except LagoError as error:
                error.field = "expression"
                yield error
        yield from _faults_of_filters(self.filters)


def define_metric(**values: object) -> Metric:
    """
    A metric out of its fields, with the defaults of the field.

    Raises:
        LagoError: refused, for the first rule that is broken.
    """
    return Metric(**with_defaults(values))  # type: ignore[arg-type]


def with_defaults(values: Mapping[str, object]) -> dict[str, object]:
    """
    The code as name, `seconds` as the interval of a weighted sum, precision 0 for a
    rounding function; an aggregation type may come without `_agg`.
    """
    values = dict(values)
    kind = as_aggregation_type(str(values.get("aggregation_type", "")))
    values["aggregation_type"] = kind
    values["name"] = values.get("name") or values.get("code", "")
    values["filters"] = tuple(values.get("filters", ()))  # type: ignore[arg-type]
    if kind == "weighted_sum_agg":
        values["weighted_interval"] = values.get("weighted_interval") or "seconds"
    if values.get("rounding_function"):
        values.setdefault("rounding_precision", 0)  # an explicit None stays
    if values.get("expression") == "":
        values["expression"] = None
    return values


def merged(metric: Metric, changes: Mapping[str, object]) -> dict[str, object]:
    """
    The values of `metric` with `changes`, without what belonged only to its former aggregation
    type or to a rounding function that is removed.
    """
    values = {row.name: getattr(metric, row.name) for row in fields(metric)} | dict(changes)
    kind = as_aggregation_type(str(values["aggregation_type"]))
    if kind != metric.aggregation_type and "weighted_interval" not in changes:
        values["weighted_interval"] = None
    function, precision = "rounding_function", "rounding_precision"
    is_undecided = None in (changes.get(function), metric.rounding_precision)
    if function in changes and precision not in changes and is_undecided:
        del values[precision]
    return with_defaults(values)


def as_aggregation_type(text: str) -> str:
    """Lago's name of an aggregation, which may be given without `_agg`."""
    return f"{text}_agg" if f"{text}_agg" in AGGREGATIONS else text


def _faults_of_filters(filters: tuple[Filter, ...]) -> Iterator[LagoError]:
    keys = [row.key for row in filters]
    for row in filters:
        if not row.key or keys.count(row.key) > 1:
            message = f'The filter key "{row.key}" is empty or repeated.'
            yield refused("invalid_filter", message, field="filters")
        if not row.values or "" in row.values or len(set(row.values)) < len(row.values):
            yield refused(
                "invalid_filter",
                f'The filter "{row.key}" has no values, or an empty or repeated one.',
                "Write it as --filter PATH=V1,V2.",
                field="filters",
            )


METRIC = Definition(
    of=Metric,
    word="metric",
    section="billable_metrics",
    key="code",
    key_help="The metric's code.",
    is_made="defined",
    derived=(created_at(spare=10),),
    columns_first=("name", "code", "description", "aggregation_type"),
    options_last=("rounding_function", "rounding_precision", "weighted_interval"),
    complete=lambda values, _now, _earlier: with_defaults(values),
    merge=merged,
)
