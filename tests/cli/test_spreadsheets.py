"""Workbooks and CSV for Excel, as a finance person asks for them."""

from __future__ import annotations

import io
import os
import subprocess
import sys

import pytest

openpyxl = pytest.importorskip("openpyxl")

NOVEMBER = ("usage", "--period", "2026-11")


def rows_of(finished):
    sheet = openpyxl.load_workbook(io.BytesIO(finished.stdout_bytes)).active
    return [[cell.value for cell in row] for row in sheet.iter_rows()]


@pytest.mark.parametrize(
    "command",
    [NOVEMBER, ("events", "list"), ("metrics", "list"), ("usage", "explain"), ("db", "info")],
    ids=" ".join,
)
def test_a_workbook_has_the_rows_of_csv(ingested, command):
    in_csv = ingested(*command, "-o", "csv").csv()
    header, *rows = rows_of(ingested(*command, "-o", "xlsx"))

    assert header == list(in_csv[0])
    assert len(rows) == len(in_csv)
    names = [row[0] for row in rows]
    assert names == [next(iter(row.values())) for row in in_csv]


def test_figures_are_numbers(ingested):
    header, *rows = rows_of(ingested(*NOVEMBER, "-o", "xlsx"))
    at = header.index("units")

    assert all(isinstance(row[at], int | float) for row in rows)


def test_the_variable_asks_for_workbooks_too(ingested):
    in_workbook = ingested(*NOVEMBER, env={"LAGO_OUTPUT": "xlsx"})

    assert rows_of(in_workbook) == rows_of(ingested(*NOVEMBER, "-o", "xlsx"))


def test_a_terminal_gets_no_workbook_and_nothing_is_done(lago):
    master, terminal = os.openpty()
    named = ("--code", "c", "--aggregation-type", "count")
    finished = subprocess.run(
        lago.command("metrics", "create", *named, "-o", "xlsx"),
        stdout=terminal,
        stderr=subprocess.PIPE,
        check=False,
        cwd=lago.folder,
        env=lago.environment(),
    )
    os.close(terminal)
    os.close(master)

    assert finished.returncode == 2
    assert b"-o xlsx > usage.xlsx" in finished.stderr
    assert list(lago.folder.iterdir()) == []


def test_without_the_extra_it_is_said_what_to_install(lago):
    code = (
        "import sys; sys.modules['xlsxwriter'] = None\n"
        "from lago_cli.cli.process import run\n"
        "sys.exit(run(['metrics', 'list', '-o', 'xlsx']))"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, check=False, text=True, cwd=lago.folder
    )

    assert finished.returncode == 2
    assert "pip install 'lago-cli[xlsx]'" in finished.stderr
    assert "Traceback" not in finished.stderr


def test_an_error_leaves_no_part_of_a_workbook(ingested):
    refused = ingested("usage", "--metric", "x", "-o", "xlsx", exits=4)

    assert refused.stdout_bytes == b""


@pytest.mark.parametrize("options", [(), ("-o", "json"), ("-o", "markdown")], ids=" ".join)
def test_excel_is_about_csv(ingested, options):
    refused = ingested(*NOVEMBER, "--excel", *options, exits=2)

    assert "-o csv --excel" in refused.stderr


def test_excel_goes_with_the_variable_and_with_workbooks(ingested):
    by_option = ingested(*NOVEMBER, "--excel", "-o", "csv").stdout_bytes

    assert ingested(*NOVEMBER, "--excel", env={"LAGO_OUTPUT": "csv"}).stdout_bytes == by_option
    assert by_option.startswith(b"\xef\xbb\xbf")
    ingested(*NOVEMBER, "--excel", "-o", "xlsx")


def test_what_was_written_for_excel_is_what_is_expected(lago):
    """Names that look like formulas, and figures that Excel would round."""
    lago("metrics", "create", "--code", "m", "--aggregation-type", "sum", "--field-name", "v")
    events = [
        {
            "transaction_id": str(number),
            "external_customer_id": name,
            "code": "m",
            "timestamp": 1_795_000_000,
            "properties": {"v": value},
        }
        for number, (name, value) in enumerate(
            [("=1+1", "-2.5"), ("'quoted", "1"), ("007", "12345678901234567890.5"), ("Zoë", "3")]
        )
    ]
    lago("ingest", "-q", lago.write("events.ndjson", events))
    path = lago.folder / "expected.csv"
    path.write_bytes(lago(*NOVEMBER, "-o", "csv", "--excel").stdout_bytes)

    assert b"'=1+1," in path.read_bytes()
    assert "All 4 figures agree." in lago("usage", "check", "--expect", path, *NOVEMBER[1:]).stdout


@pytest.mark.parametrize("output", ["xlsx", "svg"])
def test_a_file_is_not_watched(ingested, output):
    refused = ingested(*NOVEMBER, "--watch", "1", "-o", output, exits=2)

    assert "--watch" in refused.stderr
