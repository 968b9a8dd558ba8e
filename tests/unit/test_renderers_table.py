"""The table: read by people, hence aligned, escaped, and cut only where nothing is lost."""

from __future__ import annotations

import io
import re
import unicodedata
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lago_cli.renderers import Column, RawJson, Report, Terminal, render

USAGE = [
    Column("external_customer_id", "customer", kind="id"),
    Column("billable_metric_code", "metric", kind="id"),
    Column("units", kind="number"),
    Column("events_count", "events", kind="count"),
]


def table(report, width=None, color=False, unicode=True):
    stream = io.StringIO()
    render(report, "table", stream, Terminal(width, color, unicode))
    return stream.getvalue()


def usage(customer="acme", metric="requests", units="30", events=3):
    return dict(
        zip([column.key for column in USAGE], [customer, metric, units, events], strict=True)
    )


def cell(value, **more):
    """What the table makes of one cell."""
    return table(Report(None, [Column("a", **more)], [{"a": value}])).splitlines()[-1]


def test_a_table():
    rows = [usage(), usage("b", "gb", "1234567.125", 12)]

    assert table(Report("Usage in 2026-11", USAGE, rows)) == (
        "Usage in 2026-11\n"
        "\n"
        "customer  metric            units  events\n"
        "─────────────────────────────────────────\n"
        "acme      requests             30       3\n"
        "b         gb        1,234,567.125      12\n"
    )


def test_an_ascii_table():
    rows = [usage(), usage(None)]

    assert table(Report(None, USAGE, rows), unicode=False) == (
        "customer  metric    units  events\n"
        "---------------------------------\n"
        "acme      requests     30       3\n"
        "-         requests     30       3\n"
    )


def test_totals_stand_below_a_rule_and_sentences_below_them():
    totals = [{"external_customer_id": "total", "units": "60", "billable_metric_code": None}]
    report = Report(None, USAGE, [usage(), usage()], totals=totals, footer=["One.", "Two."])

    assert table(report).splitlines()[-6:] == [
        "acme      requests     30       3",
        "─────────────────────────────────",
        "total                  60",
        "",
        "One.",
        "Two.",
    ]


def test_totals_and_footer_may_fill_while_rows_are_read():
    totals, footer = [], []

    def rows():
        yield usage()
        totals.append({"units": "12345678"})
        footer.append("Done.")

    text = table(Report(None, USAGE, rows(), totals=totals, footer=footer))

    assert text.splitlines()[-3:] == ["                    12,345,678", "", "Done."]


def test_a_single_thing_is_key_and_value_lines():
    columns = [Column("code"), Column("field_name"), Column("recurring", kind="flag")]
    rows = [{"code": "gb", "field_name": None, "recurring": True}]

    assert table(Report("Metric gb", columns, rows, single=True)) == (
        "Metric gb\n\ncode        gb\nfield name  –\nrecurring   true\n"
    )


def test_a_long_value_of_a_single_thing_wraps_but_no_number_does():
    columns = [Column("description"), Column("id", kind="id"), Column("units", kind="number")]
    rows = [{"description": "one two three", "id": "abcdefghij", "units": "123456789"}]

    assert table(Report(None, columns[:2], rows, single=True), width=21) == (
        "description  one two\n             three\nid           abcdefgh\n             ij\n"
    )
    assert "123,456,789" in table(Report(None, columns, rows, single=True), width=21)


def test_sections_follow():
    fees = Report("Fees", [Column("units", kind="number")], [{"units": "1"}])
    report = Report(None, [Column("a")], [{"a": "x"}], single=True, sections=[fees])

    assert table(report) == "a  x\n\nFees\n\nunits\n─────\n    1\n"


def test_nothing_to_show_says_so_and_why():
    report = Report("Usage", USAGE, [], empty="No usage.", footer=["2 events have no metric."])

    assert table(report) == "Usage\n\nNo usage.\n\n2 events have no metric.\n"


def test_columns_may_be_left_out():
    columns = [Column("a"), Column("b", in_table=False)]

    assert table(Report(None, columns, [{"a": "x", "b": "y"}])) == "a\n─\nx\n"


