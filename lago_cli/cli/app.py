"""
The command tree, and the one place where a failure becomes an exit code.

Only the group that is asked for is imported: a tree of thirty commands would take
longer to build than most of them take to run.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from lago_cli.cli.exit_codes import FOR_KIND, ExitCode
from lago_cli.cli.help_pages import HelpfulGroup, Root
from lago_cli.cli.session import Ended, say
from lago_cli.cli.vocabulary import SLIPS, as_ours, not_here
from lago_cli.errors import LagoError, wrong_usage

HELP = "Usage metering in one SQLite file: define metrics, ingest events once, read exact usage."
GROUPS = {
    "usage": ("usage", "Show usage by customer, metric and period."),
    "metrics": ("metrics", "Define what is measured."),
    "billable-metrics": ("metrics", "The same as metrics, under Lago's name."),
    "customers": ("customers", "Register customers, and where their days begin."),
    "subscriptions": ("subscriptions", "Register subscriptions, change and end them."),
    "plans": ("plans", "Define what usage costs."),
    "invoices": ("invoices", "Show what subscriptions cost."),
    "events": ("events", "Send events one by one, and look at them."),
    "ingest-runs": ("runs", "What each ingest brought, and how to take it back."),
    "mappings": ("mappings", "How records of well-known sources become events."),
    "db": ("db", "Look after the file."),
}
COMMANDS = {
    "ingest": ("ingest", "register"),
    "apply": ("apply", "register_apply"),
    "export": ("apply", "register_export"),
    "push": ("push", "register"),
    "serve": ("serve", "register"),
    "help": ("help_commands", "register_help"),
    "version": ("help_commands", "register_version"),
    "completion": ("help_commands", "register_completion"),
}
_NAMES = (*COMMANDS, *GROUPS)
WIDEST = 100  # columns of help, on a terminal that has more
_LONGEST_NUMBER = 100_000  # digits; of what comes in, domain.numbers takes fewer


@cache
def _tree(wanted: str | None) -> Any:
    """The tree with one of its branches, or with all of them; a process seldom asks twice."""
    app = typer.Typer(
        help=HELP,
        cls=Root,
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": WIDEST},
    )
    for name in [wanted] if wanted else _NAMES:
        if name in COMMANDS:
            module, function = COMMANDS[name]
            getattr(import_module(f"lago_cli.cli.{module}"), function)(app)
        else:
            module, help_text = GROUPS[name]
            group = import_module(f"lago_cli.cli.{module}").app
            stands_alone = group.registered_callback is not None
            app.add_typer(
                group,
                name=name,
                help=help_text,
                cls=HelpfulGroup,
                no_args_is_help=not stands_alone,
            )

    @app.callback(help=HELP)
    def root(
        version: Annotated[
            bool,
            typer.Option(
                "--version",
                "-V",
                callback=_print_version,
                is_eager=True,
                help="Show which version it is.",
            ),
        ] = False,
    ) -> None:
        pass

    return get_command(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from lago_cli import __version__

        print(f"lago {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """
    Run a command and return its exit code; only bugs raise.

    Its surroundings are the standard streams, the variables and the working directory that
    it is called with. It leaves the process as it was: what only a process of its own can
    have, such as signal handlers, is set up by `lago_cli.cli.process`.
    """
    longest_number = sys.get_int_max_str_digits()
    sys.set_int_max_str_digits(_LONGEST_NUMBER)
    try:
        return _answered(arguments)
    except Ended as ended:
        reason = ended.reason
    except (KeyboardInterrupt, BrokenPipeError) as raised:
        reason = raised
    finally:
        sys.set_int_max_str_digits(longest_number)
    if isinstance(reason, KeyboardInterrupt):
        hint = _next_step(reason, None)
        return _fail(arguments, "interrupted", "Interrupted.", hint, ExitCode.INTERRUPTED)
    return ExitCode.DONE


def _answered(arguments: Sequence[str]) -> int:
    if arguments[:1] == ["__complete"]:
        from lago_cli.cli.completion import answer

        answer(arguments[1:], _tree_of)
        return ExitCode.DONE
    try:
        _refuse_unreadable(arguments)
        arguments = as_ours(arguments, _flags)
        _refuse_what_is_not_here(arguments)
        command = next((word for word in arguments if not word.startswith("-")), None)
        code = _tree_of(command)(list(arguments), prog_name="lago", standalone_mode=False)
        sys.stdout.flush()
    except LagoError as error:
        hint = _next_step(error, error.hint)
        return _fail(arguments, error.code, error.message, hint, FOR_KIND[error.kind])
    except typer.TyperException as error:
        return _misused(arguments, error)
    return int(code or 0)


def _tree_of(command: str | None) -> Any:
    return _tree(command if command in _NAMES else None)


def _flags(command: str) -> frozenset[str]:
    """The options of a command that take no value."""
    taken = [each for each in _tree(command).commands[command].params if each.opts]
    names = {name for each in taken if getattr(each, "is_flag", False) for name in each.opts}
    return frozenset({*names, "-h", "--help"})


def context_of(words: Sequence[str]) -> Any:
    """
    A command as help has it.

    Raises:
        LagoError, typer.TyperException: there is no such command.
    """
    words = as_ours(words, _flags)
    _refuse_what_is_not_here(words)
    command = _tree_of(next(iter(words), None))
    context = command.make_context("lago", [], resilient_parsing=True)
    context.resilient_parsing = False  # it was, for it got no command
    for word in words:
        if not hasattr(command, "commands"):
            raise wrong_usage("usage", f"{context.command_path} has no commands.", _see(context))
        _, command, _ = context.command.resolve_command(context, [word])
        context = type(context)(command, info_name=word, parent=context)
    return context


def _refuse_what_is_not_here(words: Sequence[str]) -> None:
    instead = not_here(words)
    if instead is not None:
        name = " ".join(words[: 1 if not_here(words[:1]) else 2])
        message = f"lago {name} is no part of this program, which meters usage and previews costs."
        raise wrong_usage("not_part_of_this", message, instead)


def _see(context: Any) -> str:
    return f"See: {context.command_path} --help"


def _refuse_unreadable(arguments: Sequence[str]) -> None:
    """Bytes that are no text may name a file, and nothing else."""
    for argument in arguments:
        if not _is_text(argument) and not Path(argument).exists() and "=" not in argument:
            shown = argument.encode(errors="backslashreplace").decode()
            raise wrong_usage("invalid_text", f"The argument {shown} is not UTF-8 text.")


def _is_text(argument: str) -> bool:
    try:
        argument.encode()
    except UnicodeEncodeError:
        return False
    return True


def _misused(arguments: Sequence[str], error: Any) -> int:
    context = getattr(error, "ctx", None)
    if type(error).__name__ == "NoArgsIsHelpError":
        print(error.format_message(), file=sys.stderr)
        return ExitCode.USAGE
    _name_as_typed(arguments, error)
    message = error.format_message().replace("\n\t", " ")  # of several choices
    group = next((word for word in arguments[:1] if word in _NAMES), "")
    hint = _see(context) if context else f"See: {f'lago {group}'.strip()} --help"
    option = str(getattr(error, "option_name", ""))
    if context is not None and context.parent is None:
        hint = _after_the_command(arguments, option) or hint
    elif context is not None and type(error).__name__ == "NoSuchOption":
        message = f"No such option: {option}{_meant(context, option)}"
    if "'svg' is not one of" in message:
        hint = "A chart is drawn by: lago usage -o svg"
    return _fail(arguments, "usage", message, hint, ExitCode.USAGE)


def _name_as_typed(arguments: Sequence[str], error: Any) -> None:
    """Let a faulty option go by the one of its names that was used."""
    names = [
        name for name in getattr(getattr(error, "param", None), "opts", ()) if name[:2] == "--"
    ]
    if len(names) > 1 and error.param_hint is None:
        typed = {word.partition("=")[0] for word in arguments}
        error.param_hint = f"'{next((name for name in names if name in typed), names[0])}'"


def _meant(context: Any, option: str) -> str:
    """What an option that is not there was probably to be, as the end of a sentence."""
    from difflib import get_close_matches

    names = [
        name
        for each in context.command.params
        for name in (*each.opts, *each.secondary_opts)
        if name.startswith("--")
    ]
    slip = SLIPS.get(option, "")
    if slip and (not slip.startswith("-") or slip.split()[0] in (*names, "-o", "-q")):
        return f". Did you mean {slip}?"
    close = get_close_matches(option, names, n=1)
    return f". Did you mean {close[0]}?" if close else ""


def _after_the_command(arguments: Sequence[str], option: str) -> str | None:
    """How to write it, where an option that every command has came before the command."""
    import shlex

    from lago_cli.cli.options import SHARED_NAMES

    if option not in SHARED_NAMES:
        return None
    at = next((i for i, word in enumerate(arguments) if word in _NAMES), len(arguments))
    words = ["lago", *(arguments[at:] or ["usage"]), *arguments[:at]]
    return f"Options stand after the command, for example: {shlex.join(words)}"


def _next_step(error: BaseException, hint: str | None) -> str | None:
    """The hint of an error, after what was noted on its way."""
    return " ".join([*getattr(error, "__notes__", []), *([hint] if hint else [])]) or None


def _fail(
    arguments: Sequence[str], code: str, message: str, hint: str | None, exit_code: ExitCode
) -> int:
    """Say what went wrong, in the form that was asked for, and how to mend it."""
    with suppress(BrokenPipeError, LagoError):
        sys.stdout.flush()
    if _wants_json(arguments):
        import json

        error = {"code": code, "message": message, "hint": hint}
        print(json.dumps({"error": error}), file=sys.stderr)
        return exit_code
    first, *others = message.split("\n")
    say(first, label="Error:", style="31", no_color="--no-color" in arguments)
    for line in others:
        say(f"  {line}")
    if hint:
        say(f"  {hint}")
    return exit_code


def _wants_json(arguments: Sequence[str]) -> bool:
    """Whether errors are to be JSON; asked before, and also when, parsing fails."""
    wanted = os.environ.get("LAGO_OUTPUT", "")
    for word, following in zip(arguments, [*arguments[1:], ""], strict=True):
        short = word[1:].lstrip("q")  # -o json, -ojson, -qojson
        if word == "--output" or short == "o":
            wanted = following
        elif word.startswith("--output="):
            wanted = word.removeprefix("--output=")
        elif word.startswith("-") and short.startswith("o"):
            wanted = short[1:].removeprefix("=")
    return wanted == "json"
