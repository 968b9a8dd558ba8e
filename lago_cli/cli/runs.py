"""`lago ingest-runs`: what each ingest brought, and how to take it back."""

from __future__ import annotations

from typing import Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session

app = typer.Typer(rich_markup_mode=None)

RunNumber = Annotated[int, typer.Argument(metavar="RUN", min=0, max=2**63 - 1, clamp=True)]


@command(app, "list")
def list_(session: Session) -> None:
    """List all runs."""
    from lago_cli.cli.reports import runs_report

    session.show(runs_report(session.store().runs.list()))


@command(app, "get")
def get(session: Session, run: RunNumber) -> None:
    """Show one run."""
    from lago_cli.cli.reports import run_report

    session.show(run_report(session.store().runs.get(run)))


@command(app, "revert")
def revert(session: Session, run: RunNumber) -> None:
    """Take back the events that a run brought; what it had only repeated stays."""
    from lago_cli.cli.reports import run_report

    store = session.store(writable=True, create=False)
    removed, restored = store.revert(run, session.now())
    came_back = f", {restored} that it had replaced came back" if restored else ""
    events = "1 event" if removed == 1 else f"{removed} events"
    session.note(f"Run {run}: {events} removed{came_back}.")
    session.show(run_report(store.runs.get(run)))
