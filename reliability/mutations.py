"""Inputs that are nearly right: seeds and words, cut, spliced and flipped at random."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random

LONGEST = 4_000  # bytes; what is longer is a matter of `bombs`


class Mutator:
    """An endless supply of inputs, the same for the same seed."""

    def __init__(self, seeds: Sequence[bytes], words: Sequence[bytes], random: Random) -> None:
        self._seeds = list(seeds)
        self._words = list(words)
        self._random = random
        self._changes = (
            self._flip,
            self._cut,
            self._insert,
            self._insert,
            self._replace,
            self._repeat,
            self._splice,
            self._truncate,
            self._many,
        )

    def next(self) -> bytes:
        """The next input."""
        random = self._random
        data = random.choice(self._seeds)
        if random.random() < 0.05:
            data = b"".join(random.choices(self._words, k=random.randrange(12)))
        for _ in range(random.choice((0, 1, 1, 2, 3, 5, 12))):
            data = random.choice(self._changes)(data)
        return data[:LONGEST]

    def _place(self, data: bytes) -> int:
        return self._random.randrange(len(data) + 1)

    def _span(self, data: bytes) -> tuple[int, int]:
        start = self._place(data)
        return start, min(len(data), start + self._random.choice((1, 2, 4, 20, 100)))

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return self._random.randbytes(1)
        at = self._random.randrange(len(data))
        return data[:at] + bytes([data[at] ^ 1 << self._random.randrange(8)]) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + data[end:]

    def _insert(self, data: bytes) -> bytes:
        at = self._place(data)
        return data[:at] + self._random.choice(self._words) + data[at:]

    def _replace(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:start] + self._random.choice(self._words) + data[end:]

    def _repeat(self, data: bytes) -> bytes:
        start, end = self._span(data)
        return data[:end] + data[start:end] * self._random.choice((1, 1, 2, 9)) + data[end:]

    def _splice(self, data: bytes) -> bytes:
        other = self._random.choice(self._seeds)
        return data[: self._place(data)] + other[self._place(other) :]

    def _truncate(self, data: bytes) -> bytes:
        return data[: self._place(data)]

    def _many(self, data: bytes) -> bytes:
        """One word very often: nesting, long numbers, long blanks."""
        at = self._place(data)
        often = self._random.choice((60, 600, 2_000))
        return data[:at] + self._random.choice(self._words) * often + data[at:]
