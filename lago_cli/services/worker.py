"""
A second process that computes ahead.

It is forked, so it starts in a millisecond and knows what its parent knows. Pieces of data go
through shared memory, and it waits for nothing but work, so neither side can block the other.
It owns nothing: it may be killed at any moment, and ends when its parent does.
"""

from __future__ import annotations

import gc
import mmap
import os
import select
import signal
import sys
import warnings
from collections.abc import Callable
from typing import NoReturn

SLOTS = 24  # what a large file gathers: else it would rest while that is stored
MAX_INPUT = 512 * 1024
MAX_OUTPUT = 1024 * 1024
_SLOT = MAX_INPUT + MAX_OUTPUT
_WORD = 8  # bytes: a length, or one of these
_DECLINED = -1
_FAILED = -2
_RARELY = 1_000_000  # new objects; none of them refers to itself

Work = Callable[[bytes], bytes | None]
"""From a piece to its result; None where it is declined."""


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
    Does `work` on pieces of data in their order, at most `SLOTS` at a time.

    All of its methods but `close` raise `WorkerDied` where it was killed, and `take` raises
    RuntimeError, with its traceback, where the work raised.
    """

    def __init__(self, work: Work) -> None:
        self._memory = mmap.mmap(-1, SLOTS * _SLOT)
        (its_tasks, self._tasks), (self._results, its_results) = os.pipe(), os.pipe()
        self._given = self._taken = 0
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._process = _fork()
            if self._process == 0:  # signals stay blocked: its parent will end it
                os.close(self._tasks)
                os.close(self._results)
                _serve(work, self._memory, its_tasks, its_results)
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
        os.close(its_tasks)
        os.close(its_results)
        self._ready = select.poll()
        self._ready.register(self._results, select.POLLIN)

    @property
    def has_something(self) -> bool:
        """Whether something is to be taken: it is there, or there is room for no more."""
        return self._given - self._taken == SLOTS or bool(self._ready.poll(0))

    def give(self, data: bytes) -> None:
        """One piece more, of at most `MAX_INPUT` bytes."""
        start = self._given % SLOTS * _SLOT
        self._memory[start : start + len(data)] = data
        self._given += 1
        _send(self._tasks, len(data))

    def take(self) -> bytes | None:
        """The result of the earliest piece given; None where the work declined it."""
        length = _receive(self._results)
        start = self._taken % SLOTS * _SLOT + MAX_INPUT
        self._taken += 1
        if length == _DECLINED:
            return None
        if length < 0:
            text = self._memory[start : start + MAX_OUTPUT].rstrip(b"\0").decode()
            raise RuntimeError(f"in the second process:\n{text}")
        return self._memory[start : start + length]

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


def _serve(work: Work, memory: mmap.mmap, tasks: int, results: int) -> NoReturn:
    """The life of the second process; it ends with its parent, which alone can write to it."""
    try:
        gc.freeze()  # to look at what its parent made would copy it
        gc.set_threshold(_RARELY)
        start = 0
        while True:
            length = _receive(tasks)
            _send(results, _do(work, memory, start, length))
            start = (start + _SLOT) % len(memory)
    finally:
        os._exit(0)


def _do(work: Work, memory: mmap.mmap, start: int, length: int) -> int:
    """Work on one piece, leave the result where it belongs, and say how long it is."""
    at = start + MAX_INPUT
    try:
        result = work(memory[start : start + length])
    except Exception:
        import traceback

        text = traceback.format_exc().encode(errors="backslashreplace")[-MAX_OUTPUT:]
        memory[at : at + MAX_OUTPUT] = text.ljust(MAX_OUTPUT, b"\0")
        return _FAILED
    if result is None or len(result) > MAX_OUTPUT:
        return _DECLINED
    memory[at : at + len(result)] = result
    return len(result)


def _send(descriptor: int, number: int) -> None:
    """Raises `WorkerDied` where the other side is gone."""
    try:
        os.write(descriptor, number.to_bytes(_WORD, sys.byteorder, signed=True))
    except BrokenPipeError:
        raise WorkerDied from None


def _receive(descriptor: int) -> int:
    """Raises `WorkerDied` where the other side is gone."""
    word = os.read(descriptor, _WORD)  # so few bytes are written at once
    if len(word) < _WORD:
        raise WorkerDied
    return int.from_bytes(word, sys.byteorder, signed=True)
