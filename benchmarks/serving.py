"""
Measure `lago serve` under load, beside the simplest server that keeps as much.

`python -m benchmarks.serving --write` replaces that section of docs/benchmarks.md.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from typing import NamedTuple
from urllib.parse import urlsplit

REPOSITORY = Path(__file__).resolve().parent.parent
LAGO = Path(sys.executable).parent / "lago"
FIRST_SECOND = 1_795_000_000
SECONDS = 5
ROUNDS = 3
PAUSE = 0.5  # seconds between two questions
TITLE = "## The server"
ALTERNATIVE = """
import json, sqlite3, sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import JSONResponse
from starlette.routing import Route

db = sqlite3.connect("alternative.db", isolation_level=None)
db.execute("PRAGMA journal_mode = WAL")
db.execute("PRAGMA synchronous = FULL")
db.execute("CREATE TABLE events (transaction_id TEXT PRIMARY KEY, event TEXT) WITHOUT ROWID")

async def take(request):
    body = await request.json()
    events = body["events"] if "events" in body else [body["event"]]
    db.execute("BEGIN IMMEDIATE")
    rows = [(event["transaction_id"], json.dumps(event)) for event in events]
    db.executemany("INSERT INTO events VALUES (?, ?)", rows)
    db.execute("COMMIT")
    return JSONResponse(body)

paths = ("/api/v1/events", "/api/v1/events/batch")
app = Starlette(routes=[Route(path, take, methods=["POST"]) for path in paths])
uvicorn.run(app, port=int(sys.argv[1]), http="httptools", loop="asyncio", log_level="error",
            access_log=False)
