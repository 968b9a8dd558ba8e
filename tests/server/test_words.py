"""Words of a server on stderr: few, and never waited for."""

from __future__ import annotations

import os
import sys
from contextlib import suppress

import pytest

from lago_cli.server import words


@pytest.fixture(autouse=True)
def nothing_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(words, "_told", {})


def test_a_pipe_that_nobody_reads_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with os.fdopen(reading, "rb"), os.fdopen(writing, "w") as stream:
        with suppress(BlockingIOError):
            while True:
                os.write(writing, b"x" * 4096)
        monkeypatch.setattr(sys, "stderr", stream)
        written: list[object] = []
        monkeypatch.setattr("builtins.print", lambda *said, **_: written.append(said))
        words.tell("something")

    assert written == []


def test_the_same_is_said_once_in_a_while(capsys: pytest.CaptureFixture[str]):
    for text in ("one", "one", "two"):
        words.tell(text)

    assert capsys.readouterr().err == "one\ntwo\n"
