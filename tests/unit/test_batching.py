"""Into a large file events go many at a time, and the account is the same."""

from __future__ import annotations

import io

import pytest

from lago_cli.readers.formats import read
from lago_cli.readers.source import open_source
from lago_cli.services.ingest import Ingestion
from lago_cli.services.ingest_report import IngestOptions
from lago_cli.stores import open_store
from lago_cli.stores.sqlite import store as sqlite_store

NOON = 1_764_590_400_000_000


class Listening:
    """Keeps the lines of what it is told."""

    def __init__(self):
        self.lines = []

    def rejected(self, rejection):
        self.lines.append((rejection.line, rejection.code))

    def conflicting(self, conflict):
        self.lines.append((conflict.line, *conflict.differs_in))

    def progressed(self, tally):
        pass


def line(number, value=1):
    start = f'{{"transaction_id":"e {number}","code":"c","external_customer_id":"a"'
    return f'{start},"timestamp":1764590400,"properties":{{"v":{value}}}}}\n'.encode()


def take_in(data, *, on_duplicate, elapsed=lambda: 0.0):
    listener = Listening()
    with open_store(":memory:", writable=True, busy_timeout=1) as store:
        ingestion = Ingestion(
            store,
            IngestOptions(on_duplicate=on_duplicate),
            source="test",
            now=lambda: NOON,
            elapsed=elapsed,
            listener=listener,
        )
        with open_source("-", io.BytesIO(data)) as source:
            ingestion.read(source.name, read(source))
        tally = ingestion.finish().tally
    return tally, listener.lines


@pytest.mark.parametrize("on_duplicate", ["skip", "replace", "error"])
def test_the_account_is_the_same(monkeypatch, on_duplicate):
    rows = [line(number) for number in range(30_000)]
    rows[9_000] = line(3)
    rows[15_000] = line(5, value=2)
    rows[20_000] = b'{"code": 1}\n'
    data = b"".join(rows)
    expected = take_in(data, on_duplicate=on_duplicate)
    monkeypatch.setattr(sqlite_store, "_LARGE", 0)

    assert take_in(data, on_duplicate=on_duplicate) == expected
    assert expected[0].read == 30_000
    assert (20_001, "missing_field") in expected[1]


def test_nothing_waits_long(monkeypatch):
    """Where blocks come slowly, they are stored before there are many."""
    monkeypatch.setattr(sqlite_store, "_LARGE", 0)
    sizes = []
    append = sqlite_store.SqliteStore.append

    def watch(self, batch, **how):
        sizes.append(len(batch))
        return append(self, batch, **how)

    monkeypatch.setattr(sqlite_store.SqliteStore, "append", watch)
    clock = iter(range(0, 10**6, 3))
    data = b"".join(line(number) for number in range(9_000))
    take_in(data, on_duplicate="skip", elapsed=lambda: float(next(clock)))

    assert len(sizes) > 2
    assert sum(sizes) == 9_000
