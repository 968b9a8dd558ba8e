"""
Every way to say how a source writes, in all combinations, against a slow and obvious oracle.

Records are written as a source would (NDJSON, or inside of documents; in some encoding and
unit of time), handed over in pieces, and read back by what is said of them.
"""

from __future__ import annotations

import json
from collections import Counter
from itertools import pairwise
from typing import NamedTuple

from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.json_text import decode_object
from lago_cli.domain.source_form import EventTold, Told
from lago_cli.domain.source_ids import content_id
from lago_cli.errors import LagoError
from lago_cli.readers.base import Block, ReadOptions
from lago_cli.readers.formats import read
from lago_cli.readers.ndjson import split
from lago_cli.services.foreign import Interpreter

NOON = 1_793_880_000  # seconds
PER_SECOND = {"s": 1, "ms": 10**3, "us": 10**6, "ns": 10**9}
NAMES = st.sampled_from(["acme", "Köhler", "-", "b:c", ""])
PARTS = {
    "id": st.integers(0, 5) | NAMES,
    "part": st.sampled_from(["x", "y:", "\\"]),
    "who": st.fixed_dictionaries({"id": NAMES}, optional={"plan": NAMES}),
    "at": st.integers(0, 3),
}
MORE = {
    "kind": st.sampled_from(["request", "other, one", None]),
    "n": st.integers(-5, 5),
    "tags": st.lists(st.fixed_dictionaries({"k": NAMES, "v": NAMES}), max_size=2),
    "secret": st.just({"deep": [1, 2]}),
}
GOOD = st.fixed_dictionaries(PARTS, optional=MORE)
ODD = st.fixed_dictionaries(
    {},
    optional={
        **PARTS,
        **MORE,
        "who": st.fixed_dictionaries({}, optional={"id": NAMES, "plan": NAMES}),
        "at": st.none() | st.sampled_from(["soon", ""]),
    },
)
FILES = st.lists(GOOD | GOOD | ODD, min_size=1, max_size=4).flatmap(
    lambda pool: st.lists(st.sampled_from(pool), max_size=8)
)
"""Records of a file, of which several may be equal."""


class Way(NamedTuple):
    """How a source writes, and what is said of it."""

    wrapped: str | None
    encoding: str
    unit: str
    id_from: str | None
    where: bool
    codes: tuple[str, ...]
    null: bool
    drop: bool


WAYS = st.builds(
    Way,
    st.sampled_from([None, "Records", "data.items"]),
    st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]),
    st.sampled_from(sorted(PER_SECOND)),
    st.sampled_from([None, "content", "position", "id,part", "id,part?"]),
    st.booleans(),
    st.sampled_from([("a",), ("a", "b")]),
    st.booleans(),
    st.booleans(),
)


def told_of(way):
    maps = {"timestamp": "at", "external_customer_id": "who.id"}
    if way.id_from is None:
        maps["transaction_id"] = "id"
    return Told(
        maps=maps,
        sets={} if len(way.codes) > 1 else {"code": way.codes[0]},
        events=[EventTold(code) for code in way.codes] if len(way.codes) > 1 else [],
        where={"kind": ["request", ""]} if way.where else {},
        drop=["secret.deep", "tags.*.v"] if way.drop else [],
        id_from=way.id_from,
        nulls=["-"] if way.null else [],
        time_unit=way.unit,
    )


def written(records, way):
    """The bytes of a source."""
    rows = []
    for record in records:
        row = dict(record)
        if isinstance(row.get("at"), int):
            row["at"] = (NOON + row["at"]) * PER_SECOND[way.unit]
        rows.append(row)
    if way.wrapped is None:
        text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)
    elif way.wrapped == "Records":
        text = json.dumps({"region": "eu", "Records": rows}, ensure_ascii=False, indent=1)
    else:
        half = len(rows) // 2
        data = [{"items": rows[:half], "page": 1}, {"page": 2, "items": rows[half:]}]
        text = json.dumps({"data": data}, ensure_ascii=False)
    return text.encode(way.encoding), rows


