"""Each event once, for ever: duplicates, conflicts, and how they mix with every other option."""

from __future__ import annotations

import itertools
import json
from shutil import copy

import pytest

from tests.conftest import Lago


def event(transaction_id, gb, **others):
    return {
        "transaction_id": transaction_id,
        "external_customer_id": "acme",
        "code": "storage",
        "timestamp": 1704067200,
        "properties": {"gb": gb},
        **others,
    }


FIRST = [event("t1", 1), event("t2", 2), event("t3", 3)]
BAD = "{broken\n"
COUNTS = ("read", "ingested", "duplicates", "conflicts", "replaced", "rejected")


def oracle(stored, lines, on_duplicate):
    """The counts, and what is stored after."""
    stored, counts = dict(stored), dict.fromkeys(COUNTS, 0)
    for line in lines:
        counts["read"] += 1
        if line is None:
            counts["rejected"] += 1
            continue
        transaction_id, gb = line["transaction_id"], line["properties"]["gb"]
        if transaction_id not in stored:
            counts["ingested"] += 1
            stored[transaction_id] = gb
        elif on_duplicate == "error":
            counts["rejected"] += 1
        elif on_duplicate == "skip" or stored[transaction_id] == gb:
            counts["duplicates"] += 1
            counts["conflicts"] += stored[transaction_id] != gb
        else:
            counts["replaced"] += 1
            stored[transaction_id] = gb
    return counts, stored


@pytest.fixture(scope="module")
def three_file(tmp_path_factory):
    """A database with three events; made once, copied."""
    lago = Lago(tmp_path_factory.mktemp("three"))
    lago("ingest", "-q", stdin="".join(json.dumps(row) + "\n" for row in FIRST))
    return lago.folder / "lago.db"


@pytest.fixture
def three(lago, three_file):
    """Three events are in."""
    copy(three_file, lago.folder)
    return lago


MATRIX = list(
    itertools.product(
        ["skip", "replace", "error"],
        [[], ["--strict"]],
        [[], ["--max-rejects", "2"]],
        [[], ["--dry-run"]],
    )
)


@pytest.mark.parametrize(
    ("on_duplicate", "strict", "tolerated", "dry"),
    MATRIX,
    ids=[" ".join([one, *map("".join, others)]).strip() for one, *others in MATRIX],
)
def test_every_line_is_accounted_for(three, on_duplicate, strict, tolerated, dry):
    """All combinations, against an oracle: counts, exit code, the file of rejects, what stays."""
    again = [event("t1", 1), event("t2", 9), event("t4", 4), event("t4", 5), event("t4", 4), None]
    text = "".join(BAD if row is None else json.dumps(row) + "\n" for row in again)
    path = three.write("again.ndjson", text)
    before = {row["transaction_id"]: row["properties"]["gb"] for row in FIRST}
    counts, after = oracle(before, again, on_duplicate)
    refused = counts["rejected"] > (2 if tolerated else 0)
    undone = bool(strict) and refused

    found = three(
        *("ingest", path, "--on-duplicate", on_duplicate, "--rejects", "rejects", "-o", "json"),
        *(*strict, *tolerated, *dry),
        exits=5 if refused else 0,
    )

    summary = found.json()
    if undone:
        counts |= {"ingested": 0, "replaced": 0}
        assert (summary["unmatched"], summary["unusable"]) == (0, 0)
    assert {name: summary[name] for name in COUNTS} == counts
    if not undone:
        assert summary["read"] == sum(
            summary[name] for name in ("ingested", "duplicates", "replaced", "rejected")
        )
    rejects = [json.loads(line) for line in (three.folder / "rejects").read_text().splitlines()]
    assert len(rejects) == counts["rejected"]
    assert {row["line"] for row in rejects} == {row["line"] for row in summary["rejections"]}
    gone = bool(dry) or undone
    assert (summary["run"] is None) is gone
    kept = {
        row["transaction_id"]: row["properties"]["gb"] for row in three("events", "export").ndjson()
    }
    assert kept == (before if gone else after)


