"""
What may come next on a command line that is being typed: what a shell asks for at every TAB.

The shell runs the program with the words so far, and takes each line of the answer for a
choice. `@files` asks it for names of files.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Any, NamedTuple

from lago_cli.cli.shell_words import Typed, quoted

FILES = "@files"
MOST = 200  # names in a file; more than a person reads
_MONTHS = 24
_FEW = 3


class Choice(NamedTuple):
    text: str
    about: str = ""


PERIODS = (
    Choice("current", "the billing period or month that it is"),
    Choice("previous", "the one before"),
    Choice("last-month", "the same as previous"),
    Choice("today"),
    Choice("yesterday"),
    Choice("last-7-days"),
    Choice("all", "everything"),
)
VALUES = {
    "customers": "--customer --external-customer-id",
    "subscriptions": "--subscription --external-subscription-id",
    "metrics": "--metric --code --units= --events= --max= --min= --max-age=",
    "plans": "--plan --plan-code",
    "periods": "--period --compare",
    "zones": "--timezone",
    "mappings": "--mapping",
}
"""What stands after an option. With =, more of the user's own follows it."""
ARGUMENTS = {
    "metrics": ("defined metrics", "CODE"),
    "billable-metrics": ("defined metrics", "CODE"),
    "customers": ("customers", "ID"),
    "subscriptions": ("registered subscriptions", "ID"),
    "plans": ("plans", "CODE"),
    "ingest-runs": ("runs", "RUN"),
    "mappings": ("mappings", "NAME"),
}
"""What the arguments of a group's commands name. Files have their own words for themselves."""
_FILE_WORDS = ("FILE", "PATH", "DIR")
_NEW = ("create",)  # its argument names what is not there yet


def answer(arguments: Sequence[str], tree_of: Callable[[str | None], Any]) -> None:
    """
    Print the choices for a command line, one a line; nothing where anything is wrong.

    Args:
        arguments: `bash` and the line up to the cursor, with what separates words for it; or
            `zsh` or `fish` and the words up to the cursor, the last of which may be empty.
        tree_of: gives the tree of commands with one of its branches, or all.
    """
    with suppress(Exception):  # whoever types has no use for a message
        shell, *rest = arguments
        typed = Typed.of_line(*rest) if shell == "bash" else Typed.of_words(rest)
        choices = list(_choices(typed.words, typed.last, tree_of))
        lines = []
        for choice in choices:
            if choice.text == FILES:
                lines.append(f"{FILES}\t{typed.replaced}" if shell == "bash" else FILES)
            elif choice.text.isprintable():
                text = quoted(choice.text, typed) if shell == "bash" else choice.text
                if text is not None:
                    lines.append(text if shell == "bash" else f"{choice.text}\t{choice.about}")
        sys.stdout.write("".join(f"{line}\n" for line in lines))
        sys.stdout.flush()


def _choices(
    words: Sequence[str], last: str, tree_of: Callable[[str | None], Any]
) -> Iterator[Choice]:
    """For the last word, after the others."""
    first = next((word for word in words if not word.startswith("-")), None)
    if first == "help":
        words, first = words[1:], next(iter(words[1:]), None)
        if last.startswith("-"):
            return
    if not words and not last.startswith("-"):
        yield from _first_words(last, tree_of)
        return
    tree = tree_of(first)
    context = tree.make_context("lago", [], resilient_parsing=True)
    command, path, rest = tree, [], list(words)
    while rest and hasattr(command, "commands") and rest[0] in command.commands:
        path.append(rest.pop(0))
        command = command.commands[path[-1]]
    options = {name: each for each in command.params for name in (*each.opts, *each.secondary_opts)}
    file = _file_named(words)
    pending = _pending(rest, options)
    if pending is not None:
        yield from _beginning(_values(pending, options[pending], context, last, file), last)
    elif last.startswith("--") and "=" in last:
        name, _, value = last.partition("=")
        if name in options:
            for choice in _beginning(_values(name, options[name], context, value, file), value):
                text = FILES if choice.text == FILES else f"{name}={choice.text}"
                yield Choice(text, choice.about)
    elif last.startswith("-"):
        yield from _beginning(_options(command), last)
    else:
        if hasattr(command, "commands") and not _positional(rest, options):
            listed = ((name, each) for name, each in command.commands.items() if not each.hidden)
            yield from _beginning(
                (Choice(name, each.get_short_help_str(60)) for name, each in listed), last
            )
        at = len(_positional(rest, options))
        yield from _beginning(_arguments(path, command, at, last, file), last)


