"""Findings in definition files, and in the file that they are applied to."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lago_cli.cli.definition_files import FilesRead, places_of, refusal
from lago_cli.reports.findings import Located, Placed
from lago_cli.services.definitions import SECTION_OF, SECTIONS, unused
from lago_cli.services.lint import Finding, Known, of_files

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.domain.definitions import Path
    from lago_cli.services.definitions import Definitions

_ROOTS = {section.removesuffix("s") for section in SECTIONS}


class BarePlan:
    """A document that is a plan, as one that defines it."""

    def __init__(self, document: Placed) -> None:
        self.value: Any = {"plan": document.value}
        self._document = document

    def place(self, file: str, path: Path) -> str:
        return self._document.place(file, path[1:])


def as_definitions(document: Placed) -> Placed:
    """A plan may stand in a document by itself."""
    value = document.value
    names_none = isinstance(value, dict) and value and not {*SECTION_OF, *_ROOTS} & value.keys()
    return BarePlan(document) if names_none else document


def in_files(
    found: FilesRead, wanted: Definitions, known: Known, named: Collection[str] = ()
) -> list[Located]:
    """
    What is to be said of what files define.

    Args:
        known: what stays beside it.
        named: subscriptions that events name.
    """
    documents = found[0]
    located = list(_unused(documents))
    places = places_of(documents)
    for each in of_files(wanted, known, named):
        place = places.get((each.section, each.name))
        if place is None:
            located.append(Located(each.place, each))
        else:
            _, name, document, path = place
            located.append(Located(document.place(name, (*path, *each.path)), each))
    return located


def _unused(documents: Sequence[tuple[str, Placed]]) -> Iterator[Located]:
    for name, document in documents:
        for path, reason in unused(document.value):
            section, row = _row_of(document.value, path)
            code = row.get("code") if section == "plans" else None
            finding = Finding("unused_key", section, None, path, reason, plan_code=code)
            yield Located(document.place(name, path), finding)


def _row_of(value: Any, path: Path) -> tuple[str, Mapping[str, Any]]:
    """The section and the definition that a place is in."""
    root = str(path[0])
    if root in SECTION_OF:
        return SECTION_OF[root], value[root][path[1]]
    return f"{root}s", value[root]


def warn(session: Session, findings: Sequence[Located]) -> None:
    """On stderr, a line each."""
    for each in findings:
        session.warn(each.line)


def refuse(findings: Sequence[Located]) -> None:
    """Raises `LagoError` (refused) where there are any."""

    if findings:
        raise refusal([each.line for each in findings])
