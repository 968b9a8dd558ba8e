"""`lago ingest`: events in."""

from __future__ import annotations

import gc
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.ingest_words import tell, too_many_rejected, what_stays
from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.cli.source_options import SOURCE
from lago_cli.errors import LagoError, refused, wrong_usage

if TYPE_CHECKING:
    from lago_cli.cli.ingest_log import IngestLog
    from lago_cli.domain.source_form import Told
    from lago_cli.readers.base import ReadOptions, Record
    from lago_cli.services.ingest import Ingestion
    from lago_cli.services.ingest_report import IngestOptions, IngestReport
    from lago_cli.stores.sqlite.store import SqliteStore

Files = Annotated[
    list[str] | None,
    typer.Argument(metavar="[FILE|-]...", help="Files to read; - or none is standard input."),
]
PartialLastLine = Annotated[
    Literal["reject", "skip"],
    typer.Option(
        "--partial-last-line",
        metavar="ACTION",
        help="What becomes of a record that is not whole yet: reject or skip.",
        rich_help_panel="How the source writes",
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
Show = Annotated[
    int,
    typer.Option(
        "--show", metavar="N", min=0, help="With --dry-run: show what the first would become."
    ),
]
NoProgress = Annotated[bool, typer.Option("--no-progress", help="Do not show how far it has come.")]

_RARELY = 200_000  # events make no cycles: looking for them more often took a tenth of a run


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "ingest", SOURCE)(ingest)


def ingest(
    session: Session,
    told: Told,
    files: Files = None,
    partial_last_line: PartialLastLine = "reject",
    on_duplicate: OnDuplicate = "skip",
    strict: Strict = False,
    rejects: Rejects = None,
    max_rejects: MaxRejects = 0,
    dry_run: DryRun = False,
    show: Show = 0,
    no_progress: NoProgress = False,
) -> None:
    """
    Store usage events, each exactly once.

    A repeated event is known by its transaction id, for ever.
    """
    from lago_cli.readers.base import ReadOptions
    from lago_cli.readers.encodings import check_encoding
    from lago_cli.readers.source import check_sources, name_of
    from lago_cli.services.ingest_report import IngestOptions

    if show and not dry_run:
        raise wrong_usage("usage", "--show goes with --dry-run, which stores nothing.")
    chosen = IngestOptions(
        form=told.form(),
        on_duplicate=on_duplicate,
        strict=strict,
        max_rejects=max_rejects,
        dry_run=dry_run,
        shown=show,
    )
    reading = ReadOptions(
        told.format or "auto", told.records, told.encoding, partial_last_line == "skip"
    )
    if told.encoding is not None:
        check_encoding(told.encoding)
    paths = files or ["-"]
    check_sources(paths)
    if told.id_from == "position" and "-" in paths:
        raise wrong_usage(
            "position_without_name",
            "--id-from position makes ids of the file's name, and standard input has none.",
            "Name the file, or use --id-from content.",
        )
    _check_rejects(rejects, session.db, paths)
    names = ", ".join(map(name_of, paths))
    if "-" in paths and sys.stdin.isatty() and session.output != "json":
        session.note("Reading standard input; end with Ctrl-D.")
    with _log(session, rejects, progress=not no_progress) as log:
        report = run_ingest(
            session,
            chosen,
            names,
            log,
            lambda ingestion: _read_files(ingestion, paths, reading, log),
            files=[name_of(path) for path in paths],
        )
    if report.refused:
        raise too_many_rejected(report, chosen)


def run_ingest(
    session: Session,
    options: IngestOptions,
    source: str,
    log: IngestLog,
    read: Callable[[Ingestion], None],
    *,
    files: Sequence[str] = (),
    sent: str | None = None,
) -> IngestReport:
    """
    Make a run of what `read` feeds it, show its summary and what is worth a warning.

    `files` are the names of what is read, `sent` is the transaction id where it is one event.
    """
    from lago_cli.reports.records import shown_report
    from lago_cli.services.ingest import Ingestion

    gc.set_threshold(_RARELY)
    started = time.monotonic()
    store = session.store_to_try(dry_run=options.dry_run)
    if options.form.id_from is not None and options.form.id_from.kind == "content":
        _see_to_earlier_ids(session, store, files)
    ingestion = Ingestion(
        store,
        options,
        source=source,
        now=session.now,
        elapsed=time.monotonic,
        listener=log,
    )
    try:
        read(ingestion)
        report = ingestion.finish()
        log.close(report)
        if options.shown:
            session.show(shown_report(report.shown))
        else:
            _show_summary(session, report, time.monotonic() - started, sent)
    except BaseException as error:
        ingestion.abandon()
        code = error.code if isinstance(error, LagoError) else None
        if code == "run_reverted":
            error.add_note("Nothing that it had stored is in the file any more.")
        elif code != "database_replaced":
            error.add_note(what_stays(ingestion))
        raise
    tell(session, report, options)
    return report


def _show_summary(session: Session, report: IngestReport, seconds: float, sent: str | None) -> None:
    """With --quiet only of a run that failed; to a person in one line."""
    from lago_cli.cli.ingest_words import in_one_line
    from lago_cli.reports.records import ingest_report

    if session.quiet and not report.refused:
        return
    if session.output == "table" and not session.raw and sys.stdout.isatty():
        session.tell(in_one_line(report, seconds, sent))
    else:
        session.show(ingest_report(report, f"{seconds:.3f}", sent))


def _see_to_earlier_ids(session: Session, store: SqliteStore, files: Sequence[str]) -> None:
    from lago_cli.services.earlier_ids import check_earlier_ids

    if warning := check_earlier_ids(store.runs.with_earlier_ids(), files):
        session.warn(warning)


def send_records(
    session: Session,
    records: Iterable[Record],
    transaction_id: str,
    on_duplicate: Literal["skip", "replace", "error"],
) -> None:
    """Ingest the one event that was given on the command line."""
    from lago_cli.cli.ingest_log import IngestLog
    from lago_cli.services.ingest_report import IngestOptions

    with IngestLog(session, None, progress=False, names=False) as log:
        source = "events send"
        report = run_ingest(
            session,
            IngestOptions(on_duplicate=on_duplicate, warns_of_time=False),
            source,
            log,
            lambda ingestion: ingestion.read(source, records),
            sent=transaction_id,
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


def _read_files(
    ingestion: Ingestion, paths: list[str], reading: ReadOptions, log: IngestLog
) -> None:
    from lago_cli.readers.formats import read
    from lago_cli.readers.source import open_source

    for path in paths:
        with open_source(path, sys.stdin.buffer, ingestion.pause) as source:
            log.reading(source)
            ingestion.read(source.name, read(source, reading))
