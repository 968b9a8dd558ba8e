"""Definition files on the command line: reading them, and naming their faults by file and line."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from lago_cli.errors import LagoError, refused
from lago_cli.reports.findings import Placed, told

if TYPE_CHECKING:
    from lago_cli.domain.definitions import Path
    from lago_cli.readers.documents import Document
    from lago_cli.services.definitions import Definitions, Known


FilesRead = tuple[Sequence[tuple[str, Placed]], list[tuple[int, str]]]  # see `read_files`


def read_files(files: Sequence[str]) -> FilesRead:
    """Every document, and what cannot be read, as (number of the document it stands before)."""
    from lago_cli.readers.documents import read_documents
    from lago_cli.readers.whole import read_whole

    documents: list[tuple[str, Document]] = []
    unreadable: list[tuple[int, str]] = []
    for file in files:
        name, data = read_whole(file, sys.stdin.buffer)
        try:
            documents += [(name, document) for document in read_documents(data)]
        except LagoError as error:
            unreadable.append((len(documents), f"{name}: {error.message}"))
    return documents, unreadable


def wanted_of(found: FilesRead, known: Known) -> Definitions:
    """
    What all files together ask for.

    Raises:
        LagoError: refused, with every fault and its place.
    """
    from lago_cli.domain.metrics import METRIC
    from lago_cli.services.definitions import (
        SECTIONS,
        Definitions,
        faults_of_others,
        read_definitions,
    )

    wanted = Definitions()
    documents, unreadable = found
    faults = list(unreadable)
    for section in SECTIONS:  # of all files before the next one, which may name what it defines
        for number, (name, document) in enumerate(documents):
            for path, fault in read_definitions(document.value, wanted, known, [section]):
                faults.append((number, told(document.place(name, path), fault)))
    places = places_of(documents)
    for code, fault in faults_of_others(wanted, known):
        number, name, document, path = places[METRIC.section, code]
        faults.append((number, told(document.place(name, path), fault)))
    if faults:
        raise refusal([text for _, text in sorted(faults, key=lambda fault: fault[0])])
    return wanted


def refusal(faults: Sequence[str]) -> LagoError:
    """With all faults, a line each."""
    from lago_cli.renderers.escapes import visible

    count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
    lines = [f"{count}; nothing was changed.", *map(visible, faults)]
    return refused("invalid_definitions", "\n".join(lines))


def places_of(
    documents: Sequence[tuple[str, Placed]],
) -> dict[tuple[str, str | None], tuple[int, str, Placed, Path]]:
    """By section and name, where a definition stands: document, its file, path."""
    return dict(_places(documents))


def _places(
    documents: Sequence[tuple[str, Placed]],
) -> Iterator[tuple[tuple[str, str | None], tuple[int, str, Placed, Path]]]:
    from lago_cli.services.definitions import DEFINITIONS, objects_in

    for number, (name, document) in enumerate(documents):
        if isinstance(document.value, dict):
            for of in DEFINITIONS:
                for path, row in objects_in(document.value, of.section):
                    if isinstance(row, dict) and isinstance(row.get(of.key), str):
                        yield (of.section, str(row[of.key])), (number, name, document, path)
