"""`lago events send`: one event, given on the command line."""

from __future__ import annotations

from decimal import Decimal

import pytest

NOW = ("--now", "2026-11-22T10:00:00Z")
LEAST = ("events", "send", "--code", "c", "--external-customer-id", "a", *NOW)


def sent(lago):
    (row,) = lago("events", "list", "-o", "json").json()
    return row


def test_the_least_there_is(lago):
    """Its time is now, its transaction id a new random one."""
    assert lago(*LEAST, "-o", "json").json()["ingested"] == 1
    assert lago(*LEAST, "-o", "json").json()["ingested"] == 1
    rows = lago("events", "list", "-o", "json").json()

    assert len({row["transaction_id"] for row in rows}) == 2
    assert rows[0] == {
        "transaction_id": rows[0]["transaction_id"],
        "external_customer_id": "a",
        "external_subscription_id": None,
        "code": "c",
        "timestamp": "2026-11-22T10:00:00Z",
        "properties": {},
        "precise_total_amount_cents": None,
        "received_at": "2026-11-22T10:00:00Z",
        "run": 2,
        "status": "unmatched",
    }


@pytest.mark.parametrize("output", ["json", "ndjson", "csv"])
def test_the_answer_has_the_transaction_id(lago, output):
    """Also a made one."""
    found = lago(*LEAST, "-o", output)
    answer = found.json() if output == "json" else getattr(found, output)()[0]

    assert next(iter(answer)) == "transaction_id"
    assert answer["transaction_id"] == sent(lago)["transaction_id"]
    again = lago(*LEAST, "--transaction-id", answer["transaction_id"], "-o", "json").json()
    assert (again["transaction_id"], again["duplicates"]) == (answer["transaction_id"], 1)


def test_everything(lago):
    lago(
        *(*LEAST, "--external-subscription-id", "s", "--transaction-id", "t 1"),
        *("--timestamp", "2026-11-01T02:00:00.000001+02:00"),
        *("--properties", '{"gb": 1.50, "tags": ["a"]}', "--properties", "region=eu=west"),
        *("--properties", "gb=2", "--precise-total-amount-cents", "12.340"),
    )
    row = sent(lago)

    assert (row["transaction_id"], row["external_subscription_id"]) == ("t 1", "s")
    assert row["timestamp"] == "2026-11-01T00:00:00.000001Z"
    assert row["properties"] == {"gb": "2", "tags": ["a"], "region": "eu=west"}
    assert row["precise_total_amount_cents"] == "12.34"


@pytest.mark.parametrize(
    ("given", "properties"),
    [
        pytest.param(["gb=1.5"], {"gb": "1.5"}, id="a value is text"),
        pytest.param(["a.b="], {"a.b": ""}, id="an empty one too"),
        pytest.param(['{"n": 1e3, "n": 2.50}'], {"n": Decimal("2.50")}, id="JSON keeps its digits"),
        pytest.param([' {"a":\n [1]}'], {"a": [1]}, id="JSON over lines"),
        pytest.param(["event=1"], {"event": "1"}, id="a name of another meaning"),
        pytest.param(["k= v "], {"k": " v "}, id="blanks stay"),
    ],
)
def test_properties(lago, given, properties):
    lago(*LEAST, *[word for text in given for word in ("--properties", text)])

    assert sent(lago)["properties"] == properties


def test_sending_it_again_changes_nothing(lago):
    """A duplicate is no error; another content is named as a conflict."""
    first = (*LEAST, "--transaction-id", "t", "--timestamp", "1704067200")
    lago(*first, "--properties", "gb=1")
    again = lago(*first, "--properties", "gb=1", "-o", "json")
    other = lago(*first, "--properties", "gb=2", "-o", "json")

    assert (again.json()["duplicates"], again.json()["conflicts"]) == (1, 0)
    assert (other.json()["duplicates"], other.json()["conflicts"]) == (1, 1)
    assert 'transaction "t" is stored already: properties.gb: stored "1", sent "2"' in other.stderr
    assert sent(lago)["properties"] == {"gb": "1"}


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        pytest.param(["--code", "c"], 5, "external_customer_id or", id="nobody is named"),
        pytest.param(["--external-customer-id", "a"], 2, "--code", id="no code"),
        pytest.param(["--code", "", "--external-customer-id", "a"], 5, "code is empty", id="empty"),
        pytest.param(
            [*LEAST[2:], "--transaction-id", ""], 5, "transaction_id is empty", id="no id"
        ),
        pytest.param([*LEAST[2:], "--timestamp", "soon"], 5, "'soon'", id="no instant"),
        pytest.param(
            [*LEAST[2:], "--timestamp", "1704067200000"], 5, "divide it by 1000", id="milliseconds"
        ),
        pytest.param(
            [*LEAST[2:], "--precise-total-amount-cents", "much"], 5, "'much'", id="no amount"
        ),
        pytest.param([*LEAST[2:], "--properties", "gb"], 2, "gb", id="half a property"),
        pytest.param([*LEAST[2:], "--properties", "=1"], 2, "=1", id="a property without a name"),
        pytest.param([*LEAST[2:], "--properties", '{"gb":}'], 2, "--properties", id="broken JSON"),
        pytest.param([*LEAST[2:], "--properties", '{"gb":NaN}'], 2, "--properties", id="NaN"),
        pytest.param([*LEAST[2:], "--properties", "[1]"], 2, "[1]", id="an array"),
        pytest.param([*LEAST[2:], "--properties", '{"a":"\\ud800"}'], 2, "--prop", id="surrogate"),
        pytest.param(
            [*LEAST[2:], "--properties", '{"a":' + "[" * 50_000 + "]" * 50_000 + "}"],
            2,
            "--properties",
            id="deep nesting",
        ),
        pytest.param(
            [*LEAST[2:], "--properties", '{"a":' + "[" * 600 + "]" * 600 + "}"],
            5,
            "nested more than 500 levels",
            id="nesting that is too deep to be kept",
        ),
        pytest.param([*LEAST[2:], "--code", "\udcff"], 2, "UTF-8", id="bytes that are no text"),
    ],
)
def test_refused(lago, arguments, code, words):
    found = lago("events", "send", *arguments, "-o", "json", exits=code)

    assert words in found.error()["message"]
    if code == 2:
        assert list(lago.folder.iterdir()) == []
    else:
        assert (found.json()["ingested"], found.json()["rejected"]) == (0, 1)
