"""Reports as HTML: tables that a screen reader can follow, of text that is never markup."""

from __future__ import annotations

from lago_cli.renderers import Column, Report
from lago_cli.renderers.html import Part, render

COLUMNS = (
    Column("customer", kind="id"),
    Column("metric", kind="id", shared=True),
    Column("units", kind="number"),
)
ROWS = [
    {"customer": "acme", "metric": "api", "units": "1234567.5"},
    {"customer": "<b>\u202e", "metric": "api", "units": None},
]


def test_what_all_rows_share_is_the_caption():
    shown = render(Report(None, COLUMNS, ROWS))

    assert "<caption><span>api</span></caption>" in shown
    assert shown.count("api") == 1


def test_rows_and_columns_have_headings():
    shown = render(Report(None, COLUMNS, ROWS))

    assert '<th scope="col" class="n">units</th>' in shown
    assert '<th scope="row" class="id">acme</th>' in shown


def test_digits_are_grouped_and_nothing_is_a_dash():
    shown = render(Report(None, COLUMNS, ROWS))

    assert '<td class="n">1,234,567.5</td>' in shown
    assert 'title="nothing">–</span>' in shown


def test_text_is_escaped_and_its_hidden_characters_are_spelled_out():
    shown = render(Report(None, COLUMNS, ROWS))

    assert "&lt;b&gt;\\u202e" in shown


def test_long_text_is_there_whole_in_its_title():
    name = "x" * 200

    shown = render(Report(None, COLUMNS, [{"customer": name, "metric": "api", "units": "1"}]))

    assert f'<span class="cut" title="{name}">{name}</span>' in shown


def test_cells_lead_to_where_the_caller_says():
    def link(column, row):
        return f"/x?a=1&b={row['units']}" if column.key == "units" else None

    shown = render(Report(None, COLUMNS, ROWS[:1]), link)

    assert '<a href="/x?a=1&amp;b=1234567.5">1,234,567.5</a>' in shown


def test_a_part_of_the_rows_keeps_the_totals_of_all():
    totals = [{"customer": "total", "units": "9"}]

    shown = render(Report(None, COLUMNS, ROWS, totals=totals), part=Part(1, 1))

    assert "acme" not in shown
    assert '<tfoot>\n<tr><td class="id">total</td><td class="n">9</td></tr>' in shown


def test_no_rows_are_told_in_a_sentence():
    shown = render(Report(None, COLUMNS, [], empty="Nothing & nobody."))

    assert shown == '<p class="empty">Nothing &amp; nobody.</p>'


def test_a_list_of_objects_is_a_table_within_its_cell():
    tiers = [{"from_value": 0, "to_value": 10}, {"from_value": 11, "to_value": None}]
    columns = [Column("code", kind="id"), Column("properties", kind="object")]
    row = {"code": "api", "properties": {"graduated_ranges": tiers, "other": "<b>"}}

    shown = render(Report(None, columns, [row]))

    assert '<th scope="col">from value</th><th scope="col">to value</th>' in shown
    assert "<tr><td>11</td><td>–</td></tr>" in shown
    assert "other=&lt;b&gt;" in shown


def test_a_column_that_says_nothing_is_left_out_where_tables_may_do_without_it():
    columns = [Column("run"), Column("skipped", kind="count", spare=9), Column("read", spare=1)]
    rows = [{"run": "1", "skipped": 0, "read": 3}, {"run": "2", "skipped": 0, "read": 0}]

    shown = render(Report(None, columns, rows))

    assert "skipped" not in shown
    assert "read" in shown
