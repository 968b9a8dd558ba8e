"""`lago apply` and `lago export`: definitions as files."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session
from lago_cli.errors import Kind, LagoError, refused, wrong_usage

if TYPE_CHECKING:
    from lago_cli.services.apply import Change
    from lago_cli.services.definitions import Definitions, Known

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
_DONE = {"create": "created", "change": "changed", "keep": "unchanged", "delete": "deleted"}


def register_apply(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "apply")(apply)


def register_export(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "export")(export)


def apply(session: Session, files: Files, dry_run: DryRun = False, prune: Prune = False) -> None:
    """
    Define what files say: metrics, customers and subscriptions.

    Applying them again changes nothing. A file with any fault changes nothing either.
    """
    from lago_cli.services.apply import carry_out, changes
    from lago_cli.services.definitions import Known

    store = session.store_to_try(dry_run=dry_run)
    with store.writing():
        subscriptions = {each.external_id: each for each in store.accounts.subscriptions()}
        known = Known(store.accounts.timezones(), subscriptions, session.now())
        todo = changes(store, _wanted(files, known), prune=prune)
        if not dry_run:
            carry_out(store, todo, now=session.now())
    _show(session, todo)
    waiting = sum(change.action != "keep" for change in todo)
    if dry_run and waiting:
        what = "1 definition is" if waiting == 1 else f"{waiting} definitions are"
        raise LagoError(
            Kind.CHECK_FAILED,
            "changes_pending",
            f"{what} not as the files say.",
            "Apply them without --dry-run.",
        )


def export(session: Session) -> None:
    """Write all definitions as YAML, or with -o json as JSON, for apply to take back."""
    from lago_cli.services.apply import exported

    if session.output not in ("table", "json"):
        raise wrong_usage(
            "invalid_output", f"Definitions cannot be written as {session.output}.", "Use json."
        )
    definitions = exported(session.store())
    if session.output == "json":
        from lago_cli.renderers import Column, Report

        columns = [Column(section, kind="object") for section in definitions]
        session.show(Report(None, columns, [definitions], single=True))
    else:
        from lago_cli.readers.documents import write_yaml

        sys.stdout.write(write_yaml(definitions))


def _wanted(files: Sequence[str], known: Known) -> Definitions:
    """
    What all files together ask for.

    Raises:
        LagoError: refused, with every fault and its place.
    """
    from lago_cli.readers.documents import read_documents
    from lago_cli.readers.whole import read_whole
    from lago_cli.renderers.escapes import visible
    from lago_cli.services.definitions import Definitions, read_definitions

    wanted = Definitions()
    faults: list[str] = []
    for file in files:
        name, data = read_whole(file, sys.stdin.buffer)
        try:
            documents = read_documents(data)
        except LagoError as error:
            faults.append(visible(f"{name}: {error.message}"))
            continue
        for document in documents:
            for path, fault in read_definitions(document.value, wanted, known):
                hint = f" {fault.hint}" if fault.hint else ""
                faults.append(visible(f"{document.place(name, path)}: {fault.message}{hint}"))
    if faults:
        count = "1 fault" if len(faults) == 1 else f"{len(faults)} faults"
        message = "\n".join([f"{count}; nothing was changed.", *faults])
        raise refused("invalid_definitions", message)
    return wanted


def _show(session: Session, todo: Sequence[Change]) -> None:
    from lago_cli.renderers import Column, Report

    rows = [
        {
            "type": change.kind,
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
    session.show(Report(None, columns, rows, empty="The files define nothing."))
