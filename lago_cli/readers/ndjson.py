"""
NDJSON: one JSON object a line.

`read` only cuts the bytes into blocks of whole lines; the consumer decodes those at once.
`split` looks at the lines of a block one by one, for a consumer whose decoding has failed.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.readers import base
from lago_cli.readers.arrays import records_hint
from lago_cli.readers.base import Block, Problem, Record
from lago_cli.readers.objects import (
    elements_of,
    fault_in,
    is_body,
    may_have_too_many_keys,
    members_of,
    records_of,
)
from lago_cli.readers.structure import objects_in

if TYPE_CHECKING:
    from collections.abc import Iterator

    from lago_cli.readers.base import Blocks

SPACE = b" \t\r"


def read(blocks: Blocks) -> Iterator[Block | Record]:
    """
    Whole lines, as soon as they are there.

    A line beyond `MAX_RECORD_BYTES` is skipped and reported as `record_too_large`.
    """
    line = 1
    parts: list[bytes] = []  # the beginning of a line whose end is still to come
    held = 0
    for block in blocks:
        end = block.rfind(b"\n") + 1
        if end:
            data = b"".join((*parts, block[:end]))
            yield from _whole_lines(data, line, held > base.MAX_RECORD_BYTES)
            line += block.count(b"\n")
            parts, held = [], 0
        held += len(block) - end
        if held > base.MAX_RECORD_BYTES:  # it will be refused: enough to show is enough to keep
            parts = [b"".join((*parts, block[end:]))[: base.KEPT_BYTES]]
        elif end < len(block):
            parts.append(block[end:])
    yield from _last_line(b"".join(parts), line, held, blocks)


def split(block: Block) -> Iterator[Record]:
    """
    The records of a block, each with its line.

    A line may hold an object, an array of them, several without anything between, or
    one of Lago's request bodies. Whatever else it holds is a record with a problem.
    """
    for line, text in enumerate(block.data.split(b"\n"), block.line):
        indent = len(text) - len(text.lstrip(SPACE))
        stripped = text.strip(SPACE)
        if stripped:
            yield from _records_in(stripped, line, indent + 1)


def _records_in(text: bytes, line: int, column: int) -> Iterator[Record]:
    members = members_of(text, line, column)
    if not isinstance(members, Problem):
        yield from records_of(text, line, column) if is_body(members) else (Record(line, text),)
    elif members.code == "not_an_object" and text.startswith(b"["):
        yield from elements_of(text, line)
    else:
        spans = objects_in(text) or ()
        if len(spans) < 2:
            yield Record(line, text, members)
            return
        for start, end in spans:
            yield from records_of(text[start:end], line, column + start)


def _whole_lines(data: bytes, line: int, is_first_too_long: bool) -> Iterator[Block | Record]:
    """Lines that have arrived together: one block, unless a line among them is too long."""
    is_long = len(data) > base.MAX_RECORD_BYTES or may_have_too_many_keys(data)
    if not is_first_too_long and not is_long:
        yield Block(line, data)
        return
    good: list[bytes] = []
    first = line
    for number, text in enumerate(data.split(b"\n")[:-1], line):
        is_long = len(text) > base.MAX_RECORD_BYTES or (is_first_too_long and number == line)
        if not is_long and not may_have_too_many_keys(text):
            good.append(text)
            continue
        if good:
            yield Block(first, b"\n".join((*good, b"")))
        good, first = [], number + 1
        if is_long:
            yield base.too_large(number, text, records_hint(text))
        else:
            yield from split(Block(number, text))
    if good:
        yield Block(first, b"\n".join((*good, b"")))


def _last_line(text: bytes, line: int, held: int, blocks: Blocks) -> Iterator[Block | Record]:
    """The line without a line end; where the input is cut off, only if it is whole."""
    if held > base.MAX_RECORD_BYTES:
        yield base.too_large(line, text, records_hint(text))
    elif not text.strip(SPACE):
        return
    elif (blocks.fault or blocks.skip_partial) and fault_in(text.strip(SPACE)):
        if not blocks.fault:
            yield base.partial(line, text)
    else:
        block = Block(line, text)
        yield from split(block) if may_have_too_many_keys(text) else (block,)