def _first_words(last: str, tree_of: Callable[[str | None], Any]) -> Iterator[Choice]:
    """Few commands are imported for few choices."""
    from lago_cli.cli.app import COMMANDS, GROUPS

    names = [name for name in (*COMMANDS, *GROUPS) if name.startswith(last)]
    for name in names:
        tree = tree_of(name if len(names) <= _FEW else None)
        yield Choice(name, tree.commands[name].get_short_help_str(60))


def _beginning(choices: Iterable[Choice], text: str) -> Iterator[Choice]:
    return (each for each in choices if each.text.startswith(text) or each.text == FILES)


def _options(command: Any) -> Iterator[Choice]:
    for each in command.params:
        if each.param_type_name == "option" and not each.hidden:
            for name in (*each.opts, *each.secondary_opts):
                yield Choice(name, each.help or "")
    yield Choice("--help", "Show what there is.")


def _pending(words: Sequence[str], options: dict[str, Any]) -> str | None:
    """The option whose value comes next."""
    last = words[-1] if words else ""
    return last if last in options and not options[last].is_flag else None


def _positional(words: Sequence[str], options: dict[str, Any]) -> list[str]:
    """The words that are neither options nor values of some."""
    found, is_value = [], False
    for word in words:
        if is_value:
            is_value = False
        elif word.startswith("-") and word != "-":
            is_value = word in options and not options[word].is_flag
        else:
            found.append(word)
    return found


def _values(name: str, option: Any, context: Any, text: str, file: str) -> Iterator[Choice]:
    for what, names in VALUES.items():
        if name in names.split():
            yield from _named(what, text, file)
        elif f"{name}=" in names.split() and "=" not in text:
            yield from (Choice(f"{each.text}=") for each in _named(what, text, file))
    for each in option.shell_complete(context, text):
        yield Choice(each.value, each.help or "")
    if _is_file(option):
        yield Choice(FILES)


def _arguments(
    path: Sequence[str], command: Any, at: int, text: str, file: str
) -> Iterator[Choice]:
    """For the argument at that place; the last one may be repeated."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    if path[:1] == ["completion"]:
        yield from map(Choice, ("bash", "zsh", "fish")) if at == 0 else ()
    if not arguments or (at >= len(arguments) and arguments[-1].nargs == 1):
        return
    argument = arguments[min(at, len(arguments) - 1)]
    metavar = (argument.metavar or "").strip("[].")
    what, named = ARGUMENTS.get(path[0], ("", "")) if path else ("", "")
    if path[-1] not in _NEW and metavar == named:
        yield from _named(what, text, file)
    elif metavar == "CODE" and path[-1] not in _NEW:  # of what something else gets
        yield from _named("plans", text, file)
    if _is_file(argument):
        yield Choice(FILES)


def _is_file(parameter: Any) -> bool:
    """Whether it names one; a PATH with these options leads into a record."""
    metavar = parameter.metavar or ""
    inside = ("--group-by", "--drop", "--records", "--field-name")
    return (
        any(word in metavar for word in _FILE_WORDS)
        and not any(word in metavar for word in ("=", "JSON"))
        and not any(name in inside for name in parameter.opts)
    )


def _named(what: str, text: str, file: str) -> Iterator[Choice]:
    if what == "zones":
        from lago_cli.domain.zones import zone_names

        yield from map(Choice, zone_names())
    elif what == "mappings":
        from lago_cli.services.mapping_files import shipped

        yield from map(Choice, shipped())
    elif what == "periods":
        yield from PERIODS
        with suppress(Exception):
            yield from map(Choice, _months(file))
    else:
        from lago_cli.stores import names_beginning

        yield from map(Choice, names_beginning(file, what, text, MOST))


def _months(file: str) -> list[str]:
    """Those that have events, the newest first."""
    from lago_cli.domain.instants import to_datetime
    from lago_cli.stores import span_of_events

    span = span_of_events(file)
    if span is None:
        return []
    first, last = (to_datetime(at).year * 12 + to_datetime(at).month - 1 for at in span)
    months = range(last, max(first - 1, last - _MONTHS), -1)
    return [f"{month // 12:04}-{month % 12 + 1:02}" for month in months]


def _file_named(words: Sequence[str]) -> str:
    """The database that the line means."""
    named = os.environ.get("LAGO_DB") or "./lago.db"
    for before, word in zip(["", *words], words, strict=False):
        if before == "--db":
            named = word
        elif word.startswith("--db="):
            named = word.removeprefix("--db=")
    return os.path.expanduser(named)  # noqa: PTH111 - the shell has not expanded it yet
