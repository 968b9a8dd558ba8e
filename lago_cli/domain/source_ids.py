"""
Ids of events whose source has none: made of the record, of its place, or of fields of it.

They are promised for ever: what makes one may never change.
"""

from __future__ import annotations

import hashlib
from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

import xxhash
from msgspec import Raw

from lago_cli.domain.json_text import canonical, text_of
from lago_cli.domain.paths import Path, parse_path
from lago_cli.errors import refused, wrong_usage

Fields = Mapping[str, Raw]
_SMALLEST_TABLE = 1 << 12


@dataclass(frozen=True, slots=True)
class IdSource:
    """What `--id-from` asks for."""

    kind: Literal["content", "position", "fields"]
    fields: Sequence[IdField] = ()  # of which the id is made


class IdField(NamedTuple):
    """A field of an id; a record may lack one that is written with a `?` behind it."""

    path: Path
    is_optional: bool


def parse_id_source(text: str) -> IdSource:
    """
    `content`, `position`, or the fields of a record, parted by commas.

    Raises:
        LagoError: wrong usage, where a field is empty.
    """
    if text == "content":
        return IdSource("content")
    if text == "position":
        return IdSource("position")
    names = text.split(",")
    if "" in names:
        raise wrong_usage(
            "invalid_id_source",
            f"--id-from {text}: a field has no name.",
            "One of: content, position, or fields of the record, such as: request_id,line",
        )
    return id_of_fields(names)


def id_of_fields(names: Iterable[str]) -> IdSource:
    """Ids out of fields, as `lago` is told their names."""
    fields = (IdField(parse_path(name.removesuffix("?")), name.endswith("?")) for name in names)
    return IdSource("fields", tuple(fields))


def content_id(record: Fields) -> str:
    """The id of what a record itself says, however it is written."""
    return "content:" + hashlib.blake2b(canonical(record), digest_size=16).hexdigest()


def fields_id(record: Fields, fields: Sequence[IdField], around: Fields | None = None) -> str:
    """
    The values of some fields, joined by `:`; a colon or backslash in one of several is escaped.

    Raises:
        LagoError: refused `missing_field`, where the record lacks one, or all of them.
    """
    texts = [_text_at(path, record, around) for path, _ in fields]
    for (path, is_optional), text in zip(fields, texts, strict=True):
        if not text and not (is_optional and any(texts)):
            message = f"{path.text} is missing, of which --id-from makes the id"
            raise refused("missing_field", message)
    if len(texts) == 1:
        return texts[0]
    return ":".join(text.replace("\\", "\\\\").replace(":", "\\:") for text in texts)


def _text_at(path: Path, record: Fields, around: Fields | None) -> str:
    """Blanks alone are nothing."""
    text = text_of(path.find(record))
    if text is None and around:
        text = text_of(path.find(around))
    return text if text is not None and text.strip() else ""


class Repetitions:
    """
    How often each id has come in one file.

    All of them are held as numbers in a table of its own, 11 to 24 bytes each, because a file
    may have a hundred million; only what has come again is held as it is.
    """

    def __init__(self) -> None:
        self._table = array("Q", bytes(8 * _SMALLEST_TABLE))
        self._held = 0
        self._again: dict[str, int] = {}

    def count(self, name: str) -> int:
        """1 for the first, 2 for the second that is equal, …"""
        if self._add(xxhash.xxh3_64_intdigest(name.encode()) or 1):
            return 1
        count = self._again[name] = self._again.get(name, 1) + 1
        return count

    def _add(self, key: int) -> bool:
        """Whether it was not there."""
        table = self._table
        mask = len(table) - 1
        at = key & mask
        while table[at]:
            if table[at] == key:
                return False
            at = (at + 1) & mask
        table[at] = key
        self._held += 1
        if 4 * self._held > 3 * len(table):
            self._grow()
        return True

    def _grow(self) -> None:
        keys, self._held = self._table, 0
        self._table = array("Q", bytes(16 * len(keys)))
        for key in keys:
            if key:
                self._add(key)