@pytest.mark.parametrize(
    ("width", "shown"),
    [
        pytest.param(None, ["a", "b", "c", "d"], id="a pipe"),
        pytest.param(31, ["a", "b", "c", "d"], id="just enough for all"),
        pytest.param(30, ["a", "b", "d"], id="the most spare one goes first"),
        pytest.param(20, ["a", "d"], id="then the next"),
        pytest.param(12, ["a", "d"], id="the others are cut instead"),
    ],
)
def test_spare_columns_are_left_out_where_room_is_short(width, shown):
    columns = [Column("a"), Column("b", spare=1), Column("c", spare=2), Column("d", kind="count")]
    row = {"a": "a" * 10, "b": "b" * 8, "c": "c" * 6, "d": 1}
    lines = table(Report(None, columns, [row] * 3), width).splitlines()

    assert lines[0].split() == shown
    assert len({len(line) for line in lines[:5]}) == 1
    told = " ".join(lines[5:]).strip()
    missing = [name for name in "abcd" if name not in shown]
    assert told == (
        f"No room for: {', '.join(missing)}. A wider terminal or -o json shows them."
        if missing
        else ""
    )


def test_what_does_not_fit_is_wider_than_its_page():
    columns = [Column("a", spare=1), Column("b", kind="flag")]

    lines = table(Report(None, columns, [{"a": "x", "b": "2026-11-22"}] * 2), 8).splitlines()

    assert lines[:4] == ["b", "──────────", "2026-11-22", "2026-11-22"]


def test_what_is_empty_is_left_out_first():
    columns = [Column("a", spare=2), Column("b", spare=1), Column("c")]
    rows = [{"a": "a" * 10, "b": None, "c": "c" * 10}] * 2

    assert table(Report(None, columns, rows), 22).splitlines()[0].split() == ["a", "c"]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        pytest.param(None, "–", id="nothing is a dash"),
        pytest.param(True, "true", id="a flag"),
        pytest.param(Decimal("1E+3"), "1000", id="a decimal in plain digits"),
        pytest.param(
            datetime(2026, 11, 1, 14, tzinfo=UTC), "2026-11-01T14:00:00Z", id="an instant"
        ),
        pytest.param({"region": "eu", "n": 1}, "region=eu, n=1", id="a flat object"),
        pytest.param({"a": None, "b": True}, "a=–, b=true", id="nothing is a dash here too"),
        pytest.param({"a": {"b": 1}}, '{"a":{"b":1}}', id="a deep object is JSON"),
        pytest.param({}, "{}", id="an empty object"),
        pytest.param([1, "x"], '[1,"x"]', id="a list is JSON"),
        pytest.param(RawJson('{"n": 1.50}'), '{"n": 1.50}', id="received JSON as it was"),
        pytest.param("[/x] [bold]", "[/x] [bold]", id="markup is text"),
        pytest.param("\x1b[31m\x07\x9b", r"\x1b[31m\x07\x9b", id="escape sequences are seen"),
        pytest.param("a\nb\tc\r", r"a\nb\tc\r", id="line ends are seen"),
        pytest.param("\u202eabc\u2066", r"\u202eabc\u2066", id="bidi controls are seen"),
        pytest.param("a\u200bb\u2028\ufeff", r"a\u200bb\u2028\ufeff", id="zero width is seen"),
        pytest.param("a\u200db", r"a\u200db", id="a joiner of nothing is seen"),
        pytest.param("\U000e0041\udc80", r"\U000e0041\udc80", id="tags and surrogates"),
        pytest.param(
            "\U0001f469\u200d\U0001f467 ❤\ufe0f",
            "\U0001f469\u200d\U0001f467 ❤\ufe0f",
            id="an emoji keeps what holds it together",
        ),
    ],
)
def test_a_cell(value, text):
    assert cell(value) == text


def test_user_text_is_escaped_wherever_it_stands():
    evil = "\x1b[2J\u202e"
    columns = [Column("a", title=evil)]
    report = Report(
        evil,
        columns,
        [{"a": {evil: evil}}],
        footer=[evil],
        totals=[{"a": evil}],
        sections=[Report(evil, columns, [], empty=evil)],
    )

    text = table(report)

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert text.count(r"\x1b[2J\u202e") == 8


