"""`--watch`: an answer that is given again and again, on a terminal in the same place."""

from __future__ import annotations

import re
import signal

import pytest

from tests.terminals import Screen

HOME, REST = "\x1b[H", "\x1b[J"
EVENT = ("events", "send", "--code", "calls", "--external-customer-id", "acme", "-q")
INFO = ("db", "info", "--watch", "0.1")
USAGE = ("usage", "--period", "all", "--watch", "0.1")


@pytest.fixture
def counted(lago):
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count", "-q")
    lago(*EVENT)
    return lago


class Watched(Screen):
    """An answer that is drawn again and again."""

    def drawn(self):
        """The last one that is whole."""
        return self.shown.rpartition(REST)[0].rpartition(HOME)[2]

    def interrupt(self):
        self.process.send_signal(signal.SIGINT)
        return self.end()


def test_an_answer_is_drawn_again_in_its_place(counted):
    watched = Watched(counted, *USAGE)
    watched.until(r"calls.* 1 +1\x1b.*\x1b\[J")

    counted(*EVENT)
    watched.until(r"calls.* 2 +2\x1b.*\x1b\[J")

    assert watched.drawn().count("calls") == 1
    assert watched.interrupt() == 130


def test_an_answer_is_cut_to_the_screen_and_says_so(counted):
    watched = Watched(counted, *INFO, lines=8)
    watched.until(r"lines that have no room here.*\x1b\[J")

    screen = re.sub(r"\x1b\[\w", "", watched.drawn()).splitlines()

    assert len([line for line in screen if line.strip()]) == 7
    watched.interrupt()


def test_what_is_warned_of_stands_below_the_answer(counted):
    watched = Watched(counted, *USAGE, "--group-by", "nothing")
    watched.until(r"\x1b\[J.*\x1b\[J")

    assert re.search(r"acme.*Warning: --group-by nothing", watched.drawn(), re.DOTALL)
    watched.interrupt()


def test_an_answer_that_fails_ends_it(counted):
    watched = Watched(counted, *USAGE)
    watched.until(r"\x1b\[J")

    for path in counted.folder.glob("lago.db*"):
        path.unlink()
    watched.until("There is no database")

    assert watched.process.wait(timeout=30) == 4


def test_in_a_pipe_one_answer_follows_the_other(counted):
    running = counted.start(*USAGE, "-o", "ndjson")
    lines = [running.stdout.readline() for _ in range(3)]

    running.send_signal(signal.SIGINT)
    running.communicate(timeout=30)

    assert running.returncode == 130
    assert lines == [lines[0]] * 3
    assert b'"units":"1"' in lines[0]


def test_a_reader_that_goes_away_ends_it(counted):
    running = counted.start(*INFO, "-o", "csv", bufsize=0)
    running.stdout.readline()

    running.stdout.close()

    assert running.wait(timeout=30) == 0
    assert running.stderr.read() == b""


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_pause_is_a_number_of_seconds(counted, seconds):
    assert "--watch" in counted("usage", "--watch", seconds, exits=2).stderr
