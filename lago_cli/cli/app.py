"""
The command tree, and the one place where a failure becomes an exit code.

Only the group that is asked for is imported: a tree of thirty commands would take
longer to build than most of them take to run.
"""

from __future__ import annotations

import errno
import gc
import io
import os
import signal
import sys
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from lago_cli.cli.exit_codes import FOR_KIND, ExitCode
from lago_cli.cli.session import Ended, say
from lago_cli.errors import LagoError, database, wrong_usage

HELP = "Usage metering in one SQLite file: define metrics, ingest events once, read exact usage."
GROUPS = {
    "usage": ("usage", "Show usage by customer, metric and period."),
    "metrics": ("metrics", "Define what is measured."),
    "billable-metrics": ("metrics", "The same as metrics, under Lago's name."),
    "customers": ("customers", "Register customers, and where their days begin."),
    "subscriptions": ("subscriptions", "Register subscriptions, change and end them."),
    "events": ("events", "Send events one by one, and look at them."),
    "ingest-runs": ("runs", "What each ingest brought, and how to take it back."),
    "mappings": ("mappings", "How records of well-known sources become events."),
    "db": ("db", "Look after the file."),
}
COMMANDS = {
    "ingest": ("ingest", "register"),
    "apply": ("apply", "register_apply"),
    "export": ("apply", "register_export"),
}


_OUTPUT_FAILED = "output_failed"
_MANY_OBJECTS = 100_000  # between looks for garbage: millions are made here, hardly any in cycles
_LONGEST_NUMBER = 100_000  # digits; of what comes in, domain.numbers takes fewer


class Terminated(KeyboardInterrupt):
    """SIGTERM, handled like Ctrl-C."""


