"""Answers that are longer than the screen go through a pager, on a real terminal."""

from __future__ import annotations

import shutil

import pytest

from tests.terminals import Screen

CUSTOMERS = 30
SHOW = ("usage", "--period", "2026-11")


@pytest.fixture
def long_(lago):
    """A file whose usage is longer than the screen."""
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "-q")
    lago.write(
        "events",
        [
            {
                "transaction_id": str(number),
                "external_customer_id": f"customer_{number:02d}",
                "code": "calls",
                "timestamp": "2026-11-22T00:00:00Z",
            }
            for number in range(CUSTOMERS)
        ],
    )
    lago("ingest", "events", "-q")
    return lago


def whole(text):
    return all(f"customer_{number:02d}" in text for number in range(CUSTOMERS))


@pytest.mark.parametrize("variables", [{"LAGO_PAGER": "sed s/^/@/"}, {"PAGER": "sed s/^/@/"}])
def test_a_long_answer_goes_through_the_pager(long_, variables):
    screen = Screen(long_, *SHOW, **variables)

    assert screen.end() == 0
    assert whole(screen.shown)
    assert all(line.startswith("@") for line in screen.shown.splitlines())


def test_the_own_variable_comes_before_that_for_all(long_):
    screen = Screen(long_, *SHOW, LAGO_PAGER="sed s/^/mine:/", PAGER="sed s/^/all:/")

    assert screen.end() == 0
    assert "mine:" in screen.shown
    assert "all:" not in screen.shown


@pytest.mark.parametrize(
    ("arguments", "variables"),
    [
        pytest.param((*SHOW, "--no-pager"), {}, id="--no-pager"),
        pytest.param(SHOW, {"LAGO_PAGER": ""}, id="an empty variable"),
        pytest.param(SHOW, {"LAGO_PAGER": "cat"}, id="cat"),
        pytest.param(SHOW, {"TERM": "dumb"}, id="a dumb terminal"),
        pytest.param((*SHOW, "-o", "csv"), {}, id="data"),
    ],
)
def test_there_may_be_no_pager(long_, arguments, variables):
    screen = Screen(long_, *arguments, **({"PAGER": "sed s/^/@/"} | variables))

    assert screen.end() == 0
    assert whole(screen.shown)
    assert "@" not in screen.shown


def test_an_answer_that_fits_the_screen_starts_none(long_):
    screen = Screen(long_, *SHOW, lines=60, PAGER="sed s/^/@/")

    assert screen.end() == 0
    assert whole(screen.shown)
    assert "@" not in screen.shown


def test_an_answer_for_no_terminal_starts_none(long_):
    found = long_(*SHOW, env={"PAGER": "sed s/^/@/", "TERM": "xterm"})

    assert whole(found.stdout)
    assert "@" not in found.stdout


@pytest.mark.parametrize(
    "pager",
    [
        pytest.param("no-such-program --x", id="missing"),
        pytest.param("no-such-program | cat; exit 127", id="missing in a shell"),
        pytest.param("/", id="no program"),
        pytest.param("false", id="failing"),
        pytest.param("'", id="unreadable"),
    ],
)
def test_a_pager_that_fails_loses_nothing(long_, pager):
    screen = Screen(long_, *SHOW, LAGO_PAGER=pager)

    assert screen.end() == 0
    assert whole(screen.shown)
    assert "Traceback" not in screen.shown


def test_leaving_the_pager_early_ends_silently(long_):
    screen = Screen(long_, *SHOW, LAGO_PAGER="head -3")

    assert screen.end() == 0
    assert screen.shown.count("\n") == 3


def test_a_pager_is_told_to_keep_colours_unless_somebody_chose(long_):
    for told, expected in (({}, "FRX"), ({"LESS": "S"}, "S")):
        pager = "cat >/dev/null; echo LESS is $LESS."
        screen = Screen(long_, *SHOW, LAGO_PAGER=pager, **told)

        assert screen.end() == 0
        assert screen.shown == f"LESS is {expected}.\n"


def test_warnings_come_after_the_answer(long_):
    pager = "cat; echo END"
    screen = Screen(long_, *SHOW, "--group-by", "nothing", LAGO_PAGER=pager)

    assert screen.end() == 0
    assert screen.shown.index("END") < screen.shown.index("Warning:")


@pytest.mark.skipif(shutil.which("less") is None, reason="there is no less")
@pytest.mark.parametrize("key", [b"", b"\x03"], ids=["q", "Ctrl-C, then q"])
def test_less_is_left_in_peace(long_, key):
    screen = Screen(long_, *SHOW, PAGER="less")
    screen.until("customer_05")
    screen.keys(key)
    screen.press_until_it_ends(b"q")

    assert screen.end() == 0
    assert "customer_29" not in screen.shown
    assert "Traceback" not in screen.shown
    assert "nterrupted" not in screen.shown
