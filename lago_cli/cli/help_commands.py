"""`lago help`, `lago version` and `lago completion`: about the program, not about a file."""

from __future__ import annotations

import sys
from typing import Annotated, Literal

import typer

from lago_cli.cli.help_pages import HelpfulCommand

Words = Annotated[
    list[str] | None, typer.Argument(metavar="[COMMAND]...", help="The command. [default: all]")
]
AsMan = Annotated[
    bool, typer.Option("--man", help="As a page for man, which shows it with man -l.")
]
Shell = Annotated[
    Literal["bash", "zsh", "fish"], typer.Argument(metavar="SHELL", help="bash, zsh or fish.")
]


def register_help(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("help", cls=HelpfulCommand)(help_)


def register_version(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("version", cls=HelpfulCommand)(version)


def register_completion(app: typer.Typer) -> None:
    """Add the command to the tree."""
    app.command("completion", cls=HelpfulCommand)(completion)


def help_(words: Words = None, man: AsMan = False) -> None:
    """Show what there is, or what a command does."""
    from lago_cli.cli.app import context_of
    from lago_cli.cli.man_pages import man_page

    context = context_of(words or [])
    text = man_page(context) if man else context.get_help() + "\n"
    sys.stdout.write(text)


def version() -> None:
    """Show which version it is."""
    from lago_cli import __version__

    print(f"lago {__version__}")


def completion(shell: Shell) -> None:
    """
    Print the completion script of a shell.

    It completes commands, options and what is in the file: codes, customers, subscriptions,
    plans, runs, periods; and time zones.
    """
    from lago_cli.cli.completion_scripts import SCRIPTS

    sys.stdout.write(SCRIPTS[shell])
