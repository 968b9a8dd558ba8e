"""`lago usage --chart` and `-o svg`: the same figures, drawn."""

from __future__ import annotations

import re
from decimal import Decimal
from xml.etree import ElementTree as ET

import pytest

NOVEMBER = ("usage", "--period", "2026-11")


def test_every_metric_has_a_chart_of_its_own(ingested):
    text = ingested(*NOVEMBER, "--chart").stdout
    titles = re.findall(r"^(\w+) \(\w+\) · ", text, re.MULTILINE)

    assert titles == list(dict.fromkeys(titles))
    codes = {row["billable_metric_code"] for row in ingested(*NOVEMBER, "-o", "json").json()}
    assert set(titles) == codes


def test_bars_say_the_figures_of_the_rows_in_their_order(ingested):
    asked = (*NOVEMBER, "--metric", "storage")
    rows = ingested(*asked, "-o", "json").json()
    _, *lines, _ = ingested(*asked, "--chart").stdout.split("\n\n")[0].splitlines()

    assert [line.split()[:2] for line in lines] == [
        [row["external_customer_id"], row["units"]] for row in rows
    ]


def test_a_chart_has_the_total_of_the_table(ingested):
    asked = (*NOVEMBER, "--metric", "storage")
    units = sum(Decimal(row["units"]) for row in ingested(*asked, "-o", "json").json())

    assert f"\ntotal {units}\n" in ingested(*asked, "--chart").stdout
    assert f">total {units}<" in ingested(*asked, "-o", "svg").stdout


def test_bars_of_one_customer_are_its_groups(ingested):
    asked = (*NOVEMBER, "--metric", "tokens", "--customer", "harbor", "--group-by", "model")
    title, *lines = ingested(*asked, "--chart").stdout.split("\n\n")[0].splitlines()

    assert " · harbor · " in title
    assert all(line.startswith(("model=", "sum of groups")) for line in lines)


def test_a_line_is_zero_where_nothing_happened(ingested):
    asked = (*NOVEMBER, "--metric", "storage", "--customer", "kestrel", "--window", "day")
    text = ingested(*asked, "--chart").stdout

    assert "2026-11-01" in text
    assert re.search(r"^lowest 0 \(2026-11-", text, re.MULTILINE)


@pytest.mark.parametrize("window", ["hour", "day", "week", "month"])
def test_every_window_can_be_drawn(ingested, window):
    asked = (*NOVEMBER, "--window", window, "--by", "subscription", "--amounts")

    assert "highest" in ingested(*asked, "--chart").stdout or window == "month"
    ET.fromstring(ingested(*asked, "-o", "svg").stdout)


def test_a_chart_keeps_the_notes_of_the_table(ingested):
    for output in ((), ("--chart",)):
        assert "Not counted: " in ingested(*NOVEMBER, *output).stdout


def test_svg_is_a_chart_with_or_without_the_option(ingested):
    image = ingested(*NOVEMBER, "-o", "svg").stdout

    assert image == ingested(*NOVEMBER, "--chart", "-o", "svg").stdout
    assert ET.fromstring(image).tag.endswith("svg")


def test_a_chart_has_no_other_format(ingested):
    refused = ingested(*NOVEMBER, "--chart", "-o", "json", exits=2)

    assert refused.error()["hint"] == "For a file: -o svg > usage.svg"
    drawn = ingested(*NOVEMBER, "--chart", env={"LAGO_OUTPUT": "json"})
    assert drawn.stdout == ingested(*NOVEMBER, "--chart").stdout


def test_what_top_leaves_out_is_said_below_the_bars_and_is_in_the_total(ingested):
    chart = ingested(*NOVEMBER, "--metric", "tokens", "--top", "1", "--chart").stdout

    assert chart.splitlines()[1].startswith("mosaic  132,768  █")
    assert chart.splitlines()[2] == "… 2 others 25,104 · total 157,872"


def test_bars_say_what_was_before(ingested):
    compared = (*NOVEMBER, "--metric", "tokens", "--compare", "previous", "--chart")

    assert "mosaic   132,768 (was 0)" in ingested(*compared).stdout


def test_raw_digits_of_a_chart_are_plain(ingested):
    assert "  132768  █" in ingested(*NOVEMBER, "--metric", "tokens", "--chart", "--raw").stdout


def test_nothing_to_draw_is_said(ingested):
    assert ingested("usage", "--period", "2020-01", "--chart").stdout.startswith(
        "No usage in January 2020; the newest event is of "
    )


@pytest.mark.parametrize("command", [("customers", "list"), ("invoices", "preview")], ids=" ".join)
def test_other_commands_have_no_chart(ingested, command):
    refused = ingested(*command, "-o", "svg", exits=2)

    assert "'svg' is not one of" in refused.stderr
    assert "lago usage -o svg" in refused.stderr
