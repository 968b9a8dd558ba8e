"""
The paths of `--records`: members joined by dots, `*`, `[N]` and `[key=value]`.

Arrays on the way are spread. A key that itself looks like a path (`a.b`) comes first, the
longest one first of all; what is no selector is part of a name: every text is a path.
"""

from __future__ import annotations

import re
from functools import cached_property
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from lago_cli.readers.members import members

if TYPE_CHECKING:
    from collections.abc import Iterator

_encode = msgspec.json.encode
_TEXT = msgspec.json.Decoder(str)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_SELECTOR = re.compile(
    rf"\[(?:(?P<index>[0-9]{{1,9}})|(?P<key>{_QUOTED}|[^=\[\]\"]+)=(?P<value>{_QUOTED}|[^\]]*))\]"
    r"(?=[.\[]|\Z)"
)


class Step(NamedTuple):
    """One part of a path, and where it stands in its text."""

    start: int
    end: int
    place: int | None = None  # `[N]`
    key: bytes | None = None  # `[key=value]`, in quotes as in JSON
    value: str = ""
    every: bool = False  # `*`


class RecordPath:
    """A path that was read once, for many documents."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.steps = tuple(_steps(text))
        self.length = len(self.steps)

    @cached_property
    def keys(self) -> list[dict[bytes, int]]:
        """By step: the keys (in quotes) that lead on, and to which step; the longest first."""
        return [
            {token: end for end in range(self.length, at, -1) if (token := self._token(at, end))}
            for at in range(self.length)
        ]

    def _token(self, start: int, end: int) -> bytes | None:
        try:
            return _encode(self.text[self.steps[start].start : self.steps[end - 1].end])
        except UnicodeEncodeError:  # an argument that is no UTF-8 is no key
            return None


def token_of(key: bytes) -> bytes:
    """A key in its quotes, with no more escapes than it needs."""
    if b"\\" not in key:
        return key
    try:
        return _encode(_TEXT.decode(key))
    except (msgspec.DecodeError, UnicodeError):
        return key


def is_chosen(step: Step, text: bytes, at: int) -> bool:
    """Whether the element at `at` has the member that `[key=value]` asks for."""
    if text[at : at + 1] != b"{":
        return False
    return any(
        token_of(key) == step.key and _shown(text[start:end]) == step.value
        for key, _, start, end in members(text, at)
    )


def _shown(value: bytes) -> str:
    try:
        return _TEXT.decode(value) if value.startswith(b'"') else value.decode()
    except (msgspec.DecodeError, UnicodeError):
        return ""


def _steps(text: str) -> Iterator[Step]:
    at = 0
    while True:
        if found := _SELECTOR.match(text, at):
            yield _selecting(found)
            at = found.end()
        else:
            end = at
            while end < len(text) and text[end] != "." and not _begins(text, at, end):
                end += 1
            yield Step(at, end, every=text[at:end] == "*")
            at = end
        if at == len(text):
            return
        at += text[at] == "."


def _begins(text: str, at: int, end: int) -> bool:
    """Whether a selector begins behind the name that begins at `at`."""
    return end > at and text[end] == "[" and _SELECTOR.match(text, end) is not None


def _selecting(found: re.Match[str]) -> Step:
    if found["index"] is not None:
        return Step(*found.span(), place=int(found["index"]))
    try:
        key = _encode(_unquoted(found["key"]))
    except UnicodeEncodeError:
        key = b""
    return Step(*found.span(), key=key, value=_unquoted(found["value"]))


def _unquoted(text: str) -> str:
    try:
        return _TEXT.decode(text) if text.startswith('"') else text
    except msgspec.DecodeError:
        return text
