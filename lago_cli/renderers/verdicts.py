"""The two colours of a table: green for what passed, red for what failed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.page import GREEN, RED

if TYPE_CHECKING:
    from lago_cli.renderers.report import Column

_STYLES = {True: GREEN, "ok": GREEN, "passed": GREEN, False: RED, "failed": RED}


def verdict_style(column: Column, value: object) -> str:
    """What a cell says in a word as well; nothing for all others."""
    if column.verdict and isinstance(value, (bool, str)):
        return _STYLES.get(value, "")
    return ""