class Pieces:
    """A source whose bytes come in pieces."""

    def __init__(self, data, cuts):
        places = sorted({cut % (len(data) + 1) for cut in cuts} | {0, len(data)})
        self._pieces = [data[a:b] for a, b in pairwise(places)]

    def blocks(self):
        return iter(self._pieces)


def understood(data, cuts, way):
    """(events as tuples, counts of what else there was)."""
    interpreter = Interpreter(told_of(way).form())
    interpreter.begin("source")
    encoding = way.encoding if way.encoding == "latin-1" else None
    options = ReadOptions(
        format="ndjson" if way.wrapped is None else "auto",
        records=way.wrapped,
        encoding=encoding,
    )
    events, others = [], Counter()
    for item in read(Pieces(data, cuts), options):
        for record in split(item) if isinstance(item, Block) else [item]:
            try:
                assert record.problem is None, record.problem
                found = interpreter.events_of(record)
            except LagoError:
                others["rejected"] += 1
                continue
            others["skipped"] += not found
            for event in found:
                said = event.transaction_id, event.code, event.external_customer_id, event.at
                events.append((*said, json.loads(event.properties)))
    return events, others


def expected(rows, way):
    """The same, worked out the long way."""
    events, others, seen = [], Counter(), Counter()
    for row in rows:
        if way.where and row.get("kind") not in ("request", None):
            others["skipped"] += 1
            continue
        meant = nulled(row) if way.null else row
        customer = meant.get("who", {}).get("id")
        at = meant.get("at")
        if not isinstance(at, int):
            others["rejected"] += 1
            continue
        name = id_of(row, meant, way, seen)
        if name is None or not str(name).strip() or not customer:
            others["rejected"] += 1
            continue
        rest = json.loads(json.dumps(meant))
        del rest["at"]
        del rest["who"]["id"]
        if not rest["who"]:
            del rest["who"]
        if way.id_from is None:
            del rest["id"]
        if way.drop:
            rest.pop("secret", None)
            for tag in rest.get("tags", []):
                del tag["v"]
        micros = at * 10**6 // PER_SECOND[way.unit]
        for number, code in enumerate(way.codes):
            own = str(name) if number == 0 else f"{name}:{code}"
            events.append((own, code, customer, micros, rest))
    return events, others


def nulled(value):
    if isinstance(value, dict):
        return {key: nulled(each) for key, each in value.items()}
    if isinstance(value, list):
        return [nulled(each) for each in value]
    return None if value == "-" else value


def id_of(row, meant, way, seen):
    if way.id_from is None:
        return meant.get("id")
    if way.id_from == "content":
        name = content_id(decode_object(json.dumps(row)))
        seen[name] += 1
        return name if seen[name] == 1 else f"{name}:{seen[name]}"
    texts = ["" if row.get(key) is None else str(row[key]) for key in ("id", "part")]
    if not texts[0].strip() or (way.id_from == "id,part" and not texts[1]):
        return None
    return ":".join(text.replace("\\", "\\\\").replace(":", "\\:") for text in texts)


@given(FILES, WAYS, st.lists(st.integers(0, 2000), max_size=5))
def test_every_record_becomes_what_is_said_of_it(records, way, cuts):
    """Or it is skipped or rejected, and counted."""
    way = way._replace(id_from="content") if way.id_from == "position" else way
    data, rows = written(records, way)
    events, others = understood(data, cuts, way)
    right, left = expected(rows, way)

    assert events == right
    assert +others == +left


@given(FILES, WAYS, st.lists(st.integers(0, 2000), max_size=5))
def test_no_two_records_of_a_file_have_the_same_made_id(records, way, cuts):
    """Equal ones count each; and the same file again has the same ids, however it comes."""
    way = way._replace(id_from="content" if way.id_from != "position" else "position")
    data, _ = written(records, way)
    events, others = understood(data, cuts, way)
    again, _ = understood(data, (), way)
    ids = [event[0] for event in events]

    assert len(set(ids)) == len(ids)
    assert len(ids) == len(way.codes) * (len(records) - sum(others.values()))
    assert again == events
