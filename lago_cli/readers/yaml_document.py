"""
YAML documents as plain data, by the core schema of YAML 1.2.

The library only cuts the text into events, in pure Python, so that every machine reads the
same and says the same; what the events mean is decided here. `yes` and `12:30` are texts.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import yaml
from yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    MappingStartEvent,
    ScalarEvent,
)
from yaml.reader import ReaderError

from lago_cli.errors import refused
from lago_cli.readers.document import Number, Piece, Place, place_behind, shown
from lago_cli.readers.yaml_faults import explained, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.events import Event

    from lago_cli.errors import LagoError
    from lago_cli.readers.document import Kind, Value

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_TAGS = "tag:yaml.org,2002:"

# The library follows YAML 1.1, where these end a line. To 1.2 they are characters like others.
_FORMER_BREAKS = "\x85\u2028\u2029"
_STAND_INS = range(0xF0000, 0x10FFFE)


def pieces(text: str) -> Iterator[Piece]:
    """The pieces of all documents; one that is empty is null. Raises `invalid_yaml`."""
    stand_ins = _stand_ins(text)
    former_breaks = {ord(mark): former for former, mark in stand_ins.items()}
    for event in _events(text.translate({ord(each): mark for each, mark in stand_ins.items()})):
        place = place_of(event.start_mark)
        if isinstance(event, ScalarEvent):
            written = event.value.translate(former_breaks)
            yield _scalar(event, _joined(written, place), place)
        elif isinstance(event, CollectionStartEvent):
            is_mapping = isinstance(event, MappingStartEvent)
            if event.tag not in (None, "!", _TAGS + ("map" if is_mapping else "seq")):
                raise _unsupported(event.tag or "", place)
            yield Piece("mapping" if is_mapping else "list", place, anchor=event.anchor)
        elif isinstance(event, CollectionEndEvent):
            yield Piece("end", place)
        elif isinstance(event, AliasEvent):
            yield Piece("alias", place, event.anchor or "")


def _stand_ins(text: str) -> dict[str, str]:
    """By each former line break that occurs, a character that does not."""
    former = [mark for mark in _FORMER_BREAKS if mark in text]
    free = (mark for mark in map(chr, _STAND_INS) if mark not in text)
    return dict(zip(former, free, strict=False))


def _events(text: str) -> Iterator[Event]:
    try:
        loader = yaml.SafeLoader(text)
    except ReaderError as error:
        reason = f"the control character U+{ord(text[error.position]):04X} may not stand in a file"
        raise _invalid(reason, place_behind(text[: error.position])) from None
    while True:
        try:
            if not loader.check_event():
                return
            event: Event = loader.get_event()  # type: ignore[no-untyped-call]
        except yaml.MarkedYAMLError as error:
            raise explained(error) from None
        except (ValueError, OverflowError):
            # The library makes characters and versions of numbers without looking at their size.
            place = place_of(loader.get_mark())
            raise _invalid("the number of a character or version is too large", place) from None
        yield event


def _scalar(event: ScalarEvent, text: str, place: Place) -> Piece:
    kind: Kind = "scalar"
    value: Value = text
    if event.implicit[0] and event.tag is None:
        value = _resolved(text)
        kind = "merge" if text == "<<" else "scalar"
    elif event.tag not in (None, "!", _TAGS + "str"):
        value = _tagged(event.tag or "", text, place)
    return Piece(kind, place, text, value, event.anchor)


def _resolved(text: str) -> Value:
    """What a text without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    return Number(text) if _NUMBER.fullmatch(text) else text


def _tagged(tag: str, text: str, place: Place) -> Value:
    value = _resolved(text)
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": _INTEGER.fullmatch(text) is not None,
        "float": isinstance(value, Number),
    }
    kind = tag.removeprefix(_TAGS)
    if kind not in fits or kind == tag:
        raise _unsupported(tag, place)
    if not fits[kind]:
        raise _invalid(f"{shown(text)} is no !!{kind}", place)
    return value


def _joined(text: str, place: Place) -> str:
    """Make characters of pairs of surrogates, which JSON escapes consist of."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise _invalid("a lone surrogate cannot be stored as text", place) from None


def _unsupported(tag: str, place: Place) -> LagoError:
    name = f"!!{tag.removeprefix(_TAGS)}" if tag.startswith(_TAGS) else tag
    return _invalid(f"the tag {shown(name)} is not supported", place)


def _invalid(reason: str, place: Place) -> LagoError:
    return refused("invalid_yaml", f"not valid YAML: {reason} ({place})")
