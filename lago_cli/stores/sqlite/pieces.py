"""
Whose events count, and where: the scope of a question by party.

A piece says that the events of a party from `start` up to `end` count under a key: an owner
and the number of one of its windows. What a recurring metric carries into the first window
counts under `HISTORY`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.usage import Scope
from lago_cli.stores.sqlite.parties import Parties

HISTORY = -1

Key = tuple[int, int]
"""(owner, number of the window)."""


class Piece(NamedTuple):
    """Of one party, from `start` up to `end`, what counts under the key of that number."""

    start: int
    end: int
    key: int


class Pieces:
    """By party id, in the order of time; `keys` by their numbers."""

    def __init__(self) -> None:
        self.of: dict[int, list[Piece]] = {}
        self.keys: list[Key] = []
        self.span = Window(2**62, -(2**62))  # holds all of them
        self._numbers: dict[Key, int] = {}

    def add(self, party: int, span: Window, key: Key) -> None:
        start, end = span
        if start >= end:
            return
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self.keys)
            self.keys.append(key)
        self.of.setdefault(party, []).append(Piece(start, end, number))
        self.span = Window(min(self.span.start, start), max(self.span.end, end))

    def at(self, party: int, at: int) -> Iterator[int]:
        """The numbers of the keys under which an event counts."""
        return (piece.key for piece in self.of.get(party, ()) if piece.start <= at < piece.end)


def pieces_of(scope: Scope, parties: Parties, *, recurring: bool) -> Pieces:
    """Those of a question of one kind of metric."""
    found = Pieces()
    for party, owner, span in scope.members:
        windows, party_id = scope.windows[owner], parties.get(party)
        if not windows or party_id is None:
            continue
        if recurring:
            before = Window(span.start, min(span.end, windows[0].start))
            found.add(party_id, before, (owner, HISTORY))
        for number, window in enumerate(windows):
            inside = Window(max(span.start, window.start), min(span.end, window.end))
            found.add(party_id, inside, (owner, number))
    return found


def pieces_of_spans(spans: Iterable[tuple[Subject, Window]], parties: Parties) -> Pieces:
    """All under one key."""
    found = Pieces()
    for party, span in spans:
        if (number := parties.get(party)) is not None:
            found.add(number, span, (0, 0))
    return found
