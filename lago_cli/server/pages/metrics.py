"""The form of a metric: tried out on stored events before it is saved, with its command."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from shlex import quote
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
from lago_cli.server.pages.page import At, Elsewhere, Page
from lago_cli.server.pages.query import Query
from lago_cli.server.pages.things import leads_of, link_of
from lago_cli.services import catalog
from lago_cli.services.trials import NEWEST, newest_of, properties_of, tried

if TYPE_CHECKING:
    from collections.abc import Mapping

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


@dataclass(frozen=True, slots=True)
class Blank:
    """One field of the form, with what was typed into it."""

    name: str
    label: str
    hint: str
    value: str
    kind: str  # text, area, choice, flag
    choices: tuple[tuple[str, str], ...] = ()
    required: bool = False
    fault: str = ""
    suggestions: tuple[str, ...] = ()


def new(at: At) -> Page:
    """An empty form; a code may be given, of events that are no metric's yet."""
    at.query.refuse_others(list(_LABELS))
    given = Query([("aggregation_type", "count_agg"), *at.query.pairs])
    return _form_page(at, given, None)


def create(at: At) -> Page | Elsewhere:
    given = at.form
    try:
        entry = catalog.create(at.store, METRIC, given_of(given), now=at.now)
    except LagoError as error:
        return _form_page(at, given, None, error)
    return Elsewhere("billable-metrics", entry.value.code, "defined")


def one(at: At) -> Page:
    """A metric, and the form to change it."""
    metric = at.store.table(METRIC).get(at.name).value
    return _form_page(at, _typed(metric), metric)


def change(at: At) -> Page | Elsewhere:
    metric = at.store.table(METRIC).get(at.name).value
    given = {name: value for name, value in given_of(at.form, metric).items() if name != "code"}
    try:
        catalog.update(at.store, METRIC, at.name, given)
    except LagoError as error:
        return _form_page(at, at.form, metric, error)
    return Elsewhere("billable-metrics", at.name, "changed")


def attempt(at: At) -> Page:
    """The same form with what the metric would make of stored events; nothing is saved."""
    known = at.form.one("changes")
    metric = at.store.table(METRIC).get(known).value if known else None
    page = _form_page(at, at.form, metric, is_tried=True)
    page.status = 200
    if at.form.flag("fragment"):
        page.template = "_trial.html"
    return page


def _form_page(
    at: At,
    given: Query,
    metric: Metric | None,
    error: LagoError | None = None,
    *,
    is_tried: bool = False,
) -> Page:
    trial, found = _trial(at, given, metric)
    fault = error or (found if is_tried else None)
    code = metric.code if metric else given.one("code") or ""
    values: dict[str, Any] = {
        "fields": _fields(at, given, metric, fault),
        "fault": fault,
        "has_place": fault is not None and _place(fault) in _LABELS,
        "trial": trial,
        "trial_fault": found,
        "action": address_of("billable-metrics", code) if metric else NEW,
        "attempt": TRY,
        "changes": metric.code if metric else "",
        "equal": command_of(given, metric),
        "metric": metric,
    }
    status = 422 if error else 200
    if metric is None:
        return Page("metric.html", "Define a metric", values, status, has_data=False)
    entry = at.store.table(METRIC).get(metric.code)
    values["report"] = render(definition_report(METRIC, entry, at.now), link_of(None))
    values["leads"] = leads_of(METRIC, metric.code)
    values["command"] = Command("lago metrics get", metric.code).text
    return Page("metric.html", f"Metric {metric.code}", values, status)


def _fields(at: At, given: Query, metric: Metric | None, fault: LagoError | None) -> list[Blank]:
    place = _place(fault) if fault else ""
    code = metric.code if metric else given.one("code")
    suggestions = {
        "code": tuple(_codes(at)) if metric is None else (),
        "field_name": tuple(properties_of(newest_of(at.store, code, _SOME))) if code else (),
    }
    choices = {
        "aggregation_type": tuple((name, _AGGREGATIONS.get(name, name)) for name in AGGREGATIONS),
        "rounding_function": (("", "None"), *((name, name) for name in ROUNDING_FUNCTIONS)),
    }
    found = []
    for name, label in _LABELS.items():
        if name == "code" and metric is not None:
            continue
        kind = "choice" if name in choices else "text"
        kind = {"recurring": "flag", "filters": "area"}.get(name, kind)
        found.append(
            Blank(
                name,
                label,
                _HINTS.get(name, ""),
                given.one(name) or "",
                kind,
                choices.get(name, ()),
                required=METRIC.field(name).required,
                fault=_told(fault) if fault and place == name else "",
                suggestions=suggestions.get(name, ()),
            )
        )
    return found


