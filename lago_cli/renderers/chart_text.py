"""Charts for a terminal, in block characters, or in ASCII where a stream has no others."""

from __future__ import annotations

from typing import TYPE_CHECKING

from rich.cells import cell_len, set_cell_size

from lago_cli.renderers.page import BOLD, DIM, GAP, READABLE_WIDTH, Page
from lago_cli.renderers.report import DEFAULT_WIDTH
from lago_cli.renderers.table_cells import grouped

if TYPE_CHECKING:
    from collections.abc import Sequence
    from fractions import Fraction
    from typing import TextIO

    from lago_cli.renderers.chart import Chart, Charts, Point, Scale, Series
    from lago_cli.renderers.report import Terminal

SHORTEST_BAR = 8
SHORTEST_LABEL, LONGEST_LABEL = 8, 40
LINE_HEIGHT = 8
SEVERAL_HEIGHT = 4  # of each line, where there are several
CYAN = "36"
WIDEST_STEP = 6  # from one point of a line to the next

_EIGHTHS = " ▏▎▍▌▋▊▉"
_LEVELS = " ▁▂▃▄▅▆▇█"


def render(charts: Charts, stream: TextIO, terminal: Terminal) -> None:
    page = Page(stream, terminal)
    if not charts.charts:
        page.sentence(charts.empty, DIM)
    for number, chart in enumerate(charts.charts):
        if number:
            page.blank()
        page.sentence(chart.title if page.unicode else chart.title.replace("·", "-"), BOLD)
        _Drawing(page, chart.scale).draw(chart)
    if charts.footer:
        page.blank()
    for sentence in charts.footer:
        page.sentence(sentence, DIM)


