"""Help pages: their groups, their width, and the same as pages for man."""

from __future__ import annotations

import re

import pytest

HEADING = re.compile(r"^([A-Z][^\n:]*):$", re.MULTILINE)


def sections(page):
    """The text below each heading, in order."""
    _, *parts = HEADING.split(page)
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize(
    ("command", "groups"),
    [
        ("usage", ["Commands", "Select", "Period", "Shape", "Common", "Examples"]),
        ("usage check", ["Select", "Period", "Shape", "Check", "Common", "Examples"]),
        ("metrics create", ["Arguments", "Definition", "Common", "Examples"]),
        ("events send", ["Event", "Common", "Examples"]),
        ("db vacuum", ["Common", "Examples"]),
    ],
)
def test_options_stand_in_groups(lago, command, groups):
    assert list(sections(lago("help", *command.split()).stdout)) == groups


@pytest.mark.parametrize(
    ("option", "group"),
    [
        ("--customer ID", "Select"),
        ("--metric CODE", "Select"),
        ("--filter PATH=V1,V2", "Select"),
        ("--period PERIOD", "Period"),
        ("--as-of INSTANT", "Period"),
        ("--group-by PATH", "Shape"),
        ("--window SIZE", "Shape"),
        ("-o, --output FORMAT", "Common"),
        ("-h, --help", "Common"),
    ],
)
def test_an_option_of_usage_is_in_its_group(lago, option, group):
    assert f"\n  {option} " in sections(lago("usage", "--help").stdout)[group]


def test_ingest_has_groups_of_its_own(lago):
    shown = sections(lago("ingest", "--help").stdout)

    assert "--map TARGET=PATH" in shown["Foreign records"]
    assert "--encoding ENC" in shown["How the source writes"]
    assert "--rejects FILE" in shown["Duplicates and rejects"]
    assert "--dry-run" in shown["Options"]


@pytest.mark.parametrize(("columns", "widest"), [("60", 60), ("80", 80), ("250", 100)])
def test_help_is_as_wide_as_the_terminal_up_to_a_hundred_columns(lago, columns, widest):
    page = lago("usage", "--help", env={"COLUMNS": columns}).stdout
    lines = page.partition("Examples:")[0].splitlines()

    assert widest - 15 < max(map(len, lines)) <= widest


def test_into_a_pipe_help_has_eighty_columns(lago):
    assert lago("usage", "--help", env={"COLUMNS": ""}).stdout == (
        lago("usage", "--help", env={"COLUMNS": "80"}).stdout
    )


def test_the_overview_has_the_commands_by_what_they_are_for(lago):
    shown = sections(lago("--help").stdout)

    assert list(shown) == [
        "A minute with it",
        "Start here",
        "Define what is measured, and for whom",
        "Look closer",
        "Send it on",
        "Put a price on it",
        "Serve it to programs and browsers",
        "Look after the file",
        "Help",
        "Common",
    ]
    assert re.findall(r"^  (\S+)", shown["Start here"], re.MULTILINE) == ["ingest", "usage"]


@pytest.mark.parametrize("command", ["", "usage explain", "metrics create", "db"])
def test_help_before_a_command_is_help_after_it(lago, command):
    words = command.split()

    assert lago("help", *words).stdout == lago(*words, "--help").stdout


def test_a_page_for_man_has_the_commands_options_and_examples_of_a_group(lago):
    page = lago("help", "--man", "usage").stdout

    assert page.startswith('.TH "LAGO-USAGE" "1"')
    assert '.SH "LAGO USAGE EXPLAIN"' in page
    assert "\\fB\\-\\-group\\-by PATH\\fR" in page
    assert "\\-\\-customer harbor" in page
    assert not [line for line in page.splitlines() if len(line) > 110]