def test_conflicts_are_named_by_their_place(three):
    """What is stored stays; what differs is said, and a true repetition is not."""
    path = three.write(
        "again.ndjson",
        [
            event("t1", 1),
            event("t1", 7),
            event("t2", 2, code="other", timestamp=1704067201),
            event("t3", 3, external_subscription_id=None, timestamp=None),
        ],
    )
    found = three("ingest", path)

    assert [line for line in found.stderr.splitlines() if "again.ndjson" in line] == [
        f'Warning: {path}:2: transaction "t1" is stored already: properties.gb: stored 1,'
        " sent 7; the stored event stays",
        f'Warning: {path}:3: transaction "t2" is stored already: code: stored "storage",'
        ' sent "other"; timestamp: stored 2024-01-01T00:00:00Z, sent 2024-01-01T00:00:01Z;'
        " the stored event stays",
    ]
    assert found.code == 0


@pytest.mark.parametrize(
    ("changes", "conflicts"),
    [
        pytest.param({"timestamp": None}, 0, id="no timestamp is no other time"),
        pytest.param({"timestamp": "2024-01-01T01:00:00+01:00"}, 0, id="the same instant"),
        pytest.param({"timestamp": "2024-01-01T00:00:00.000001Z"}, 1, id="a microsecond later"),
        pytest.param({"properties": {"gb": 1.0}}, 0, id="the same number"),
        pytest.param({"properties": {"gb": "1"}}, 1, id="a number as text"),
        pytest.param({"properties": {"gb": True}}, 1, id="true is not one"),
        pytest.param({"properties": {}}, 1, id="no properties"),
        pytest.param({"code": "Storage"}, 1, id="a code in other letters"),
        pytest.param({"unknown": 1}, 0, id="an unknown key"),
    ],
)
def test_what_a_conflict_is(three, changes, conflicts):
    found = three("ingest", "-o", "json", stdin=json.dumps(event("t1", 1, **changes))).json()

    assert (found["duplicates"], found["conflicts"]) == (1, conflicts)


def test_an_identity_belongs_to_the_subscription_else_the_customer(lago):
    """The same transaction id: once per subscription, and once per customer without one."""
    whose = [
        {"external_subscription_id": "s1", "external_customer_id": "a"},
        {"external_subscription_id": "s2", "external_customer_id": "a"},
        {"external_customer_id": "a"},
        {"external_customer_id": "b"},
        {"external_customer_id": "s1"},
        {"external_subscription_id": "S1"},
    ]
    again = [
        {"external_subscription_id": "s1"},
        {"external_subscription_id": "s1", "external_customer_id": "b"},
        {"external_customer_id": "b"},
    ]
    least = {"transaction_id": "t", "code": "c", "timestamp": 1704067200}
    found = lago("ingest", "-o", "json", stdin="".join(json.dumps({**least, **w}) for w in whose))
    assert found.json()["ingested"] == 6

    found = lago("ingest", "-o", "json", stdin="".join(json.dumps({**least, **w}) for w in again))
    assert (found.json()["duplicates"], found.json()["conflicts"]) == (3, 2)
    assert len(lago("events", "get", "t", "-o", "json").json()) == 6


def test_many_conflicts_are_counted_and_the_first_twenty_named(lago):
    lago("ingest", "-q", stdin=json.dumps([event(f"t{n}", 1) for n in range(30)]))
    found = lago("ingest", stdin=json.dumps([event(f"t{n}", 2) for n in range(30)]))

    assert found.stderr.count("is stored already: properties.gb: stored 1, sent 2;") == 20
    assert "… and 10 more in conflict" in found.stderr


def test_replacing_keeps_the_instant_of_an_event_without_one(three):
    """A later version without a timestamp happened when the first one did."""
    three("ingest", "--on-duplicate", "replace", stdin=json.dumps(event("t1", 9, timestamp=None)))
    found = three("events", "get", "t1", "-o", "json").json()

    assert (found["timestamp"], found["properties"]) == ("2024-01-01T00:00:00Z", {"gb": 9})


def test_a_rejected_duplicate_is_kept_as_it_came(three):
    """With `error`, the file of rejects holds the line itself, wherever in a block it stood."""
    rows = [event(f"n{number}", number) for number in range(50)]
    rows[30] = event("t2", 2)
    path = three.write("again.ndjson", rows)
    found = three(
        "ingest", path, "--on-duplicate", "error", "--rejects", "rejects", "-o", "json", exits=5
    ).json()
    (reject,) = [json.loads(line) for line in (three.folder / "rejects").read_text().splitlines()]

    assert (found["ingested"], found["rejected"]) == (49, 1)
    assert (reject["line"], reject["code"]) == (31, "duplicate")
    assert json.loads(reject["raw"]) == rows[30]
