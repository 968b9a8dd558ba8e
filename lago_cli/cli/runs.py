"""`lago ingest-runs`: what each ingest brought, and how to take it back."""

from __future__ import annotations

from typing import Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.errors import wrong_usage

app = typer.Typer(rich_markup_mode=None)

RunNumber = Annotated[
    str, typer.Argument(metavar="RUN", help="Its number, as ingest and ingest-runs list show it.")
]
LARGEST = 2**63 - 1


@command(app, "list", may_watch=True)
def list_(session: Session) -> None:
    """List all runs."""
    from lago_cli.reports.records import runs_report

    session.show(runs_report(session.store().runs.list()))


@command(app, "get")
def get(session: Session, run: RunNumber) -> None:
    """Show one run."""
    from lago_cli.reports.records import run_report

    session.show(run_report(session.store().runs.get(_number(run))))


@command(app, "revert")
def revert(session: Session, run: RunNumber) -> None:
    """Take back the events that a run brought. What it had only repeated stays."""
    from lago_cli.reports.records import run_report

    number = _number(run)
    store = session.store(writable=True, create=False)
    with session.progress(f"Taking back run {number}") as progress:
        removed, restored = store.revert(number, session.now(), progress)
    came_back = f", {restored} that it had replaced came back" if restored else ""
    events = "1 event" if removed == 1 else f"{removed} events"
    session.note(f"Run {number}: {events} removed{came_back}.")
    session.done(run_report(store.runs.get(number)))


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        hint = "List them with: lago ingest-runs list"
        raise wrong_usage("invalid_run", f"{text} is not a run number.", hint)
    digits = text.lstrip("0")
    return int(digits or 0) if len(digits) < len(str(LARGEST)) else LARGEST
