"""What a program shows on a terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import time
from collections.abc import Iterator, Mapping
from fcntl import ioctl
from struct import pack
from termios import TIOCSWINSZ
from typing import Any

from tests.conftest import Lago

SECONDS = 5  # without a word, after which nothing more is expected
AT_MOST = 30  # what is drawn again and again may never say it
ENVIRONMENT = {"COLUMNS": "", "NO_COLOR": "", "TERM": "xterm"}
SCREEN = 12  # lines of a small one
CODES = re.compile(r"\x1b\[[0-9;?]*[a-zA-Z]")


class OnTerminal:
    """A run whose streams, as named, are a terminal of a width; `stdin` may be a pipe."""

    def __init__(
        self,
        lago: Lago,
        *arguments: object,
        width: int = 80,
        streams: tuple[str, ...] = ("stderr",),
        env: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, pack("HHHH", 24, width, 0, 0))
        os.write(self._ours, b"\x04")  # Ctrl-D is typed at once
        given: dict[str, Any] = dict.fromkeys(streams, theirs)
        self.process: subprocess.Popen[bytes] = lago.start(
            *arguments, env={**ENVIRONMENT, **(env or {})}, **given
        )
        os.close(theirs)
        self.raw = ""

    def read_until(self, text: str) -> bool:
        """Whether it shows that before it ends."""
        deadline = time.monotonic() + AT_MOST
        for _ in self._pieces():
            if text in self.raw or time.monotonic() > deadline:
                break
        return text in self.raw

    def end(self) -> str:
        """Wait for it; all that it has shown, without what only steers the terminal."""
        for _ in self._pieces():
            pass
        if self.process.stdin and self.process.stdin.closed:
            self.process.stdin = None
        self.process.communicate(timeout=60)
        os.close(self._ours)
        return CODES.sub("", self.raw)

    def _pieces(self) -> Iterator[str]:
        try:
            while select.select([self._ours], [], [], SECONDS)[0] and (
                piece := os.read(self._ours, 65_536).decode("utf-8", "replace")
            ):
                self.raw += piece
                yield piece
        except OSError:  # the other side is closed
            return


class Screen:
    """A command on a terminal of its own, with a size, a keyboard and all that it shows."""

    def __init__(
        self, lago: Lago, *arguments: object, lines: int = SCREEN, **environment: str
    ) -> None:
        self._ours, theirs = pty.openpty()
        ioctl(theirs, TIOCSWINSZ, pack("HHHH", lines, 80, 0, 0))
        self.process = lago.start(
            *arguments,
            stdout=theirs,
            stderr=theirs,
            stdin=theirs,
            env={**ENVIRONMENT, "NO_COLOR": "1", **environment},
            start_new_session=True,
            preexec_fn=lambda: os.close(os.open(os.ttyname(theirs), os.O_RDWR)),
        )
        os.close(theirs)
        self.shown = ""

    def until(self, pattern: str) -> None:
        """Wait until it shows that."""
        deadline = time.monotonic() + AT_MOST
        while not re.search(pattern, self.shown, re.DOTALL):
            assert time.monotonic() < deadline, self.shown
            self.shown += self._read()

    def keys(self, keys: bytes) -> None:
        os.write(self._ours, keys)

    def press_until_it_ends(self, key: bytes) -> None:
        """A key that is pressed before anybody reads keys is lost."""
        deadline = time.monotonic() + AT_MOST
        while self.process.poll() is None and time.monotonic() < deadline:
            self.keys(key)
            while select.select([self._ours], [], [], 0.2)[0] and (more := self._read()):
                self.shown += more

    def end(self) -> int:
        """The exit code, when all is shown."""
        while more := self._read():
            self.shown += more
        os.close(self._ours)
        return self.process.wait(timeout=AT_MOST)

    def _read(self) -> str:
        try:
            return os.read(self._ours, 65_536).decode().replace("\r\n", "\n")
        except OSError:  # nobody writes any more
            return ""