def build(wanted: str | None) -> typer.Typer:
    """The tree with one of its branches, or with all where `wanted` is none of them."""
    app = typer.Typer(
        help=HELP,
        no_args_is_help=True,
        pretty_exceptions_enable=False,
        rich_markup_mode=None,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    names = [*COMMANDS, *GROUPS]
    for name in [wanted] if wanted in names else names:
        if name in COMMANDS:
            module, function = COMMANDS[name]
            getattr(import_module(f"lago_cli.cli.{module}"), function)(app)
        else:
            module, help_text = GROUPS[name]
            group = import_module(f"lago_cli.cli.{module}").app
            stands_alone = group.registered_callback is not None
            app.add_typer(group, name=name, help=help_text, no_args_is_help=not stands_alone)

    @app.callback(help=HELP)
    def root(
        version: Annotated[
            bool,
            typer.Option("--version", callback=_print_version, is_eager=True, help="Show it."),
        ] = False,
    ) -> None:
        pass

    return app


def _print_version(wanted: bool) -> None:
    if wanted:
        from lago_cli import __version__

        print(f"lago {__version__}")
        raise typer.Exit


def run(arguments: Sequence[str]) -> int:
    """Run the program and return its exit code; only bugs raise."""
    signal.signal(signal.SIGTERM, _terminate)
    sys.set_int_max_str_digits(_LONGEST_NUMBER)
    gc.set_threshold(_MANY_OBJECTS)
    _open_what_is_closed()
    _let_answers_fail()
    _let_words_be_lost()
    try:
        return _to_the_end(arguments)
    finally:
        for late in (signal.SIGINT, signal.SIGTERM):  # all is said: nothing is left to interrupt
            signal.signal(late, signal.SIG_IGN)


def _to_the_end(arguments: Sequence[str]) -> int:
    try:
        return _started(arguments)
    except Ended as ended:
        reason = ended.reason
    except (KeyboardInterrupt, BrokenPipeError) as raised:
        reason = raised
    if isinstance(reason, KeyboardInterrupt):
        hint = _next_step(reason, None)
        return _fail(arguments, "interrupted", "Interrupted.", hint, ExitCode.INTERRUPTED)
    _silence_stdout()
    return ExitCode.DONE


def _started(arguments: Sequence[str]) -> int:
    try:
        _refuse_unreadable(arguments)
        app = build(next((word for word in arguments if not word.startswith("-")), None))
        code = app(list(arguments), prog_name="lago", standalone_mode=False)
        sys.stdout.flush()
    except LagoError as error:
        if error.code == _OUTPUT_FAILED:
            _silence_stdout()
        hint = _next_step(error, error.hint)
        return _fail(arguments, error.code, error.message, hint, FOR_KIND[error.kind])
    except typer.TyperException as error:
        return _misused(arguments, error)
    return int(code or 0)


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
    hint = f"See: {context.command_path} --help" if context else "See: lago --help"
    if context is not None and context.parent is None:
        hint = _after_the_command(arguments, getattr(error, "option_name", None)) or hint
    return _fail(arguments, "usage", error.format_message(), hint, ExitCode.USAGE)


def _after_the_command(arguments: Sequence[str], option: str | None) -> str | None:
    """How to write it, where an option that every command has came before the command."""
    import shlex

    from lago_cli.cli.options import SHARED_NAMES

    if option not in SHARED_NAMES:
        return None
    names = [*COMMANDS, *GROUPS]
    at = next((i for i, word in enumerate(arguments) if word in names), len(arguments))
    words = ["lago", *(arguments[at:] or ["usage"]), *arguments[:at]]
    return f"Options stand after the command, for example: {shlex.join(words)}"


def _next_step(error: BaseException, hint: str | None) -> str | None:
    """The hint of an error, after what was noted on its way."""
    return " ".join([*getattr(error, "__notes__", []), *([hint] if hint else [])]) or None


def _fail(
    arguments: Sequence[str], code: str, message: str, hint: str | None, exit_code: ExitCode
) -> int:
    """Say what went wrong, in the form that was asked for, and how to mend it."""
    try:
        sys.stdout.flush()
    except (BrokenPipeError, LagoError):
        _silence_stdout()
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


def _open_what_is_closed() -> None:
    """
    Streams that were closed for the program (`<&-`): nothing comes in, and words are lost.

    Standard output can be written to by nobody, so that an answer is not lost in silence.
    Each takes its own number, lest a file that is opened later gets it.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            number = os.open(os.devnull, os.O_WRONLY if name == "stderr" else os.O_RDONLY)
            stream = open(number, mode, encoding="utf-8", closefd=False)  # noqa: SIM115
            setattr(sys, name, stream)


class _Answer(io.FileIO):
    """Standard output: what it cannot take is an error, but for a reader that has gone away."""

    def write(self, data: Any) -> int:
        try:
            written = super().write(data)
        except BrokenPipeError:
            raise
        except OSError as error:
            reason = error.strerror
            if error.errno == errno.EBADF:
                reason = "standard output is closed"
            raise _output_failed(reason) from None
        if written is None:  # it does not wait for its reader
            raise _output_failed("its reader is too slow")
        return written


def _output_failed(reason: str | None) -> LagoError:
    return database(_OUTPUT_FAILED, f"The answer could not be written: {reason}.")


def _let_answers_fail() -> None:
    with suppress(OSError, ValueError):  # it is none of the system's files
        old = sys.stdout
        stream = io.BufferedWriter(_Answer(old.fileno(), "wb", closefd=False))
        sys.stdout = io.TextIOWrapper(
            stream, old.encoding, old.errors, line_buffering=bool(old.line_buffering)
        )


class _Words(io.FileIO):
    """Standard error, except that what it cannot take is lost: words stop no work."""

    def write(self, data: Any) -> int:
        try:
            return super().write(data)
        except OSError:
            return len(data)


def _let_words_be_lost() -> None:
    with suppress(OSError, ValueError):  # it is none of the system's files
        stream = io.BufferedWriter(_Words(sys.stderr.fileno(), "wb", closefd=False))
        sys.stderr = io.TextIOWrapper(
            stream, sys.stderr.encoding, sys.stderr.errors, line_buffering=True
        )


def _silence_stdout() -> None:
    """A reader that has gone away is no error, nor is what the interpreter flushes at exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def _terminate(_signal: int, _frame: object) -> NoReturn:
    raise Terminated
