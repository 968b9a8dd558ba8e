"""What is found in definitions: where it is, and how it is told."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

from lago_cli.renderers import Column, Report

if TYPE_CHECKING:
    from lago_cli.domain.definitions import Path
    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.plans import Plan
    from lago_cli.errors import LagoError
    from lago_cli.services.lint import Finding

_COLUMNS = (
    Column("severity", kind="flag"),
    Column("code", kind="flag"),
    Column("plan_code", "plan", kind="id"),
    Column("place", folds=True),
    Column("message", folds=True),
    Column("hint", spare=1, folds=True),
)


class Placed(Protocol):
    """A document, and where its parts are in the file."""

    @property
    def value(self) -> Any: ...

    def place(self, file: str, path: Path) -> str: ...


class Located(NamedTuple):
    """A finding, and where it is."""

    place: str
    finding: Finding

    @property
    def line(self) -> str:
        hint = f" {self.finding.hint}" if self.finding.hint else ""
        return f"{self.place}: {self.finding.message}.{hint}"


def told(place: str, fault: LagoError) -> str:
    """A fault as one line."""
    if not fault.hint:
        return f"{place}: {fault.message}"
    stop = "" if fault.message.endswith((".", "?")) else "."
    return f"{place}: {fault.message}{stop} {fault.hint}"


def in_plan(
    document: Placed, file: str, plan: Plan, metrics: Mapping[str, Metric]
) -> list[Located]:
    """What is to be said of the one plan that a document is."""
    from lago_cli.domain.plans import PLAN
    from lago_cli.services.lint import Finding, of_plan
    from lago_cli.services.plans import root_of, unused_in_plan

    root, _ = root_of(document.value)
    found = [
        Located(document.place(file, path), Finding("unused_key", PLAN.section, None, path, reason))
        for path, reason in unused_in_plan(document.value)
    ]
    return found + [
        Located(document.place(file, (*root, *each.path)), each) for each in of_plan(plan, metrics)
    ]


def report(findings: Sequence[Located]) -> Report:
    rows = [each.finding.as_json(each.place) for each in findings]
    return Report(None, _COLUMNS, rows, empty="No findings.")
