"""`lago ingest`: events in."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable
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
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="What the files hold: json, ndjson or csv; auto tells by content.",
    ),
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
    typer.Option(
        "--id-from",
        metavar="SOURCE",
        help="content: where a record has no transaction id, make it of the rest.",
    ),
]
OnDuplicate = Annotated[
    Literal["skip", "replace", "error"],
    typer.Option(
        "--on-duplicate",
        metavar="ACTION",
        help="What becomes of an event whose id is taken: skip, replace or error.",
    ),
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
    """
    Store usage events, each exactly once.

    A repeated event is known by its transaction id, for ever.
    """
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
    _check_rejects(rejects, session.db, paths)
    names = ", ".join(map(name_of, paths))
    if "-" in paths and sys.stdin.isatty() and session.output != "json":
        session.note("Reading standard input; end with Ctrl-D.")
    with _log(session, rejects, progress=not no_progress and not session.quiet) as log:
        report = run_ingest(
            session,
            options,
            names,
            log,
            lambda ingestion: _read_files(ingestion, paths, format, log),
        )
    if report.refused:
        raise _too_many_rejected(report, options)


def run_ingest(
    session: Session,
    options: IngestOptions,
    source: str,
    log: IngestLog,
    read: Callable[[Ingestion], None],
    sent: str | None = None,
) -> IngestReport:
    """
    Make a run of what `read` feeds it, show its summary and what is worth a warning.

    `sent` is the transaction id where it is one event.
    """
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
        log.close()
        session.show(ingest_report(report, f"{time.monotonic() - started:.3f}", sent))
    except BaseException as error:
        ingestion.abandon()
        code = error.code if isinstance(error, LagoError) else None
        if code == "run_reverted":
            error.add_note("Nothing that it had stored is in the file any more.")
        elif code != "database_replaced":
            error.add_note(_what_stays(ingestion))
        raise
    _warn(session, report, options)
    return report


def send_records(session: Session, records: Iterable[Record], transaction_id: str) -> None:
    """Ingest the one event that was given on the command line."""
    from lago_cli.cli.ingest_log import IngestLog
    from lago_cli.services.ingest import IngestOptions

    with IngestLog(session, None, progress=False, names=False) as log:
        source = "events send"
        report = run_ingest(
            session,
            IngestOptions(),
            source,
            log,
            lambda ingestion: ingestion.read(source, records),
            transaction_id,
        )
    for rejection in report.rejections:
        raise refused(rejection.code, f"The event was rejected: {rejection.message}.")


def _check_rejects(rejects: str | None, db: str, inputs: list[str]) -> None:
    """See that the file of rejects is none that it would destroy."""
    from lago_cli.cli.outputs import check_output

    if rejects is None:
        return
    if rejects in ("", "-"):
        message = f'--rejects wants the name of a file, and "{rejects}" is none.'
        raise wrong_usage("rejects_no_file", message, "For example: --rejects rejects.ndjson")
    check_output("--rejects", rejects, db, inputs)


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


def _what_stays(ingestion: Ingestion) -> str:
    stored = ingestion.committed.ingested + ingestion.committed.replaced
    if not stored:
        return "Nothing was stored."
    stay = "event was stored before that, and stays"
    if stored > 1:
        stay = "events were stored before that, and stay"
    return f"{stored} {stay}. Run it again to go on."


def _warn(session: Session, report: IngestReport, options: IngestOptions) -> None:
    tally = report.tally
    for target, path in report.unfound.items():
        records = "1 record" if tally.read == 1 else f"{tally.read} records"
        session.warn(f"--map {target}={path} found nothing in {records}")
    for status, events, what in (
        ("unmatched", tally.unmatched, "a code that no metric has yet"),
        ("unusable", tally.unusable, "a value that the metric cannot use"),
    ):
        if events:
            session.warn(_not_counted(events, what, status, dry_run=options.dry_run))
    if options.dry_run:
        session.note("Dry run: nothing was stored.")


def _not_counted(events: int, what: str, status: str, *, dry_run: bool) -> str:
    noun, is_, has = ("event", "is", "has") if events == 1 else ("events", "are", "have")
    if dry_run:
        return f"{events} {noun} would be stored but {has} {what}."
    see = f"See: lago events list --status {status}"
    return f"{events} {noun} {is_} stored but {has} {what}. {see}"


def _too_many_rejected(report: IngestReport, options: IngestOptions) -> LagoError:
    rejected = report.tally.rejected
    if rejected == report.tally.read == 1:
        return refused(
            "events_rejected", f"The event was rejected: {report.rejections[0].message}."
        )
    events, them = ("1 event was", "it") if rejected == 1 else (f"{rejected} events were", "them")
    if report.undone:
        would_be = "would be" if options.dry_run else "was"
        return refused(
            "events_rejected",
            f"{events} rejected, so nothing {would_be} stored (--strict).",
            f"Mend {them} and run it again, or leave out --strict to keep the others.",
        )
    others = "nothing was stored (--dry-run)" if options.dry_run else "all others are stored"
    if rejected == report.tally.read and not options.dry_run:
        others = "nothing was stored"
    return refused(
        "events_rejected",
        f"{events} rejected; {others}.",
        f"Mend {them} and send {them} again; --rejects FILE writes {them} to a file.",
    )
