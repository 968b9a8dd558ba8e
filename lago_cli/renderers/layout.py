"""
The geometry of a table, in terminal cells: emoji and CJK are two of them wide.

Imported by the table only: measuring needs rich.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from rich.cells import cell_len

if TYPE_CHECKING:
    from collections.abc import Sequence
    from typing import Literal

    from lago_cli.renderers.report import Column

GAP = 2
SHORTEST_CUT = 8  # an id cut further tells nothing
_WORD = re.compile(r"\S+\s*|\s+")


class Need(NamedTuple):
    """The widths one column can live with."""

    least: int
    best: int


def width_of(text: str) -> int:
    return cell_len(text)


def is_cuttable(column: Column) -> bool:
    return column.kind in {"text", "id", "object", "spark"}


def need_of(column: Column, heading: str, widest: int) -> Need:
    """A heading may break between its words; a number is as wide as it is."""
    word = max((width_of(word) for word in heading.split()), default=0)
    least = min(widest, SHORTEST_CUT) if is_cuttable(column) else widest
    return Need(max(word, least), max(width_of(heading), widest))


def widths_for(needs: Sequence[Need], room: int | None) -> list[int] | None:
    """
    Every column's width; where room is short, the widest give way first.

    None if `room` is too small for the least that they all need.
    """
    best = [need.best for need in needs]
    if room is None:
        return best
    room -= GAP * (len(needs) - 1)
    if sum(best) <= room:
        return best
    low, high = 0, max(best)  # a common ceiling; `low` is the highest known to fit
    if sum(_under(needs, low)) > room:
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if sum(_under(needs, middle)) <= room else (low, middle)
    return _under(needs, low)


def _under(needs: Sequence[Need], ceiling: int) -> list[int]:
    return [max(need.least, min(need.best, ceiling)) for need in needs]


def cut(text: str, width: int, drop: Literal["start", "middle", "end"], mark: str) -> str:
    """Shorten `text` to at most `width` cells, with `mark` where something is missing."""
    if width_of(text) <= width:
        return text
    keep = max(width - width_of(mark), 0)
    if drop == "end":
        return _head(text, keep) + mark
    if drop == "start":
        return mark + _tail(text, keep)
    return _head(text, (keep + 1) // 2) + mark + _tail(text, keep // 2)


def _head(text: str, width: int) -> str:
    part = text[: 4 * width]  # marks without a width of their own get some room, not any
    while width_of(part) > width:
        part = part[:-1]
    return part.rstrip("\u200d")


def _tail(text: str, width: int) -> str:
    part = text[-4 * width :] if width else ""
    while width_of(part) > width or (part and not width_of(part[0])):
        part = part[1:]
    return part


def wrap(text: str, width: int | None) -> list[str]:
    """Break between words; a word that is too long stays whole."""
    if width is None or width_of(text) <= width:
        return [text]
    lines = [""]
    for word in _WORD.findall(text):
        if lines[-1] and width_of(lines[-1] + word.rstrip()) > width:
            lines.append("")
        lines[-1] += word
    return [line.rstrip() for line in lines]
