"""Options: values that make no sense, options in the wrong place, and their help."""

from __future__ import annotations

import re

import pytest

from tests.test_docs import COMMANDS

GROUPS = (
    *("", "metrics", "billable-metrics", "customers", "subscriptions", "events", "usage"),
    *("ingest-runs", "db"),
)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["--db", "x.db", "usage"], "lago usage --db x.db"),
        (["-o", "json", "metrics", "list"], "lago metrics list -o json"),
        (["--quiet", "usage", "--period", "all"], "lago usage --period all --quiet"),
        (["--db", "my file"], "lago usage --db 'my file'"),
    ],
)
def test_an_option_before_the_command_is_told_its_place(lago, before, after):
    found = lago(*before, exits=2)

    assert f"Options stand after the command, for example: {after}" in found.stderr


def test_an_unknown_option_is_not(lago):
    assert "Options stand" not in lago("--nope", "usage", exits=2).stderr
    assert "Options stand" not in lago("usage", "--nope", exits=2).stderr


@pytest.mark.parametrize(
    "arguments",
    [
        *(("usage", option) for option in ("--customer", "--subscription", "--metric")),
        ("usage", "--group-by"),
        *(("events", "list", option) for option in ("--customer", "--subscription", "--code")),
        ("events", "export", "--code"),
    ],
    ids=" ".join,
)
def test_an_empty_value_is_a_variable_that_was_not_set(metrics, arguments):
    found = metrics(*arguments, "", exits=2)

    assert f"'{arguments[-1]}': it is empty." in found.stderr


def test_a_filter_may_ask_for_what_is_missing(metrics):
    assert metrics("usage", "--filter", "region=", "-o", "json").json() == []


@pytest.mark.parametrize("seconds", ["nan", "inf", "-inf", "-1", "soon"])
def test_a_timeout_is_a_number_of_seconds(metrics, seconds):
    for given in (
        metrics("usage", "--busy-timeout", seconds, "-o", "json", exits=2),
        metrics("usage", "-o", "json", env={"LAGO_BUSY_TIMEOUT": seconds}, exits=2),
    ):
        assert "--busy-timeout" in given.error()["message"]


@pytest.mark.parametrize("text", ["abc", "1.5", "", "²"])
def test_a_run_has_a_number(metrics, text):
    for verb in ("get", "revert"):
        found = metrics("ingest-runs", verb, text, exits=2)

        assert f"{text} is not a run number." in found.stderr


def test_a_number_that_no_run_has_is_not_found(metrics):
    for number in ("7", "9" * 5_000):
        found = metrics("ingest-runs", "get", number, "-o", "json", exits=4)

        assert found.error()["code"] == "ingest_run_not_found"


@pytest.mark.parametrize("group", GROUPS)
def test_no_summary_of_a_command_is_cut(lago, group):
    shown = lago(*group.split(), "--help", env={"COLUMNS": "80"}).stdout

    assert "..." not in shown.partition("Commands:")[2]


@pytest.mark.parametrize("command", [row for row in COMMANDS if row not in GROUPS])
def test_every_option_has_a_help_in_one_style(lago, command):
    shown = lago(*command.split(), "--help", env={"COLUMNS": "100"}).stdout
    lists = re.split(r"\n[A-Z].*:\n", shown.partition("\nExamples:")[0], maxsplit=1)[1]
    options = re.findall(r"^  -.*\n(?:   +.*\n)*", lists, re.MULTILINE)

    assert "<" not in re.sub(r"\d+<=x<=\d+", "", shown)
    for option in options:
        words = re.sub(r"\[.*?\]", "", option, flags=re.DOTALL)
        assert re.search(r"\S\s{2,}\w\S* .*\.", words, re.DOTALL), option


def test_an_update_claims_no_default(lago):
    assert "[default: code]" not in lago("metrics", "update", "--help").stdout


def test_an_argument_that_is_no_text_is_refused(lago):
    code = b"\xff".decode(errors="surrogateescape")

    refused = lago(
        *("metrics", "create", "--code", code, "--aggregation-type", "count", "-o", "json"), exits=2
    )

    assert refused.error()["code"] == "invalid_text"
