"""JSON, NDJSON, YAML, CSV and Markdown: complete, lossless, one row at a time."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime, timedelta, timezone
from decimal import Decimal

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from lago_cli.renderers import RENDERERS, Column, RawJson, Report, Terminal, render
from lago_cli.renderers.escapes import visible
from lago_cli.renderers.markdown import ROWS_HELD

HOSTILE = [
    '"quoted", [/x] [bold]',
    "back\\slash | pipe",
    "\x1b[31mred\x9b0m\x07\x00",
    "line\nline\r\nline\rtab\t\u2028\u2029\x85",
    "\u202egnp.exe\u2066 zero\u200bwidth\ufeff",
    "日本 \U0001f469\u200d\U0001f469\u200d\U0001f467 e\u0301",
    "=1+1",
    "<script>alert(1)</script> &lt; *a* _b_ `c` ~~d~~ ![e](http://f) $g$",
    "",
    " ",
]
OUTPUTS = [output for output in RENDERERS if output != "xlsx"]  # it is no text
DATA_OUTPUTS = [output for output in OUTPUTS if output != "table"]


def shown(output, columns, rows, **more):
    stream = io.StringIO()
    render(Report("A title", columns, rows, **more), output, stream, Terminal(40))
    return stream.getvalue()


def one(output, value, **more):
    """The text of a report with a single cell."""
    return shown(output, [Column("a", **more)], [{"a": value}])


def read_csv(text):
    return list(csv.reader(io.StringIO(text, newline=""), strict=True))


@pytest.mark.parametrize(
    ("value", "in_json", "as_text"),
    [
        pytest.param("0.1", '"0.1"', "0.1", id="a number of usage is a string"),
        pytest.param(Decimal("1E+3"), '"1000"', "1000", id="a decimal has no exponent"),
        pytest.param(30, "30", "30", id="a count is an integer"),
        pytest.param(True, "true", "true", id="true"),
        pytest.param(False, "false", "false", id="false"),
        pytest.param(None, "null", "", id="nothing is null or empty"),
        pytest.param(
            datetime(2026, 11, 22, 1, tzinfo=timezone(timedelta(hours=1))),
            '"2026-11-22T00:00:00Z"',
            "2026-11-22T00:00:00Z",
            id="an instant is UTC",
        ),
        pytest.param(
            datetime(2026, 11, 22, microsecond=120_000, tzinfo=UTC),
            '"2026-11-22T00:00:00.12Z"',
            "2026-11-22T00:00:00.12Z",
            id="an instant has the digits it needs",
        ),
        pytest.param(
            datetime(2026, 11, 22, microsecond=1, tzinfo=UTC),
            '"2026-11-22T00:00:00.000001Z"',
            "2026-11-22T00:00:00.000001Z",
            id="a microsecond is kept",
        ),
        pytest.param(
            RawJson('{"n": 1.000000000000000000010}'),
            '{"n": 1.000000000000000000010}',
            '{"n": 1.000000000000000000010}',
            id="received JSON keeps its digits and spaces",
        ),
        pytest.param(
            {"a": [None, True, Decimal("0.5")], "é": RawJson("1e400")},
            '{"a":[null,true,"0.5"],"é":1e400}',
            '{"a":[null,true,"0.5"],"é":1e400}',
            id="an object is compact JSON",
        ),
        pytest.param([], "[]", "[]", id="an empty list"),
    ],
)
def test_a_cell(value, in_json, as_text):
    assert one("ndjson", value) == f'{{"a":{in_json}}}\n'
    assert read_csv(one("csv", value)) == [["a"], [as_text]]


@pytest.mark.parametrize(
    "value",
    [
        pytest.param(0.1, id="a binary float"),
        pytest.param(b"bytes", id="bytes"),
        pytest.param([{"deep": 0.1}], id="a float within an object"),
    ],
)
@pytest.mark.parametrize("output", OUTPUTS)
def test_what_is_not_exact_is_a_bug(value, output):
    with pytest.raises(TypeError, match="a cell cannot hold"):
        one(output, value)


@pytest.mark.parametrize("output", OUTPUTS)
def test_an_instant_without_a_zone_is_a_bug(output):
    with pytest.raises(ValueError, match="no time zone"):
        one(output, datetime(2026, 11, 22))


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_missing_cell_is_a_bug(output):
    with pytest.raises(KeyError):
        shown(output, [Column("a"), Column("b")], [{"a": 1}])


def test_json_has_one_row_a_line():
    columns = [Column("id"), Column("group")]
    rows = [{"id": "a", "group": {"k": "v"}}, {"id": "b", "group": None}]

    assert shown("json", columns, rows) == (
        '[\n  {"id": "a", "group": {"k": "v"}},\n  {"id": "b", "group": null}\n]\n'
    )


def test_json_of_a_single_thing_is_one_indented_object():
    columns = [Column("id"), Column("fees"), Column("none")]
    rows = [{"id": "a", "fees": [{"units": "1"}, {}], "none": []}]

    text = shown("json", columns, rows, single=True)

    assert text == (
        '{\n  "id": "a",\n  "fees": [\n    {\n      "units": "1"\n    },\n    {}\n  ],\n'
        '  "none": []\n}\n'
    )


def test_ndjson_of_a_single_thing_is_one_line():
    assert shown("ndjson", [Column("a")], [{"a": "1"}], single=True) == '{"a":"1"}\n'


@pytest.mark.parametrize(
    ("output", "text"),
    [
        ("json", "[]\n"),
        ("ndjson", ""),
        ("yaml", "[]\n"),
        ("csv", "a,b\n"),
        ("markdown", "| a | b |\n| --- | ---: |\n"),
    ],
)
def test_nothing_to_show(output, text):
    assert shown(output, [Column("a"), Column("b", kind="count")], []) == text


@pytest.mark.parametrize("output", DATA_OUTPUTS)
def test_what_is_for_the_table_only_is_left_out(output):
    columns = [Column("a"), Column("course", kind="spark", in_data=False)]
    rows = [{"a": "x", "course": [Decimal(1)]}]

    text = shown(
        output,
        columns,
        rows,
        footer=["A sentence."],
        totals=[{"a": "total"}],
        sections=[Report("More", columns, rows)],
    )

    assert text == shown(output, columns[:1], [{"a": "x"}])


@pytest.mark.parametrize("output", DATA_OUTPUTS)
def test_what_the_table_leaves_out_is_here(output):
    assert "kept" in one(output, "kept", in_table=False)


@pytest.mark.parametrize("output", ["json", "ndjson", "yaml", "csv"])
def test_rows_are_written_as_they_come(output):
    stream = io.StringIO()

    def rows():
        for number in range(3):
            yield {"a": f"row {number}"}
            assert f"row {number}" in stream.getvalue()

    render(Report(None, [Column("a")], rows()), output, stream, Terminal())

    assert "row 2" in stream.getvalue()


@pytest.mark.parametrize("output", OUTPUTS)
def test_nothing_is_written_when_the_first_row_fails(output):
    stream = io.StringIO()

    def rows():
        raise LookupError("no such customer")
        yield

    with pytest.raises(LookupError):
        render(Report("Title", [Column("a")], rows()), output, stream, Terminal())

    assert stream.getvalue() == ""


@pytest.mark.parametrize("output", OUTPUTS)
def test_a_broken_pipe_passes(output):
    class Broken(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    with pytest.raises(BrokenPipeError):
        render(Report(None, [Column("a")], [{"a": 1}]), output, Broken(), Terminal())


def test_received_json_takes_one_line():
    raw = RawJson('{\n\t"a": "x \\n y",\r\n  "b": [1.0,\n 2]\n}')

    assert one("ndjson", raw) == '{"a":{"a":"x \\n y","b":[1.0,2]}}\n'


def test_received_json_with_hidden_characters_keeps_its_value():
    text = one("ndjson", RawJson('{"a":"\u202e\x9b\x7f"}'))

    assert "\\u202e\\u009b\\u007f" in text
    assert json.loads(text) == {"a": {"a": "\u202e\x9b\x7f"}}


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_returns_from_every_data_format(text):
    columns = [Column("a"), Column("b")]
    rows = [{"a": text, "b": {text: text}}]

    assert json.loads(shown("json", columns, rows)) == rows
    assert json.loads(shown("json", columns, rows, single=True)) == rows[0]
    assert json.loads(shown("ndjson", columns, rows)) == rows[0]
    _, row = read_csv(shown("csv", columns, rows))
    assert row[0] == text
    assert json.loads(row[1]) == {text: text}


@pytest.mark.parametrize("output", ["json", "ndjson", "yaml", "markdown"])
@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_finds_nothing_to_obey(output, text):
    assert not set(one(output, text)) & set("\x1b\x9b\x07\x00\r\x7f\u202e\u2066\u200b\ufeff\u2028")


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_json_returns_any_text(table):
    columns = [Column("é\n"), Column('"')]
    rows = [dict(zip(["é\n", '"'], line, strict=True)) for line in table]

    assert json.loads(shown("json", columns, rows)) == rows
    lines = shown("ndjson", columns, rows).splitlines()
    assert [json.loads(line) for line in lines] == rows


@given(st.lists(st.lists(st.text(), min_size=2, max_size=2)))
def test_csv_returns_any_text(table):
    columns = [Column("é\n"), Column('"')]
    rows = [dict(zip(["é\n", '"'], line, strict=True)) for line in table]

    assert read_csv(shown("csv", columns, rows)) == [["é\n", '"'], *table]


@given(st.one_of(st.none(), st.text()))
def test_csv_of_one_column_has_no_blank_line(text):
    assert read_csv(one("csv", text)) == [["a"], [text or ""]]


def test_csv_ends_lines_with_line_feeds_and_keeps_carriage_returns():
    text = shown("csv", [Column("a"), Column("b")], [{"a": "x\ry\r\n", "b": None}])

    assert text == 'a,b\n"x\ry\r\n",\n'


def test_csv_quotes_only_what_needs_it():
    assert one("csv", 'say "hi", [/x]') == 'a\n"say ""hi"", [/x]"\n'
    assert one("csv", "=1+1 [/x]") == "a\n=1+1 [/x]\n"


def test_markdown_aligns_numbers_to_the_right():
    columns = [Column("id", kind="id"), Column("units", kind="number"), Column("n", kind="count")]

    text = shown("markdown", columns, [{"id": "a_b", "units": "0.1", "n": 2}])

    assert text == "| id | units | n |\n| --- | ---: | ---: |\n| a_b | 0.1 | 2 |\n"


@pytest.mark.parametrize("many", [False, True], ids=["a list", "a stream"])
def test_markdown_leaves_out_what_is_empty_in_every_row(many):
    columns = [Column(key) for key in ("id", "never", "once", "nothing")]
    rows = [
        {"id": str(n), "never": None, "once": "x" if n == 1 else None, "nothing": {}}
        for n in range(3)
    ]

    text = shown("markdown", columns, iter(rows) if many else rows)

    assert text == "| id | once |\n| --- | --- |\n| 0 |  |\n| 1 | x |\n| 2 |  |\n"


def test_markdown_keeps_every_column_where_nothing_is_known_in_time():
    """Of a stream beyond what is held back; rows are written as they come from there on."""
    columns = [Column("id"), Column("late")]
    stream = io.StringIO()

    def rows():
        for number in range(ROWS_HELD + 2):
            yield {"id": str(number), "late": "here" if number > ROWS_HELD else None}
        assert "| 0 |  |" in stream.getvalue()

    render(Report(None, columns, rows()), "markdown", stream, Terminal())

    assert stream.getvalue().endswith(f"| {ROWS_HELD + 1} | here |\n")


def test_markdown_keeps_a_header_where_all_is_empty():
    assert shown("markdown", [Column("a")], [{"a": None}]) == "| a |\n| --- |\n|  |\n"


def test_markdown_breaks_lines_within_a_cell():
    assert "| a<br>b<br>c |" in one("markdown", "a\nb\r\nc")


ACTIVE = st.text(st.sampled_from(list("a1 \\|*_`~[]()<>&;!#-:'\"lt\n\x1b\u202eé日")))


@given(st.one_of(st.text(), ACTIVE))
@example("__init__ a_b _x_ cust_0_[/x]")
@example("![x](http://tracker) [y](z) <b>bold</b> &amp; `code` a|b \\| ~~s~~")
def test_markdown_shows_text_as_itself(text):
    """A parser finds the very text in the cell: no emphasis, no link, no tag, no new cell."""
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    cell = [token for token in parser.parse(one("markdown", text)) if token.type == "inline"][1:]

    assert len(cell) == 1
    parts = cell[0].children or []
    assert {part.type for part in parts} <= {"text", "text_special", "html_inline"}
    assert {part.content for part in parts if part.type == "html_inline"} <= {"<br>"}
    seen = "".join("\n" if part.type == "html_inline" else part.content for part in parts)
    lines = text.replace("\r\n", "\n").replace("\r", "\n").split("\n")
    assert seen.strip() == "\n".join(visible(line) for line in lines).strip()
