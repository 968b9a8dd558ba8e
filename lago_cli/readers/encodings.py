"""
Input that is not UTF-8, as UTF-8.

A byte that is none in its encoding becomes `INVALID`, which is no UTF-8 either: so it
spoils the line or record that it stands in, and nothing else.
"""

from __future__ import annotations

import codecs
from itertools import chain
from typing import TYPE_CHECKING

from lago_cli.errors import wrong_usage
from lago_cli.readers.base import Block, Problem, Record, Unreadable
from lago_cli.readers.ndjson import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from lago_cli.errors import LagoError

INVALID = b"\xff"
BOM = b"\xef\xbb\xbf"

_BOMS = (  # that of UTF-16-LE begins that of UTF-32-LE
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_ERRORS = "lago.invalid"
_PROBE = b"a\xff\x80\n"
_HINT = "Common ones: latin-1, windows-1252, utf-16, shift_jis, gb18030."


def _replaced(error: UnicodeError) -> tuple[str, int]:
    if isinstance(error, UnicodeDecodeError):
        return "\udcff", error.end
    raise error


codecs.register_error(_ERRORS, _replaced)


def check_encoding(name: str) -> None:
    """See that there is such an encoding of texts. Raises `unknown_encoding`."""
    try:
        codec = codecs.lookup(name)
    except (LookupError, ValueError, ImportError, SyntaxError):
        raise _unknown(f'There is no encoding "{name}".') from None
    if not getattr(codec, "_is_text_encoding", True):
        raise _unknown(f'"{name}" is no encoding of texts.')
    try:
        _ = codecs.getincrementaldecoder(_with_order(name))(_ERRORS).decode(_PROBE, True)
    except (LookupError, UnicodeError, TypeError):
        raise _unknown(f'The encoding "{name}" cannot be read in pieces.') from None


def decoded(blocks: Iterator[bytes], encoding: str | None) -> Iterator[bytes]:
    """
    Blocks in `encoding` as blocks of UTF-8, none of them empty.

    Without one, UTF-16 and UTF-32 are told by their byte-order mark. Raises what `blocks`
    raises, and `Unreadable` (`corrupt_input`).
    """
    head = b""
    for block in blocks:
        head += block
        if not any(len(head) < len(bom) and bom.startswith(head) for bom, _ in _BOMS):
            break
    marked = next((name for bom, name in _BOMS if head.startswith(bom)), None)
    if encoding is None:
        encoding = marked
    elif marked is None:
        encoding = _with_order(encoding)
    if _is_utf8(encoding):
        if head:
            yield head
        yield from blocks
    else:
        yield from _transcoded(chain([head], blocks), encoding or "")


def named(records: Iterator[Block | Record], encoding: str | None) -> Iterator[Block | Record]:
    """The same, where what was invalid is said to be so in its own encoding."""
    return records if _is_utf8(encoding) else _named(records, encoding or "")


def _named(records: Iterator[Block | Record], encoding: str) -> Iterator[Block | Record]:
    problem = Problem("invalid_encoding", f"not valid {encoding}; is --encoding right?")
    for record in records:
        if isinstance(record, Block):
            if INVALID not in record.data:
                yield record
                continue
            each = split(record)
        else:
            each = iter((record,))
        for single in each:
            is_invalid = single.problem is not None and single.problem.code == "invalid_utf8"
            yield single._replace(problem=problem) if is_invalid else single


def _transcoded(blocks: Iterable[bytes], encoding: str) -> Iterator[bytes]:
    try:
        for text in codecs.iterdecode(iter(blocks), encoding, _ERRORS):
            yield _utf8(text)
    except UnicodeError as error:
        raise Unreadable("corrupt_input", f"This is not {encoding}: {error}.") from None


def _utf8(text: str) -> bytes:
    """As UTF-8; what is no character, as utf-7 may give, becomes invalid."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return (
            text.encode("utf-16-le", "surrogatepass")
            .decode("utf-16-le", _ERRORS)
            .encode("utf-8", "surrogateescape")
        )


def _is_utf8(name: str | None) -> bool:
    return name is None or codecs.lookup(name).name in ("utf-8", "utf-8-sig")


def _with_order(name: str) -> str:
    """The encoding of what has no byte-order mark, where most of it is little-endian."""
    known = codecs.lookup(name).name
    return f"{known}-le" if known in ("utf-16", "utf-32") else name


def _unknown(message: str) -> LagoError:
    return wrong_usage("unknown_encoding", message, _HINT)
