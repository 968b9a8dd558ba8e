"""`lago mappings`: the mapping files that come with the program."""

from __future__ import annotations

import sys
from typing import Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.session import Session

app = typer.Typer(rich_markup_mode=None)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The name of a mapping.")]


@command(app, "list")
def list_(session: Session) -> None:
    """List the mappings that come with the program."""
    from lago_cli.renderers import Column, Report
    from lago_cli.services.mapping_files import description_of, shipped, text_of_shipped

    rows = [
        {"name": name, "description": description_of(text_of_shipped(name))} for name in shipped()
    ]
    columns = (Column("name", kind="id"), Column("description", kind="text"))
    session.show(Report(None, columns, rows, empty="None."))


@command(app, "get")
def get(session: Session, name: Name) -> None:  # noqa: ARG001
    """Print a mapping as the YAML file that it is, to begin one of your own with."""
    from lago_cli.services.mapping_files import text_of_shipped

    sys.stdout.write(text_of_shipped(name))
