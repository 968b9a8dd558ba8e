"""What `lago ingest` may be told of a source: its options, and what they say together."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from lago_cli.cli.options import Options, not_empty, option, parameter
from lago_cli.errors import wrong_usage

if TYPE_CHECKING:
    from collections.abc import Sequence

    from lago_cli.domain.source_form import Told

_records = partial(option, rich_help_panel="Foreign records")
_values = partial(option, rich_help_panel="How the source writes")
_named: dict[str, Any] = {"callback": not_empty}

_OPTIONS = {
    "mapping": _records(
        str,
        "--mapping",
        "FILE|NAME",
        "A mapping file, or one that is shipped: it says what the options below say.",
        **_named,
    ),
    "maps": _records(list[str], "--map", "TARGET=PATH", "Read a field from a path in the record."),
    "sets": _records(
        list[str],
        "--set",
        "TARGET=TEXT",
        "A constant; {PATH} is the record's value. Several codes make several events.",
    ),
    "id_from": _records(
        str,
        "--id-from",
        "SOURCE",
        "Where a record has no id: content, position, or fields of it, as FIELD,FIELD.",
        **_named,
    ),
    "records": _records(
        str, "--records", "PATH", "The records are the objects in the arrays there.", **_named
    ),
    "where": _records(
        list[str],
        "--where",
        "PATH=V1,V2",
        "Only records that have one of the values; others are skipped.",
    ),
    "drop": _records(
        list[str], "--drop", "PATH", "What is not to be kept in the properties.", **_named
    ),
    "format": _values(
        Literal["auto", "json", "ndjson", "csv"],
        "--format",
        "FORMAT",
        "What the files hold: json, ndjson or csv; auto (the default) tells by content.",
    ),
    "time_unit": _values(
        Literal["s", "ms", "us", "ns"],
        "--time-unit",
        "UNIT",
        "Of times that are bare numbers: s, ms, us or ns.",
    ),
    "time_format": _values(
        str, "--time-format", "FORMAT", "How times are written, in the codes of strptime.", **_named
    ),
    "timezone": _values(str, "--timezone", "TZ", "The zone of times that say none.", **_named),
    "decimal_comma": _values(bool, "--decimal-comma", None, "Numbers are written as 1.111,11."),
    "nulls": _values(list[str], "--null", "TEXT", "This text means no value."),
    "encoding": _values(
        str,
        "--encoding",
        "ENC",
        "Of the text, if it is neither UTF-8 nor begins with a mark.",
        **_named,
    ),
}


def _told(
    maps: Sequence[str] | None,
    sets: Sequence[str] | None,
    where: Sequence[str] | None,
    drop: Sequence[str] | None,
    nulls: Sequence[str] | None,
    mapping: str | None,
    **others: Any,
) -> Told:
    """
    All that options and a mapping file say of a source.

    Raises:
        LagoError: wrong usage; of the mapping file, not found or refused.
    """
    from lago_cli.domain.conditions import parse_conditions
    from lago_cli.domain.source_form import EventTold, Told

    codes, constants = _constants(sets or [])
    told = Told(
        maps=_targets(maps or [], "--map", "PATH"),
        sets=constants
        if len(codes) > 1
        else {**dict(zip(["code"], codes, strict=False)), **constants},
        events=[EventTold(code) for code in codes] if len(codes) > 1 else [],
        where=parse_conditions(where or [], "--where", "invalid_where", "type=assistant"),
        drop=list(drop or []),
        nulls=list(nulls or []),
        **others,
    )
    if mapping is None:
        return told
    from lago_cli.services.mapping_files import read_mapping

    return told.over(read_mapping(mapping))


SOURCE = Options([parameter(*each) for each in _OPTIONS.items()], _told)


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


def _parted(argument: str, option: str, what: str) -> tuple[str, str]:
    from lago_cli.domain.mapping import check_target

    target, equals, value = argument.partition("=")
    check_target(target if equals else "", f"{option} {argument}", what, value)
    return target, value