"""


class Load(NamedTuple):
    """So many connections that send requests of one size, one after another."""

    words: str
    connections: int
    size: int  # events of a request


LOADS = (
    Load("single events, 16 connections", 16, 1),
    Load("batches of 100, 4 connections", 4, 100),
)


class Figure(NamedTuple):
    """What a load came to."""

    events: float  # a second
    p50: float  # milliseconds
    p99: float


class Client(asyncio.Protocol):
    """One connection: the next request goes out when the last one was answered with 200."""

    def __init__(self, requests: Iterator[bytes], until: float, took: list[float]) -> None:
        self.requests = requests
        self.until = until
        self.took = took
        self.answer = b""
        self.sent_at = 0.0
        self.done: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.send()

    def send(self) -> None:
        self.answer = b""
        self.sent_at = time.perf_counter()
        self.transport.write(next(self.requests))

    def data_received(self, data: bytes) -> None:
        self.answer += data
        head, end, body = self.answer.partition(b"\r\n\r\n")
        if not end or len(body) < int(head.lower().split(b"content-length:")[1].split()[0]):
            return
        assert head.split()[1] == b"200", self.answer[:1_000]
        now = time.perf_counter()
        self.took.append(now - self.sent_at)
        if now < self.until:
            self.send()
        else:
            self.transport.close()

    def connection_lost(self, _: Exception | None) -> None:
        if not self.done.done():
            self.done.set_result(None)


def requests_of(address: str, connection: int, size: int) -> Iterator[bytes]:
    host = address.encode()
    path = b"/api/v1/events" if size == 1 else b"/api/v1/events/batch"
    number = 0
    while True:
        events = []
        for _ in range(size):
            number += 1
            events.append(
                f'{{"transaction_id":"{size}-{connection}-{number}","code":"api_calls",'
                f'"external_subscription_id":"sub_{number % 1000}",'
                f'"timestamp":{FIRST_SECOND + number},'
                f'"properties":{{"region":"eu","gb":{number % 100}}}}}'
            )
        joined = ",".join(events)
        body = (f'{{"event":{joined}}}' if size == 1 else f'{{"events":[{joined}]}}').encode()
        yield (
            b"POST %s HTTP/1.1\r\nHost: %s\r\nContent-Type: application/json\r\n"
            b"Content-Length: %d\r\n\r\n%s" % (path, host, len(body), body)
        )


async def load(address: str, connections: int, size: int, seconds: float) -> Figure:
    host, port = address.split(":")
    took: list[float] = []
    started = time.perf_counter()
    loop = asyncio.get_running_loop()
    clients = []
    for number in range(connections):
        client = Client(requests_of(address, number, size), started + seconds, took)
        await loop.create_connection(lambda client=client: client, host, int(port))  # type: ignore[misc]
        clients.append(client)
    await asyncio.gather(*(client.done for client in clients))
    passed = time.perf_counter() - started
    took.sort()
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    return Figure(len(took) * size / passed, middle * 1000, late * 1000)


def loaded(address: str, kind: Load, seconds: float) -> Figure:
    """The load comes from a process of its own."""
    command = [sys.executable, "-m", "benchmarks.serving", "--load", address]
    numbers = (kind.connections, kind.size, seconds)
    done = subprocess.run(
        [*command, *map(str, numbers)], cwd=REPOSITORY, check=True, capture_output=True
    )
    return Figure(*json.loads(done.stdout))


@contextmanager
def lago(folder: Path) -> Iterator[str]:
    metric = ("--code", "api_calls", "--aggregation-type", "sum_agg", "--field-name", "gb")
    subprocess.run([LAGO, "metrics", "create", *metric, "-q"], cwd=folder, check=True)
    process = subprocess.Popen(
        [LAGO, "serve", "--port", "0"], cwd=folder, stderr=subprocess.PIPE, text=True
    )
    try:
        assert process.stderr is not None
        yield urlsplit(process.stderr.readline().split()[0]).netloc
    finally:
        process.terminate()
        process.wait()


@contextmanager
def alternative(folder: Path) -> Iterator[str]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-c", ALTERNATIVE, str(port)], cwd=folder)
    try:
        for _ in range(200):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                break
            except OSError:
                time.sleep(0.05)
        yield f"127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def asked(folder: Path, seconds: float) -> list[float]:
    """How long questions of another process take, one after another for so long."""
    took: list[float] = []
    end = time.monotonic() + seconds
    while not took or time.monotonic() < end:
        started = time.monotonic()
        subprocess.run(
            [LAGO, "usage", "--period", "all", "-o", "json"],
            cwd=folder,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took.append(time.monotonic() - started)
        time.sleep(PAUSE)
    return took


def with_readers(address: str, folder: Path, kind: Load, seconds: float) -> tuple[Figure, float]:
    command = [sys.executable, "-m", "benchmarks.serving", "--ask", str(folder), str(seconds)]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE) as readers:
        figure = loaded(address, kind, seconds)
        words, _ = readers.communicate()
    return figure, median(json.loads(words))


def measured(seconds: float, rounds: int) -> str:
    """The section, as Markdown."""
    rows = []
    for kind in LOADS:
        mine, theirs, beside, busy, idle = [], [], [], [], []
        for number in range(rounds):
            print(f"{kind.words}, round {number + 1} of {rounds} ...", file=sys.stderr, flush=True)
            with tempfile.TemporaryDirectory() as name, lago(Path(name)) as address:
                mine.append(loaded(address, kind, seconds))
            with tempfile.TemporaryDirectory() as name, alternative(Path(name)) as address:
                theirs.append(loaded(address, kind, seconds))
            with tempfile.TemporaryDirectory() as name, lago(Path(name)) as address:
                figure, question = with_readers(address, Path(name), kind, seconds)
                beside.append(figure)
                busy.append(question)
                idle.append(median(asked(Path(name), 2)))
        rows += [
            _row(kind.words, mine, theirs),
            _row("the same beside `lago usage`", beside, theirs),
            f"| `lago usage` beside it | {median(busy):.2f} s, without load {median(idle):.2f} s"
            f" | | | {median(b / i for b, i in zip(busy, idle, strict=True)):.2f} |",
        ]
    return "\n".join(
        [
            TITLE,
            "",
            f"Median of {rounds} runs of {seconds:g} s, the load from the same machine. *Ratio*: to"
            " a Starlette endpoint that",
            "inserts what came into one table, with a commit with `synchronous = FULL` for each"
            " request, and does",
            "nothing else (of events a second; of a question, to the same one without load)."
            " `lago serve` checks every",
            "event, finds repeated ones among all that are stored, reads the values for its"
            " metrics, and derives parts",
            "(`benchmarks/serving.py`).",
            "",
            "| load | events a second | p50 | p99 | ratio |",
            "|---|--:|--:|--:|--:|",
            *rows,
            "",
        ]
    )


def _row(words: str, mine: Sequence[Figure], theirs: Sequence[Figure]) -> str:
    events, p50, p99 = (median(column) for column in zip(*mine, strict=True))
    ratio = median(a.events / b.events for a, b in zip(mine, theirs, strict=True))
    return f"| {words} | {events:,.0f} | {p50:.1f} ms | {p99:.0f} ms | {ratio:.2f} |"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.serving", description=__doc__)
    parser.add_argument("--seconds", type=float, default=SECONDS)
    parser.add_argument("--runs", type=int, default=ROUNDS)
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--load", nargs=4, help=argparse.SUPPRESS)
    parser.add_argument("--ask", nargs=2, help=argparse.SUPPRESS)
    given, _ = parser.parse_known_args()  # the others are of `python -m benchmarks`
    if given.load:
        address, connections, size, seconds = given.load
        done = asyncio.run(load(address, int(connections), int(size), float(seconds)))
        print(json.dumps(done))
        return
    if given.ask:
        print(json.dumps(asked(Path(given.ask[0]), float(given.ask[1]))))
        return
    section = measured(given.seconds, given.runs)
    print(section)
    if given.write:
        path = REPOSITORY / "docs" / "benchmarks.md"
        before, _, _ = path.read_text().partition(f"\n{TITLE}\n")
        path.write_text(f"{before.rstrip()}\n\n{section}")


if __name__ == "__main__":
    main()