def test_emoji_and_wide_characters_align():
    rows = [usage(customer) for customer in ["日本", "👍🏽", "e\u0301", "❤\ufe0f"]]

    lines = table(Report(None, USAGE, rows)).splitlines()

    assert {cell_len(line) for line in lines} == {33}


def test_a_course_of_values_is_drawn():
    course = [Decimal(0), Decimal(7)]

    assert cell(course, kind="spark") == "▁█"


def test_ids_lose_their_middle_text_its_end_a_course_its_past_and_numbers_nothing():
    columns = [
        Column("id", kind="id"),
        Column("text"),
        Column("units", kind="number"),
        Column("course", kind="spark"),
    ]
    row = {
        "id": "customer_0001_west",
        "text": "a long description",
        "units": "1" * 25,
        "course": [Decimal(i % 8) for i in range(20)],
    }

    line = table(Report(None, columns, [row]), width=69).splitlines()[-1]

    assert line == "custom…est  a long de…  1,111,111,111,111,111,111,111,111  …▄▅▆▇█▁▂▃▄"


@pytest.mark.parametrize("width", [80, 54])
def test_a_narrow_terminal_holds_every_line_and_every_unit(width):
    rows = [usage(f"customer_{i}_of_a_rather_long_name", units="9876543210.5") for i in range(3)]

    text = table(Report("Usage", USAGE, rows, footer=["A sentence " * 12]), width=width)

    assert max(map(cell_len, text.splitlines())) <= width
    assert text.count("9,876,543,210.5") == 3


def test_a_sentence_goes_on_below_and_is_never_cut():
    columns = [Column("code", kind="flag"), Column("message", folds=True)]
    report = Report(None, columns, [{"code": "unknown", "message": "there is no such metric"}])

    assert table(report, 24) == (
        "code     message\n────────────────────────\nunknown  there is no\n         such metric\n"
    )
    assert table(report, 12) == (
        "code     message\n─────────────────\n"
        "unknown  there is\n         no such\n         metric\n"
    )


def test_headings_break_between_words_before_anything_is_cut():
    columns = [Column("external_customer_id", kind="id"), Column("n", kind="count")]
    rows = [{"external_customer_id": "customer_1", "n": 1}]

    assert table(Report(None, columns, rows), width=16).splitlines() == [
        "external",
        "customer id    n",
        "────────────────",
        "customer_1     1",
    ]


@pytest.mark.parametrize("width", [1, 20, 40, 80])
def test_a_row_of_a_list_is_a_line_at_any_width(width):
    rows = [usage(f"customer_{i}_with_a_long_name", units="123456789.123") for i in range(5)]
    report = Report(None, USAGE, rows, totals=[{"units": "123456819.123"}])

    lines = table(report, width).splitlines()

    assert len(lines) == 2 + 5 + 2
    assert all(line.split()[2:] == ["123,456,789.123", "3"] for line in lines[2:7])


@pytest.mark.parametrize(
    ("text", "start"),
    [
        pytest.param("日本日本日本", "日本…本 ", id="half a wide character is none"),
        pytest.param("abcdefe\u0301xyz", "abcd…xyz", id="an accent goes with its letter"),
        pytest.param("abcde👩\u200d👧fghi", "abcd…ghi", id="an emoji stays whole"),
        pytest.param("abcdefgh", "abcdefgh", id="what fits stays"),
    ],
)
def test_a_cut_falls_between_characters(text, start):
    columns = [Column("id", kind="id"), Column("n", kind="count")]

    line = table(Report(None, columns, [{"id": text, "n": 7}]), width=11).splitlines()[-1]

    assert line == f"{start}  7"


def test_an_ascii_terminal_shows_what_is_missing_in_ascii():
    columns = [Column("id", kind="id"), Column("course", kind="spark")]
    rows = [{"id": "customer…west", "course": [Decimal(i % 8) for i in range(20)]}]

    lines = table(Report(None, columns, rows), width=20, unicode=False).splitlines()

    assert lines[-1] == "custo~est  <=+*#_.-~"


