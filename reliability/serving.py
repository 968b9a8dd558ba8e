"""Servers that are killed, stopped, locked out or without room, while clients send to them."""

from __future__ import annotations

import http.client
import json
import resource
import signal
import sqlite3
import subprocess
import threading
import time
from contextlib import closing, suppress
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import urlsplit

from reliability.experiments import Experiment, Outcome, repeated
from reliability.program import SECONDS, Found, Program, event, expect, values

CLIENTS = 4
MOST = 20  # events of a request
KILLS = 4  # of one file
LATEST = 0.6  # seconds after the clients have begun
POLICIES = ("error", "skip")
FOREVER = resource.RLIM_INFINITY
PATH = "/api/v1/events/batch"
HEADERS = {"content-type": "application/json"}


class Server:
    """A server process on the file of a program."""

    def __init__(self, program: Program, *options: object) -> None:
        self.process = program.start("serve", "--port", 0, *options, stdin=subprocess.DEVNULL)
        assert self.process.stderr is not None
        line = b""
        for line in iter(self.process.stderr.readline, b""):
            if b" serves " in line:
                break
        expect(b" serves " in line, "the server does not start")
        self.address = urlsplit(line.split()[0].decode()).netloc

    def end(self, by: signal.Signals) -> int:
        """Send a signal; the exit code."""
        self.process.send_signal(by)
        try:
            _, words = self.process.communicate(timeout=SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.communicate()
            raise Found(f"the server did not end within {SECONDS} seconds of {by.name}") from None
        expect(b"Traceback" not in words, words[-2_000:].decode(errors="replace"))
        return self.process.returncode


class Client:
    """Sends request after request, and again what was not answered."""

    def __init__(self, number: int, seed: int) -> None:
        self.random = Random(f"{seed}/{number}")
        self.next = number * 1_000_000
        self.answered: list[int] = []
        self.open: list[int] = []  # sent, and not answered
        self.fault = ""

    def send(self, address: str) -> None:
        """Until the server is gone."""
        connection = http.client.HTTPConnection(address, timeout=SECONDS)
        try:
            while not self.fault:
                if not self.open:
                    size = self.random.randint(1, MOST)
                    self.open = list(range(self.next, self.next + size))
                    self.next += size
                status, answer = ask(connection, self.open)
                if status == 503:
                    return
                self.judge(status, answer)
        except (OSError, http.client.HTTPException, ValueError):
            return
        finally:
            connection.close()

    def settle(self, address: str) -> None:
        """Send once more what was not answered."""
        if self.open:
            with closing(http.client.HTTPConnection(address, timeout=SECONDS)) as connection:
                self.judge(*ask(connection, self.open))
        expect(not self.fault, self.fault)

    def judge(self, status: int, answer: Any) -> None:
        """A request is in as a whole: now, or since it was sent before."""
        if status == 422:
            taken = {"transaction_id": ["value_already_exist"]}
            everything = {str(place): taken for place in range(len(self.open))}
            if answer["error_details"] != everything:
                self.fault = f"half of a request was stored: {answer}"
        elif status != 200:
            self.fault = f"{status}: {answer}"
        self.answered += self.open
        self.open = []


def ask(connection: http.client.HTTPConnection, numbers: list[int]) -> tuple[int, Any]:
    events = b",".join(event(number).strip() for number in numbers)
    connection.request("POST", PATH, b'{"events":[' + events + b"]}", HEADERS)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def ended(folder: Path, seed: int, times: int, by: signal.Signals) -> None:
    """
    Under load, so many servers on one file come to an end by a signal.

    Then everything that was answered is there, once, and nothing that was not sent.
    """
    program = Program(folder)
    program.define()
    random = Random(seed)
    policy = POLICIES[seed % len(POLICIES)]
    clients = [Client(number, seed) for number in range(CLIENTS)]
    for _ in range(times):
        server = Server(program, "--on-duplicate", policy)
        threads = [threading.Thread(target=each.send, args=(server.address,)) for each in clients]
        for thread in threads:
            thread.start()
        time.sleep(random.uniform(0, LATEST))
        code = server.end(by)
        for thread in threads:
            thread.join()
        wanted = -by if by is signal.SIGKILL else 0
        expect(code == wanted, f"{by.name}: exit code {code}")
        stored = dict(program.stored())
        lost = sum(f"e{number}" not in stored for each in clients for number in each.answered)
        expect(not lost, f"{lost} events were answered and are not there")
    last = Server(program, "--on-duplicate", policy)
    for each in clients:
        each.settle(last.address)
    expect(last.end(signal.SIGTERM) == 0, "it does not stop")
    program.expect_exactly(values(number for each in clients for number in each.answered))
    runs = program.run("ingest-runs", "list", "-o", "json").expect(0).json()
    told = sum(run["ingested"] for run in runs)
    kept = sum(len(each.answered) for each in clients)
    expect(told == kept, f"the runs say {told} were stored, and {kept} are")
    for run in runs:
        parts = run["ingested"] + run["duplicates"] + run["rejected"]
        expect(run["read"] == parts, f"the account of run {run['run']} does not add up")


def kills(folder: Path, trials: int) -> Outcome:
    """So many kills, some of them on each file."""
    findings = []
    for seed, first in enumerate(range(0, trials, KILLS)):
        place = folder / str(seed)
        place.mkdir()
        try:
            ended(place, seed, min(KILLS, trials - first), signal.SIGKILL)
        except Found as found:
            findings.append(f"seed {seed}: {found}")
    return Outcome(trials, findings)


def stopped(folder: Path, seed: int) -> None:
    """What was answered before a graceful stop is there, and the exit code is 0."""
    ended(folder, seed, 1, signal.SIGTERM)


def locked_out(folder: Path, _seed: int) -> None:
    """Another process holds the lock: 503, nothing is taken, and then it goes on."""
    program = Program(folder)
    program.define()
    server = Server(program, "--busy-timeout", 1)
    with closing(http.client.HTTPConnection(server.address, timeout=SECONDS)) as connection:
        expect(ask(connection, [1])[0] == 200, "it does not take an event")
        with closing(sqlite3.connect(program.file, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            status, _ = ask(connection, [2])
            expect(status == 503, f"locked: {status}")
            other.execute("ROLLBACK")
        expect(len(program.stored()) == 1, "an event was taken that was refused")
        expect(ask(connection, [2])[0] == 200, "it does not go on after a lock")
    expect(server.end(signal.SIGTERM) == 0, "it does not stop")
    program.expect_exactly(values([1, 2]))


def without_room(folder: Path, seed: int) -> None:
    """The disk is full: 503; with room again the same server goes on."""
    program = Program(folder)
    program.define()
    server = Server(program)
    kept: list[int] = []
    refused = 0
    with closing(http.client.HTTPConnection(server.address, timeout=SECONDS)) as connection:
        expect(ask(connection, [0])[0] == 200, "it does not take an event")
        limit = Random(seed).randrange(400_000, 4_000_000)
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (limit, FOREVER))
        for first in range(100, 200_000, 100):
            status, answer = ask(connection, list(range(first, first + 100)))
            if status == 503:
                refused = first
                break
            expect(status == 200, f"{status}: {answer}")
            kept += range(first, first + 100)
        expect(refused, "the limit was never reached")
        resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, (FOREVER, FOREVER))
        status, answer = ask(connection, list(range(refused, refused + 100)))
        expect(status == 200, f"with room again: {status}: {answer}")
        kept += range(refused, refused + 100)
    with suppress(ProcessLookupError):
        expect(server.end(signal.SIGTERM) == 0, "it does not stop")
    program.expect_exactly(values([0, *kept]))


EXPERIMENTS = (
    Experiment(
        "serve",
        "`SIGKILL` at a random moment of `lago serve` while four clients send batches, and send"
        " again what was not answered, with both policies for repeated events: what was answered"
        " is there, each event once, no request by half, nothing that was not sent; the accounts"
        " of the runs add up; the file is sound",
        "kills",
        100,
        kills,
    ),
    Experiment(
        "serve",
        "`SIGTERM` in the same way: exit 0, and what was answered is there",
        "stops",
        20,
        repeated(stopped),
    ),
    Experiment(
        "serve",
        "Another process holds the lock longer than `--busy-timeout`: 503, nothing is taken, and"
        " afterwards the server goes on",
        "locks",
        5,
        repeated(locked_out),
    ),
    Experiment(
        "serve",
        "A limit on the size of files, of random size: 503; with room again the same server goes"
        " on, and the usage is exact",
        "limits",
        10,
        repeated(without_room),
    ),
)
