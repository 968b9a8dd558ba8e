"""`lago push` and `lago usage check --against` with a `lago serve` on the other side."""

from __future__ import annotations

import json
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from lago_cli.server import failures, writer
from tests.conftest import Lago
from tests.servers import serving, start

SECONDS = 30
NOW = ("--now", "2026-11-20T00:00:00Z")
DOCUMENT: dict[str, Any] = {
    "billable_metrics": [
        {"code": "calls", "aggregation_type": "count_agg"},
        {"code": "gb", "aggregation_type": "sum_agg", "field_name": "gb"},
    ],
    "plans": [
        {
            "code": "p",
            "name": "P",
            "interval": "monthly",
            "amount_cents": 0,
            "amount_currency": "EUR",
            "charges": [
                {
                    "billable_metric_code": code,
                    "charge_model": "standard",
                    "properties": {"amount": "0.1"},
                }
                for code in ("calls", "gb")
            ],
        }
    ],
    "subscriptions": [
        {
            "external_id": name,
            "external_customer_id": f"in {name}",
            "plan_code": "p",
            "subscription_at": "2026-10-01T00:00:00Z",
        }
        for name in ("s0", "s1")
    ],
}
USAGE = ("usage", "--period", "2026-11", "--by", "subscription", "--amounts", "-o", "json", *NOW)


def lines(count: int) -> str:
    rows = (
        {
            "transaction_id": f"t{number}",
            "code": ("calls", "gb")[number % 2],
            "external_subscription_id": f"s{number % 3 % 2}",
            "timestamp": f"2026-11-{number % 19 + 1:02}T00:00:{number % 60:02}.000001Z",
            "properties": {"gb": f"{number}.00000000000000000001"},
        }
        for number in range(count)
    )
    return "".join(json.dumps(row) + "\n" for row in rows)


@pytest.fixture
def here(lago: Lago) -> Lago:
    """The file that is pushed from."""
    return defined(lago)


@pytest.fixture
def there(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lago]:
    """The file that is served."""
    program = defined(Lago(tmp_path_factory.mktemp("there")))
    yield program
    program.end()


def defined(lago: Lago, **changes: Any) -> Lago:
    lago.write("definitions.json", json.dumps({**DOCUMENT, **changes}))
    lago("apply", "definitions.json", "-q", *NOW)
    return lago


def pushed(lago: Lago, url: str, *options: object) -> dict[str, Any]:
    return lago("push", url, "-o", "json", *options).json()


def test_what_was_pushed_has_the_same_usage_there(here: Lago, there: Lago):
    """And a second push sends nothing."""
    here("ingest", "-q", *NOW, stdin=lines(350))
    with serving(there.folder / "lago.db") as (api, _):
        first = pushed(here, api.url)
        second = pushed(here, api.url)

    assert (first["read"], first["sent"]) == (350, 350)
    assert (second["read"], second["sent"]) == (0, 0)
    assert here(*USAGE).json() == there(*USAGE).json() != []


def test_a_push_and_a_server_that_are_both_killed_lose_and_repeat_nothing(here: Lago, there: Lago):
    """At any moment; whoever is started again goes on."""
    here("ingest", "-q", *NOW, stdin=lines(4000))
    server, url = start(there)
    port = url.rsplit(":", 1)[1]
    push = here.start("push", url, "-q", "--retry-for", "20")
    wait_for(lambda: stored(url) > 200)
    server.kill()
    server.wait()
    server, _ = start(there, "--port", port)
    wait_for(lambda: stored(url) > 0)
    push.kill()
    push.wait()
    finished = pushed(here, url)
    again = pushed(here, url)
    server.send_signal(signal.SIGTERM)

    assert server.wait(SECONDS) == 0
    assert (finished["refused"], finished["left"]) == (0, 0)
    assert (again["read"], again["sent"]) == (0, 0)
    assert here(*USAGE).json() == there(*USAGE).json()
    there("db", "check", "-q")


def wait_for(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS
    while not is_so():
        assert time.monotonic() < until, "it does not get there"
        time.sleep(0.01)


def stored(url: str) -> int:
    """Events that a server has stored since its start."""
    text = httpx.get(f"{url}/metrics").text
    return sum(
        int(line.split()[1]) for line in text.splitlines() if line.startswith("lago_events_total ")
    )


def test_a_server_that_has_too_much_to_do_is_asked_again(
    here: Lago, there: Lago, monkeypatch: pytest.MonkeyPatch
):
    """429 is a word of the server, and no loss."""
    here("ingest", "-q", *NOW, stdin=lines(250))
    append, turned_away = writer.Writer.append, []

    async def busy(self: writer.Writer, batch: Any) -> Any:
        if len(turned_away) < 2:
            turned_away.append(batch)
            raise failures.overloaded()
        return await append(self, batch)

    monkeypatch.setattr(writer.Writer, "append", busy)
    with serving(there.folder / "lago.db") as (api, _):
        finished = pushed(here, api.url)

    assert len(turned_away) == 2
    assert (finished["sent"], finished["left"]) == (250, 0)
    assert here(*USAGE).json() == there(*USAGE).json()


def check(lago: Lago, folder: Path, *options: str, exits: int = 0) -> Any:
    now = 1_795_132_800_000_000  # that of NOW
    with serving(folder / "lago.db", now=lambda: now) as (api, _):
        given = ("--against", api.url, *options, "-o", "json", *NOW)
        return lago("usage", "check", *given, exits=exits)


def test_a_server_that_has_the_same_agrees(here: Lago, there: Lago):
    """Units and amounts."""
    for lago in (here, there):
        lago("ingest", "-q", *NOW, stdin=lines(100))

    check(here, there.folder)
    check(here, there.folder, "--amounts")


def test_one_event_less_is_a_difference(here: Lago, there: Lago):
    """Of the metric and the subscription that it is of."""
    here("ingest", "-q", *NOW, stdin=lines(100))
    there("ingest", "-q", *NOW, stdin=lines(99))

    finished = check(here, there.folder, exits=9)

    (row,) = [row for row in finished.json() if row["difference"] != "0"]
    assert (row["billable_metric_code"], row["external_subscription_id"]) == ("gb", "s0")
    assert row["difference"].lstrip("-") == "99.00000000000000000001"


def test_another_plan_is_a_difference_of_amounts_alone(
    here: Lago, tmp_path_factory: pytest.TempPathFactory
):
    """The units are the same."""
    (plan,) = DOCUMENT["plans"]
    charges = [{**each, "properties": {"amount": "0.2"}} for each in plan["charges"]]
    other = Lago(tmp_path_factory.mktemp("other"))
    defined(other, plans=[{**plan, "charges": charges}])
    for lago in (here, other):
        lago("ingest", "-q", *NOW, stdin=lines(100))

    check(here, other.folder)
    finished = check(here, other.folder, "--amounts", exits=9)

    assert finished.error()["code"] == "usage_differs"
