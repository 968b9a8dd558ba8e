"""`lago db`: look after the file."""

from __future__ import annotations

from typing import Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.errors import Kind, LagoError
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
    results = list(session.store(as_it_is=True).maintenance.problems())
    rows = [{"check": name, "ok": not problems, "problems": problems} for name, problems in results]
    columns = [
        Column("check"),
        Column("ok", kind="flag", verdict=True),
        Column("problems", kind="object"),
    ]
    session.show(Report(None, columns, rows))
    failed = [name for name, problems in results if problems]
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
    path: Annotated[str, typer.Argument(metavar="PATH", help="Where the copy goes.")],
) -> None:
    """Write a consistent copy, also while others write to the file."""
    from lago_cli.cli.outputs import check_output

    check_output("backup", path, session.db)
    store = session.store()
    store.maintenance.backup(path)
    row = {"path": path, "size_bytes": store.maintenance.facts()["size_bytes"]}
    columns = [Column("path"), Column("size_bytes", kind="count")]
    session.show(Report(None, columns, [row], single=True))


@command(app, "vacuum")
def vacuum(session: Session) -> None:
    """Give the room of what was removed back to the disk."""
    store = session.store(writable=True, create=False)
    before = store.maintenance.facts()["size_bytes"]
    store.maintenance.vacuum()
    row = {"before_bytes": before, "after_bytes": store.maintenance.facts()["size_bytes"]}
    columns = [Column("before_bytes", kind="count"), Column("after_bytes", kind="count")]
    session.show(Report(None, columns, [row], single=True))
