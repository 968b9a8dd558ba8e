"""
Billable metrics: what is measured, and how events become units.

A `Metric` that breaks a rule cannot be built. Names are Lago's own (API of August 2026).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.errors import LagoError, refused

ROUNDING_FUNCTIONS = ("round", "ceil", "floor")
MAX_ROUNDING_PRECISION = 100


@dataclass(frozen=True, slots=True)
class Filter:
    """A property by whose values usage is told apart."""

    key: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Metric:
    """One billable metric. Raises `LagoError` (refused) where it breaks a rule."""

    code: str
    name: str
    aggregation_type: str
    field_name: str | None = None
    recurring: bool = False
    description: str | None = None
    expression: str | None = None
    weighted_interval: str | None = None
    rounding_function: str | None = None
    rounding_precision: int | None = None
    filters: tuple[Filter, ...] = ()

    def __post_init__(self) -> None:
        for fault in self.faults():
            raise fault

    def faults(self) -> Iterator[LagoError]:
        if not self.code.strip():
            yield refused("invalid_code", "A metric needs a code.", field="code")
        aggregation = AGGREGATIONS.get(self.aggregation_type)
        if aggregation is None:
            yield refused(
                "invalid_aggregation_type",
                f'"{self.aggregation_type}" is no aggregation type.',
                "One of: " + ", ".join(AGGREGATIONS),
                field="aggregation_type",
            )
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
        if self.rounding_function not in (*ROUNDING_FUNCTIONS, None):
            yield refused(
                "invalid_rounding_function",
                f'"{self.rounding_function}" is no rounding function.',
                "One of: " + ", ".join(ROUNDING_FUNCTIONS),
                field="rounding_function",
            )
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
    if values.get("rounding_function") and values.get("rounding_precision") is None:
        values["rounding_precision"] = 0
    if values.get("expression") == "":
        values["expression"] = None
    return values


def changed_metric(metric: Metric, changes: Mapping[str, object]) -> Metric:
    """
    `metric` with `changes`; what belonged to another aggregation type, or to a rounding
    function that is taken away, is let go.

    Raises:
        LagoError: refused, for the first rule that is broken.
    """
    values = {row.name: getattr(metric, row.name) for row in fields(Metric)} | dict(changes)
    kind = as_aggregation_type(str(values["aggregation_type"]))
    if kind != metric.aggregation_type and "weighted_interval" not in changes:
        values["weighted_interval"] = None
    values["aggregation_type"] = kind
    precision = "rounding_precision"
    if changes.get("rounding_function", "") is None:
        values[precision] = changes.get(precision)
    values = with_defaults(values)
    if "rounding_function" not in changes or precision in changes:  # then null is meant so
        values[precision] = changes.get(precision, metric.rounding_precision)
    return Metric(**values)  # type: ignore[arg-type]


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
