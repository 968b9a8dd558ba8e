"""
Commands about definitions, made from the fields of their classes.

Every `add_…` adds one command to a group; help and options come from `Definition`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from functools import partial
from inspect import Parameter
from typing import TYPE_CHECKING, Annotated, Any

import typer

from lago_cli.cli.options import Options, command, option, parameter
from lago_cli.domain.definitions import Definition, Entry
from lago_cli.errors import wrong_usage
from lago_cli.reports.definitions import definition_report, list_report

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.services.catalog import Given
    from lago_cli.stores.base import DefinitionStore

Of = Definition[Any]


def show(session: Session, of: Of, entry: Entry[Any], *, asked: bool = False) -> None:
    """One that was `asked` for, or changed."""
    report = definition_report(of, entry, session.now())
    (session.show if asked else session.done)(report)


def add_create(
    app: typer.Typer,
    of: Of,
    help_text: str,
    then: Callable[[Session, DefinitionStore, Any], None] | None = None,
) -> None:
    """With `then`, what is to be said of what was created."""

    @command(app, "create", _fields(of, creating=True), help_text)
    def create(session: Session, given: Given) -> None:
        from lago_cli.services import catalog

        now = session.now()
        of.define(catalog.parsed(of, given), now)  # a faulty one creates no file
        store = session.store(writable=True)
        entry = catalog.create(store, of, given, now=now)
        if then is not None:
            then(session, store, entry.value)
        show(session, of, entry)


def add_list(app: typer.Typer, of: Of, help_text: str, *, empty: str) -> None:
    @command(app, "list", help_text=help_text)
    def list_(session: Session) -> None:
        session.show(list_report(session.store(), of, session.now(), empty=empty))


def add_get(app: typer.Typer, of: Of) -> None:
    @command(app, "get", named(of), f"Show one {of.word}.")
    def get(session: Session, name: str) -> None:
        show(session, of, session.store().table(of).get(name), asked=True)


def add_update(app: typer.Typer, of: Of, help_text: str) -> None:
    @command(app, "update", _fields(of, creating=False), help_text)
    def update(session: Session, given: Given) -> None:
        from lago_cli.services import catalog

        catalog.parsed(of, given)  # wrong usage is told before a missing file
        store = session.store(writable=True, create=False)
        show(session, of, catalog.update(store, of, given["key"], given))


def add_delete(app: typer.Typer, of: Of, help_text: str, *, if_named: str = "") -> None:
    """With `if_named`, what is to be said where events name it and it stays in the list."""

    @command(app, "delete", named(of), help_text)
    def delete(session: Session, name: str) -> None:
        from lago_cli.services import catalog

        entry, is_gone = catalog.delete(session.store(writable=True, create=False), of, name)
        if not is_gone:
            session.note(if_named)
        show(session, of, entry)


def named(of: Of) -> Options:
    """The argument that names one."""
    argument = typer.Argument(metavar=of.field(of.key).metavar, help=of.key_help)
    return Options([parameter("key", Annotated[str, argument], Parameter.empty)], lambda key: key)


def _fields(of: Of, *, creating: bool) -> Options:
    """The fields that `create` or `update` sets; for `update` also which one is changed."""
    parameters = [_new_name(of)] if creating else [*named(of).parameters]
    for row in of.options(creating=creating):
        complete = _completer(row.choices) if row.choices else None
        kind = row.kind.option_type
        also = f"--{of.word}" if row.name == of.key else ""
        annotation = option(kind, row.option, row.metavar, row.help, also, autocompletion=complete)
        is_required = creating and row.required and row.name != of.key
        parameters.append(parameter(row.name, annotation, Parameter.empty if is_required else None))
    return Options(parameters, partial(_given, of) if creating else dict)


def _new_name(of: Of) -> Parameter:
    """The argument that names what is created; an option does so too."""
    field = of.field(of.key)
    told = f"{field.help} The same as {field.option}."
    argument = typer.Argument(metavar=f"[{field.metavar}]", help=told)
    return parameter("key", Annotated[str | None, argument])


def _given(of: Of, key: str | None, **given: Any) -> Given:
    """
    What options and the argument say of a new one.

    Raises:
        LagoError: wrong usage, where they name it differently, or not at all.
    """
    field = of.field(of.key)
    named = given[of.key]
    see = f"See: lago {of.plural} create --help"
    if key is None and named is None:
        message = f"Missing argument '{field.metavar}', or {field.option}."
        raise wrong_usage("usage", message, see)
    if None not in (key, named) and key != named:
        message = f'It is called "{key}" and, by {field.option}, "{named}".'
        raise wrong_usage("usage", message, see)
    return given | {of.key: named if key is None else key}


def _completer(choices: Collection[str]) -> Callable[[], list[str]]:
    return lambda: list(choices)  # typer wants a plain function
