"""
Commands about definitions, made from the fields of their classes.

Every `add_…` adds one command to a group; help and options come from `Definition`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lago_cli.cli.options import Options, command, option, parameter
from lago_cli.cli.reports import whole
from lago_cli.domain.definitions import Definition, Entry, Field
from lago_cli.renderers import Column, Report

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.services.catalog import Given
    from lago_cli.stores.base import DefinitionStore

Of = Definition[Any]


def show(session: Session, of: Of, entry: Entry[Any]) -> None:
    """One definition."""
    report = _report(session, of, [entry])
    session.show(Report(None, whole(report.columns), report.rows, single=True))


def add_create(
    app: typer.Typer,
    of: Of,
    help_text: str,
    then: Callable[[Session, DefinitionStore, Any], None] | None = None,
) -> None:
    """With `then`, what is to be said of what was created."""

    def create(session: Session, given: Given) -> None:
        from lago_cli.services import catalog

        now = session.now()
        of.define(catalog.parsed(of, given), now)  # a faulty one creates no file
        store = session.store(writable=True)
        entry = catalog.create(store, of, given, now=now)
        if then is not None:
            then(session, store, entry.value)
        show(session, of, entry)

    create.__doc__ = help_text
    command(app, "create", given=_options(of, creating=True))(create)


def add_list(app: typer.Typer, of: Of, help_text: str, *, empty: str) -> None:
    def list_(session: Session) -> None:
        session.show(_report(session, of, session.store().table(of).entries(), empty))

    list_.__doc__ = help_text
    command(app, "list")(list_)


def add_get(app: typer.Typer, of: Of) -> None:
    def get(session: Session, name: str) -> None:
        show(session, of, session.store().table(of).get(name))

    get.__doc__ = f"Show one {of.word}."
    command(app, "get", given=named(of))(get)


def add_update(app: typer.Typer, of: Of, help_text: str) -> None:
    def update(session: Session, given: Given) -> None:
        from lago_cli.services import catalog

        catalog.parsed(of, given)  # wrong usage is told before a missing file
        store = session.store(writable=True, create=False)
        show(session, of, catalog.update(store, of, given["key"], given))

    update.__doc__ = help_text
    command(app, "update", given=_options(of, creating=False))(update)


def add_delete(app: typer.Typer, of: Of, help_text: str, *, if_named: str = "") -> None:
    """With `if_named`, what is to be said where events name it and it stays in the list."""

    def delete(session: Session, name: str) -> None:
        from lago_cli.services import catalog

        store = session.store(writable=True, create=False)
        entry, is_gone = catalog.delete(store, of, name)
        if not is_gone:
            session.note(if_named)
        show(session, of, entry)

    delete.__doc__ = help_text
    command(app, "delete", given=named(of))(delete)


def named(of: Of) -> Options:
    """The argument that names one."""
    argument = typer.Argument(metavar=of.field(of.key).metavar, help=of.key_help)
    return Options([parameter("key", Annotated[str, argument], Parameter.empty)], lambda key: key)


def _options(of: Of, *, creating: bool) -> Options:
    """The fields that `create` or `update` sets; for `update` also which one is changed."""
    own = [
        parameter(
            row.name, _option(row), None if not (creating and row.required) else Parameter.empty
        )
        for row in of.options(creating=creating)
    ]
    key = [] if creating else named(of).parameters
    return Options([*key, *own], dict)


def _option(row: Field) -> Any:
    complete = (lambda: list(row.choices)) if row.choices else None
    return option(
        row.kind.option_type, row.option, row.metavar, row.help or "", autocompletion=complete
    )


def _report(session: Session, of: Of, entries: Iterable[Entry[Any]], empty: str = "") -> Report:
    from lago_cli.services import wire

    columns = [
        Column(row.name, row.heading, kind=row.cell, spare=row.spare)  # type: ignore[arg-type]
        for row in of.columns
    ]
    now = session.now()
    rows = (wire.definition(of, entry, now) for entry in entries)
    return Report(None, columns, rows, empty=empty)
