"""The form of a metric: tried out on stored events before it is saved, with its command."""

from __future__ import annotations

from datetime import UTC
from typing import TYPE_CHECKING, Any

from lago_cli.domain.aggregations import AGGREGATIONS
from lago_cli.domain.metrics import METRIC, ROUNDING_FUNCTIONS, Metric
from lago_cli.errors import LagoError
from lago_cli.renderers.html import render
from lago_cli.renderers.spans import span_words
from lago_cli.reports.definitions import definition_report
from lago_cli.reports.records import span
from lago_cli.reports.trials import trial_reports
from lago_cli.server.pages.addresses import address_of
from lago_cli.server.pages.explain import Command, event_address
from lago_cli.server.pages.forms import Fault, Form
from lago_cli.server.pages.page import At, Elsewhere, Page
from lago_cli.server.pages.query import Query
from lago_cli.server.pages.things import leads_of, link_of
from lago_cli.services import catalog
from lago_cli.services.trials import NEWEST, newest_of, properties_of, tried

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from lago_cli.renderers import Column

NEW = "/new/billable-metric"
TRY = "/try/billable-metric"
_AGGREGATIONS = {
    "count_agg": "Count: how many events",
    "sum_agg": "Sum: add up a property",
    "max_agg": "Max: the largest value of a property",
    "latest_agg": "Latest: the last value of a property",
    "unique_count_agg": "Unique count: different values of a property",
    "weighted_sum_agg": "Weighted sum: a level, weighted by how long it lasted",
}
_LABELS = {
    "code": "Code",
    "name": "Name",
    "description": "Description",
    "aggregation_type": "Aggregation",
    "field_name": "Property to read",
    "expression": "Expression",
    "recurring": "Recurring",
    "rounding_function": "Rounding",
    "rounding_precision": "Decimals",
    "filters": "Filters",
}
_HINTS = {
    "code": "The code that its events carry.",
    "name": "For people, where the code is not enough.",
    "field_name": "Or a path into the properties, such as usage.total.",
    "expression": "Computes the property from others: event.properties.a * 2",
    "recurring": "Usage from before a period still counts in it.",
    "rounding_precision": "Of the figure, at the very end.",
    "filters": "One property a line: region=eu,us",
}
_SOME = 50  # events whose properties are suggested
_FORM = Form(METRIC, _LABELS, _HINTS)


def new(at: At) -> Page:
    """An empty form; a code may be given, of events that are no metric's yet."""
    at.query.refuse_others(list(_LABELS))
    given = Query([("aggregation_type", "count_agg"), *at.query.pairs])
    return _page(at, given, None)


def create(at: At) -> Page | Elsewhere:
    given = _FORM.given(at.form)
    faults = catalog.faults_in(at.store, METRIC, given, now=at.now)
    try:
        if faults:
            return _page(at, at.form, None, _FORM.faults(faults), is_saved=True)
        entry = catalog.create(at.store, METRIC, given, now=at.now)
    except LagoError as error:
        return _page(at, at.form, None, _FORM.faults([error]), is_saved=True)
    return Elsewhere("billable-metrics", entry.value.code, "defined")


def one(at: At) -> Page:
    """A metric, and the form to change it."""
    metric = at.store.table(METRIC).get(at.name).value
    return _page(at, _FORM.typed(metric), metric)


def change(at: At) -> Page | Elsewhere:
    metric = at.store.table(METRIC).get(at.name).value
    given = _FORM.given(at.form, metric)
    faults = catalog.faults_in(at.store, METRIC, given, now=at.now, known=metric)
    try:
        if faults:
            return _page(at, at.form, metric, _FORM.faults(faults), is_saved=True)
        catalog.update(at.store, METRIC, at.name, given)
    except LagoError as error:
        return _page(at, at.form, metric, _FORM.faults([error]), is_saved=True)
    return Elsewhere("billable-metrics", at.name, "changed")


def attempt(at: At) -> Page:
    """The same form with what the metric would make of stored events; nothing is saved."""
    known = at.form.one("changes")
    metric = at.store.table(METRIC).get(known).value if known else None
    page = _page(at, at.form, metric, is_tried=True)
    if at.form.flag("fragment"):
        page.template = "_trial.html"
    return page


def _page(
    at: At,
    given: Query,
    metric: Metric | None,
    faults: Sequence[Fault] = (),
    *,
    is_tried: bool = False,
    is_saved: bool = False,
) -> Page:
    trial, found = _trial(at, given, metric)
    code = metric.code if metric else given.one("code") or ""
    choices = {
        "aggregation_type": tuple((name, _AGGREGATIONS.get(name, name)) for name in AGGREGATIONS),
        "rounding_function": (("", "None"), *((name, name) for name in ROUNDING_FUNCTIONS)),
    }
    suggestions = {
        "code": _codes(at) if metric is None else (),
        "field_name": properties_of(newest_of(at.store, code, _SOME)) if code else (),
    }
    told = faults or (found if is_tried else ())
    values: dict[str, Any] = {
        "fields": _FORM.blanks(given, metric, told, choices, suggestions),
        "faults": told,
        "trial": trial,
        "trial_faults": found,
        "action": address_of("billable-metrics", code) if metric else NEW,
        "attempt": TRY,
        "changes": metric.code if metric else "",
        "equal": _FORM.command(given, metric),
        "metric": metric,
    }
    status = 422 if is_saved else 200
    if metric is None:
        return Page("metric.html", "Define a metric", values, status, has_data=False)
    entry = at.store.table(METRIC).get(metric.code)
    values["report"] = render(definition_report(METRIC, entry, at.now), link_of(None))
    values["leads"] = leads_of(METRIC, metric.code)
    values["command"] = Command("lago metrics get", metric.code).text
    return Page("metric.html", f"Metric {metric.code}", values, status)


def _codes(at: At) -> list[str]:
    """Of events that no metric has."""
    known = at.store.catalog.metrics()
    return [code for code in at.store.names("code") if code not in known][:100]


def _trial(
    at: At, given: Query, metric: Metric | None
) -> tuple[Mapping[str, Any] | None, Sequence[Fault]]:
    """What the metric as it stands in the form makes of events; or why it is none."""
    options = _FORM.given(given, metric)
    if metric is None and not options.get("code"):
        return None, ()
    faults = catalog.faults_in(at.store, METRIC, options, now=at.now, known=metric)
    if faults:
        return None, _FORM.faults(faults)
    values = catalog.parsed(METRIC, options)
    try:
        draft = METRIC.change(metric, values) if metric else METRIC.define(values, at.now)
        trial = tried(at.store, draft, now=at.now)
    except LagoError as error:
        return None, _FORM.faults([error])
    words = "" if trial.window is None else span_words(span(trial.window, UTC))
    reports = [render(each, _event_link, level=3) for each in trial_reports(trial)]
    counts = {"events": trial.events, "is_all": trial.is_all, "words": words, "newest": NEWEST}
    return {**counts, "reports": reports}, ()


def _event_link(column: Column, row: Mapping[str, object]) -> str | None:
    value = row.get(column.key)
    return event_address(str(value)) if column.key == "transaction_id" and value else None
