"""
A second process that computes ahead.

It is forked, so it starts in a millisecond and knows what its parent knows. Pieces of data
go through shared memory, and it never waits for its parent but for work and with an answer
that was asked for, so neither side can block the other. It owns nothing: it may be killed at
any moment, and ends when its parent does.
"""

from __future__ import annotations

import mmap
import os
import select
import signal
import sys
import warnings
from collections import deque
from typing import NoReturn, Protocol

SLOTS = 24  # what a large file gathers: else it would rest while that is stored
MAX_INPUT = 512 * 1024
MAX_OUTPUT = 1024 * 1024
_SLOT = MAX_INPUT + MAX_OUTPUT
_READ_AT_ONCE = 1024 * 1024
_WORD = 8  # bytes of a message: a length, or one of these
_DECLINED = -1
_FAILED = -2
_NOTE = -3  # its length and itself follow
_QUESTION = -4


class Work(Protocol):
    """What the second process does."""

    def do(self, data: bytes) -> bytes | None:
        """The result of a piece; None where it declines it."""

    def heed(self, note: bytes) -> None:
        """Something to keep in mind."""

    def answer(self) -> bytes:
        """What came of the notes."""


class WorkerDied(Exception):  # noqa: N818 - no error: the work can be done here
    """Somebody killed it."""


def is_worthwhile() -> bool:
    """Whether there is a processor for it; macOS forks no process that has threads."""
    if not hasattr(os, "fork") or sys.platform == "darwin":
        return False
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0)) > 1
    return (os.cpu_count() or 1) > 1


class Worker:
    """
    Does `work` on pieces of data, at most `SLOTS` at a time, and heeds notes, in one order.

    All of its methods but `close` raise `WorkerDied` where it was killed, and `take` and
    `ask` raise RuntimeError, with its traceback, where the work raised.
    """

    def __init__(self, work: Work) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _SLOT)
        tasks, self._tasks = os.pipe()
        self._results, results = os.pipe()
        self._given = self._taken = 0
        self._read: deque[int] = deque()  # words about pieces that are not taken
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._process = _fork()
            if self._process == 0:  # signals stay blocked: its parent will end it
                _serve(work, self._memory, tasks, results, of_parent=(self._tasks, self._results))
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(tasks)
        os.close(results)
        self._ready = select.poll()
        self._ready.register(self._results, select.POLLIN)

    @property
    def has_something(self) -> bool:
        """Whether something is to be taken: it is there, or there is room for no more."""
        waiting = self._given - self._taken
        return waiting == SLOTS or bool(self._read) or bool(waiting and self._ready.poll(0))

    def give(self, data: bytes) -> None:
        """One piece more, of at most `MAX_INPUT` bytes."""
        start = self._given % SLOTS * _SLOT
        self._memory[start : start + len(data)] = data
        self._given += 1
        self._send(_word(len(data)))

    def take(self) -> bytes | None:
        """The result of the earliest piece given; None where the work declined it."""
        length = self._read.popleft() if self._read else self._next_word()
        start = self._taken % SLOTS * _SLOT + MAX_INPUT
        self._taken += 1
        if length == _DECLINED:
            return None
        if length < 0:
            text = self._memory[start : start + MAX_OUTPUT].rstrip(b"\0")
            raise _failure(text)
        return self._memory[start : start + length]

    def tell(self, note: bytes) -> None:
        """Let the work heed a note, after the pieces that were given before."""
        self._send(b"".join((_word(_NOTE), _word(len(note)), note)))

    def ask(self) -> bytes:
        """The answer of the work to what it was told so far."""
        self._send(_word(_QUESTION))
        while len(self._read) < self._given - self._taken:
            self._read.append(self._next_word())
        failed = self._next_word() == _FAILED
        answer = _received(self._results, self._next_word())
        if failed:
            raise _failure(answer)
        return answer

    def _next_word(self) -> int:
        return _number(_received(self._results, _WORD))

    def _send(self, message: bytes) -> None:
        try:
            _sent(self._tasks, message)
        except BrokenPipeError:
            raise WorkerDied from None

    def close(self) -> None:
        """End it at once."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        os.close(self._tasks)
        os.close(self._results)
        self._memory.close()


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it touches no lock of a thread
        return os.fork()


def _serve(
    work: Work, memory: mmap.mmap, tasks: int, results: int, *, of_parent: tuple[int, int]
) -> NoReturn:
    """The life of the second process; it ends with its parent, which alone can write `tasks`."""
    try:
        for descriptor in of_parent:
            os.close(descriptor)
        start = 0
        failure: bytes | None = None
        while True:
            length = _number(_received(tasks, _WORD))
            if length >= 0:
                os.write(results, _word(_do(work, memory, start, length)))
                start = (start + _SLOT) % len(memory)
            elif length == _NOTE:
                note = _received(tasks, _number(_received(tasks, _WORD)))
                failure = failure or _tried(work, note)
            else:
                _sent(results, _answer(work, failure))
    finally:
        os._exit(0)


def _do(work: Work, memory: mmap.mmap, start: int, length: int) -> int:
    """Work on one piece, leave the result where it belongs, and say how long it is."""
    at = start + MAX_INPUT
    try:
        result = work.do(memory[start : start + length])
    except Exception:
        memory[at : at + MAX_OUTPUT] = _traceback().ljust(MAX_OUTPUT, b"\0")
        return _FAILED
    if result is None or len(result) > MAX_OUTPUT:
        return _DECLINED
    memory[at : at + len(result)] = result
    return len(result)


def _tried(work: Work, note: bytes) -> bytes | None:
    """Heed a note; the traceback where that failed."""
    try:
        work.heed(note)
    except Exception:
        return _traceback()
    return None


def _answer(work: Work, failure: bytes | None) -> bytes:
    answer = failure or b""
    if failure is None:
        try:
            answer = work.answer()
        except Exception:
            answer = failure = _traceback()
    word = 0 if failure is None else _FAILED
    return b"".join((_word(word), _word(len(answer)), answer))


def _traceback() -> bytes:
    import traceback

    return traceback.format_exc().encode(errors="backslashreplace")[-MAX_OUTPUT:]


def _failure(text: bytes) -> RuntimeError:
    return RuntimeError(f"in the second process:\n{text.decode()}")


def _sent(descriptor: int, message: bytes) -> None:
    """Write all of it, however little goes into the pipe at once."""
    while message:
        message = message[os.write(descriptor, message) :]


def _received(descriptor: int, length: int) -> bytes:
    """Exactly so many bytes. Raises `WorkerDied` where the other side is gone."""
    parts = []
    while length:
        part = os.read(descriptor, min(length, _READ_AT_ONCE))
        if not part:
            raise WorkerDied
        parts.append(part)
        length -= len(part)
    return b"".join(parts)


def _word(number: int) -> bytes:
    return number.to_bytes(_WORD, sys.byteorder, signed=True)


def _number(word: bytes) -> int:
    return int.from_bytes(word, sys.byteorder, signed=True)
