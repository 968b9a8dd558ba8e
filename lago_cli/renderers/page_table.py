"""
Statements for a terminal.

Where it is narrow, texts and notes go on in the next line, and at last the prices and the
numbers of units are left out; amounts never are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.page import BOLD, DIM, GAP, READABLE_WIDTH, Page
from lago_cli.renderers.report import DEFAULT_WIDTH
from lago_cli.renderers.widths import folded, width_of

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from lago_cli.renderers.report import Terminal
    from lago_cli.renderers.statement import Pages, Statement

NARROWEST = 20  # that a text of several words can be read in
INDENT = 2
_ASCII = str.maketrans({"×": "x", "–": "-", "→": "->", "·": "-", "…": "..."})


def render(pages: Pages, stream: TextIO, terminal: Terminal) -> None:
    page = Page(stream, terminal)
    if not pages.statements:
        page.sentence(pages.empty, DIM)
    for number, statement in enumerate(pages.statements):
        if number:
            page.blank()
        _Sheet(statement, page).draw()


class _Sheet:
    """One statement, on a page of known width."""

    def __init__(self, statement: Statement, page: Page) -> None:
        self.statement = statement
        self.page = page
        self.width = min(page.width or DEFAULT_WIDTH, READABLE_WIDTH)
        items = statement.items
        columns = [
            ("units", [item.units for item in items]),
            ("unit price", [item.price for item in items]),
            ("amount", [each.amount for each in items] + [each.amount for each in statement.sums]),
        ]
        self.columns = [
            (heading, max(width_of(self.shown(text)) for text in (heading, *texts)))
            for heading, texts in columns
        ]
        self.dropped: list[int] = []
        for number in (1, 0):
            if self.width - self.taken < NARROWEST:
                self.dropped.append(number)

    @property
    def taken(self) -> int:
        """What the numbers at the right take of the width."""
        return sum(width + GAP for _, width in self.kept(self.columns))

    def kept(self, cells: Sequence[tuple[str, int]]) -> list[tuple[str, int]]:
        return [cell for number, cell in enumerate(cells) if number not in self.dropped]

    def shown(self, text: str) -> str:
        return self.page.shown(text if self.page.unicode else text.translate(_ASCII))

    def draw(self) -> None:
        page, statement = self.page, self.statement
        page.sentence(statement.title, BOLD)
        page.blank()
        keys = max(width_of(key) for key, _ in statement.facts)
        for key, value in statement.facts:
            for number, line in enumerate(self.folded(value, self.width - keys - GAP)):
                self.put((key if number == 0 else "").ljust(keys + GAP) + line)
        page.blank()
        self.row("item", [heading for heading, _ in self.columns], BOLD)
        self.rule()
        for item in statement.items:
            self.row(item.text, [item.units, item.price, item.amount])
            for note in item.notes:
                self.note(note)
        self.rule()
        for each in statement.sums:
            self.row(each.text, ["", "", each.amount], BOLD if each.is_total else "")
        if statement.footer:
            page.blank()
        for sentence in statement.footer:
            page.sentence(sentence, DIM)

    def rule(self) -> None:
        self.put(("─" if self.page.unicode else "-") * self.width, DIM)

    def row(self, text: str, cells: Sequence[str], style: str = "") -> None:
        """A text that may go on below, and numbers to the right of where it begins."""
        widths = [width for _, width in self.columns]
        kept = self.kept(list(zip(cells, widths, strict=True)))
        room = self.width - self.taken
        while kept and not kept[0][0]:  # a text goes on where no numbers are
            room += kept.pop(0)[1] + GAP
        first, *rest = self.folded(text, room)
        numbers = "".join(
            " " * (GAP + width - width_of(shown)) + shown
            for shown, width in ((self.shown(cell), width) for cell, width in kept)
        )
        self.put(first + " " * max(room - width_of(first), 0) + numbers, style)
        for line in rest:
            self.put(line, style)

    def note(self, text: str) -> None:
        room = self.width - INDENT - self.columns[-1][1] - GAP
        for number, line in enumerate(self.folded(text, room - INDENT)):
            self.put(" " * (INDENT if number == 0 else 2 * INDENT) + line, DIM)

    def folded(self, text: str, room: int) -> list[str]:
        return folded(self.shown(text), max(room, 1))

    def put(self, line: str, style: str = "") -> None:
        self.page.line(line, style)