def _place(error: LagoError) -> str:
    """The field that a fault is about."""
    if error.path:
        return str(error.path[0])
    if error.code == "metric_exists":
        return "code"
    option = error.message.partition(":")[0]
    return option.removeprefix("--").replace("-", "_") if option.startswith("--") else ""


def _told(error: LagoError) -> str:
    message = error.message.partition(": ")[2] if error.message.startswith("--") else error.message
    if error.code == "field_name_required":
        return message
    is_ours = error.hint and not error.hint.startswith(("Give it with", "Write it as", "Change it"))
    return f"{message} {error.hint}" if is_ours else message


def _codes(at: At) -> list[str]:
    """Of events that no metric has."""
    known = at.store.catalog.metrics()
    return [code for code in at.store.names("code") if code not in known][:100]


def given_of(form: Query, metric: Metric | None = None) -> dict[str, Any]:
    """The form as options: with a metric to change, what is empty takes a value away."""
    given: dict[str, Any] = {}
    for name in _LABELS:
        text = (form.one(name) or "").replace("\r\n", "\n").strip()
        if name == "recurring":
            given[name] = form.flag(name)
        elif name == "filters":
            lines = [line for line in text.split("\n") if line.strip()]
            given[name] = lines or ([""] if metric else None)
        elif text or (metric is not None and METRIC.field(name).removable):
            given[name] = text
    return given


def _typed(metric: Metric) -> Query:
    """What the form of a metric has in its fields."""
    found: list[tuple[str, str]] = []
    for name in _LABELS:
        value = getattr(metric, name)
        if name == "filters":
            found.append((name, "\n".join(map(_filter, value))))
        elif value is not None and value is not False:
            found.append((name, str(value)))
    return Query(found)


def _filter(each: Any) -> str:
    from lago_cli.server.pages.usage import in_list

    return f"{each.key}={','.join(map(in_list, each.values))}"


def _trial(
    at: At, given: Query, metric: Metric | None
) -> tuple[Mapping[str, Any] | None, LagoError | None]:
    """What the metric as it stands in the form makes of events; or why it is none."""
    options = given_of(given, metric)
    if metric is not None:
        options["code"] = metric.code
    if not options.get("code"):
        return None, None
    try:
        values = catalog.parsed(METRIC, options)
        draft = METRIC.define(values, at.now)
        trial = tried(at.store, draft, now=at.now)
    except LagoError as error:
        return None, error
    words = "" if trial.window is None else span_words(span(trial.window, UTC))
    reports = [render(each, _event_link, level=3) for each in trial_reports(trial)]
    counts = {"events": trial.events, "is_all": trial.is_all, "words": words, "newest": NEWEST}
    return {**counts, "reports": reports}, None


def _event_link(column: Column, row: Mapping[str, object]) -> str | None:
    value = row.get(column.key)
    return event_address(str(value)) if column.key == "transaction_id" and value else None


def command_of(given: Query, metric: Metric | None) -> str:
    """The line that does the same in a terminal."""
    options = given_of(given, metric)
    before = given_of(_typed(metric), metric) if metric else {}
    code = metric.code if metric else options.get("code") or "CODE"
    words = ["lago metrics", "update" if metric else "create"]
    words.append(quote(code) if not code.startswith("-") else f"--code={quote(code)}")
    for name, value in options.items():
        if name == "code" or (metric and before.get(name) == value) or value is None:
            continue
        option = METRIC.field(name).option.partition("/")[0]
        if name == "recurring":
            words += [option] if value else ["--no-recurring"] if metric else []
        elif name == "filters":
            words += [f"{option} {quote(each)}" for each in value]
        else:
            words.append(f"{option}{'=' if value.startswith('-') else ' '}{quote(value)}")
    return " ".join(words)
