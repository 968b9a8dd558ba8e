"""What a metric would make of stored events, as reports."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lago_cli.renderers import Column, Report
from lago_cli.reports.explanation_tables import summary_report
from lago_cli.reports.explanations import line_cells, local
from lago_cli.services.excerpts import summaries

if TYPE_CHECKING:
    from lago_cli.services.trials import Trial

MOST_EVENTS = 12
_COLUMNS = (
    Column("transaction_id", kind="id"),
    Column("timestamp", "time", kind="instant"),
    Column("properties", kind="object"),
    Column("value"),
    Column("contribution", "adds", kind="number"),
    Column("reason", "why", folds=True),
)


def trial_reports(trial: Trial) -> Sequence[Report]:
    """The figures, and the newest events with what each adds."""
    figures = summary_report(summaries(trial.figures), (), ())
    lines = [(line, each) for each in trial.figures for line in each.lines]
    lines.sort(key=lambda pair: (pair[0].event.at, pair[0].event.position), reverse=True)
    rows = [
        line_cells(line, since=figure.window.start)
        | {"timestamp": local(line.event.at, figure.zone)}
        for line, figure in lines[:MOST_EVENTS]
    ]
    events = Report("The newest events", _COLUMNS, rows, empty="No events of this code yet.")
    if figures is None:
        return [events]
    columns = [column for column in figures.columns if column.key not in ("period", "zone")]
    return [Report("Usage", columns, figures.rows), events]
