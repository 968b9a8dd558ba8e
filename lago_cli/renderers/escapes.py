"""
Text of users, made harmless.

`HIDDEN` names every character that a terminal obeys or a person cannot see:
controls, line separators, bidirectional and zero-width characters, surrogates.
What joins or colours an emoji stays, since there it is seen.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TextIO

_EMOJI = "\u2190-\u2bff\ufe0f\U0001f000-\U0001faff"

HIDDEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b\u200c\u200e"
    "\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0d\ufeff\uffa0\ufff0-\ufffb"
    f"\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff]|(?<![{_EMOJI}])\u200d"
)
_SHORT = {"\n": "\\n", "\r": "\\r", "\t": "\\t"}
_BEYOND_ASCII = re.compile("[^\x00-\x7f]")
_MARKDOWN = re.compile(r"[\\|`*~$<&]|(?<![^\W_])_|(?<=\])\(")
_ENTITIES = {"<": "&lt;", "&": "&amp;"}


def visible(text: str) -> str:
    r"""Show hidden characters as `\n`, `\x1b`, `\u202e`; leave all others."""
    if text.isascii() and text.isprintable():
        return text
    return HIDDEN.sub(_visible, text)


def _visible(match: re.Match[str]) -> str:
    char = match[0]
    number = ord(char)
    if number > 0xFFFF:
        return f"\\U{number:08x}"
    return _SHORT.get(char) or (f"\\u{number:04x}" if number > 0xFF else f"\\x{number:02x}")


def in_markdown(text: str) -> str:
    """Text for a cell of a GitHub table, where it shows as itself."""
    lines = re.split(r"\r\n|\n|\r", text)
    return "<br>".join(_MARKDOWN.sub(_inert, visible(line)) for line in lines)


def _inert(match: re.Match[str]) -> str:
    return _ENTITIES.get(match[0]) or "\\" + match[0]


def in_json(text: str) -> str:
    r"""Spell hidden characters in JSON as `\u202e`: the same value, and nothing to obey."""
    if text.isascii() and text.isprintable():
        return text
    return HIDDEN.sub(_json_escape, text)


def ascii_json(text: str) -> str:
    """JSON that any stream can encode, of the same value."""
    return _BEYOND_ASCII.sub(_json_escape, text)


def _json_escape(match: re.Match[str]) -> str:
    number = ord(match[0])
    if number <= 0xFFFF:
        return f"\\u{number:04x}"
    number -= 0x10000
    return f"\\u{0xD800 + (number >> 10):04x}\\u{0xDC00 + (number & 0x3FF):04x}"


def encodable(text: str, encoding: str | None) -> str:
    r"""Spell what `encoding` cannot express as `\xe9`; None: it can express all."""
    if encoding is None or text.isascii():
        return text
    return text.encode(encoding, "backslashreplace").decode(encoding)


def writer_for(
    stream: TextIO, fallback: Callable[[str], str] | None = None
) -> Callable[[str], object]:
    """A `write` that never fails for want of an encoding; `fallback` spells what is beyond it."""

    def write(text: str) -> None:
        try:
            stream.write(text)
        except UnicodeEncodeError:
            stream.write(fallback(text) if fallback else encodable(text, stream.encoding))

    return write
