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
    DocumentStartEvent,
    MappingStartEvent,
    ScalarEvent,
)
from yaml.reader import ReaderError

from lago_cli.errors import refused
from lago_cli.readers.document_builder import Builder, Document, Number, Part, Place, shown
from lago_cli.readers.yaml_faults import explained, place_of

if TYPE_CHECKING:
    from collections.abc import Iterator

    from yaml.events import Event

    from lago_cli.errors import LagoError
    from lago_cli.readers.document_builder import Value

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")
_INTEGER = re.compile(r"[+-]?[0-9]+")
_SURROGATE = re.compile(r"[\ud800-\udfff]")
_TAGS = "tag:yaml.org,2002:"

# The library follows YAML 1.1, where these end a line. To 1.2 they are characters like others.
_FORMER_BREAKS = "\x85\u2028\u2029"
_STAND_INS = range(0xF0000, 0x10FFFE)


def read(text: str) -> list[Document]:
    """The documents in a text; one that is empty has the value None. Raises `LagoError`."""
    stand_ins = _stand_ins(text)
    reader = _Reader({ord(mark): former for former, mark in stand_ins.items()})
    hidden = {ord(former): mark for former, mark in stand_ins.items()}
    for event in _events(text.translate(hidden)):
        reader.take(event)
    return reader.builder.documents


def _stand_ins(text: str) -> dict[str, str]:
    """By each former line break that occurs, a character that does not."""
    former = [mark for mark in _FORMER_BREAKS if mark in text]
    free = (mark for mark in map(chr, _STAND_INS) if mark not in text)
    return dict(zip(former, free, strict=False))


def _events(text: str) -> Iterator[Event]:
    try:
        loader = yaml.SafeLoader(text)
    except ReaderError as error:
        before = text[: error.position].split("\n")
        place = Place(len(before), len(before[-1]) + 1)
        reason = f"the control character U+{ord(text[error.position]):04X} may not stand in a file"
        raise _invalid(reason, place) from None
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


class _Reader:
    """What the events add up to."""

    def __init__(self, former_breaks: dict[int, str]) -> None:
        self.builder = Builder()
        self._former_breaks = former_breaks
        self._anchors: dict[str, Part] = {}

    def take(self, event: Event) -> None:
        if isinstance(event, ScalarEvent):
            self._anchor(event, self._scalar(event))
        elif isinstance(event, CollectionStartEvent):
            self._anchor(event, self._begin(event))
        elif isinstance(event, CollectionEndEvent):
            self.builder.end()
        elif isinstance(event, AliasEvent):
            self._alias(event)
        elif isinstance(event, DocumentStartEvent):
            self._anchors.clear()

    def _anchor(self, event: ScalarEvent | CollectionStartEvent, part: Part | None) -> None:
        if event.anchor and part:
            self._anchors[event.anchor] = part

    def _alias(self, event: AliasEvent) -> None:
        place = place_of(event.start_mark)
        name = event.anchor or ""
        part = self._anchors.get(name)
        if part is None:
            raise _invalid(f"the alias *{name} names no anchor above it", place)
        if part.is_open:
            raise _invalid(f"the alias *{name} stands inside of what it repeats", place)
        self.builder.add(part, place)

    def _begin(self, event: CollectionStartEvent) -> Part:
        is_mapping = isinstance(event, MappingStartEvent)
        if event.tag not in (None, "!", _TAGS + ("map" if is_mapping else "seq")):
            raise _unsupported(event.tag or "", event)
        return self.builder.begin({} if is_mapping else [], place_of(event.start_mark))

    def _scalar(self, event: ScalarEvent) -> Part | None:
        place = place_of(event.start_mark)
        is_plain = event.implicit[0] and event.tag is None
        if is_plain and event.value == "<<" and self.builder.awaits_key:
            self.builder.begin_merge(place)
            return None
        text = event.value.translate(self._former_breaks)
        if _SURROGATE.search(text):
            text = _joined(text, place)
        if is_plain:
            value = _resolved(text)
        elif event.tag in (None, "!", _TAGS + "str"):
            value = text
        else:
            value = _tagged(event.tag or "", text, event)
        return self.builder.add(Part(value, text), place)


def _resolved(text: str) -> Value:
    """What a text without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    return Number(text) if _NUMBER.fullmatch(text) else text


def _tagged(tag: str, text: str, event: ScalarEvent) -> Value:
    value = _resolved(text)
    fits = {
        "null": value is None,
        "bool": isinstance(value, bool),
        "int": _INTEGER.fullmatch(text) is not None,
        "float": isinstance(value, Number),
    }
    kind = tag.removeprefix(_TAGS)
    if kind not in fits or kind == tag:
        raise _unsupported(tag, event)
    if not fits[kind]:
        raise _invalid(f"{shown(text)} is no !!{kind}", place_of(event.start_mark))
    return value


def _joined(text: str, place: Place) -> str:
    """Make characters of pairs of surrogates, which JSON escapes consist of."""
    try:
        return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le")
    except UnicodeDecodeError:
        raise _invalid("a lone surrogate cannot be stored as text", place) from None


def _unsupported(tag: str, event: ScalarEvent | CollectionStartEvent) -> LagoError:
    name = f"!!{tag.removeprefix(_TAGS)}" if tag.startswith(_TAGS) else tag
    return _invalid(f"the tag {shown(name)} is not supported", place_of(event.start_mark))


def _invalid(reason: str, place: Place) -> LagoError:
    return refused("invalid_yaml", f"not valid YAML: {reason} ({place})")
