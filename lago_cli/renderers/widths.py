"""How wide text is on a terminal, and where it may be cut and folded: between characters."""

from __future__ import annotations

import re

PLAIN = re.compile("[ -~\xa0-\xac\xae-\u02ff\u0370-\u0482\u2013\u2026\u2500-\u25fc]*").fullmatch
"""Whether every character is one cell wide; most text is, and needs no tables of widths."""

_WORDS = re.compile(r"\S+\s*|\s+")
PIECES = re.compile(r"[^\s_.]+[_.]*\s*|[_.]+\s*|\s+")
"""Of a heading, which goes on below also within `generated_tokens` or `usage.total`."""


def width_of(text: str) -> int:
    """In cells: wide characters have two, and accents none."""
    if text.isascii() or PLAIN(text):
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def are_plain(texts: list[str]) -> bool:
    """Whether the width of each is its length."""
    together = "".join(texts)
    return together.isascii() or PLAIN(together) is not None


def widest_of(texts: list[str]) -> int:
    if not texts:
        return 0
    return max(map(len, texts)) if are_plain(texts) else max(map(width_of, texts))


def padded(texts: list[str], width: int, *, to_the_right: bool) -> list[str]:
    """All as wide as `width`, except what is wider."""
    if are_plain(texts):
        if to_the_right:
            return [text.rjust(width) for text in texts]
        return [text.ljust(width) for text in texts]
    if to_the_right:
        return [" " * (width - width_of(text)) + text for text in texts]
    return [text + " " * (width - width_of(text)) for text in texts]


def head(text: str, width: int) -> str:
    """As much of the beginning as there is room for."""
    if PLAIN(text):
        return text[: max(width, 0)]
    end = taken = 0
    for _, stop, cells in _characters(text):
        taken += cells
        if taken > width:
            break
        end = stop
    return text[:end]


def tail(text: str, width: int) -> str:
    """As much of the end as there is room for."""
    if PLAIN(text):
        return text[max(len(text) - max(width, 0), 0) :]
    start, taken = len(text), 0
    for begin, _, cells in reversed(_characters(text)):
        taken += cells
        if taken > width:
            break
        start = begin
    return text[start:]


def clipped(text: str, width: int, mark: str = "…") -> str:
    """Cut at its end, with a mark of it, where it is wider."""
    if width_of(text) <= width:
        return text
    start = head(text, width - 1)
    return start + " " * (width - 1 - width_of(start)) + mark


def folded(text: str, width: int, words: re.Pattern[str] = _WORDS) -> list[str]:
    """Its lines: broken between words, and within one only where it is a line by itself."""
    if width_of(text) <= width:
        return [text]
    lines, line = [], ""
    for word in words.findall(text):
        if width_of(line + word.rstrip()) <= width:
            line += word
            continue
        if line.strip():
            lines.append(line.rstrip())
        line = word
        while width_of(line.rstrip()) > width:
            start = head(line, width) or line[: _characters(line)[0][1]]
            lines.append(start)
            line = line[len(start) :]
    if line.strip() or not lines:
        lines.append(line.rstrip())
    return lines


def _characters(text: str) -> list[tuple[int, int, int]]:
    """Where every character that is seen as one begins and ends, and its width."""
    from rich.cells import split_graphemes

    return split_graphemes(text)[0]
