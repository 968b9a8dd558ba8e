"""`lago apply` and `lago export`: definitions as files."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.errors import Kind, LagoError, wrong_usage

if TYPE_CHECKING:
    from lago_cli.renderers import Report
    from lago_cli.services.apply import Change

Files = Annotated[
    list[str], typer.Argument(metavar="FILE...", help="YAML or JSON; - is standard input.")
]
DryRun = Annotated[
    bool,
    typer.Option("--dry-run", help="Write nothing; exit code 9 where there is something to do."),
]
Prune = Annotated[
    bool, typer.Option("--prune", help="Delete what the files do not name. Events are kept.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Take warnings for faults.")]


_DONE = {"create": "created", "change": "changed", "keep": "unchanged", "delete": "deleted"}


def register_apply(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "apply")(apply)


def register_export(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "export")(export)


def apply(
    session: Session,
    files: Files,
    dry_run: DryRun = False,
    prune: Prune = False,
    strict: Strict = False,
) -> None:
    """
    Bring all definitions to what files say.

    They are metrics, customers, plans and subscriptions, in YAML or JSON.

    Applying them again changes nothing. A file with any fault changes nothing either.
    """
    from lago_cli.cli.definition_files import read_files, wanted_of
    from lago_cli.cli.findings import in_files, refuse, warn
    from lago_cli.services.apply import carry_out, changes
    from lago_cli.services.definitions import Known
    from lago_cli.services.lint import NOTHING, known_in

    found = read_files(files)
    is_there = os.path.exists(session.db)  # noqa: PTH110 - it raises nothing
    if not is_there:  # then a fault leaves no file behind
        findings = in_files(found, wanted_of(found, Known({}, {}, session.now())), NOTHING)
        if strict:
            refuse(findings)
    is_looked_at = is_there and dry_run
    store = session.store() if is_looked_at else session.store_to_try(dry_run=dry_run)
    with nullcontext() if dry_run else store.writing():
        subscriptions = {each.external_id: each for each in store.accounts.subscriptions()}
        known = Known({}, subscriptions, session.now())
        if not prune:  # those that stay
            known = known._replace(
                timezones=store.accounts.timezones(),
                metrics=store.catalog.metrics(),
                plans=store.plans(),
            )
        wanted = wanted_of(found, known)
        named = {name for _, name in store.parties() if name is not None}
        findings = in_files(found, wanted, NOTHING if prune else known_in(store), named)
        if strict:
            refuse(findings)
        warn(session, findings)
        todo = changes(store, wanted, prune=prune)
        if not dry_run:
            carry_out(store, todo, now=session.now())
    waiting = dry_run and sum(change.action != "keep" for change in todo)
    (session.show if waiting else session.done)(_report(todo))
    if waiting:
        what = "1 definition is" if waiting == 1 else f"{waiting} definitions are"
        raise LagoError(
            Kind.CHECK_FAILED,
            "changes_pending",
            f"{what} not as the files say.",
            "Apply them without --dry-run.",
        )


def export(session: Session) -> None:
    """
    Write all definitions, for apply to take back. As YAML, or as JSON with -o json.

    To make a file anew, first ingest what events export wrote, then apply this.
    """
    from lago_cli.renderers import Column, Report
    from lago_cli.reports.records import bare_numbers
    from lago_cli.services.apply import exported

    if session.output not in ("table", "json", "yaml") and session.output_chosen:
        raise wrong_usage(
            "invalid_output",
            f"Definitions cannot be written as {session.output}.",
            "-o json writes JSON, -o yaml or no -o at all writes YAML.",
        )
    definitions = exported(session.store())
    if session.output == "json":
        columns = [Column(section, kind="object") for section in definitions]
        session.show(Report(None, columns, [bare_numbers(definitions)], single=True))
    else:
        from lago_cli.renderers.yaml import write_yaml

        text = write_yaml(bare_numbers(definitions))
        sys.stdout.buffer.write(text.encode())  # as `apply` reads it


def _report(todo: Sequence[Change]) -> Report:
    from lago_cli.renderers import Column, Report

    rows = [
        {
            "type": change.of.section.removesuffix("s"),
            "name": change.name,
            "action": _DONE[change.action],
            "changes": {
                key: {"from": before, "to": after}
                for key, (before, after) in change.changed.items()
            },
        }
        for change in todo
    ]
    columns = [
        Column("action", kind="flag"),
        Column("type", kind="flag"),
        Column("name", kind="id"),
        Column("changes", kind="object"),
    ]
    return Report(None, columns, rows, empty="The files define nothing.")
