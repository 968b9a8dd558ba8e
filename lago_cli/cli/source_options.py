"""What `lago ingest` may be told of a source: its options, and what they say together."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Literal

import typer

from lago_cli.cli.options import not_empty
from lago_cli.errors import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lago_cli.domain.source_form import EventTold, Told

RECORDS = "Foreign records"
VALUES = "How the source writes"

FormatName = Literal["auto", "json", "ndjson", "csv"]
UnitName = Literal["s", "ms", "us", "ns"]

Format = Annotated[
    FormatName | None,
    typer.Option(
        "--format",
        metavar="FORMAT",
        help="What the files hold: json, ndjson or csv; auto (the default) tells by content.",
        rich_help_panel=VALUES,
    ),
]
Mapping = Annotated[
    str | None,
    typer.Option(
        "--mapping",
        metavar="FILE|NAME",
        callback=not_empty,
        help="A mapping file, or one that is shipped: it says what the options below say.",
        rich_help_panel=RECORDS,
    ),
]
Maps = Annotated[
    list[str] | None,
    typer.Option(
        "--map",
        metavar="TARGET=PATH",
        help="Read a field from a path in the record.",
        rich_help_panel=RECORDS,
    ),
]
Sets = Annotated[
    list[str] | None,
    typer.Option(
        "--set",
        metavar="TARGET=TEXT",
        help="A constant; {PATH} is the record's value. Several codes make several events.",
        rich_help_panel=RECORDS,
    ),
]
IdFrom = Annotated[
    str | None,
    typer.Option(
        "--id-from",
        metavar="SOURCE",
        callback=not_empty,
        help="Where a record has no id: content, position, or fields of it, as FIELD,FIELD.",
        rich_help_panel=RECORDS,
    ),
]
Records = Annotated[
    str | None,
    typer.Option(
        "--records",
        metavar="PATH",
        callback=not_empty,
        help="The records are the objects in the arrays there.",
        rich_help_panel=RECORDS,
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="PATH=V1,V2",
        help="Only records that have one of the values; others are skipped.",
        rich_help_panel=RECORDS,
    ),
]
Drop = Annotated[
    list[str] | None,
    typer.Option(
        "--drop",
        metavar="PATH",
        callback=not_empty,
        help="What is not to be kept in the properties.",
        rich_help_panel=RECORDS,
    ),
]
TimeUnit = Annotated[
    UnitName | None,
    typer.Option(
        "--time-unit",
        metavar="UNIT",
        help="Of times that are bare numbers: s, ms, us or ns.",
        rich_help_panel=VALUES,
    ),
]
TimeFormat = Annotated[
    str | None,
    typer.Option(
        "--time-format",
        metavar="FORMAT",
        callback=not_empty,
        help="How times are written, in the codes of strptime.",
        rich_help_panel=VALUES,
    ),
]
Timezone = Annotated[
    str | None,
    typer.Option(
        "--timezone",
        metavar="TZ",
        callback=not_empty,
        help="The zone of times that say none.",
        rich_help_panel=VALUES,
    ),
]
DecimalComma = Annotated[
    bool,
    typer.Option(
        "--decimal-comma", help="Numbers are written as 1.111,11.", rich_help_panel=VALUES
    ),
]
Null = Annotated[
    list[str] | None,
    typer.Option(
        "--null", metavar="TEXT", help="This text means no value.", rich_help_panel=VALUES
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        "--encoding",
        metavar="ENC",
        callback=not_empty,
        help="Of the text, if it is neither UTF-8 nor begins with a mark.",
        rich_help_panel=VALUES,
    ),
]
PartialLastLine = Annotated[
    Literal["reject", "skip"],
    typer.Option(
        "--partial-last-line",
        metavar="ACTION",
        help="What becomes of a record that is not whole yet: reject or skip.",
        rich_help_panel=VALUES,
    ),
]


def told_by(
    *,
    maps: Sequence[str],
    sets: Sequence[str],
    where: Sequence[str],
    drop: Sequence[str],
    nulls: Sequence[str],
    decimal_comma: bool,
    mapping: str | None,
    **others: str | None,
) -> Told:
    """
    All that options and a mapping file say of a source.

    Raises:
        LagoError: wrong usage; of the mapping file, not found or refused.
    """
    from lago_cli.domain.source_form import Told

    codes, constants = _constants(sets)
    told = Told(
        maps=_targets(maps, "--map", "PATH"),
        sets=constants
        if len(codes) > 1
        else {**dict(zip(["code"], codes, strict=False)), **constants},
        events=_events(codes) if len(codes) > 1 else [],
        where=_conditions(where),
        drop=list(drop),
        nulls=list(nulls),
        decimal_comma=decimal_comma or None,
        **others,
    )
    if mapping is None:
        return told
    from lago_cli.services.mapping_files import read_mapping

    return told.over(read_mapping(mapping))


def _targets(arguments: Sequence[str], option: str, what: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for argument in arguments:
        target, value = _parted(argument, option, what)
        if target in found:
            raise wrong_usage("invalid_mapping", f"{target} is given by {option} twice.")
        found[target] = value
    return found


def _constants(arguments: Sequence[str]) -> tuple[list[str], dict[str, str]]:
    """The codes, of which there may be several, and everything else."""
    is_code = [argument.startswith("code=") for argument in arguments]
    codes = [text.partition("=")[2] for text, code in zip(arguments, is_code, strict=True) if code]
    others = [text for text, code in zip(arguments, is_code, strict=True) if not code]
    if len(set(codes)) < len(codes):
        raise wrong_usage("invalid_mapping", "--set code=… is given twice with the same code.")
    return codes, _targets(others, "--set", "TEXT")


def _events(codes: Sequence[str]) -> list[EventTold]:
    from lago_cli.domain.source_form import EventTold

    return [EventTold(code) for code in codes]


def _parted(argument: str, option: str, what: str) -> tuple[str, str]:
    from lago_cli.domain.mapping import check_target

    target, equals, value = argument.partition("=")
    check_target(target if equals else "", f"{option} {argument}", what, value)
    return target, value


def _conditions(arguments: Sequence[str]) -> dict[str, list[str]]:
    from lago_cli.domain.conditions import gathered, split_condition

    found = []
    for argument in arguments:
        condition = split_condition(argument)
        if condition is None:
            raise wrong_usage(
                "invalid_where",
                f"--where {argument}: expected PATH=V1,V2.",
                "For example: --where type=assistant",
            )
        found.append(condition)
    return gathered(found)
