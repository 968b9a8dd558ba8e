"""
Batches as bytes, from one process to another.

Codes and parties are sent once and from then on by their number, so what was packed
must be unpacked in the same order.
"""

from __future__ import annotations

from typing import Any

from msgspec import msgpack

from lago_cli.domain.batches import EventBatch
from lago_cli.domain.events import Subject
from lago_cli.domain.measurements import Measurements

_MAX_NUMBERED = 200_000


class _Numbers(dict[Any, int]):
    """Numbers things as they come; `new` are those nobody has been told of."""

    def __init__(self) -> None:
        super().__init__()
        self.new: list[Any] = []

    def __missing__(self, thing: Any) -> int:
        self.new.append(thing)
        number = self[thing] = len(self)
        return number

    def told(self) -> list[Any]:
        new, self.new = self.new, []
        return new


class Packer:
    """The sender: of batches without amounts, as `decode_lines` makes them."""

    def __init__(self) -> None:
        self._codes = _Numbers()
        self._parties = _Numbers()

    def pack(self, batch: EventBatch) -> bytes:
        forget = max(len(self._codes), len(self._parties)) > _MAX_NUMBERED
        if forget:
            self._codes.clear()
            self._parties.clear()
        codes = [self._codes[code] for code in batch.codes]
        parties = [self._parties[party] for party in batch.parties]
        content = (
            forget,
            self._codes.told(),
            self._parties.told(),
            codes,
            parties,
            batch.transaction_ids,
            batch.at,
            batch.finer,
            batch.properties,
            batch.measurements,
            batch.not_kept,
        )
        return msgpack.encode(content)


class Unpacker:
    """The receiver."""

    def __init__(self) -> None:
        self._codes: list[str] = []
        self._parties: list[Subject] = []

    def unpack(self, packed: bytes, first_line: int) -> EventBatch:
        content = msgpack.decode(packed)
        forget, new_codes, new_parties, codes, parties = content[:5]
        ids, at, finer, properties, measurements, not_kept = content[5:]
        if forget:
            self._codes.clear()
            self._parties.clear()
        self._codes += new_codes
        self._parties += map(tuple, new_parties)
        return EventBatch(
            ids,
            list(map(self._codes.__getitem__, codes)),
            list(map(self._parties.__getitem__, parties)),
            at,
            properties,
            [None] * len(ids),
            range(first_line, first_line + len(ids)),
            finer,
            Measurements(*measurements) if measurements else None,
            not_kept=not_kept,
        )
