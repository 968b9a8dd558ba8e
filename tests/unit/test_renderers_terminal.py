"""What the environment says about the terminal, and what a stream can take."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys

import pytest

from lago_cli.renderers import Column, RawJson, Report, Terminal, render, terminal_for


class Screen(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "environ", "no_color", "color"),
    [
        pytest.param(Screen(), {}, False, True, id="a terminal has colour"),
        pytest.param(io.StringIO(), {}, False, False, id="a pipe has none"),
        pytest.param(Screen(), {}, True, False, id="--no-color turns it off"),
        pytest.param(Screen(), {"NO_COLOR": "1"}, False, False, id="NO_COLOR turns it off"),
        pytest.param(Screen(), {"NO_COLOR": ""}, False, True, id="an empty NO_COLOR says nothing"),
        pytest.param(Screen(), {"TERM": "dumb"}, False, False, id="a dumb terminal has none"),
        pytest.param(io.StringIO(), {"FORCE_COLOR": "1"}, False, True, id="FORCE_COLOR in a pipe"),
        pytest.param(io.StringIO(), {"FORCE_COLOR": ""}, False, False, id="empty FORCE_COLOR"),
        pytest.param(
            Screen(), {"FORCE_COLOR": "1"}, True, False, id="--no-color beats FORCE_COLOR"
        ),
        pytest.param(
            Screen(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False, False, id="so does NO_COLOR"
        ),
        pytest.param(
            Screen(), {"FORCE_COLOR": "1", "TERM": "dumb"}, False, True, id="who forces, means it"
        ),
    ],
)
def test_colour(stream, environ, no_color, color):
    assert terminal_for(stream, environ, no_color).color is color


@pytest.mark.parametrize(
    ("stream", "columns", "width"),
    [
        pytest.param(io.StringIO(), "40", 40, id="COLUMNS counts in a pipe"),
        pytest.param(Screen(), "40", 40, id="COLUMNS counts on a terminal"),
        pytest.param(io.StringIO(), "", None, id="a pipe without COLUMNS is never cut"),
        pytest.param(io.StringIO(), "0", None, id="no columns at all is no width"),
        pytest.param(io.StringIO(), "wide", None, id="nonsense is no width"),
        pytest.param(io.StringIO(), "-5", None, id="nor is less than nothing"),
        pytest.param(Screen(), "", 80, id="a terminal that does not tell is 80 wide"),
    ],
)
def test_width(stream, columns, width):
    assert terminal_for(stream, {"COLUMNS": columns}).width == width


def test_the_width_of_a_real_terminal_is_asked_for():
    pty = pytest.importorskip("pty")
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as screen, os.fdopen(master):
        asked = terminal_for(screen, {}).width

    assert asked == 80  # a new one tells 0


@pytest.mark.parametrize(
    ("encoding", "unicode"), [("utf-8", True), ("ascii", False), ("latin-1", False)]
)
def test_boxes_are_drawn_where_the_stream_can_encode_them(encoding, unicode):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)

    assert terminal_for(stream, {}).unicode is unicode


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "cp1252"])
@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv", "markdown"])
@pytest.mark.parametrize("single", [False, True], ids=["list", "single"])
def test_no_encoding_makes_a_report_fail(encoding, output, single):
    stream = io.TextIOWrapper(io.BytesIO(), encoding)
    columns = [Column("日本"), Column("raw")]
    rows = [{"日本": "é…\U0001f600\udcff", "raw": RawJson('{"日":1}')}]
    report = Report("Grüße 日本", columns, rows, single, footer=["→"])

    render(report, output, stream, terminal_for(stream, {}))
    stream.flush()

    assert b"\\u65e5" in stream.buffer.getvalue()
    assert b"?" not in stream.buffer.getvalue()


@pytest.mark.parametrize("output", ["json", "ndjson"])
def test_json_keeps_its_value_in_any_encoding(output):
    stream = io.TextIOWrapper(io.BytesIO(), "latin-1")
    row = {"é": "é日\U0001f600", "n": None}

    render(Report(None, [Column("é"), Column("n")], [row], True), output, stream, Terminal())
    stream.flush()

    assert json.loads(stream.buffer.getvalue().decode("ascii")) == row


@pytest.mark.parametrize("output", ["json", "ndjson", "csv", "markdown"])
def test_only_the_table_needs_rich(output):
    program = f"""if True:
        import sys
        from lago_cli.renderers import Column, Report, Terminal, render
        render(Report(None, [Column("a")], [{{"a": 1}}]), "{output}", sys.stdout, Terminal())
        print(sorted({{"rich", "lago_cli.renderers.table"}} & set(sys.modules)))
    """
    answer = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)

    assert answer.stdout.endswith("\n[]\n"), answer.stderr


def test_an_unencodable_terminal_still_aligns():
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    report = Report(None, [Column("id"), Column("n", kind="count")], [{"id": "é", "n": 1}])

    render(report, "table", stream, Terminal(unicode=False))
    stream.flush()

    assert stream.buffer.getvalue().decode() == "id    n\n-------\n\\xe9  1\n"
