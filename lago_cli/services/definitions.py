"""
Definition files: from plain data to metrics, customers, plans and subscriptions.

Every fault is found at once and named with its path in the document. What a file does not
say has its default; only when a subscription started, or was terminated, and which plans it
had before, stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, tzinfo
from typing import Any, NamedTuple, TypeVar

from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.definitions import Defined, Definition, Path, Values, wrong_type
from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.domain.objects import Faults, Row, broken_rules, read_fields, unknown_key, unused_in
from lago_cli.domain.plans import PLAN, Plan, faults_of_charges
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.domain.zones import zone_for
from lago_cli.errors import LagoError, refused
from lago_cli.services.plans import broken_charge, interval_of

T = TypeVar("T", bound=Defined)

DEFINITIONS: tuple[Definition[Any], ...] = (METRIC, CUSTOMER, PLAN, SUBSCRIPTION)
SECTIONS = tuple(of.section for of in DEFINITIONS)
"""In the order in which they are read: each may name what stands before it."""

SECTION_OF = {**{section: section for section in SECTIONS}, "metrics": METRIC.section}
"""Of every key that a file may have for one."""

_ROOTS = {section.removesuffix("s"): section for section in SECTIONS}
_IGNORED = ("meta",)  # the pages of Lago's lists


class Fault(NamedTuple):
    """What is wrong, and where in the document."""

    path: Path
    error: LagoError


@dataclass(slots=True)
class Definitions:
    """What files ask for, by section and then by code or external id."""

    sections: dict[str, dict[str, Any]] = field(default_factory=dict)
    named: set[tuple[str, str]] = field(default_factory=set)  # also by what is faulty

    def of(self, of: Definition[T]) -> dict[str, T]:
        return self.sections.setdefault(of.section, {})


class Known(NamedTuple):
    """What is there already, as far as it decides what is meant."""

    timezones: Mapping[str, str]
    subscriptions: Mapping[str, Subscription]
    now: int
    metrics: Mapping[str, Metric] = {}
    plans: Mapping[str, Plan] = {}


def read_definitions(
    value: object, into: Definitions, known: Known, sections: Sequence[str] = SECTIONS
) -> Iterator[Fault]:
    """
    Add what some sections of a document define; give its faults.

    Sections of several documents are read one after the other: plans name metrics, and the
    times of subscriptions are read in the time zones of the customers. What is wrong with a
    document as a whole is told with the first.

    Args:
        value: None, or an object whose keys are `SECTIONS`, each a list of objects with
            the JSON keys of `lago … get -o json`; `metrics` adds to `billable_metrics`. Or
            Lago's answer for one of them, such as `{"plan": {…}}`.
    """
    if value is None:
        return
    is_first = sections[0] == SECTIONS[0]
    if not isinstance(value, dict):
        if is_first:
            wanted = "an object with the keys " + ", ".join(SECTIONS)
            yield Fault((), wrong_type(value, wanted))
        return
    for key in value if is_first else ():
        if key not in SECTION_OF and key not in _ROOTS and key not in _IGNORED:
            yield Fault((key,), unknown_key(key, SECTIONS))
    for section in sections:
        of = next(each for each in DEFINITIONS if each.section == section)
        for key, rows in value.items():
            if SECTION_OF.get(key) == section and not isinstance(rows, list | None):
                yield Fault((key,), wrong_type(rows, "a list"))
        for path, row in objects_in(value, section):
            if not isinstance(row, dict):
                yield Fault(path, wrong_type(row, "an object"))
            else:
                for steps, error in _read(of, row, into, known):
                    yield Fault((*path, *steps), error)


def objects_in(value: Mapping[str, Any], section: str) -> Iterator[tuple[Path, Any]]:
    """What a document has of a section, and where."""
    root = section.removesuffix("s")
    if value.get(root) is not None:
        yield (root,), value[root]
    for key, rows in value.items():
        if SECTION_OF.get(key) == section and isinstance(rows, list):
            yield from (((key, number), row) for number, row in enumerate(rows))


def unused(value: object) -> Iterator[tuple[Path, str]]:
    """What a document says and nothing is made of: where, and half a sentence."""
    if isinstance(value, dict):
        for of in DEFINITIONS:
            for path, row in objects_in(value, of.section):
                if isinstance(row, dict):
                    yield from (((*path, *steps), why) for steps, why in unused_in(of.of, row))


def _read(of: Definition[T], row: Row, into: Definitions, known: Known) -> Iterator[Fault]:
    """Keep what an object defines under its name; give every rule that it breaks."""
    values, faults = read_fields(of.of, row, _zone(row.get("external_customer_id"), into, known))
    name = row.get(of.key)
    identity = (of.section, name if isinstance(name, str) else "")
    earlier: Any = known.subscriptions.get(identity[1]) if of.of is Subscription else None
    if of.of is Subscription:
        faults += _faults_of_plan(values, row, into, known)
    values = of.complete(values, known.now, earlier)
    faults += broken_rules(of.of, values, row)
    if identity in into.named:
        faults.append(((), refused("defined_twice", f'"{name}" is defined twice')))
    elif identity[1].strip():
        into.named.add(identity)
    if of.of is Plan:
        faults += _faults_with_metrics(row, into, known)
    if not faults:
        value: Any = of.of(**values)
        into.of(of)[identity[1]] = value
    yield from (Fault(path, error) for path, error in faults)


def _faults_with_metrics(row: Row, into: Definitions, known: Known) -> Faults:
    """Of the charges of a plan, but for those whose metric has faults itself."""
    metrics = {**known.metrics, **into.of(METRIC)}
    faulty = {code for section, code in into.named if section == METRIC.section} - metrics.keys()
    charges = row.get("charges")
    told = {
        number
        for number, charge in enumerate(charges if isinstance(charges, list) else ())
        if isinstance(charge, dict) and str(charge.get("billable_metric_code")) in faulty
    }
    return [(path, error) for path, error in faults_of_charges(row, metrics) if path[1] not in told]


def faults_of_others(wanted: Definitions, known: Known) -> Iterator[tuple[str, LagoError]]:
    """Metrics, by code, that plans which no file names could not charge for any more."""
    kept = [plan for code, plan in known.plans.items() if (PLAN.section, code) not in wanted.named]
    for code, metric in wanted.of(METRIC).items():
        error = broken_charge(kept, known.metrics.get(code), metric)
        if error is not None:
            yield code, error


def _faults_of_plan(values: Values, row: Row, into: Definitions, known: Known) -> Faults:
    """A subscription has the interval of its plan, which has to be there."""
    plans = {**known.plans, **into.of(PLAN)}
    code = values.get("plan_code")
    if code is None or ((PLAN.section, code) in into.named and code not in plans):
        return []
    try:
        asked = values.get("interval") if row.get("interval") is not None else None
        values["interval"] = interval_of(code, asked, plans)
    except LagoError as error:
        return [(("interval" if error.code == "interval_of_plan" else "plan_code",), error)]
    return []


def _zone(customer: object, into: Definitions, known: Known) -> tzinfo:
    """Where the days of a customer begin."""
    if not isinstance(customer, str):
        return UTC
    named = into.of(CUSTOMER).get(customer)
    name = named.timezone if named else known.timezones.get(customer)
    return zone_for(name) if name else UTC
