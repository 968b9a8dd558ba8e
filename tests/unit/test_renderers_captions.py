"""What all rows share stands above the table, and in no row; numbers are grouped, to be read."""

from __future__ import annotations

import io
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lago_cli.renderers import Column, Report, Span, Terminal, render
from lago_cli.renderers.table_cells import grouped

COLUMNS = [
    Column("customer", kind="id", shared=True),
    Column("subscription", kind="id", shared=True, caption="subscription {}"),
    Column("metric", kind="id", shared=True),
    Column("period", kind="span", shared=True, in_data=False),
    Column("zone", kind="flag", shared=True, in_data=False),
    Column("units", kind="number"),
]


def month(number, zone="Europe/Paris"):
    return Span(*(datetime(2026, n, 1, tzinfo=ZoneInfo(zone)) for n in (number, number + 1)))


def row(**cells):
    return {
        "customer": "acme",
        "subscription": None,
        "metric": "calls",
        "period": month(10),
        "zone": "Europe/Paris",
        "units": "1000",
    } | cells


def table(rows, terminal=None, **more):
    stream = io.StringIO()
    render(Report(None, COLUMNS, rows, **more), "table", stream, terminal or Terminal())
    return stream.getvalue().splitlines()


def test_what_all_rows_share_is_the_caption():
    lines = table([row(), row(metric="gb", units="2")])

    assert lines == [
        "acme · October 2026 · Europe/Paris",
        "",
        "metric  units",
        "─────────────",
        "calls   1,000",
        "gb          2",
    ]


def test_what_only_some_rows_share_stays_a_column():
    lines = table([row(), row(customer="b", period=month(9))])

    assert lines[0] == "calls · Europe/Paris"
    assert [line.split() for line in lines[2:]] == [
        ["customer", "month", "units"],
        ["─" * 24],
        ["acme", "2026-10", "1,000"],
        ["b", "2026-09", "1,000"],
    ]


def test_one_row_shares_everything_but_its_figures():
    assert table([row(subscription="s")]) == [
        "acme · subscription s · calls · October 2026 · Europe/Paris",
        "",
        "units",
        "─────",
        "1,000",
    ]


def test_a_month_is_shared_by_all_time_zones():
    rows = [row(), row(zone="UTC", period=month(10, "UTC"))]

    assert table(rows)[0] == "acme · calls · October 2026"


def test_rows_that_come_one_by_one_are_looked_at_first():
    rows = (row(customer="acme" if number < 5_000 else "b") for number in range(5_001))

    lines = table(rows)

    assert lines[0] == "calls · October 2026 · Europe/Paris"
    assert lines[-1].split() == ["b", "1,000"]


@pytest.mark.parametrize(
    ("rows", "total"),
    [
        ([row(metric="a"), row(metric="a", period=month(9))], ["total", "2"]),
        ([row(metric="a"), row(metric="b")], ["total", "a", "2"]),
        ([row(customer="a"), row(customer="b")], ["total", "2"]),
    ],
    ids=["beside the period", "before the metric", "in its own column"],
)
def test_a_total_keeps_its_label(rows, total):
    totals = [{"customer": "total", "metric": rows[0]["metric"], "units": "2"}]

    assert table(rows, totals=totals)[-1].split() == total


def test_a_caption_breaks_between_its_parts():
    rows = [row(), row(metric="gb")]

    assert table(rows, Terminal(20))[:3] == ["acme · October 2026", "Europe/Paris", ""]


def test_an_ascii_caption_is_ascii():
    assert table([row(), row(metric="gb")], Terminal(unicode=False))[0] == (
        "acme - October 2026 - Europe/Paris"
    )


def test_raw_gives_plain_digits_and_whole_instants():
    lines = table([row(), row(metric="gb")], Terminal(raw=True))

    assert lines[0] == "acme · 2026-09-30T22:00:00Z to 2026-10-31T23:00:00Z · Europe/Paris"
    assert lines[-1].split() == ["gb", "1000"]


def test_user_text_in_a_caption_is_escaped():
    assert table([row(customer="\x1b[2J{}\n")])[0].startswith(r"\x1b[2J{}\n · calls")


@pytest.mark.parametrize(
    ("digits", "shown"),
    [
        ("1", "1"),
        ("999", "999"),
        ("1000", "1,000"),
        ("-1234567.891234", "-1,234,567.891234"),
        ("-100", "-100"),
        ("0.12345", "0.12345"),
        ("1/3000", "1/3000"),
        ("1,234.50", "1,234.50"),
        ("none", "none"),
        ("9" * 6_000, ",".join(["999"] * 2_000)),
    ],
)
def test_digits_are_grouped(digits, shown):
    assert grouped(digits) == shown


def test_a_midnight_is_a_date():
    columns = [Column("at", kind="instant")]
    rows = [
        {"at": "2026-11-22T00:00:00Z"},
        {"at": "2026-11-22T00:00:01Z"},
        {"at": datetime(2026, 11, 22, tzinfo=UTC)},
    ]

    def lines(**given):
        stream = io.StringIO()
        render(Report(None, columns, rows), "table", stream, Terminal(**given))
        return stream.getvalue().split()[2:]

    assert lines() == ["2026-11-22", "2026-11-22T00:00:01Z", "2026-11-22"]
    assert lines(raw=True) == [f"2026-11-22T00:00:0{second}Z" for second in (0, 1, 0)]


def test_a_verdict_is_green_or_red_and_a_word():
    columns = [Column("check"), Column("ok", kind="flag", verdict=True)]
    rows = [{"check": "a", "ok": True}, {"check": "b", "ok": False}, {"check": "c", "ok": None}]
    stream = io.StringIO()

    render(Report(None, columns, rows), "table", stream, Terminal(color=True))

    assert stream.getvalue().splitlines()[2:] == [
        "a      \x1b[32mtrue\x1b[0m",
        "b      \x1b[31mfalse\x1b[0m",
        "c      \x1b[2m–\x1b[0m",
    ]
