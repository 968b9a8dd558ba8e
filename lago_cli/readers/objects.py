"""
The judgement of one JSON text: is it an object that can be stored, and if not, why not.

Every reader of JSON asks here, so that the same text is taken or refused in every format.
"""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

import msgspec

from lago_cli.readers import base
from lago_cli.readers.base import Problem, Record
from lago_cli.readers.structure import WHITE, array_start

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

Members = dict[str, msgspec.Raw]

_MEMBERS = msgspec.json.Decoder(Members)
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_ANYTHING = msgspec.json.Decoder(msgspec.Raw)

_BRACKET = re.compile(rb'"(?:[^"\\]|\\.)*+"|([\[{])|[\]}]', re.DOTALL)
_BYTE = re.compile(r" \(byte (\d+)\)$")
_TRAILING = re.compile(r"trailing characters \(byte (\d+)\)$")
_NO_NUMBER = re.compile(rb"[+-]?(nan|infinity|inf)\b", re.IGNORECASE)
_SURROGATE = re.compile(rb"\\u[dD][89a-fA-F]")
_PAIRED = re.compile(
    rb"(?:[^\\]|\\u[dD][89abAB]..\\u[dD][c-fC-F]..|\\(?!u[dD][89a-fA-F]).)*+", re.DOTALL
)
_TOO_DEEP = Problem(
    "nested_too_deeply", f"the arrays and objects are nested more than {base.MAX_DEPTH} levels deep"
)
TOO_MANY_KEYS = Problem("too_many_keys", f"the record has more than {base.MAX_KEYS:,} keys")
_KEY = re.compile(rb'"(?:[^"\\]|\\.)*+"[ \t\r\n]*+(:)?', re.DOTALL)
_NOT_AROUND = {b'"%b"' % key.encode() for key in (*base.EVENT_KEYS, "event")}
_SHORTEST_KEY = 5  # bytes: `"":1,`
_KINDS = {b'"': "text", b"t": "true", b"f": "false", b"n": "null", b"[": "an array"}


def members_of(text: bytes, line: int = 1, column: int | None = None) -> Members | Problem:
    """
    The members of the object that `text` is, or why it is none.

    Problems: `invalid_json`, `not_an_object`, `invalid_utf8`, `nested_too_deeply`,
    `too_many_keys`. `line` and `column` say where `text` starts, for the message; without a
    column it counts characters.
    """
    if may_have_too_many_keys(text) and _has_too_many_keys(text):
        return TOO_MANY_KEYS
    try:
        text.decode()  # msgspec does not look into the text of values it leaves raw
        members = _MEMBERS.decode(text)
    except UnicodeDecodeError as error:
        where = _place(text, error.start, line, column)
        byte = f"byte 0x{text[error.start]:02x} ({where})"
        return Problem("invalid_utf8", f"not valid UTF-8: {byte}; {base.OTHER_ENCODING}")
    except RecursionError:
        return _TOO_DEEP
    except msgspec.ValidationError:
        return _no_object(text, line, column)
    except msgspec.DecodeError as error:
        return _invalid(text, error, line, column)
    return _TOO_DEEP if _is_too_deep(text) else members


def may_have_too_many_keys(text: bytes) -> bool:
    """Whether it is worth counting them; ordinary records are far too short."""
    return len(text) > _SHORTEST_KEY * base.MAX_KEYS and text.count(b":") > base.MAX_KEYS


def _has_too_many_keys(text: bytes) -> bool:
    found = (True for each in _KEY.finditer(text) if each[1])
    return any(islice(found, base.MAX_KEYS, None))


def _is_too_deep(text: bytes) -> bool:
    """Whether valid JSON has more than `MAX_DEPTH` levels."""
    if text.count(b"{") + text.count(b"[") <= base.MAX_DEPTH:
        return False
    depth = 0
    for found in _BRACKET.finditer(text):
        if found[1]:
            depth += 1
            if depth > base.MAX_DEPTH:
                return True
        elif found[0] in (b"]", b"}"):
            depth -= 1
    return False


def records_of(
    text: bytes, line: int, column: int | None = None, *, wrapped: bool = True
) -> Iterator[Record]:
    """The record that `text` is; with `wrapped`, what is inside of Lago's request bodies."""
    members = members_of(text, line, column)
    if isinstance(members, Problem):
        yield Record(line, text, members)
    elif wrapped and is_body(members):
        yield from _unwrapped(text, members, line)
    else:
        yield Record(line, text)


def is_body(members: Members) -> bool:
    """
    Whether an object is one of Lago's request bodies, and no event itself.

    It has the key `event` (an object) or `events` (an array), and none that only events have.
    """
    if ("event" in members) is ("events" in members) or not base.EVENT_KEYS.isdisjoint(members):
        return False
    if "event" in members:
        return bytes(members["event"]).startswith(b"{")
    return bytes(members["events"]).startswith(b"[")


