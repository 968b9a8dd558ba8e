"""A second process does the work, or fails, or is gone; nobody ever waits for it in vain."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

from lago_cli.services.worker import MAX_INPUT, MAX_OUTPUT, SLOTS, Worker, WorkerDied

pytestmark = pytest.mark.skipif(not hasattr(os, "fork"), reason="no fork on this system")


@pytest.fixture
def start():
    """Start a worker; all of them end with the test."""
    started = []

    def start(function):
        started.append(Worker(function))
        return started[-1]

    yield start
    for worker in started:
        worker.close()


def process_of(worker):
    return worker._process


def is_alive(process):
    """Whether it runs; what only waits to be reaped does not."""
    try:
        status = Path(f"/proc/{process}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return status.rpartition(")")[2].split()[0] != "Z"


def test_results_come_in_the_order_of_the_pieces(start):
    worker = start(bytes.upper)

    for turn in range(3):
        for number in range(SLOTS):
            worker.give(f"{turn} {number} a".encode())
        assert worker.has_something
        assert [worker.take() for _ in range(SLOTS)] == [
            f"{turn} {number} A".encode() for number in range(SLOTS)
        ]


def test_the_largest_pieces_and_results(start):
    worker = start(lambda data: data * 2)
    largest = os.urandom(MAX_INPUT)
    for _ in range(SLOTS):
        worker.give(largest)

    assert all(worker.take() == largest * 2 for _ in range(SLOTS))


@pytest.mark.parametrize("result", [None, b"x" * (MAX_OUTPUT + 1)], ids=["declined", "too large"])
def test_what_it_cannot_do(start, result):
    worker = start(lambda data: result)
    worker.give(b"a")

    assert worker.take() is None


def test_an_exception_reaches_its_parent(start):
    worker = start(lambda data: data.missing)
    worker.give(b"a")

    with pytest.raises(RuntimeError, match=r"(?s)Traceback.*AttributeError.*missing"):
        worker.take()


def test_somebody_kills_it(start):
    """Its parent sees it, and does not wait."""
    worker = start(lambda data: time.sleep(60))
    worker.give(b"a")
    os.kill(process_of(worker), signal.SIGKILL)

    with pytest.raises(WorkerDied):
        worker.take()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signals_are_for_its_parent(start, number):
    """Ctrl-C is sent to both."""
    worker = start(bytes.upper)
    os.kill(process_of(worker), number)
    worker.give(b"a")

    assert worker.take() == b"A"


def test_it_ends_with_its_parent():
    """Also if that is killed."""
    reading, writing = os.pipe()
    parent = os.fork()
    if parent == 0:
        worker = Worker(bytes.upper)
        os.write(writing, str(process_of(worker)).encode())
        signal.pause()
    child = int(os.read(reading, 20))
    assert is_alive(child)
    os.kill(parent, signal.SIGKILL)
    os.waitpid(parent, 0)
    os.close(reading)
    os.close(writing)

    until = time.monotonic() + 10
    while is_alive(child):
        assert time.monotonic() < until
        time.sleep(0.01)


def test_closing_waits_for_nothing(start):
    worker = Worker(lambda data: time.sleep(60))
    worker.give(b"a")
    process = process_of(worker)
    worker.close()

    assert not is_alive(process)
