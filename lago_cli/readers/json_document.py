"""
JSON as a document.

Text that is not valid JSON raises `NotJson` first, since it may still be YAML.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from lago_cli.errors import refused
from lago_cli.readers.document import Number, Piece, Place, place_behind
from lago_cli.readers.objects import fault_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.errors import LagoError
    from lago_cli.readers.document import Kind, Value


class NotJson(Exception):  # noqa: N818 - it is a state of the input, not a fault of ours
    """The text is not JSON. `refusal` is the error to show if it is not YAML either."""

    def __init__(self, refusal: LagoError) -> None:
        super().__init__(refusal.message)
        self.refusal = refusal


_BRACKETS: dict[str, Kind] = {"{": "mapping", "[": "list", "}": "end", "]": "end"}
_WORDS: dict[str, Value] = {"null": None, "true": True, "false": False}
_TOKEN = re.compile(r'[{\[\]}]|"(?:[^"\\]|\\.)*+"|[^{\[\]}",:\s]++')
_NO_NUMBER = re.compile(rb"([+-]?(?:NaN|Infinity))[ \t\r\n]*[,\]}]")


def pieces(text: str) -> Iterator[Piece]:
    """
    The pieces of the one document.

    Raises `NotJson`; and `invalid_json` for what YAML would take for text: `[NaN]`.
    """
    data = text.encode()
    if fault := fault_in(data):
        at, reason = fault
        number = _NO_NUMBER.match(data, at) if at else None
        hint = f'If it is meant as text, write "{number[1].decode()}".' if number else None
        if data[at : at + 1] in (b"\n", b"\r"):
            reason = "a closing quote is missing"
        place = place_behind(data[:at].decode(errors="ignore"))
        message = f"not valid JSON: {reason} ({place})"
        refusal = refused("invalid_json", message, hint)
        raise refusal if number else NotJson(refusal)
    line, line_start, before = 1, 0, 0
    for found in _TOKEN.finditer(text):
        at = found.start()
        if breaks := text.count("\n", before, at):
            line += breaks
            line_start = text.rindex("\n", before, at) + 1
        before = at
        yield _piece(found[0], Place(line, at - line_start + 1))


def _piece(token: str, place: Place) -> Piece:
    if token in _BRACKETS:
        return Piece(_BRACKETS[token], place)
    if token.startswith('"'):
        text = token[1:-1] if "\\" not in token else str(json.loads(token, parse_float=Number))
        return Piece("scalar", place, text, text)
    return Piece("scalar", place, token, _WORDS[token] if token in _WORDS else Number(token))
