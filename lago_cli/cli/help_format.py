"""What `--help` says, in groups: of options, of commands, and examples."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from lago_cli.cli.examples import Example, all_examples
from lago_cli.cli.options import EVERYWHERE
from lago_cli.cli.vocabulary import LAGOS_NAMES

if TYPE_CHECKING:
    from typer import Context

Rows = list[tuple[str, str]]

ARGUMENTS, SELECT, PERIOD, SHAPE, OTHERS = "Arguments", "Select", "Period", "Shape", "Options"
DEFINITION = "Definition"
GROUPS = {
    SELECT: "customer subscription metric code filter status property where",
    PERIOD: "period from to at as-of timezone compare",
    SHAPE: "window group-by by prorated amounts sort top total chart limit watch with-usage",
}
"""The groups of options that say none themselves, by the first name of the option."""
OF_COMMANDS = {
    "ingest": {"Duplicates and rejects": "on-duplicate strict rejects max-rejects"},
    "push": {"Destination": "key rate retry-refused retry-for"},
    "usage check": {
        "Check": "expect against key retry-for tolerance max min max-age require-figures"
    },
    "events send": {
        "Event": "code customer subscription transaction-id timestamp properties"
        " precise-total-amount-cents on-duplicate"
    },
}
"""The same for some commands, before the others."""
_ORDER = (ARGUMENTS, SELECT, DEFINITION, PERIOD, SHAPE, OTHERS)
_DEFINING = ("create", "update")
OVERVIEW: Mapping[str, Sequence[str]] = {
    "Start here": ("ingest", "usage"),
    "Define what is measured, and for whom": (
        *("metrics", "billable-metrics", "customers", "subscriptions"),
        *("apply", "export"),
    ),
    "Look closer": ("events", "ingest-runs", "mappings"),
    "Send it on": ("push",),
    "Put a price on it": ("plans", "invoices"),
    "Look after the file": ("db",),
    "Help": ("help", "version", "completion"),
}
"""The commands by what they are for; one that is named nowhere here is added to the first."""


def path_of(context: Context) -> str:
    """The command without the program: `usage explain`; of Lago's group the name that we use."""
    words = context.command_path.split()[1:]
    return " ".join(["metrics", *words[1:]] if words[:1] == ["billable-metrics"] else words)


def examples_of(path: str) -> Sequence[Example]:
    return all_examples().get(path, ())


def grouped(command: Any, context: Context) -> dict[str, Rows]:
    """What a command takes, as (what is written, what it means), by group and in order."""
    groups: dict[str, Rows] = {}
    for each in command.get_params(context):
        told = each.get_help_record(context)
        if told is not None:
            groups.setdefault(_group_of(each, context), []).append(_brief(each, *told))
    own = [name for name in groups if name != EVERYWHERE]
    own.sort(key=lambda name: _ORDER.index(name) if name in _ORDER else _ORDER.index(SHAPE))
    return {name: groups[name] for name in (*own, EVERYWHERE) if name in groups}


def _brief(parameter: Any, names: str, meaning: str) -> tuple[str, str]:
    """With other spellings of an option after what it means."""
    names_of_it = [name for name in parameter.opts if name.startswith("--")]
    if parameter.param_type_name == "argument" or len(names_of_it) < 2:
        return names, meaning
    first, *others = names_of_it
    metavar = names.rpartition(" ")[2]
    return f"{first} {metavar}", f"{meaning}  [also: {', '.join(others)}]"


def _group_of(parameter: Any, context: Context) -> str:
    if parameter.param_type_name == "argument":
        return ARGUMENTS
    if "--help" in parameter.opts or "--version" in parameter.opts:
        return EVERYWHERE
    if parameter.rich_help_panel:
        return str(parameter.rich_help_panel)
    if context.info_name in _DEFINING:
        return DEFINITION
    own = OF_COMMANDS.get(path_of(context), {})
    for group, names in (*own.items(), *GROUPS.items()):
        if any(name.removeprefix("--") in names.split() for name in parameter.opts):
            return group
    return OTHERS


def write_options(command: Any, context: Context, formatter: Any) -> None:
    for name, rows in grouped(command, context).items():
        with formatter.section(name):
            formatter.write_dl(rows)


def write_commands(group: Any, context: Context, formatter: Any) -> None:
    """What a group consists of."""
    rows = list(_listed(group, context, formatter.width))
    with formatter.section("Commands"):
        formatter.write_dl(rows)


def _listed(group: Any, context: Context, width: int) -> Iterator[tuple[str, str]]:
    names = group.list_commands(context)
    room = width - 6 - max(map(len, names))
    for name in names:
        command = group.get_command(context, name)
        if not command.hidden:
            yield name, command.get_short_help_str(room)


def write_examples(context: Context, formatter: Any) -> None:
    """Each as it can be copied: no line is broken."""
    examples = examples_of(path_of(context))
    if not examples:
        return
    name = context.command_path.split()
    with formatter.section("Examples"):
        for number, (what, line) in enumerate(examples):
            if name[1:2] == ["billable-metrics"]:
                line = line.replace("lago metrics", "lago billable-metrics")
            formatter.write("\n" if number else "")
            formatter.write(f"  # {what}\n  {line}\n")


def write_overview(root: Any, context: Context, formatter: Any) -> None:
    """How to start, and all commands by what they are for."""
    with formatter.section("A minute with it"):
        width = max(len(line) for _, line in examples_of(""))
        for what, line in examples_of(""):
            formatter.write(f"  {line:{width}}  # {what}\n")
    rows = dict(_listed(root, context, formatter.width))
    groups = {
        heading: [name for name in names if name in rows] for heading, names in OVERVIEW.items()
    }
    named = {name for names in groups.values() for name in names}
    groups["Start here"] += [name for name in rows if name not in named]
    longest = max(map(len, rows))
    for heading, names in groups.items():
        with formatter.section(heading):
            formatter.write_dl([(f"{name:{longest}}", rows[name]) for name in names])
    write_options(root, context, formatter)
    formatter.write_paragraph()
    formatter.write_text("lago help COMMAND shows the options of a command, and examples.")
    formatter.write_text(LAGOS_NAMES)
