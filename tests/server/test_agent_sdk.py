"""Lago's SDK for agents, as PyPI has it: its events arrive, each once, whatever happens between."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from lago_agent_sdk import CanonicalUsage, LagoConfig, LagoSDK

from lago_cli.server.failures import overloaded
from lago_cli.stores import open_store
from tests.conftest import Lago
from tests.servers import serving, start

SECONDS = 60
Sdk = Callable[[str], LagoSDK]


@pytest.fixture
def sdk() -> Iterator[Sdk]:
    """The SDK for a server; it tries again at once rather than in a minute."""
    with ExitStack() as stack:

        def of(url: str) -> LagoSDK:
            config = LagoConfig(
                default_subscription_id="agents",
                flush_interval_seconds=0.02,
                max_retry_seconds=0.2,
                on_error=lambda _error, _where: None,
            )
            made = LagoSDK("a-key", api_url=f"{url}/api/v1", config=config)
            stack.callback(made.shutdown, 1)
            return made

        yield of


def use(sdk: LagoSDK, numbers: range) -> None:
    """One call of a model each, of 10 tokens in and 2 tokens out."""
    for number in numbers:
        sdk.emit(CanonicalUsage(input=10, output=2, model="m", provider="p"), event_id=f"c{number}")


def tokens(lago: Lago) -> dict[str, tuple[str, int]]:
    """What is stored: units and events, by metric."""
    rows = lago("usage", "--period", "all", "--subscription", "agents", "-o", "json").json()
    return {row["billable_metric_code"]: (row["units"], row["events_count"]) for row in rows}


@pytest.fixture
def defined(lago: Lago) -> Lago:
    """The metrics that the SDK sends events for."""
    for code in ("llm_input_tokens", "llm_output_tokens"):
        field = ("--field-name", "value")
        lago("metrics", "create", code, "--aggregation-type", "sum", *field)
    return lago


def expected(calls: int) -> dict[str, tuple[str, int]]:
    return {
        "llm_input_tokens": (str(10 * calls), calls),
        "llm_output_tokens": (str(2 * calls), calls),
    }


def test_every_call_of_a_model_is_counted(defined: Lago, sdk: Sdk):
    """More of them than fit into one batch."""
    with serving(defined.folder / "lago.db") as (api, _):
        agent = sdk(api.url)

        use(agent, range(150))

        assert agent.flush(SECONDS)
    assert tokens(defined) == expected(150)


def test_calls_that_are_sent_again_count_once(defined: Lago, sdk: Sdk):
    """The SDK takes the answer to a repeated event for done."""
    with serving(defined.folder / "lago.db") as (api, _):
        for agent in (sdk(api.url), sdk(api.url)):
            use(agent, range(20))
            assert agent.flush(SECONDS)

    assert tokens(defined) == expected(20)


def test_nothing_is_lost_to_an_overloaded_server(
    defined: Lago, sdk: Sdk, monkeypatch: pytest.MonkeyPatch
):
    """429 is an answer after which the SDK comes back."""
    with serving(defined.folder / "lago.db") as (api, service):
        append = service.writer.append
        turned_away = []

        async def busy_at_first(batch):
            if len(turned_away) < 3:
                turned_away.append(batch)
                raise overloaded()
            return await append(batch)

        monkeypatch.setattr(service.writer, "append", busy_at_first)
        agent = sdk(api.url)
        use(agent, range(10))

        assert agent.flush(SECONDS)
    assert len(turned_away) == 3
    assert tokens(defined) == expected(10)


def test_nothing_is_lost_while_another_process_holds_the_lock(defined: Lago, sdk: Sdk):
    """503 is an answer after which the SDK comes back, too."""
    path = defined.folder / "lago.db"
    with serving(path, busy_timeout=0.05) as (api, service):
        with open_store(str(path), writable=True, busy_timeout=SECONDS) as other:
            other.begin()
            agent = sdk(api.url)
            use(agent, range(10))
            until = time.monotonic() + SECONDS
            while ("POST", 503) not in service.gauges.requests:
                assert time.monotonic() < until, "it was not asked"
                time.sleep(0.01)
            other.rollback()

        assert agent.flush(SECONDS)
    assert tokens(defined) == expected(10)


def test_nothing_is_lost_where_the_server_is_killed_and_started_again(defined: Lago, sdk: Sdk):
    """What it had not answered comes again, and what it had stored counts once."""
    process, url = start(defined)
    agent = sdk(url)
    use(agent, range(50))
    process.kill()
    process.wait()
    use(agent, range(50, 100))

    again = defined.start("serve", "--port", url.rsplit(":", 1)[1], "-q")

    assert agent.flush(SECONDS)
    again.terminate()
    assert again.wait(SECONDS) == 0
    assert tokens(defined) == expected(100)
