"""
Commands whose help is grouped and ends with examples.

Every start makes these classes, and few show their help: what writes it is imported then.
"""

from __future__ import annotations

from typing import Any

from typer.core import TyperCommand, TyperGroup


class _WithExamples:
    """What ends with examples."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from lago_cli.cli.help_format import write_examples

        write_examples(ctx, formatter)


class HelpfulCommand(_WithExamples, TyperCommand):
    """A command."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        from lago_cli.cli.help_format import write_options

        write_options(self, ctx, formatter)


class HelpfulGroup(_WithExamples, TyperGroup):
    """A group of commands; also one that is a command itself."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        from lago_cli.cli.help_format import write_commands, write_options

        write_commands(self, ctx, formatter)
        write_options(self, ctx, formatter)


class Root(HelpfulGroup):
    """The program itself: how to start, and its commands by what they are for."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        from lago_cli.cli.help_format import write_overview

        write_overview(self, ctx, formatter)

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        """It has none: the examples stand first."""

    def _main_shell_completion(self, *_: Any, **__: Any) -> None:
        """`lago completion` is the one way."""
