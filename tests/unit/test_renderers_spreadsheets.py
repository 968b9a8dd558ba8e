"""CSV for Excel, and workbooks: text stays text, and numbers are exact or text."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.readers.whole import read_table
from lago_cli.renderers import Column, Report, Terminal, TooLong, render, xlsx

openpyxl = pytest.importorskip("openpyxl")

ID, UNITS, COUNT = (
    Column("id", kind="id"),
    Column("units", kind="number"),
    Column("n", kind="count"),
)
FORMULAS = [
    "=1+1",
    "+1",
    "-1+1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    '"=1',
    " =1",
    "＝1",
    "－1",
    "＋1",
    "＠a",
]
FORMULAS += ["'=1", "=cmd|' /C calc'!A0", '=HYPERLINK("http://x")']
CHANGED = ["007", "1.10", "1e5", "1E400", "1234567890123456", "1,5"]


def written(output, rows, columns=(ID, UNITS, COUNT)):
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    render(Report(None, columns, iter(rows)), output, stream, Terminal(excel=True))
    stream.flush()
    return stream.buffer.getvalue()


def row(text="a", units="1", n=1):
    return {"id": text, "units": units, "n": n}


def in_csv(*rows):
    return list(csv.reader(io.StringIO(written("csv", rows).decode("utf-8-sig"), newline="")))[1:]


def sheet(*rows, columns=(ID, UNITS, COUNT)):
    return openpyxl.load_workbook(io.BytesIO(written("xlsx", rows, columns))).active


def cell(value, column):
    return sheet({column.key: value}, columns=[column])["A2"]


# CSV --------------------------------------------------------------------------------------


def test_csv_for_excel_is_utf_8_with_a_mark_and_its_line_ends():
    """Whatever the stream would encode."""
    text = written("csv", [row("Köln")])

    assert text == b"\xef\xbb\xbfid,units,n\r\nK\xc3\xb6ln,1,1\r\n"


@pytest.mark.parametrize("text", [*FORMULAS, *CHANGED], ids=ascii)
def test_csv_for_excel_keeps_text_from_becoming_anything_else(text):
    assert in_csv(row(text))[0][0] == "'" + text


@pytest.mark.parametrize(
    "text", ["a", "a=1", "acme-1", "2026-11-22T00:00:00Z", "12", "1.5", "", "{}"]
)
def test_csv_for_excel_leaves_other_text_alone(text):
    assert in_csv(row(text))[0][0] == text


@pytest.mark.parametrize("units", ["0", "-1.5", "1.50", "999999999999999", "0.000000000000001"])
def test_csv_for_excel_leaves_numbers_alone(units):
    assert in_csv(row(units=units))[0][1] == units


@pytest.mark.parametrize("units", ["1234567890123456", "-0.1234567890123456"])
def test_csv_for_excel_keeps_numbers_that_would_be_rounded_as_text(units):
    assert in_csv(row(units=units))[0][1] == "'" + units


@given(st.lists(st.text() | st.sampled_from(FORMULAS), min_size=1))
def test_csv_for_excel_is_read_back_to_the_letter(texts):
    data = written("csv", [row(text) for text in texts])
    found = [cells["id"] for _, cells in read_table("x.csv", data).rows]

    assert found == texts


# Workbooks --------------------------------------------------------------------------------


@pytest.mark.parametrize("text", [*FORMULAS, *CHANGED, "http://x"], ids=ascii)
def test_text_in_a_workbook_is_text(text):
    found = cell(text, ID)

    assert found.data_type == "s"
    assert found.hyperlink is None
    assert found.value == text.replace("\t", "\\t").replace("\r", "\\r")


@pytest.mark.parametrize(
    ("units", "layout"),
    [
        ("9.95", "#,##0.00"),
        ("-1234567.8", "#,##0.0"),
        ("123456789012345", "#,##0"),
        ("100000000000000000000", "#,##0"),
        ("0.000000123456789012345", "#,##0." + "0" * 21),
    ],
)
def test_a_number_that_excel_holds_exactly_is_a_number(units, layout):
    found = cell(units, UNITS)

    assert (found.data_type, found.number_format) == ("n", layout)
    assert found.value == pytest.approx(float(units), rel=0, abs=0)


@pytest.mark.parametrize("units", ["1234567890123456", "0.1234567890123456", "9" * 40, "1e5", ""])
def test_any_other_number_is_text_with_all_its_digits(units):
    found = cell(units, UNITS)

    assert (found.data_type, found.value) == ("s", units)


def test_what_looks_like_a_character_reference_is_none():
    """In workbooks `_x0041_` stands for A, unless its first character is written in this way."""
    assert cell("_x0041_", ID).value == "_x005F_x0041_"


def test_nothing_is_an_empty_cell_and_an_instant_is_utc():
    found = sheet(row(None, None, datetime(2026, 11, 22, tzinfo=UTC)))

    assert [each.value for each in found[2]] == [None, None, "2026-11-22T00:00:00Z"]


def test_the_header_stays_in_sight():
    found = sheet(row())

    assert found.freeze_panes == "A2"
    assert [each.value for each in found[1]] == ["id", "units", "n"]
    assert all(each.font.b for each in found[1])


def test_a_column_is_as_wide_as_it_needs_but_no_wider_than_a_screen():
    found = sheet(row("x" * 500, "1"), row("y", "123456.789"))

    assert 55 < found.column_dimensions["A"].width < 65
    assert 11 < found.column_dimensions["B"].width < 14


def test_what_no_cell_can_hold_is_shown_and_cut():
    hidden = cell("a\x00\x0b\ufffe\ud800\u202e\nb", ID).value
    long = cell("🙂" * 20_000, ID).value

    assert hidden == "a\\x00\\x0b\\ufffe\\ud800\\u202e\nb"
    assert long == "🙂" * 16_383 + "…"


def test_too_many_rows_are_refused_before_anything_is_written(monkeypatch):
    monkeypatch.setattr(xlsx, "MOST_ROWS", 3)
    stream = io.TextIOWrapper(io.BytesIO())

    assert sheet(*[row()] * 3).max_row == 4
    with pytest.raises(TooLong, match="3 rows"):
        render(Report(None, [ID], [row()] * 4), "xlsx", stream, Terminal())
    assert stream.buffer.getvalue() == b""


def test_no_part_of_a_workbook_is_written_when_a_row_fails():
    stream = io.TextIOWrapper(io.BytesIO())

    def rows():
        yield row()
        raise LookupError

    with pytest.raises(LookupError):
        render(Report(None, [ID], rows()), "xlsx", stream, Terminal())
    assert stream.buffer.getvalue() == b""


def test_the_same_answer_is_the_same_file():
    assert written("xlsx", [row()]) == written("xlsx", [row()])