def test_a_hostile_heading_is_as_wide_as_it_is_shown():
    columns = [Column("a", "\x1b[2J"), Column("b")]

    assert table(Report(None, columns, [{"a": "x", "b": "y"}])) == (
        "\\x1b[2J  b\n──────────\nx        y\n"
    )


def test_a_pipe_is_never_cut():
    assert cell("x" * 500, kind="id") == "x" * 500


@pytest.fixture
def few_at_once(monkeypatch):
    monkeypatch.setattr("lago_cli.renderers.table.ROWS_AT_ONCE", 2)


@pytest.mark.usefixtures("few_at_once")
def test_rows_beyond_the_measured_ones_are_never_cut_in_their_numbers():
    totals = []

    def rows():
        for i in range(7):
            yield usage(f"customer_{10**i}", units=str(10 ** (i * i)))
        totals.append({"external_customer_id": "total", "units": "9" * 40})

    lines = table(Report(None, USAGE, rows(), totals=totals), width=36).splitlines()

    assert lines[2].split() == ["customer_1", "requests", "1", "3"]
    assert lines[-3].split() == ["cust…000000", "requests", f"{10**36:,}", "3"]
    assert lines[-1].split() == ["total", f"{10**40 - 1:,}"]
    assert len(lines) == 2 + 7 + 2


@pytest.mark.usefixtures("few_at_once")
@pytest.mark.parametrize("width", [None, 80, 20])
def test_a_long_answer_is_drawn_some_rows_at_a_time(width):
    stream = io.StringIO()

    def rows():
        for number in range(9):
            yield usage(f"customer_{number}")
            assert number < 4 or f"r_{number - 4}" in stream.getvalue()

    render(Report(None, USAGE, rows()), "table", stream, Terminal(width))

    assert len(stream.getvalue().splitlines()) == 2 + 9


def test_colour_is_only_weight_and_shade():
    rows = [{"a": "\x1b[31m", "b": None, "course": [Decimal(1)]}]
    columns = [Column("a"), Column("b"), Column("course", kind="spark")]

    text = table(Report("T", columns, rows, footer=["F"], totals=[{"a": "x"}]), color=True)

    assert set(re.findall(r"\x1b\[[^m]*m", text)) == {f"\x1b[{code}m" for code in ["0", "1", "2"]}
    plain = table(Report("T", columns, rows, footer=["F"], totals=[{"a": "x"}]))
    assert re.sub(r"\x1b\[\d+m", "", text) == plain


anything = st.one_of(st.text(max_size=30), st.dictionaries(st.text(max_size=5), st.text()))


@given(
    st.lists(st.tuples(anything, anything), max_size=5),
    st.one_of(st.none(), st.integers(1, 60)),
    st.booleans(),
    st.booleans(),
)
def test_a_table_holds_no_control_characters_but_line_ends_and_its_own(table_, width, color, one):
    columns = [Column("a", kind="id"), Column("b")]
    rows = [dict(zip("ab", line, strict=True)) for line in table_]

    text = table(Report("T", columns, rows, single=one), width, color)

    rest = re.sub(r"\x1b\[(0|1|2)m", "", text) if color else text
    assert {char for char in rest if unicodedata.category(char) in {"Cc", "Zl", "Zp"}} <= {"\n"}


@given(st.lists(st.text(max_size=40), min_size=1, max_size=5), st.integers(12, 60))
def test_a_table_that_fits_keeps_its_columns_aligned(texts, width):
    columns = [Column("a", kind="id"), Column("n", kind="count")]

    lines = table(Report(None, columns, [{"a": t, "n": 7} for t in texts]), width).splitlines()

    assert len({cell_len(line) for line in lines}) == 1
    assert cell_len(lines[0]) <= width


@pytest.mark.parametrize("name", ["COLUMNS", "FORCE_COLOR", "NO_COLOR", "TTY_COMPATIBLE"])
@pytest.mark.parametrize("color", [True, False])
def test_only_the_terminal_it_is_given_counts(monkeypatch, name, color):
    report = Report("T", USAGE, [usage()], footer=["A sentence " * 12])
    before = table(report, color=color)

    monkeypatch.setenv(name, "1")

    assert table(report, color=color) == before
    assert ("\x1b" in before) is color
