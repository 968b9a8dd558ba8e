"""YAML: exactly the values of JSON, for every reader of it."""

from __future__ import annotations

import io
import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.readers.documents import read_documents
from lago_cli.renderers import Column, RawJson, Report, Terminal, render

MISREAD = ["no", "Yes", "on", "y", "null", "~", "", "1e3", "0x1F", "0o7", "017", "1:30", "1_000"]
MISREAD += ["2026-11-22", "2026-11-22T00:00:00Z", ".inf", ".NaN", "=", "<<", "- a", "a: b", "a #b"]
MISREAD += ["true", "%a", "@a", "&a", "*a", "!a", "|", ">", "'a'", '"a"', "a:", "\ufeff", "#"]

texts = st.sampled_from(MISREAD) | st.text()
whole = st.integers(-(10**40), 10**40)
received = st.recursive(
    st.none() | st.booleans() | texts | whole,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts, inner, max_size=3),
    max_leaves=8,
)
cells = st.one_of(
    received,
    st.decimals(allow_nan=False, allow_infinity=False),
    st.datetimes(timezones=st.just(UTC)),
    received.map(lambda value: RawJson(json.dumps(value, ensure_ascii=False, indent=1))),
)


def shown(output, rows, stream=None, *, single=False):
    stream = stream or io.StringIO()
    columns = [Column(key) for key in rows[0]]
    render(Report("A title", columns, iter(rows), single=single), output, stream, Terminal())
    return stream.getvalue()


@given(st.lists(st.fixed_dictionaries({"a": cells, "no": cells}), min_size=1, max_size=4))
def test_yaml_says_what_json_says(rows):
    in_json = json.loads(shown("json", rows))

    assert yaml.safe_load(shown("yaml", rows)) == in_json


@given(st.fixed_dictionaries({"a": cells, "2026-11-22": cells}), st.booleans())
def test_a_single_thing_is_one_mapping(row, single):
    found = yaml.safe_load(shown("yaml", [row], single=single))

    assert found == json.loads(shown("json", [row], single=single))


@pytest.mark.parametrize("text", MISREAD, ids=ascii)
def test_no_reader_takes_a_text_for_anything_else(text):
    """By the rules of YAML 1.1, and by those of 1.2 here."""
    written = shown("yaml", [{"a": text, text: [text]}])
    expected = [{"a": text, text: [text]}]

    assert yaml.safe_load(written) == expected
    assert read_documents(written.encode())[0].value == expected


def test_figures_and_instants_are_quoted():
    row = {"units": "1.50", "cents": Decimal(3), "at": datetime(2026, 11, 22, tzinfo=UTC), "n": 4}

    assert shown("yaml", [row]) == (
        '- units: "1.50"\n  cents: "3"\n  at: "2026-11-22T00:00:00Z"\n  "n": 4\n'
    )


@pytest.mark.parametrize(
    ("received", "written"),
    [
        ("1.000000000000000000010", "1.000000000000000000010"),
        ("1e3", "1.0e+3"),
        ("-2.5E-7", "-2.5e-7"),
        ("123456789012345678901234567890", "123456789012345678901234567890"),
    ],
)
def test_numbers_that_were_received_keep_their_digits(received, written):
    """And are numbers to old readers too, to which `1e3` is a text."""
    text = shown("yaml", [{"a": RawJson(received)}])

    assert text == f"- a: {written}\n"
    assert yaml.safe_load(text) == [{"a": pytest.approx(float(received))}]


def test_half_a_pair_of_surrogates_comes_back():
    text = shown("yaml", [{"a": RawJson('"\\ud83d"')}])

    assert yaml.safe_load(text) == [{"a": "\ud83d"}]


def test_a_stream_that_knows_ascii_only_gets_the_same_values():
    stream = io.TextIOWrapper(io.BytesIO(), "ascii")
    rows = [{"größe": "日本 🙂 é", "b": {"é": ["ü"]}}]
    columns = [Column(key) for key in rows[0]]

    render(Report(None, columns, rows), "yaml", stream, Terminal())
    stream.flush()

    assert yaml.safe_load(stream.buffer.getvalue().decode("ascii")) == rows
