"""`lago serve` as a process among others, on files in every condition."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
from contextlib import closing
from typing import Any

import httpx
import pytest

from tests.conftest import Lago
from tests.servers import start

SECONDS = 30


def event(number: int, length: int = 10) -> dict[str, Any]:
    return {
        "transaction_id": f"t{number}",
        "external_subscription_id": "s",
        "code": "calls",
        "properties": {"text": "x" * length},
    }


def send(url: str, numbers: range, status: int = 200, length: int = 10) -> None:
    for first in range(numbers.start, numbers.stop, 100):
        some = range(first, min(first + 100, numbers.stop))
        several = [event(number, length) for number in some]
        answer = httpx.post(f"{url}/api/v1/events/batch", json={"events": several})
        assert answer.status_code == status, answer.text


def count(lago: Lago) -> int:
    with closing(sqlite3.connect(lago.folder / "lago.db")) as file:
        return int(file.execute("SELECT count(*) FROM events").fetchone()[0])


def stopped(process: subprocess.Popen[bytes]) -> int:
    process.send_signal(signal.SIGTERM)
    return process.wait(SECONDS)


def test_the_log_ends_to_grow_when_a_long_reader_ends(lago: Lago):
    """While somebody looks at the file of before, the log has to keep all since."""
    process, url = start(lago)
    send(url, range(100))
    log = lago.folder / "lago.db-wal"
    with closing(sqlite3.connect(lago.folder / "lago.db", isolation_level=None)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM events").fetchone()
        send(url, range(100, 800), length=25_000)
        grown = log.stat().st_size
    send(url, range(800, 1500), length=25_000)

    assert grown > 16_500_000
    assert log.stat().st_size < 1.3 * grown
    assert stopped(process) == 0
    assert not log.exists()
    assert count(lago) == 1500


def test_two_servers_write_one_file(lago: Lago):
    """Each knows what the other one stored."""
    (first, here), (second, there) = start(lago), start(lago)
    send(here, range(100))
    send(there, range(50, 60), status=422)
    send(there, range(100, 200))
    send(here, range(150, 151), status=422)

    found = httpx.get(f"{here}/api/v1/events/t150").json()["event"]
    assert found["transaction_id"] == "t150"
    assert (stopped(first), stopped(second), count(lago)) == (0, 0, 200)
    lago("db", "check", "-q")


def test_commands_work_beside_a_server(lago: Lago):
    """An ingest, a backup, a deletion: each sees and adds to the same file."""
    process, url = start(lago)
    send(url, range(100))
    lago("ingest", "-q", stdin="".join(json.dumps(event(n)) + "\n" for n in range(100, 400)))
    lago("db", "backup", "copy.db", "-q")
    lago("events", "delete", "t7", "--reason", "x", "-q")
    send(url, range(400, 500))

    assert httpx.get(f"{url}/api/v1/events/t300").status_code == 200
    assert httpx.get(f"{url}/api/v1/events/t7").status_code == 404
    send(url, range(7, 8), status=422)  # its id stays taken
    assert stopped(process) == 0
    assert len(lago("events", "list", "--limit", "1000", "-o", "json").json()) == 499
    lago("db", "check", "-q", "--db", "copy.db")
    copied = lago("events", "list", "--limit", "1000", "-o", "json", "--db", "copy.db").json()
    assert len(copied) == 400


@pytest.mark.parametrize("options", [(), ("--read-only",)])
@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("newer", "schema_too_new"),
        ("damaged", "database_corrupt"),
        ("no database", "not_a_database"),
    ],
)
def test_a_file_that_cannot_be_read_is_not_served(
    lago: Lago, state: str, code: str, options: tuple[str, ...]
):
    """Exit code 7, and it stays as it is."""
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    path = lago.folder / "lago.db"
    if state == "newer":
        with closing(sqlite3.connect(path)) as file:
            version = file.execute("PRAGMA user_version").fetchone()[0]
            file.execute(f"PRAGMA user_version = {version + 1000}")
    elif state == "damaged":
        content = bytearray(path.read_bytes())
        content[4096:8192] = os.urandom(4096)
        content[100:140] = bytes(40)
        path.write_bytes(content)
    else:
        path.write_bytes(b"nothing of the kind " * 1000)
    before = path.read_bytes()

    finished = lago.process(
        "serve", "--port", "0", "-o", "json", *options, exits=7, timeout=SECONDS
    )

    assert finished.error()["code"] == code
    assert path.read_bytes() == before


@pytest.mark.skipif(os.getuid() == 0, reason="root writes into any folder")
def test_a_file_in_a_folder_that_nobody_writes_is_served_for_reading(lago: Lago):
    """As on a read-only mount: no log, no lock file beside it."""
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    lago("ingest", "-q", stdin=json.dumps(event(1)))
    folder = lago.folder / "served"
    folder.mkdir()
    shutil.copy(lago.folder / "lago.db", folder)
    (folder / "lago.db").chmod(0o444)
    folder.chmod(0o555)
    try:
        process, url = start(lago, "--read-only", "--db", "served/lago.db")
        found = httpx.get(f"{url}/api/v1/events/t1")
        refused = httpx.post(f"{url}/api/v1/events", json={"event": event(2)})

        assert (found.status_code, refused.status_code) == (200, 403)
        assert httpx.get(f"{url}/health").status_code == 200
        assert stopped(process) == 0
        assert [path.name for path in folder.iterdir()] == ["lago.db"]
    finally:
        folder.chmod(0o755)


def test_a_server_without_an_input_ends_when_it_is_told_to(lago: Lago):
    """As the first process of a container does, in a session of its own."""
    process, url = start(lago, stdin=subprocess.DEVNULL, start_new_session=True)
    send(url, range(10))

    assert stopped(process) == 0
    assert count(lago) == 10
