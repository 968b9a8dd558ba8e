"""`lago db`: look after the file."""

from __future__ import annotations

import os
import sys
from typing import Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.errors import Kind, LagoError, wrong_usage
from lago_cli.renderers import Column, Report

app = typer.Typer(rich_markup_mode=None)


@command(app, "info", may_watch=True)
def info(session: Session) -> None:
    """Show what is in the file."""
    from lago_cli.domain.instants import format_instant

    store = session.store()
    first, last = store.span() or (None, None)
    facts = {
        "path": store.path,
        **store.maintenance.facts(),
        **store.maintenance.counts(),
        "first_event_at": None if first is None else format_instant(first),
        "last_event_at": None if last is None else format_instant(last),
    }
    columns = [
        Column(key, kind="count" if isinstance(value, int) else "text")
        for key, value in facts.items()
    ]
    session.show(Report(None, columns, [facts], single=True))


@command(app, "check")
def check(session: Session) -> None:
    """Verify the file, its schema and its data. Exit code 9 where something is wrong."""
    maintenance = session.store(as_it_is=True).maintenance
    with session.progress(f"Checking {session.db}") as progress:
        results = list(maintenance.problems(progress.turn_to, progress))
    rows = [{"check": name, "ok": not problems, "problems": problems} for name, problems in results]
    columns = [
        Column("check"),
        Column("ok", kind="flag", verdict=True),
        Column("problems", kind="object"),
    ]
    failed = [name for name, problems in results if problems]
    (session.show if failed else session.done)(Report(None, columns, rows))
    if failed:
        raise LagoError(
            Kind.CHECK_FAILED,
            "check_failed",
            f"{session.db} is not sound: {', '.join(failed)}.",
            "Restore a backup, or export the events and ingest them into a new file.",
        )


@command(app, "backup")
def backup(
    session: Session,
    path: Annotated[
        str,
        typer.Argument(
            metavar="PATH|-", help="Where the copy goes: a new file, - (standard output), a folder."
        ),
    ],
    keep: Annotated[
        int | None,
        typer.Option(
            "--keep",
            metavar="N",
            min=1,
            help="PATH is a folder: add a dated copy, and keep the newest N of this database.",
        ),
    ] = None,
) -> None:
    """
    Write a consistent copy, also while others write to the file.

    It is verified, and complete or not there at all. A copy on standard output is made in the
    folder for temporary files ($TMPDIR) first.
    """
    from lago_cli.cli.outputs import check_output

    if path == "-":
        _to_stdout(session, keep)
        return
    if not path:
        raise wrong_usage("backup_no_path", "The path of the copy is empty.")
    if keep is None:
        check_output("backup", path, session.db)
    copies = session.store().maintenance.copies
    row: dict[str, object] = {}
    with session.progress(f"Copying {session.db}") as progress:
        if keep is None:
            copies(progress.turn_to).to(path)
        else:
            path, row["removed"] = copies(progress.turn_to).into(path, keep, _moment(session))
    row = {"path": path, "size_bytes": os.path.getsize(path), **row}  # noqa: PTH202
    columns = [Column("path"), *(Column(key, kind="count") for key in row if key != "path")]
    session.done(Report(None, columns, [row], single=True))


def _to_stdout(session: Session, keep: int | None) -> None:
    if keep is not None:
        raise wrong_usage("usage", "--keep N wants a folder, and - is standard output.")
    if sys.stdout.isatty():
        raise wrong_usage(
            "backup_to_terminal",
            "A database is nothing to be shown on a terminal.",
            "Write: lago db backup - > copy.db, or lago db backup - | gzip > copy.db.gz",
        )
    copies = session.store().maintenance.copies
    with session.progress(f"Copying {session.db}") as progress:
        copies(progress.turn_to).onto(sys.stdout.buffer)
        sys.stdout.flush()


def _moment(session: Session) -> str:
    """Now, to the second, as it stands in the name of a file."""
    from lago_cli.domain.instants import SECOND, format_instant

    return format_instant(session.now() // SECOND * SECOND).replace(":", "")


@command(app, "vacuum")
def vacuum(session: Session) -> None:
    """Give the room of what was removed back to the disk."""
    store = session.store(writable=True, create=False)
    before = store.maintenance.facts()["size_bytes"]
    with session.progress(f"Making {session.db} smaller"):
        store.maintenance.vacuum()
    row = {"before_bytes": before, "after_bytes": store.maintenance.facts()["size_bytes"]}
    columns = [Column("before_bytes", kind="count"), Column("after_bytes", kind="count")]
    session.done(Report(None, columns, [row], single=True))
