"""
An Excel workbook of one sheet, whose numbers are numbers and whose text is text.

A number has as many decimals as it is written with. One that Excel would round is text, and
so are instants: dates of Excel have neither a time zone nor microseconds. Nothing is a
formula or a link.
"""

from __future__ import annotations

import shutil
from datetime import datetime
from decimal import Decimal
from tempfile import TemporaryFile
from typing import TYPE_CHECKING, Any

from xlsxwriter import Workbook

from lago_cli.renderers.cells import as_text
from lago_cli.renderers.escapes import HIDDEN, visible
from lago_cli.renderers.report import TooLong
from lago_cli.renderers.spreadsheets import exact_number

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from typing import TextIO

    from xlsxwriter.worksheet import Worksheet

    from lago_cli.renderers.report import Column, Report, Terminal

MOST_ROWS = 1_048_575  # below the header
LONGEST_TEXT = 32_767  # in units of UTF-16
SHEET = "lago"
NARROWEST, WIDEST = 8, 60

_OPTIONS = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_numbers": False,
    "strings_to_urls": False,
}
_CREATED = datetime(2000, 1, 1)  # the same answer is the same file


def render(report: Report, stream: TextIO, _: Terminal) -> None:
    """Write it whole or not at all."""
    with TemporaryFile() as file:
        workbook = Workbook(file, _OPTIONS)
        workbook.set_properties({"created": _CREATED})
        try:
            _Sheet(workbook, report.data_columns).fill(report)
        finally:
            workbook.close()  # also removes its own temporary files
        file.seek(0)
        stream.flush()
        shutil.copyfileobj(file, stream.buffer)


class _Sheet:
    def __init__(self, workbook: Workbook, columns: Sequence[Column]) -> None:
        self._workbook = workbook
        self._columns = columns
        self._sheet: Worksheet = workbook.add_worksheet(SHEET)
        self._formats: dict[int, Any] = {}  # by the number of decimals
        self._widths = [NARROWEST] * len(columns)

    def fill(self, report: Report) -> None:
        sheet, last = self._sheet, len(self._columns) - 1
        bold = self._workbook.add_format({"bold": True, "bottom": 1})
        sheet.freeze_panes(1, 0)
        for at, column in enumerate(self._columns):
            sheet.write_string(0, at, column.key, bold)
            self._widen(at, column.key + "  ")  # and the arrow of the filter
        number = 0
        for number, row in enumerate(report.rows, 1):
            if number > MOST_ROWS:
                raise TooLong(f"A sheet has room for {MOST_ROWS:,} rows, and there are more.")
            self._add(number, row)
        sheet.autofilter(0, 0, number, last)
        for at, width in enumerate(self._widths):
            sheet.set_column(at, at, width)

    def _add(self, number: int, row: Mapping[str, object]) -> None:
        for at, column in enumerate(self._columns):
            value = row[column.key]
            if value is None:
                continue
            digits = exact_number(value, column)
            if digits is not None:
                self._sheet.write_number(number, at, Decimal(digits), self._format(digits))
            elif isinstance(value, bool):
                self._sheet.write_boolean(number, at, value)
            else:
                text = _fitting("\n".join(map(_harmless, as_text(value).split("\n"))))
                self._sheet.write_string(number, at, text, self._text_format(column))
            self._widen(at, digits or as_text(value))

    def _format(self, digits: str) -> Any:
        decimals = len(digits.partition(".")[2])
        if decimals not in self._formats:
            layout = "#,##0" + ("." + "0" * decimals if decimals else "")
            self._formats[decimals] = self._workbook.add_format({"num_format": layout})
        return self._formats[decimals]

    def _text_format(self, column: Column) -> Any:
        """Numbers that had to become text still stand to the right."""
        key = -1 if column.to_the_right else -2
        if key not in self._formats:
            layout = {"num_format": "@"} | ({"align": "right"} if column.to_the_right else {})
            self._formats[key] = self._workbook.add_format(layout)
        return self._formats[key]

    def _widen(self, at: int, text: str) -> None:
        self._widths[at] = min(max(self._widths[at], len(text) + 2), WIDEST)


def _harmless(line: str) -> str:
    r"""One line without what XML or a person cannot take; `\x01` shows as that."""
    shown = visible(line) if HIDDEN.search(line) else line
    return shown.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff")


def _fitting(text: str) -> str:
    """As much as a cell takes, with a mark where that is not all."""
    encoded = text.encode("utf-16-le")
    if len(encoded) <= 2 * LONGEST_TEXT:
        return text
    return encoded[: 2 * LONGEST_TEXT - 2].decode("utf-16-le", "ignore") + "…"
