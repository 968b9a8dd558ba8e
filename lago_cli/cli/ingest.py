"""`lago ingest`: events in."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.errors import LagoError, refused, wrong_usage

if TYPE_CHECKING:
    from lago_cli.cli.ingest_log import IngestLog
    from lago_cli.readers.base import Record
    from lago_cli.services.ingest import Ingestion, IngestOptions, IngestReport

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE|-]...", help="Files to read; - or none is standard input."),
]
Format = Annotated[
    Literal["auto", "json", "ndjson", "csv"],
    typer.Option("--format", help="What the files hold; auto tells by content."),
]
Maps = Annotated[
    list[str] | None,
    typer.Option("--map", metavar="TARGET=PATH", help="Read a field from a path in the record."),
]
Sets = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="TARGET=TEXT", help="A constant; {PATH} is the record's value."),
]
IdFrom = Annotated[
    Literal["content"] | None,
    typer.Option("--id-from", help="Where the source has no transaction id: make it of the rest."),
]
OnDuplicate = Annotated[
    Literal["skip", "replace", "error"],
    typer.Option("--on-duplicate", help="What becomes of an event whose id is taken."),
]
Strict = Annotated[bool, typer.Option("--strict", help="All or nothing, for the whole run.")]
Rejects = Annotated[
    str | None,
    typer.Option("--rejects", metavar="FILE", help="Write every rejected record there."),
]
MaxRejects = Annotated[
    int, typer.Option("--max-rejects", metavar="N", min=0, help="Tolerate that many.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Say what would happen, store nothing.")]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="No progress bar.")]

_RARELY = 200_000  # events make no cycles: looking for them more often took a tenth of a run


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "ingest")(ingest)


def ingest(
    session: Session,
    files: Files = None,
    format: Format = "auto",  # noqa: A002
    maps: Maps = None,
    sets: Sets = None,
    id_from: IdFrom = None,
    on_duplicate: OnDuplicate = "skip",
    strict: Strict = False,
    rejects: Rejects = None,
    max_rejects: MaxRejects = 0,
    dry_run: DryRun = False,
    no_progress: NoProgress = False,
) -> None:
    """Store usage events, each once for ever by its transaction id."""
    from lago_cli.domain.mapping import parse_mapping
    from lago_cli.readers.source import check_sources, name_of
    from lago_cli.services.ingest import IngestOptions

    options = IngestOptions(
        mapping=parse_mapping(maps or [], sets or []),
        id_from_content=id_from == "content",
        on_duplicate=on_duplicate,
        strict=strict,
        max_rejects=max_rejects,
        dry_run=dry_run,
    )
    paths = files or ["-"]
    check_sources(paths)
    _check_rejects(rejects, [session.db, *paths])
    names = ", ".join(map(name_of, paths))
    with _log(session, rejects, progress=not no_progress and not session.quiet) as log:
        run_ingest(
            session,
            options,
            names,
            log,
            lambda ingestion: _read_files(ingestion, paths, format, log),
        )


def run_ingest(
    session: Session,
    options: IngestOptions,
    source: str,
    log: IngestLog,
    read: Callable[[Ingestion], None],
) -> None:
    """Make a run of what `read` feeds it, show its summary, refuse where too much was rejected."""
    from lago_cli.cli.reports import ingest_report
    from lago_cli.services.ingest import Ingestion

    gc.set_threshold(_RARELY)
    started = time.monotonic()
    ingestion = Ingestion(
        session.store_to_try(dry_run=options.dry_run),
        options,
        source=source,
        now=session.now,
        elapsed=time.monotonic,
        listener=log,
    )
    try:
        read(ingestion)
        report = ingestion.finish()
    except BaseException:
        ingestion.abandon()
        _say_what_stays(session, ingestion)
        raise
    log.close()
    session.show(ingest_report(report, f"{time.monotonic() - started:.3f}"))
    _conclude(session, report, options)


def send_records(session: Session, records: Iterable[Record]) -> None:
    """Ingest what was given on the command line."""
    from lago_cli.services.ingest import IngestOptions

    with _log(session, None, progress=False) as log:
        source = "events send"
        run_ingest(
            session,
            IngestOptions(),
            source,
            log,
            lambda ingestion: ingestion.read(source, records),
        )


def _check_rejects(rejects: str | None, in_use: list[str]) -> None:
    """See that the file of rejects is none that it would destroy."""
    if rejects is None:
        return
    for path in in_use:
        with suppress(OSError, ValueError):  # of two files that exist
            if Path(rejects).samefile(path):
                message = f"--rejects {rejects} would overwrite {path}."
                raise wrong_usage("rejects_overwrite", message, "Name another file.")


def _log(session: Session, rejects: str | None, *, progress: bool) -> IngestLog:
    from lago_cli.cli.ingest_log import IngestLog

    return IngestLog(session, rejects, progress=progress, names=session.output != "json")


def _read_files(ingestion: Ingestion, paths: list[str], format_: str, log: IngestLog) -> None:
    from lago_cli.readers.formats import read
    from lago_cli.readers.source import open_source

    for path in paths:
        with open_source(path, sys.stdin.buffer, ingestion.pause) as source:
            log.reading(source)
            ingestion.read(source.name, read(source, format_))


def _say_what_stays(session: Session, ingestion: Ingestion) -> None:
    stored = ingestion.committed.ingested + ingestion.committed.replaced
    if stored:
        stay = "1 event was stored before that, and stays"
        if stored > 1:
            stay = f"{stored} events were stored before that, and stay"
        session.note(f"{stay}. Run it again to go on.")
    else:
        session.note("Nothing was stored.")


def _conclude(session: Session, report: IngestReport, options: IngestOptions) -> None:
    tally = report.tally
    if tally.unmatched:
        session.warn(
            f"{_stored(tally.unmatched)} but no metric has that code yet."
            " See: lago events list --status unmatched"
        )
    if tally.unusable:
        session.warn(
            f"{_stored(tally.unusable)} but the metric cannot use the value."
            " See: lago events list --status unusable"
        )
    if options.dry_run:
        session.note("Dry run: nothing was stored.")
    if report.refused:
        raise _too_many_rejected(report, options)


def _stored(events: int) -> str:
    return "1 event is stored" if events == 1 else f"{events} events are stored"


def _too_many_rejected(report: IngestReport, options: IngestOptions) -> LagoError:
    rejected = report.tally.rejected
    if rejected == report.tally.read == 1:
        return refused(
            "events_rejected", f"The event was rejected: {report.rejections[0].message}."
        )
    events = "1 event was" if rejected == 1 else f"{rejected} events were"
    if report.undone:
        return refused(
            "events_rejected",
            f"{events} rejected, so nothing was stored (--strict).",
            "Mend them and run it again, or leave out --strict to keep the others.",
        )
    return refused(
        "events_rejected",
        f"{events} rejected{'' if options.dry_run else '; all others are stored'}.",
        "Mend them and send them again; --rejects FILE writes them all to a file.",
    )
