"""Export and ingest are inverse, whatever the events hold."""

from __future__ import annotations

import gzip
import itertools
import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Lago

NAMES = st.text(min_size=1).filter(str.strip) | st.sampled_from(
    ["t", "T", "a.b", '"', "\\", "\x00", "a\nb", "\x1b[31m", "é", "e\u0301", "\U0001f600", " t "]
)
NUMBERS = st.sampled_from(
    [
        *("0", "-0", "-0.0", "1.10", "1E5", "1e-7", "1e999999999", "-1e-400"),
        "123456789012345678901234567890",
        "0.1" + "0" * 40,
        "9" * 400,
    ]
)
LEAVES = st.one_of(
    NUMBERS,
    st.sampled_from(["null", "true", "false", '"\\u0041\\/\\ud83d\\ude00"', "{}", "[]", "{ }"]),
    st.text().map(json.dumps),
    st.text().map(lambda text: json.dumps(text, ensure_ascii=False)),
)
SPACES = st.sampled_from(["", " ", "  ", "\t", "\r"])


def _object(members):
    return (
        "{" + ",".join(f"{json.dumps(key)}:{space}{value}" for key, space, value in members) + "}"
    )


VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=3).map(lambda items: "[" + " , ".join(items) + "]")
        | st.lists(st.tuples(st.text(), SPACES, inner), max_size=3).map(_object)
    ),
    max_leaves=6,
)
INSTANTS = st.integers(978_307_200_000_000, 9_999_999_999_999_999).map(
    lambda micros: f"{micros // 10**6}.{micros % 10**6:06d}"
)
EVENTS = st.fixed_dictionaries(
    {
        "transaction_id": NAMES.map(json.dumps) | NUMBERS,
        "code": NAMES.map(json.dumps),
        "external_customer_id": NAMES.map(json.dumps),
    },
    optional={
        "external_subscription_id": NAMES.map(json.dumps),
        "timestamp": INSTANTS | INSTANTS.map(json.dumps),
        "properties": st.lists(st.tuples(st.text(), SPACES, VALUES), max_size=4).map(_object),
        "precise_total_amount_cents": st.sampled_from(["1.50", '"1e2"', "-0", '"0.10000"', "null"]),
    },
)


@settings(
    max_examples=4,
    deadline=None,
    suppress_health_check=list(HealthCheck),
    phases=[Phase.explicit, Phase.generate],  # each example is six processes: no shrinking
)
@given(st.lists(EVENTS, min_size=20, max_size=60))
def test_what_was_exported_and_ingested_is_exported_the_same(events):
    """To the byte; and where the events are stored already, each is a true repetition."""
    with tempfile.TemporaryDirectory() as folder:
        lago = Lago(Path(folder))
        text = "".join(
            "{" + ",".join(f'"{name}":{value}' for name, value in event.items()) + "}\n"
            for event in events
        )
        first = lago("ingest", "--db", "one.db", "-o", "json", stdin=text).json()
        exported = lago("events", "export", "--db", "one.db").stdout_bytes
        second = lago("ingest", "--db", "two.db", "-o", "json", stdin=exported).json()
        again = lago("ingest", "--db", "one.db", "-o", "json", stdin=exported).json()

        assert (first["rejected"], second["rejected"]) == (0, 0)
        assert second["ingested"] == first["ingested"] == exported.count(b"\n")
        assert (again["duplicates"], again["conflicts"]) == (first["ingested"], 0)
        assert lago("events", "export", "--db", "two.db").stdout_bytes == exported


def test_a_pipe_from_file_to_file(lago, sample_events):
    """As a person does it: everything of one file into another, packed on its way."""
    lago("ingest", sample_events / "events.ndjson", "--db", "one.db", "-q")
    exported = lago("events", "export", "--db", "one.db").stdout_bytes
    found = lago("ingest", "--db", "two.db", "-o", "json", stdin=gzip.compress(exported)).json()

    assert found["ingested"] == exported.count(b"\n") > 0
    assert lago("events", "export", "--db", "two.db").stdout_bytes == exported


def test_every_form_of_an_export_is_taken_back(lago, sample_events):
    """JSON and CSV say the same as NDJSON."""
    lago("ingest", sample_events / "events.ndjson", "-q")
    count = lago("events", "export").stdout.count("\n")
    for output in ("json", "csv"):
        exported = lago("events", "export", "-o", output).stdout
        found = lago("ingest", "-o", "json", stdin=exported).json()

        assert (found["duplicates"], found["conflicts"]) == (count, 0)


def test_pieces_make_the_whole(lago, sample_events):
    """What is exported by month, one after the other, is everything, once."""
    lago("ingest", sample_events / "events.ndjson", "-q")
    bounds = ["2000-01-01", "2026-11-05", "2026-11-12", "9999-01-01"]
    pieces = [
        lago("events", "export", "--from", start, "--to", end).stdout
        for start, end in itertools.pairwise(bounds)
    ]

    assert all(pieces)
    assert "".join(pieces) == lago("events", "export").stdout
