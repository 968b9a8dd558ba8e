"""Long answers: sent while they are written, never whole in memory, never a part for the whole."""

from __future__ import annotations

import threading

import httpx
import pytest

from lago_cli.errors import database
from lago_cli.server import pieces
from lago_cli.server.pages import things
from tests.server.test_pages import DECEMBER, TODAY

EVENTS = 400


@pytest.fixture
def many(lago, serve, monkeypatch):
    """A server that takes a few thousand bytes for much."""
    monkeypatch.setattr(pieces, "AT_ONCE", 4096)
    monkeypatch.setattr(pieces, "PIECE", 1024)
    lines = "".join(
        f'{{"transaction_id":"t{n}","code":"c","external_customer_id":"a","timestamp":"2026-11-01"}}\n'
        for n in range(EVENTS)
    )
    lago("ingest", "-q", stdin=lines, env=TODAY)
    return serve(now=lambda: DECEMBER)


@pytest.mark.parametrize("output", ["json", "csv"])
def test_a_long_answer_comes_in_pieces_and_is_what_the_command_line_writes(lago, many, output):
    answer = many.http.get(f"/events.{output}")

    command = ("events", "list", "--limit", EVENTS, "-o", output)
    assert answer.content == lago(*command, env=TODAY).stdout_bytes
    assert "content-length" not in answer.headers


def test_a_short_answer_says_how_long_it_is(many):
    answer = many.http.get("/ingest-runs.json")

    assert int(answer.headers["content-length"]) == len(answer.content)


def test_the_headers_of_a_long_answer_can_be_asked_for_alone(many):
    answer = many.http.head("/events.csv")

    assert answer.status_code == 200
    assert answer.content == b""
    assert many.http.get("/events.csv").text.count("\n") == EVENTS + 1


def test_a_failure_before_much_was_written_is_told(many):
    answer = many.http.get("/events.csv?customer=nobody")

    assert answer.status_code == 404
    assert answer.json()["error"]["code"] == "customer_not_found"


def breaking(rows, after):
    for number, row in enumerate(rows):
        if number == after:
            raise database("database_corrupt", "It is damaged.")
        yield row


def test_a_failure_in_the_middle_breaks_the_connection(many, monkeypatch):
    report = things.runs_report

    def broken(runs):
        found = report(runs)
        (run,) = found.rows
        return type(found)(None, found.columns, breaking([run] * 1000, 500))

    monkeypatch.setattr(things, "runs_report", broken)

    with pytest.raises(httpx.RemoteProtocolError):
        many.http.get("/ingest-runs.json")


def test_who_goes_away_ends_the_writing(many, monkeypatch):
    ended = threading.Event()
    report = things.runs_report

    class Noted(pieces.GivenUp):
        def __init__(self):
            ended.set()

    def endless(rows):
        while True:
            yield from rows

    def never_whole(runs):
        found = report(runs)
        return type(found)(None, found.columns, endless(list(found.rows)))

    monkeypatch.setattr(things, "runs_report", never_whole)
    monkeypatch.setattr(pieces, "GivenUp", Noted)

    with many.http.stream("GET", "/ingest-runs.csv") as answer:
        first = next(answer.iter_bytes())

    assert first
    assert ended.wait(20)