def start_of_events(text: bytes) -> int | None:
    """Behind the bracket of the array of a body `{…, "events": […]}` that `text` begins with."""
    return array_start(text, b'"events"', lambda key: key not in _NOT_AROUND)


def elements_of(text: bytes, line: int, *, wrapped: bool = True) -> Iterator[Record]:
    """The records in `text`, a valid JSON array. Raises what msgspec raises if it is none."""
    for raw, on_line in placed(text, _ELEMENTS.decode(text), line):
        yield from records_of(raw, on_line, wrapped=wrapped)


def placed(text: bytes, tokens: Iterable[msgspec.Raw], line: int) -> Iterator[tuple[bytes, int]]:
    """The values in a text that starts on `line`, in their order, each with its line."""
    at, has_lines = 0, b"\n" in text
    for token in tokens:
        raw = bytes(token)
        if has_lines:
            start = max(text.find(raw, at), at)
            line += text.count(b"\n", at, start)
            yield raw, line
            line += raw.count(b"\n")
            at = start + len(raw)
        else:
            yield raw, line


def _unwrapped(text: bytes, members: Members, line: int) -> Iterator[Record]:
    inner = dict(zip(members, placed(text, members.values(), line), strict=True))
    if "events" in inner:
        yield from elements_of(*inner["events"], wrapped=False)
    else:
        raw, on_line = inner["event"]
        yield Record(on_line, raw, body=None if len(members) == 1 else text)


def _no_object(text: bytes, line: int, column: int | None) -> Problem:
    try:
        _ANYTHING.decode(text)
    except RecursionError:
        return _TOO_DEEP
    except msgspec.DecodeError as error:
        return _invalid(text, error, line, column)
    kind = _KINDS.get(text[:1], "a number")
    return Problem("not_an_object", f"an event is a JSON object, this is {kind}")


def is_valid(text: bytes) -> bool:
    """Whether a text is JSON, of whatever kind."""
    try:
        text.decode()
        _ANYTHING.decode(text)
    except (UnicodeDecodeError, msgspec.DecodeError, RecursionError):
        return False
    return True


def whole_value(data: bytes, at: int) -> bytes | None:
    """The object or array that starts at `at`; None where it is not valid or has no end here."""
    try:
        return bytes(_ANYTHING.decode(memoryview(data)[at:]))
    except RecursionError:
        return None
    except msgspec.DecodeError as error:
        found = _TRAILING.search(str(error))
    return data[at : at + int(found[1]) - 1].rstrip(WHITE) if found else None


def fault_in(text: bytes) -> tuple[int, str] | None:
    """Where a text is not valid JSON, and why; None where it is, or is nested too deeply."""
    try:
        _ANYTHING.decode(text)
    except RecursionError:
        return None
    except msgspec.DecodeError as error:
        return _explained(text, error)
    return None


def _invalid(text: bytes, error: Exception, line: int, column: int | None) -> Problem:
    at, reason = _explained(text, error)
    return Problem("invalid_json", f"not valid JSON: {reason} ({_place(text, at, line, column)})")


def _explained(text: bytes, error: Exception) -> tuple[int, str]:
    """Turn msgspec's words into ours; returns the place of the fault and the reason."""
    reason = str(error).removeprefix("JSON is malformed: ")
    found = _BYTE.search(reason)
    at = min(int(found[1]), len(text)) if found else len(text)
    lone = _lone_surrogate(text)
    number = _NO_NUMBER.match(text, max(at - 1, 0)) or _NO_NUMBER.match(text, at)
    if lone is not None:
        escape = text[lone : lone + 6].decode("ascii", "replace")
        return lone, f"the lone surrogate {escape} cannot be stored as text"
    if number:
        return number.start(), f"{number[0].decode()} is no JSON number"
    return at, reason[: found.start()] if found else "it ends too early"


def _lone_surrogate(text: bytes) -> int | None:
    if not _SURROGATE.search(text):
        return None
    found = _PAIRED.match(text)
    end = found.end() if found else 0
    return end if _SURROGATE.match(text, end) else None


def _place(text: bytes, at: int, line: int, column: int | None) -> str:
    """Where byte `at` of `text` is, in lines and characters as an editor counts them."""
    before = text[:at]
    lines = before.count(b"\n")
    characters = len(before[before.rfind(b"\n") + 1 :].decode(errors="replace"))
    if lines:
        return f"line {line + lines}, column {characters + 1}"
    if column is not None:
        return f"column {column + characters}"
    return f"character {characters + 1}"
