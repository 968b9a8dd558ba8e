"""The page that a table or a statement is written on: what its terminal can show, and how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.escapes import encodable, visible, writer_for
from lago_cli.renderers.widths import folded

if TYPE_CHECKING:
    from typing import TextIO

    from lago_cli.renderers.report import Terminal

READABLE_WIDTH = 100  # of sentences, in a wide terminal
GAP = 2

BOLD, DIM, GREEN, RED = "1", "2", "32", "31"


class Page:
    """Where a table is written: the stream, and what its terminal can do."""

    def __init__(self, stream: TextIO, terminal: Terminal) -> None:
        self.width = terminal.width
        self.unicode = terminal.unicode
        self.raw = terminal.raw
        self.color = terminal.color
        self.nothing = "–" if terminal.unicode else "-"
        self.mark = "…" if terminal.unicode else "~"  # of a cut
        self.write = writer_for(stream)
        encoding = getattr(stream, "encoding", None)
        self.encoding = None if str(encoding).lower().startswith("utf") else encoding

    @property
    def readable(self) -> int | None:
        """How wide a sentence may be."""
        return None if self.width is None else min(self.width, READABLE_WIDTH)

    def blank(self) -> None:
        self.write("\n")

    def line(self, text: str, style: str = "") -> None:
        """One line, as it is."""
        self.write(self.styled(text.rstrip(" "), style) + "\n")

    def sentence(self, text: str, style: str = "") -> None:
        """A text of its own, folded where it is too long for a line."""
        text = self.shown(text)
        for line in [text] if self.readable is None else folded(text, self.readable):
            self.line(line, style)

    def rule(self, width: int) -> None:
        self.line(("─" if self.unicode else "-") * width, DIM)

    def styled(self, text: str, style: str) -> str:
        return f"\x1b[{style}m{text}\x1b[0m" if self.color and style and text else text

    def shown(self, text: str) -> str:
        if text.isascii() and text.isprintable():
            return text
        if not self.unicode:
            text = text.replace("…", "...")  # `~` stands for a cut
        return encodable(visible(text), self.encoding)
