"""The one writer: whoever waits gets an answer, whatever happens to its thread."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from lago_cli.domain.batches import EventBatch, decode_lines
from lago_cli.server import writer as writers
from lago_cli.server.failures import ApiError
from lago_cli.server.gathering import Gathering
from lago_cli.server.gauges import Gauges
from lago_cli.server.writer import Writer
from lago_cli.stores import open_store
from tests.server.conftest import NOON


class Troubled(Gathering):
    """Meets `trouble` in every group that has the event `bad`."""

    trouble: BaseException | None = None

    def take_in(self, store: Any, batches: Sequence[EventBatch], received_at: int) -> Any:
        if self.trouble and any("bad" in batch.transaction_ids for batch in batches):
            raise self.trouble
        return super().take_in(store, batches, received_at)


def event(name: str) -> EventBatch:
    batch = decode_lines(
        f'{{"transaction_id":"{name}","code":"c","external_customer_id":"x"}}'.encode(), 0
    )
    assert batch is not None
    return batch


def tried(
    folder: Path,
    act: Callable[[Writer], Awaitable[Any]],
    trouble: BaseException | None = None,
) -> tuple[Any, list[str]]:
    """What `act` comes to, and the events that are stored after it."""
    path = str(folder / "lago.db")
    gathering = Troubled("test", "error", Gauges())
    gathering.trouble = trouble

    async def main() -> Any:
        writer = Writer(
            lambda: open_store(path, writable=True, busy_timeout=5),
            gathering,
            Gauges(),
            lambda: NOON,
        )
        writer.start(asyncio.get_running_loop())
        await writer.run(lambda _: None)
        try:
            return await asyncio.wait_for(act(writer), 20)
        finally:
            await writer.stop()

    found = asyncio.run(main())
    with open_store(path, writable=False, busy_timeout=5) as store:
        from lago_cli.domain.stored import EventSelection

        return found, [row.event.transaction_id for row in store.select(EventSelection())]


async def sent(writer: Writer, *names: str) -> list[Any]:
    asked = [asyncio.ensure_future(writer.append(event(name))) for name in names]
    return await asyncio.gather(*asked, return_exceptions=True)


def test_a_bug_that_one_request_brings_about_is_not_the_others_concern(tmp_path):
    _, stored = tried(tmp_path, lambda w: sent(w, "1", "bad", "2"), ZeroDivisionError())

    assert sorted(stored) == ["1", "2"]


def test_whoever_waits_is_answered_where_the_thread_ends(tmp_path):
    """Also those behind the request that ended it."""
    found, _ = tried(tmp_path, lambda w: sent(w, "bad", "1", "2"), SystemExit())

    assert all(isinstance(each, ApiError) and each.status == 503 for each in found)


def test_what_was_queued_is_stored_where_its_sender_hangs_up(tmp_path):
    async def hang_up(writer: Writer) -> None:
        asked = asyncio.ensure_future(writer.append(event("1")))
        await asyncio.sleep(0)
        asked.cancel()

    _, stored = tried(tmp_path, hang_up)

    assert stored == ["1"]


def test_too_much_that_waits_is_turned_away_at_once(tmp_path, monkeypatch):
    monkeypatch.setattr(writers, "MOST_WAITING", 2)

    found, stored = tried(tmp_path, lambda w: sent(w, "1", "2", "3"))

    turned_away = next(each for each in found if isinstance(each, ApiError))
    assert (turned_away.status, turned_away.headers["x-ratelimit-reset"]) == (429, "1")
    assert len(stored) == 2


def test_everything_that_waits_is_stored_before_it_stops(tmp_path):
    async def leave(writer: Writer) -> None:
        asked = [asyncio.ensure_future(writer.append(event(str(n)))) for n in range(50)]
        await asyncio.sleep(0)
        await writer.stop()
        await asyncio.gather(*asked)

    _, stored = tried(tmp_path, leave)

    assert len(stored) == 50


@pytest.mark.parametrize("name", ["append", "run"])
def test_a_writer_that_stops_takes_nothing(tmp_path, name):
    async def late(writer: Writer) -> Any:
        await writer.stop()
        what: Any = event("1") if name == "append" else lambda _: None
        with pytest.raises(ApiError) as caught:
            await getattr(writer, name)(what)
        return caught.value.status, writer.waiting

    found, stored = tried(tmp_path, late)

    assert (found, stored) == ((503, 0), [])
