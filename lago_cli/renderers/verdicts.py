"""The two colours of a table: green for what passed, red for what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.page import GREEN, RED

if TYPE_CHECKING:
    from lago_cli.renderers.report import Column

GOOD, BAD = "good", "bad"
_STYLES = {GOOD: GREEN, BAD: RED}
_WORDS = {True: GOOD, "ok": GOOD, "passed": GOOD, False: BAD, "failed": BAD}


def verdict_style(column: Column, value: object) -> str:
    """What a cell says in a word as well; nothing for all others."""
    return _STYLES.get(verdict_word(column, value), "")


def verdict_word(column: Column, value: object) -> str:
    """`good`, `bad` or nothing."""
    if column.verdict and isinstance(value, (bool, str)):
        return _WORDS.get(value, "")
    return ""
