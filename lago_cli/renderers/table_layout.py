"""
How a table fits its page: which columns there is room for, how wide they are, where they are cut.

Where room is short, spare columns are left out until the others can be read; then the widest
gives way first. Numbers, units and dates are never cut, and ids stay distinct: a table that
needs more room than there is, is wider than its page.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.page import GAP
from lago_cli.renderers.shortening import Shortener
from lago_cli.renderers.widths import PIECES, clipped, widest_of, width_of

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from lago_cli.renderers.page import Page
    from lago_cli.renderers.report import Column

SHORTEST_CUT = 8  # what is cut further tells nothing
COMFORTABLE = {"id": 12, "text": 20, "object": 12, "spark": 8}
"""Widths for which spare columns are left out; a sentence that folds wants twice the room."""
LONGEST_LABEL = 13  # `sum of groups`


class Layout:
    """The columns that are drawn, by their place among all columns, and how."""

    def __init__(
        self,
        columns: Sequence[Column],
        body: Sequence[list[str]],
        totals: Sequence[list[str]],
        ids: dict[int, Collection[str]],
        page: Page,
    ) -> None:
        """
        Measure the first rows.

        Args:
            body: The texts of each column.
            totals: The same of the totals.
            ids: All that a column of ids will show, by its place.
        """
        self.columns = columns
        self.page = page
        self.headings = [page.shown(column.heading) for column in columns]
        self.shorteners = {place: Shortener(page.mark) for place in ids}
        self.kept = list(range(len(columns)))
        self._natural = [
            max(widest_of(body[n]), widest_of(totals[n]), widest_of(list(ids.get(n, ()))))
            for n in self.kept
        ]
        self._is_empty = [set(texts) <= {page.nothing, "[]", "{}"} for texts in body]
        self._labels = [  # an id that has a total is cut as in the rows
            min(widest_of([text for text in texts if text not in ids.get(n, ())]), LONGEST_LABEL)
            for n, texts in enumerate(totals)
        ]
        self.widths = [
            max(width, width_of(heading))
            for width, heading in zip(self._natural, self.headings, strict=True)
        ]
        if page.width is not None:
            self._fit(page.width, ids)

    @property
    def left_out(self) -> list[str]:
        """The headings of the columns that there is no room for, though they say something."""
        return [
            text
            for n, text in enumerate(self.headings)
            if n not in self.kept and not self._is_empty[n]
        ]

    @property
    def width(self) -> int:
        return sum(self.widths[n] for n in self.kept) + GAP * (len(self.kept) - 1)

    def cut(self, place: int, texts: list[str]) -> list[str]:
        """The texts of a column, as many cells wide as it is; a sentence is left to fold."""
        column, width = self.columns[place], self.widths[place]
        if self.page.width is None or not column.may_be_cut or column.folds:
            return texts
        if shortener := self.shorteners.get(place):
            return texts if shortener.place is None else [shortener(text) for text in texts]
        if widest_of(texts) <= width:
            return texts
        if column.kind == "spark":  # a course of values loses its past
            mark = "…" if self.page.unicode else "<"
            return [t if len(t) <= width else mark + t[len(t) - width + 1 :] for t in texts]
        return [clipped(text, width, self.page.mark) for text in texts]

    def admit(self, place: int, texts: list[str]) -> None:
        """Make room for further rows, which were not measured."""
        shortener = self.shorteners.get(place)
        if shortener is not None and self.page.width is not None:
            distinct = set(texts)
            shortener.fit_more(distinct, self.widths[place])
            shortener.remember(distinct)
            texts = self.cut(place, list(distinct))
        elif self.columns[place].may_be_cut and self.page.width is not None:
            return
        self.widths[place] = max(self.widths[place], widest_of(texts))

    def _fit(self, room: int, ids: dict[int, Collection[str]]) -> None:
        best = list(self.widths)
        comfortable = [self._least(n, COMFORTABLE.get(c.kind, 0) * (1 + c.folds))
                       for n, c in enumerate(self.columns)]  # fmt: skip
        spare = sorted(
            (n for n in self.kept if self.columns[n].spare),
            key=lambda n: (self._is_empty[n], self.columns[n].spare),
        )
        while spare and self._taken(comfortable) > room:
            self.kept.remove(spare.pop())
        least = [self._least(n, SHORTEST_CUT) for n in range(len(self.columns))]
        while True:
            self.widths = self._squeezed(best, least, room)
            if not self._is_wider(ids, least):
                if not spare or self._taken(self.widths) <= room:
                    return
                self.kept.remove(spare.pop())

    def _is_wider(self, ids: dict[int, Collection[str]], least: list[int]) -> bool:
        """Whether the ids of a column need more than they got to stay distinct."""
        is_wider = False
        for n, texts in ids.items():
            if n in self.kept:
                needed = self.shorteners[n].fit(texts, self.widths[n])
                if needed > self.widths[n]:
                    least[n], is_wider = needed, True
        return is_wider

    def _least(self, place: int, cut: int) -> int:
        width = self._natural[place]
        if self.columns[place].may_be_cut:
            width = min(width, max(cut, self._labels[place]))
        return max(
            width, *(width_of(each.strip()) for each in PIECES.findall(self.headings[place])), 0
        )

    def _taken(self, widths: Sequence[int]) -> int:
        return sum(widths[n] for n in self.kept) + GAP * (len(self.kept) - 1)

    def _squeezed(self, best: list[int], least: list[int], room: int) -> list[int]:
        """The widest gives way first, down to the least that it needs."""
        widths = [max(min(b, room), low) for b, low in zip(best, least, strict=True)]
        excess = self._taken(widths) - room
        while excess > 0:
            wide = [n for n in self.kept if widths[n] > least[n]]
            if not wide:
                break
            widths[max(wide, key=widths.__getitem__)] -= 1
            excess -= 1
        return widths
