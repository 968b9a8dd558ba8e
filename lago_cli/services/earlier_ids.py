"""
Ids that earlier versions made of a record: what happens where its file comes again.

Until schema 6 `--id-from content` hashed the event that a mapping made, so that equal
records of a file became one and a change of the mapping made all of them new. Ids of the
source record do not meet those: the same file would count twice.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from lago_cli.errors import refused

EarlierRuns = Sequence[tuple[int, str, int]]
"""(run, its source, how many of its events have such ids)"""


def check_earlier_ids(runs: EarlierRuns, files: Iterable[str]) -> str | None:
    """
    A warning where some events have such ids; None where there are none.

    Raises:
        LagoError: refused `earlier_content_ids`, where one of the files brought them.
    """
    if not runs:
        return None
    for file in files:
        for run, source, count in runs:
            if file == source or file in source.split(", "):
                raise refused(
                    "earlier_content_ids",
                    f"{file} is the source of run {run}, whose {_events(count)} got ids out of "
                    "their content by an earlier version. Ids are made of the source record now, "
                    "so that what the file holds would count twice.",
                    f"Take that run back, then ingest the file: lago ingest-runs revert {run}",
                )
    total = _events(sum(count for _, _, count in runs))
    named = ", ".join(str(run) for run, _, _ in runs[:10])
    return (
        f"{total} got ids out of their content by an earlier version (runs {named}). What such a "
        "run brought would count again: take the run back before its file is ingested anew."
    )


def _events(count: int) -> str:
    return "1 event" if count == 1 else f"{count} events"
