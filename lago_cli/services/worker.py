"""
A second process that computes ahead.

It is forked, so it starts in a millisecond and knows what its parent knows. Pieces of data
go through shared memory, and it never waits for its parent but for work and with an answer
that was asked for, so neither side can block the other. Notes and questions have a way of their
own: they wait for the piece at hand, not for those in line. It owns nothing: it may be killed
at any moment, and ends when its parent does.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import sys
import warnings
from typing import NamedTuple, NoReturn, Protocol

SLOTS = 24  # what a large file gathers: else it would rest while that is stored
MAX_INPUT = 512 * 1024
MAX_OUTPUT = 1024 * 1024
_SLOT = MAX_INPUT + MAX_OUTPUT
_READ_AT_ONCE = 1024 * 1024
_WORD = 8  # bytes: a length, or one of these
_DECLINED = -1
_FAILED = -2
_QUESTION = -3
_RARELY = 1_000_000  # new objects; none of them refers to itself


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
    Does `work` on pieces of data in their order, at most `SLOTS` at a time, and heeds notes.

    All of its methods but `close` raise `WorkerDied` where it was killed, and `take` and
    `ask` raise RuntimeError, with its traceback, where the work raised.
    """

    def __init__(self, work: Work) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _SLOT)
        tasks, results, notes, answers = os.pipe(), os.pipe(), os.pipe(), os.pipe()
        mine = self._ends = _Ends(tasks[1], results[0], notes[1], answers[0])
        its = _Ends(tasks[0], results[1], notes[0], answers[1])
        self._given = self._taken = 0
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._process = _fork()
            if self._process == 0:  # signals stay blocked: its parent will end it
                _serve(work, self._memory, its, of_parent=mine)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        for descriptor in its:
            os.close(descriptor)
        self._ready = select.poll()
        self._ready.register(mine.results, select.POLLIN)

    @property
    def has_something(self) -> bool:
        """Whether something is to be taken: it is there, or there is room for no more."""
        return self._given - self._taken == SLOTS or bool(self._ready.poll(0))

    def give(self, data: bytes) -> None:
        """One piece more, of at most `MAX_INPUT` bytes."""
        start = self._given % SLOTS * _SLOT
        self._memory[start : start + len(data)] = data
        self._given += 1
        _sent(self._ends.tasks, _word(len(data)))

    def take(self) -> bytes | None:
        """The result of the earliest piece given; None where the work declined it."""
        length = _number(_received(self._ends.results, _WORD))
        start = self._taken % SLOTS * _SLOT + MAX_INPUT
        self._taken += 1
        if length == _DECLINED:
            return None
        if length < 0:
            text = self._memory[start : start + MAX_OUTPUT].rstrip(b"\0")
            raise _failure(text)
        return self._memory[start : start + length]

    def tell(self, note: bytes) -> None:
        """Let the work heed a note."""
        _sent(self._ends.notes, _word(len(note)) + note)

    def ask(self) -> bytes:
        """The answer of the work to the notes so far."""
        _sent(self._ends.notes, _word(_QUESTION))
        failed = _number(_received(self._ends.answers, _WORD)) == _FAILED
        answer = _received(self._ends.answers, _number(_received(self._ends.answers, _WORD)))
        if failed:
            raise _failure(answer)
        return answer

    def close(self) -> None:
        """End it at once."""
        os.kill(self._process, signal.SIGKILL)
        os.waitpid(self._process, 0)
        for descriptor in self._ends:
            os.close(descriptor)
        self._memory.close()


class _Ends(NamedTuple):
    """Of the pipes between the two, those of one process."""

    tasks: int
    results: int
    notes: int
    answers: int


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # it touches no lock of a thread
        return os.fork()


def _serve(work: Work, memory: mmap.mmap, its: _Ends, *, of_parent: _Ends) -> NoReturn:
    """The life of the second process; it ends with its parent, which alone can write to it."""
    try:
        for descriptor in of_parent:
            os.close(descriptor)
        gc.freeze()  # to look at what its parent made would copy it
        gc.set_threshold(_RARELY)
        waiting = select.poll()
        waiting.register(its.tasks, select.POLLIN)
        waiting.register(its.notes, select.POLLIN)
        start = 0
        failure: bytes | None = None
        while True:
            if its.notes not in dict(waiting.poll()):
                length = _number(_received(its.tasks, _WORD))
                _sent(its.results, _word(_do(work, memory, start, length)))
                start = (start + _SLOT) % len(memory)
                continue
            length = _number(_received(its.notes, _WORD))
            if length == _QUESTION:
                _sent(its.answers, _answer(work, failure))
            else:
                failure = _tried(work, _received(its.notes, length)) or failure
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
    """
    Write all of it, however little goes into the pipe at once.

    Raises:
        WorkerDied: the other side is gone.
    """
    try:
        while message:
            message = message[os.write(descriptor, message) :]
    except BrokenPipeError:
        raise WorkerDied from None


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
