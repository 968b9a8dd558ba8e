"""Pages for man, of the same words as `--help`."""

from __future__ import annotations

import re
from collections.abc import Iterator
from textwrap import wrap
from typing import Any

from lago_cli import __version__
from lago_cli.cli.app import COMMANDS, GROUPS
from lago_cli.cli.help_format import OVERVIEW, examples_of, grouped, path_of
from lago_cli.cli.vocabulary import LAGOS_NAMES

PAGES = sorted(name for name in (*COMMANDS, *GROUPS) if name != "billable-metrics")
"""Commands with a page of their own, which is also that of their commands."""
_EXIT_CODES = (
    ("0", "done; events that are already there included"),
    ("1", "a bug"),
    ("2", "wrong use of the command line"),
    ("4", "not found"),
    ("5", "refused: an invalid definition, or at least one event rejected"),
    ("7", "the database is unreadable, corrupt, or of a newer schema"),
    ("8", "the database is locked beyond the busy timeout"),
    ("9", "a check failed"),
    ("130", "interrupted; what was committed stays"),
)


def man_page(context: Any) -> str:
    """The page of a command; of a group with all its commands."""
    return "\n".join(_page(context)) + "\n"


def _page(context: Any) -> Iterator[str]:
    command, name = context.command, context.command_path.replace(" ", "-")
    about = _text(command.get_short_help_str(200)).partition(":")[0].rstrip(".")
    yield f'.TH "{name.upper()}" "1" "" "lago {__version__}" "lago"'
    yield from (".SH NAME", f"{_text(name)} \\- {about}")
    yield ".SH SYNOPSIS"
    yield from _usage(context)
    yield ".SH DESCRIPTION"
    yield from _paragraphs(command.help)
    if context.parent is None:
        yield from _overview(context)
    else:
        yield from _options(context, ".SH")
        yield from _examples(context)
        for each in getattr(command, "commands", {}):
            yield from _subcommand(context, each)
    yield from _ends(context)


def _usage(context: Any) -> Iterator[str]:
    pieces = " ".join(context.command.collect_usage_pieces(context))
    yield f"\\fB{_text(context.command_path)}\\fR {_text(pieces)}"


def _subcommand(context: Any, name: str) -> Iterator[str]:
    command = context.command.commands[name]
    child = type(context)(command, info_name=name, parent=context)
    yield f'.SH "{_text(child.command_path.upper())}"'
    yield from _usage(child)
    yield ".PP"
    yield from _paragraphs(command.help)
    yield from _options(child, ".SS")
    yield from _examples(child)


def _overview(context: Any) -> Iterator[str]:
    group = context.command
    yield ".SH EXAMPLES"
    yield from _example_lines("")
    for heading, names in OVERVIEW.items():
        yield f'.SH "{_text(heading.upper())}"'
        for name in names:
            if name in group.commands:
                yield ".TP"
                yield f"\\fBlago {_text(name)}\\fR"
                yield _line(group.commands[name].get_short_help_str(200))
    yield ".PP"
    yield _line(LAGOS_NAMES)
    yield from _options(context, ".SH")


def _options(context: Any, heading: str) -> Iterator[str]:
    for group, rows in grouped(context.command, context).items():
        title = group if group in ("Arguments", "Options") else f"{group} options"
        yield f'{heading} "{_text(title.upper() if heading == ".SH" else title)}"'
        for what, meaning in rows:
            yield ".TP"
            yield f"\\fB{_text(what)}\\fR"
            yield _line(meaning or "No more is to be said.")


def _examples(context: Any) -> Iterator[str]:
    if examples_of(path_of(context)):
        yield ".SH EXAMPLES" if context.parent.parent is None else '.SS "Examples"'
        yield from _example_lines(path_of(context))


def _example_lines(path: str) -> Iterator[str]:
    for number, (what, line) in enumerate(examples_of(path)):
        yield from (".PP",) if number else ()
        yield from (_line(what), ".PP", ".RS 4", ".nf", _as_it_is(line), ".fi", ".RE")


def _ends(context: Any) -> Iterator[str]:
    yield '.SH "EXIT STATUS"'
    for code, meaning in _EXIT_CODES:
        yield from (".TP", f"\\fB{code}\\fR", _line(meaning[0].upper() + meaning[1:] + "."))
    yield '.SH "SEE ALSO"'
    others = ["lago"] if context.parent is not None else [f"lago-{name}" for name in PAGES]
    yield ",\n".join(f"\\fB{_text(name)}\\fR(1)" for name in others)


def _paragraphs(text: str | None) -> Iterator[str]:
    for number, paragraph in enumerate(re.split(r"\n\s*\n", (text or "").strip())):
        if number:
            yield ".PP"
        yield _line(" ".join(paragraph.split()))


def _line(text: str) -> str:
    """Words that may be broken into lines."""
    lines = wrap(_text(text), 79, break_long_words=False, break_on_hyphens=False)
    return "\n".join(map(_guarded, lines))


def _as_it_is(text: str) -> str:
    return _guarded(_text(text))


def _guarded(line: str) -> str:
    """What begins like a request is none."""
    return f"\\&{line}" if line.startswith((".", "\\(aq")) else line


def _text(text: str) -> str:
    """With nothing in it that roff would take for its own."""
    for sign, written in (("\\", "\\e"), ("-", "\\-"), ("'", "\\(aq"), ("`", "\\(ga")):
        text = text.replace(sign, written)
    return text.replace('"', "\\(dq").replace("^", "\\(ha").replace("~", "\\(ti")
