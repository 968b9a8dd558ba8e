"""`lago metrics`: what is measured."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command, property_values
from lago_cli.cli.session import Session
from lago_cli.errors import wrong_usage

if TYPE_CHECKING:
    from lago_cli.domain.metrics import Filter

app = typer.Typer(rich_markup_mode=None)

PRECISION_HELP = "Decimals that are left."
TYPE_HELP = (
    "count_agg, sum_agg, max_agg, latest_agg, unique_count_agg or weighted_sum_agg;"
    " also without _agg."
)

Code = Annotated[str, typer.Argument(metavar="CODE", help="The metric's code.")]
Name = Annotated[
    str | None,
    typer.Option("--name", metavar="NAME", help="What people call it, if not by its code."),
]
Description = Annotated[
    str | None, typer.Option("--description", metavar="TEXT", help="What it is for.")
]
Type = Annotated[str, typer.Option("--aggregation-type", metavar="TYPE", help=TYPE_HELP)]
FieldName = Annotated[
    str | None,
    typer.Option("--field-name", metavar="PATH", help="The property it reads; not for a count."),
]
Recurring = Annotated[
    bool | None,
    typer.Option(
        "--recurring/--no-recurring", help="What was used before a period still counts in it."
    ),
]
Expression = Annotated[
    str | None,
    typer.Option(
        "--expression",
        metavar="EXPRESSION",
        help="Calculates the property from others, for each event.",
    ),
]
Filters = Annotated[
    list[str] | None,
    typer.Option("--filter", metavar="PATH=V1,V2", help="A property that tells usage apart."),
]
RoundingFunction = Annotated[
    str | None,
    typer.Option(
        "--rounding-function", metavar="FUNCTION", help="round, ceil or floor, at the very end."
    ),
]
RoundingPrecision = Annotated[
    int | None, typer.Option("--rounding-precision", metavar="N", help=PRECISION_HELP)
]
WeightedInterval = Annotated[
    str | None,
    typer.Option(
        "--weighted-interval", metavar="UNIT", help="What a weighted sum is weighted by: seconds."
    ),
]


@command(app, "create")
def create(
    session: Session,
    code: Annotated[str, typer.Option("--code", metavar="CODE", help="What events call it.")],
    aggregation_type: Type,
    name: Name = None,
    description: Description = None,
    field_name: FieldName = None,
    recurring: Recurring = None,
    expression: Expression = None,
    filters: Filters = None,
    rounding_function: RoundingFunction = None,
    rounding_precision: RoundingPrecision = None,
    weighted_interval: WeightedInterval = None,
) -> None:
    """Define a metric. Events of its code that are already stored count at once."""
    from lago_cli.cli.definition_reports import metric_report
    from lago_cli.domain.metrics import define_metric
    from lago_cli.services.catalog import create_metric

    metric = define_metric(
        code=code,
        aggregation_type=aggregation_type,
        name=name,
        description=description,
        field_name=field_name,
        recurring=bool(recurring),
        expression=expression,
        filters=_filters(filters or []),
        rounding_function=rounding_function,
        rounding_precision=rounding_precision,
        weighted_interval=weighted_interval,
    )
    store = session.store(writable=True)
    session.show(metric_report(create_metric(store, metric, now=session.now())))


@command(app, "list")
def list_(session: Session) -> None:
    """List all metrics."""
    from lago_cli.cli.definition_reports import metrics_report
    from lago_cli.services.catalog import list_metrics

    session.show(metrics_report(list_metrics(session.store())))


@command(app, "get")
def get(session: Session, code: Code) -> None:
    """Show one metric."""
    from lago_cli.cli.definition_reports import metric_report
    from lago_cli.services.catalog import find_metric

    session.show(metric_report(find_metric(session.store(), code)))


@command(app, "update")
def update(
    session: Session,
    code: Code,
    aggregation_type: Annotated[
        str | None, typer.Option("--aggregation-type", metavar="TYPE", help=TYPE_HELP)
    ] = None,
    name: Name = None,
    description: Description = None,
    field_name: FieldName = None,
    recurring: Recurring = None,
    expression: Expression = None,
    filters: Filters = None,
    rounding_function: RoundingFunction = None,
    rounding_precision: Annotated[
        str | None, typer.Option("--rounding-precision", metavar="N", help=PRECISION_HELP)
    ] = None,
    weighted_interval: WeightedInterval = None,
) -> None:
    """Change what is given; an empty text takes a value away. All its events are read anew."""
    from lago_cli.cli.definition_reports import metric_report
    from lago_cli.services.catalog import update_metric

    texts = {
        "name": name,
        "description": description,
        "field_name": field_name,
        "expression": expression,
        "rounding_function": rounding_function,
        "weighted_interval": weighted_interval,
    }
    changes: dict[str, object] = {
        key: text or None for key, text in texts.items() if text is not None
    }
    if aggregation_type is not None:
        changes["aggregation_type"] = aggregation_type
    if recurring is not None:
        changes["recurring"] = recurring
    if rounding_precision is not None:
        changes["rounding_precision"] = _precision(rounding_precision)
    if filters is not None:
        changes["filters"] = () if filters == [""] else _filters(filters)
    store = session.store(writable=True, create=False)
    session.show(metric_report(update_metric(store, code, changes)))


@command(app, "delete")
def delete(session: Session, code: Code) -> None:
    """Delete a metric. Its events stay, and count again under a new one of its code."""
    from lago_cli.cli.definition_reports import metric_report
    from lago_cli.services.catalog import delete_metric

    store = session.store(writable=True, create=False)
    session.show(metric_report(delete_metric(store, code)))


@command(app, "evaluate")
def evaluate_(
    session: Session,
    expression: Annotated[
        str, typer.Option("--expression", metavar="EXPRESSION", help="What a metric would have.")
    ],
    event: Annotated[
        str,
        typer.Option("--event", metavar="JSON|@FILE|-", help="The event it is tried on."),
    ],
) -> None:
    """Show the value that an expression has for an event."""
    from lago_cli.domain.numbers import as_plain
    from lago_cli.renderers import Column, Report
    from lago_cli.services.evaluate import evaluate

    value = evaluate(expression, _event(event), now=session.now())
    shown = value if isinstance(value, str) else as_plain(value)
    session.show(Report(None, [Column("value")], [{"value": shown}], single=True))


def _event(argument: str) -> str | bytes:
    if argument != "-" and not argument.startswith("@"):
        return argument
    from lago_cli.readers.whole import read_whole

    return read_whole(argument.removeprefix("@"), sys.stdin.buffer)[1]


def _precision(text: str) -> int | None:
    """A number of decimals, or none where the text is empty."""
    try:
        return int(text) if text else None
    except ValueError:
        raise wrong_usage(
            "usage", f"--rounding-precision: {text!r} is not a whole number."
        ) from None


def _filters(arguments: list[str]) -> tuple[Filter, ...]:
    from lago_cli.domain.metrics import Filter

    return tuple(Filter(key, tuple(values)) for key, values in property_values(arguments).items())
