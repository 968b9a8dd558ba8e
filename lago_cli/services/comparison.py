"""
Comparison: the rows of an answer, and what they were in another period.

The figures are those of two plain questions. Windows stand beside each other by their place:
the third day of one period and the third day of the other, each in the owner's own calendar.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from datetime import tzinfo
from functools import cache

from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import ZERO
from lago_cli.domain.usage import Group
from lago_cli.services.lines import Line, Reading
from lago_cli.services.questions import Question
from lago_cli.services.requests import Owner
from lago_cli.services.usage import UsageRow, answer, order_of
from lago_cli.stores.base import UsageStore

_NOTHING = Reading(ZERO, 0)
_Key = tuple[Owner, str, int, Group | None]


class Comparison:
    """
    The rows of a question beside those of another period.

    `unmatched` counts the windows of the other period that have no place in this one, such as
    the 31st day of a month before one of thirty days.

    Raises:
        LagoError: wrong usage, where there is no such period.
    """

    def __init__(self, store: UsageStore, question: Question, period: str, *, now: int) -> None:
        self._store = store
        self._question = question
        self._before = Question(store, question.request.compared_with(period), now)
        self._asked = {
            question: cache(question.asked) for question in (self._question, self._before)
        }
        self.unmatched = 0

    def lines(self, rows: Sequence[UsageRow]) -> list[Line]:
        """Every row as it is, and one with 0 units for what was used only in the other period."""
        were: dict[_Key, UsageRow] = {
            self._key(self._before, row): row for row in answer(self._store, self._before)
        }
        lines = []
        for row in rows:
            key = self._key(self._question, row)
            was = were.pop(key, None)
            lines.append(Line(row, row.units, self._reading(key, was)))
        for key, was in were.items():
            if not was.units and not was.events_count:
                continue  # listed because it was asked for
            window = self._window(was.owner, key[2])
            if window is None:
                self.unmatched += 1
                continue
            zone = self._question.zone(was.owner)
            row = was._replace(window=window, units=ZERO, events_count=0, zone=zone)
            lines.append(Line(row, ZERO, Reading(was.units, was.events_count)))
        lines.sort(key=lambda line: order_of(line.row))
        return lines

    @staticmethod
    def unused(rows: Sequence[UsageRow]) -> list[Line]:
        """Lines of what was used in neither period."""
        return [Line(row, row.units, _NOTHING) for row in rows]

    def spans(self, lines: Sequence[Line]) -> set[tuple[Window, Window, tzinfo]]:
        """Which periods stand beside each other, in which time zone."""
        found = set()
        for owner in {line.row.owner for line in lines}:
            asked, before = (self._asked[each](owner) for each in (self._question, self._before))
            if asked and before:
                one = Window(asked[0].start, asked[-1].end)
                other = Window(before[0].start, before[-1].end)
                found.add((one, other, self._question.zone(owner)))
        return found

    def _key(self, question: Question, row: UsageRow) -> _Key:
        return row.owner, row.metric.code, self._place(question, row), row.group

    def _place(self, question: Question, row: UsageRow) -> int:
        if question.request.window is None:
            return 0
        asked = self._asked[question](row.owner)
        return bisect_right(asked, row.window.start, key=lambda window: window.start) - 1

    def _reading(self, key: _Key, was: UsageRow | None) -> Reading | None:
        if was is not None:
            return Reading(was.units, was.events_count)
        return _NOTHING if key[2] < len(self._asked[self._before](key[0])) else None

    def _window(self, owner: Owner, place: int) -> Window | None:
        asked = self._asked[self._question](owner)
        return self._question.lived(owner, asked[place]) if place < len(asked) else None