class _Drawing:
    """One chart, on a page of known width."""

    def __init__(self, page: Page, scale: Scale) -> None:
        self.page = page
        self.scale = scale
        self.width = max(min(page.width or DEFAULT_WIDTH, READABLE_WIDTH), SHORTEST_BAR + GAP)

    def draw(self, chart: Chart) -> None:
        bars, other_bars = chart.bars_shown()
        if bars:
            self.bars(bars)
        lines, other_lines = chart.lines_shown()
        for number, line in enumerate(lines):
            if number:
                self.page.blank()
            self.line(line, LINE_HEIGHT if len(lines) == 1 else SEVERAL_HEIGHT)
        if chart.total:
            self.page.sentence(chart.total, BOLD)
        for others in filter(None, (other_bars, other_lines)):
            self.page.sentence(others.lstrip("… ") if not self.page.unicode else others, DIM)

    # Bars ---------------------------------------------------------------------------------

    def bars(self, bars: Sequence[Point]) -> None:
        labels = [self.page.shown(bar.label) for bar in bars]
        digits = max(len(bar.digits) for bar in bars)
        notes = max(cell_len(self.page.shown(bar.note)) for bar in bars)
        figures = [
            f"{bar.digits:>{digits}} {set_cell_size(self.page.shown(bar.note), notes)}".rstrip()
            for bar in bars
        ]
        wide = max(map(cell_len, figures))
        spare = self.width - wide - 2 * GAP - SHORTEST_BAR
        most = min(max(map(cell_len, labels)), LONGEST_LABEL, spare)
        room = self.width - most - wide - 2 * GAP
        for bar, label, figure in zip(bars, labels, figures, strict=True):
            if spare >= min(SHORTEST_LABEL, max(map(cell_len, labels))):
                head = self.cut(label, most) + " " * GAP + set_cell_size(figure, wide) + " " * GAP
                self.put(head, self.bar(bar.value, room))
            else:  # the figure is long: what is drawn stands below it
                self.put(self.cut(label, self.width).rstrip(), "")
                self.put("  " + figure.strip(), "")
                if bar.value:
                    self.put("  ", self.bar(bar.value, self.width - GAP))

    def bar(self, value: Fraction, room: int) -> str:
        """What is negative goes left from where zero is."""
        zero = self.scale.zero(room)
        full = "█" if self.page.unicode else "#"
        if value < 0:
            size = self.scale.size(value, zero)
            return " " * (zero - size) + full * size
        if not self.page.unicode:
            return " " * zero + full * self.scale.size(value, room - zero)
        whole, eighths = divmod(self.scale.size(value, 8 * (room - zero)), 8)
        return " " * zero + full * whole + _EIGHTHS[eighths].strip()

    # Lines --------------------------------------------------------------------------------

    def line(self, line: Series, height: int) -> None:
        """Columns as high as their values; where there are too many, the highest of some."""
        if line.label:
            self.put(self.cut(self.page.shown(line.label), self.width).rstrip(), "")
        marks = self.marks(height)
        wide = max(map(cell_len, marks.values()))
        if wide > self.width // 2:  # the figures are long: they stand below
            marks, wide = {}, 0
        room = self.width - wide - 2
        together = -(-len(line.points) // room)
        columns = [
            max(line.points[at : at + together], key=lambda point: abs(point.value))
            for at in range(0, len(line.points), together)
        ]
        step = max(1, min(WIDEST_STEP, room // len(columns)))
        edge = " │" if self.page.unicode else " |"
        for level in reversed(range(height)):
            cells = [self.cell(point.value, level, height) for point in columns]
            drawn = "".join(cell * step if step < 3 else cell * (step - 1) + " " for cell in cells)
            self.put(marks.get(level, "").rjust(wide) + edge, drawn.rstrip())
        self.ends(line.points, wide + 2, step * len(columns))
        self.extremes(line.points, together)

    def marks(self, height: int) -> dict[int, str]:
        """The figures beside the frame: the largest, the least, and zero between them."""
        low, high = self.scale
        zero = self.scale.zero(height)
        marks = {zero: "0"} if low and high else {}
        return (
            marks
            | ({0: self.digits(low)} if low or not high else {0: "0"})
            | ({height - 1: self.digits(high)} if high else {})
        )

    def digits(self, value: Fraction) -> str:
        return _digits(value) if self.page.raw else grouped(_digits(value))

    def cell(self, value: Fraction, level: int, height: int) -> str:
        zero = self.scale.zero(height)
        full = "█" if self.page.unicode else "#"
        if value < 0:
            return full if zero - self.scale.size(value, zero) <= level < zero else " "
        if level < zero:
            return " "
        if not self.page.unicode:
            return full if level - zero < self.scale.size(value, height - zero) else " "
        eighths = self.scale.size(value, 8 * (height - zero)) - 8 * (level - zero)
        return _LEVELS[max(0, min(8, eighths))]

    def ends(self, points: Sequence[Point], margin: int, length: int) -> None:
        first, last = (self.page.shown(each.label) for each in (points[0], points[-1]))
        if len(points) == 1:
            self.page.line(" " * margin + first, DIM)
            return
        gap = max(length - cell_len(first) - cell_len(last), GAP)
        if margin + cell_len(first) + gap + cell_len(last) > self.width:
            margin, gap = 0, GAP
        self.page.line(" " * margin + first + " " * gap + last, DIM)

    def extremes(self, points: Sequence[Point], together: int) -> None:
        if len(points) > 1:
            for word, choose in (("highest", max), ("lowest", min)):
                found = choose(points, key=lambda point: point.value)
                self.page.sentence(f"{word} {found.shown} ({found.label})", "")
        if together > 1:
            self.page.sentence(f"Each column is the highest of {together} values.", DIM)

    # Helpers ------------------------------------------------------------------------------

    def put(self, head: str, drawn: str) -> None:
        text = head + self.page.styled(drawn, CYAN) if drawn else head.rstrip()
        self.page.write(text + "\n")

    def cut(self, text: str, width: int) -> str:
        if cell_len(text) <= width:
            return set_cell_size(text, width)
        return set_cell_size(text, width - 1) + self.page.mark


def _digits(value: Fraction) -> str:
    """A figure that came as decimal text, again as that."""
    whole, scale = value, 0
    while whole.denominator != 1:
        whole, scale = whole * 10, scale + 1
    digits = str(abs(whole.numerator)).rjust(scale + 1, "0")
    text = digits[: len(digits) - scale] + ("." + digits[-scale:] if scale else "")
    return "-" + text if value < 0 else text
