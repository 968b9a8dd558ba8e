"""Integers and texts in as few bytes as they need: the blobs of `parts`."""

from __future__ import annotations

from typing import Any

import numpy as np
from msgspec import msgpack
from zstandard import ZstdCompressor, ZstdDecompressor, ZstdError

Ints = np.ndarray[Any, np.dtype[np.signedinteger[Any]]]

_LEVEL = 1
_WIDTHS = tuple(np.dtype(name) for name in ("<u1", "<u2", "<u4", "<i8"))
_LARGEST = 2**63 - 1
compress = ZstdCompressor(level=_LEVEL).compress
_decompressor = ZstdDecompressor()


def decompress(content: bytes) -> bytes:
    try:
        return _decompressor.decompress(content)
    except ZstdError as error:
        raise ValueError(str(error)) from None


def packed(numbers: Ints, *, differences: bool = False) -> bytes:
    """Integers in as few bytes as the largest needs, above their least one, compressed."""
    first = int(numbers[0])
    if differences:
        numbers = np.diff(numbers)
    least = int(numbers.min()) if len(numbers) else 0
    span = int(numbers.max()) - least if len(numbers) else 0
    if span > _LARGEST:
        least, span = 0, _LARGEST
    width = next(at for at, each in enumerate(_WIDTHS) if span <= np.iinfo(each).max)
    narrow = (numbers - least).astype(_WIDTHS[width])
    return msgpack.encode((differences, first, least, width, compress(narrow.tobytes())))


def ints_in(packed: bytes) -> Ints:
    differences, first, least, width, content = msgpack.decode(packed)
    numbers = np.frombuffer(decompress(content), dtype=_WIDTHS[width]).astype(np.int64)
    if least:
        numbers += least
    if not differences:
        if numbers[0] != first:
            raise ValueError("another first number")
        return numbers
    return np.cumsum(np.concatenate((np.array([first], dtype=np.int64), numbers)))
