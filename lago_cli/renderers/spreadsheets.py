"""
What a spreadsheet makes of a cell, and how it is kept from making anything else of it.

Spreadsheets take text for formulas, and hold numbers as binary floats: 15 digits are exact.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.report import RIGHT_ALIGNED

if TYPE_CHECKING:
    from lago_cli.renderers.report import Column

EXACT_DIGITS = 15
LONGEST_NUMBER = 30  # as many decimals as a format of Excel has

_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(?:\.\d+)?", re.ASCII)
_LIKE_NUMBER = re.compile(r"\s*[\d.,]+(?:[eE][+-]?\d+)?\s*", re.ASCII)
_LIKE_FORMULA = re.compile(r"[\t\r\n]|[\s\"'`\u200b\ufeff]*[=+\-@＝＋－﹣−＠]")


def exact_number(value: object, column: Column) -> str | None:
    """The digits of a cell that is a number, and that a spreadsheet holds exactly."""
    if isinstance(value, bool) or not (isinstance(value, int) or column.kind in RIGHT_ALIGNED):
        return None
    text = as_text(value)
    if len(text) > LONGEST_NUMBER or not _NUMBER.fullmatch(text):
        return None
    digits = text.lstrip("-").replace(".", "", 1).lstrip("0")
    return text if len(digits.rstrip("0")) <= EXACT_DIGITS else None


def guarded(value: object, column: Column) -> str:
    """
    A cell of CSV as a spreadsheet takes it for what it is.

    An apostrophe stands before text that would become a formula, or another number: digits
    that are too many, zeros in front of an id. So that it can be taken away again, one more
    stands before every text that begins with one.
    """
    if exact_number(value, column) is not None:
        return as_text(value)
    text = as_text(value)
    if text.startswith("'") or _LIKE_FORMULA.match(text) or _would_change(text):
        return "'" + text
    return text


def _would_change(text: str) -> bool:
    if not _LIKE_NUMBER.fullmatch(text):
        return False
    is_plain = _NUMBER.fullmatch(text) is not None and not (
        "." in text and text.endswith("0")  # a version 1.10 would become 1.1
    )
    return not is_plain or len(text.replace(".", "").strip("0")) > EXACT_DIGITS
