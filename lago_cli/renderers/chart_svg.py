"""
Charts as one SVG image that stands alone: no script, no font or style from elsewhere.

All is whole pixels. Colours have a contrast that print and colour-blind readers keep.
"""

from __future__ import annotations

import re
from html import escape
from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from lago_cli.renderers.escapes import visible

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import TextIO

    from lago_cli.renderers.chart import Chart, Charts, Point, Scale, Series
    from lago_cli.renderers.report import Terminal

WIDTH = 960
MARGIN = 32
CHARACTER = 8  # at most, of 13 pixels
LONGEST_LABEL, LONGEST_FIGURE = 32, 60  # whole ones are shown where a pointer rests
BAR, BAR_PITCH = 18, 28
PLOT, SEVERAL_PLOTS = 220, 110  # how high a line is drawn, alone or among others
MOST_DOTS = 60

_NO_XML = re.compile("[\ufffe\uffff]")
_STYLE = (
    "text{font:13px system-ui,'Segoe UI','DejaVu Sans',sans-serif;fill:#1f2937}"
    ".h{font-size:16px;font-weight:600}.n{font-variant-numeric:tabular-nums}"
    ".s{fill:#6b7280}.b{fill:#2563a8}.m{fill:#b4532a}.a{stroke:#9ca3af;stroke-width:1}"
    ".l{fill:none;stroke:#2563a8;stroke-width:2;stroke-linejoin:round}"
)


def render(charts: Charts, stream: TextIO, _: Terminal) -> None:
    sheet = _Sheet()
    for number, chart in enumerate(charts.charts):
        sheet.chart(chart, is_first=number == 0)
    if not charts.charts:
        sheet.text(MARGIN, sheet.down(24), charts.empty, "s")
    for sentence in charts.footer:
        sheet.text(MARGIN, sheet.down(22), sentence, "s")
    titles = "; ".join(chart.title for chart in charts.charts) or charts.empty
    stream.write(sheet.whole(titles))


class _Sheet:
    """An image that grows downwards."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._at = MARGIN

    def down(self, pixels: int) -> int:
        self._at += pixels
        return self._at

    def whole(self, title: str) -> str:
        height = self._at + MARGIN
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}"'
            f' width="{WIDTH}" height="{height}" role="img" aria-labelledby="title">',
            f'<title id="title">{_safe(title)}</title>',
            f"<style>{_STYLE}</style>",
            f'<rect width="{WIDTH}" height="{height}" fill="#fff"/>',
            *self._parts,
            "</svg>",
        ]
        return "".join(line + "\n" for line in lines)

    def text(self, x: int, y: int, text: str, kind: str = "", anchor: str = "start") -> None:
        attributes = f' class="{kind}"' if kind else ""
        attributes += f' text-anchor="{anchor}"' if anchor != "start" else ""
        self._parts.append(f'<text x="{x}" y="{y}"{attributes}>{_safe(text)}</text>')

    def rule(self, x1: int, y1: int, x2: int, y2: int) -> None:
        self._parts.append(f'<line x1="{x1}" y1="{y1}" x2="{x2}" y2="{y2}" class="a"/>')

    def chart(self, chart: Chart, *, is_first: bool) -> None:
        self.text(MARGIN, self.down(8 if is_first else 44), _cut(chart.title, 90), "h")
        self.down(14)
        bars, other_bars = chart.bars_shown()
        if bars:
            self._bars(bars, chart.scale)
        lines, other_lines = chart.lines_shown()
        for line in lines:
            self._line(line, chart.scale, PLOT if len(lines) == 1 else SEVERAL_PLOTS)
        if chart.total:
            self.text(MARGIN, self.down(24), _cut(chart.total, 100), "n")
        for others in filter(None, (other_bars, other_lines)):
            self.text(MARGIN, self.down(24), others, "s")

    def _bars(self, bars: Sequence[Point], scale: Scale) -> None:
        labels = [_cut(visible(bar.label), LONGEST_LABEL) for bar in bars]
        figures = [_cut(visible(bar.shown), LONGEST_FIGURE) for bar in bars]
        left = MARGIN + CHARACTER * (max(map(cell_len, labels)) + 1)
        room = WIDTH - MARGIN - left - CHARACTER * (max(map(cell_len, figures)) + 1)
        room = max(room, 120)
        from_low = scale.zero(room)
        zero = left + from_low
        top = self._at
        for bar, label, figure in zip(bars, labels, figures, strict=True):
            y = self.down(BAR_PITCH) - BAR
            size = scale.size(bar.value, from_low if bar.value < 0 else room - from_low)
            start, kind = (zero - size, "m") if bar.value < 0 else (zero, "b")
            self._parts.append(
                f'<rect x="{start}" y="{y}" width="{size}" height="{BAR}" class="{kind}">'
                f"<title>{_safe(bar.label)}: {_safe(bar.shown)}</title></rect>"
            )
            self.text(left - CHARACTER, y + 14, label, anchor="end")
            self.text(max(start + size, zero) + 6, y + 14, figure, "n")
        self.rule(zero, top + 6, zero, self._at + 4)

    def _line(self, line: Series, scale: Scale, height: int) -> None:
        if line.label:
            self.text(MARGIN, self.down(30), _cut(visible(line.label), 90))
        highest = max(line.points, key=lambda point: point.value)
        top = self.down(26)
        bottom = self.down(height)
        right, left = WIDTH - MARGIN, MARGIN
        from_low = scale.zero(height)
        zero = bottom - from_low

        def height_of(point: Point) -> int:
            if point.value < 0:
                return zero + scale.size(point.value, from_low)
            return zero - scale.size(point.value, height - from_low)

        self.rule(left, zero, right, zero)
        last = max(len(line.points) - 1, 1)
        places = [
            (left + at * (right - left) // last, height_of(point))
            for at, point in enumerate(line.points)
        ]
        path = " ".join(f"{x},{y}" for x, y in places)
        self._parts.append(f'<polyline points="{path}" class="l"/>')
        if len(places) <= MOST_DOTS:
            for (x, y), point in zip(places, line.points, strict=True):
                self._parts.append(
                    f'<circle cx="{x}" cy="{y}" r="3" class="b">'
                    f"<title>{_safe(point.label)}: {_safe(point.shown)}</title></circle>"
                )
        self._named(highest, places[line.points.index(highest)], top)
        y = self.down(20)
        self.text(left, y, visible(line.points[0].label), "s")
        if len(line.points) > 1:
            self.text(right, y, visible(line.points[-1].label), "s", "end")

    def _named(self, point: Point, place: tuple[int, int], top: int) -> None:
        """The highest point says its figure, on the side where there is room for it."""
        text = f"{_cut(point.shown, LONGEST_FIGURE)} ({point.label})"
        x, y = place
        half = CHARACTER * cell_len(text) // 2
        anchor = "start" if x < MARGIN + half else "end" if x > WIDTH - MARGIN - half else "middle"
        self.text(x, max(y, top) - 8, visible(text), "n", anchor)


def _safe(text: str) -> str:
    """Text of users, also for streams that know ASCII only."""
    shown = escape(_NO_XML.sub(_by_number, visible(text)))
    return shown.encode("ascii", "xmlcharrefreplace").decode()


def _by_number(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _cut(text: str, width: int) -> str:
    return text if cell_len(text) <= width else set_cell_size(text, width - 1) + "…"
