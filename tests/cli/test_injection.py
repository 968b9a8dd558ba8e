"""
Any text of a user may hold anything: stored as it came, shown harmlessly, never interpreted.

One run stores an event for each text, which is its id, its customer, its subscription, its
code, and a key and a value of its properties; every command then has to live with it.
"""

from __future__ import annotations

import json
import re
import unicodedata

import pytest

from tests.conftest import Lago

TEXTS = {
    "SQL": "value' OR 1=1 --",
    "SQL that ends a statement": "'; DROP TABLE events; --",
    "SQL wildcards": "%_?:1@a$a",
    "markup": "[/red]",
    "markup that opens": "[bold]x[link=http://x]",
    "a path into JSON": "a.b",
    "a longer path": '$.a[0]."b"',
    "a quote": '"',
    "backslashes": "\\\\n\\",
    "a dollar": "$",
    "braces": "{x}{{y}}%s%(z)s{0}",
    "an emoji": "👩‍👩‍👧 \U0001f600",
    "a newline": "one\ntwo\r\nthree\tfour",
    "a colour": "\x1b[31mred\x1b[0m",
    "a title": "\x1b]0;owned\x07\x9b31m",
    "a path": "../../x",
    "a formula": "=cmd()",
    "more formulas": "+1-1@SUM(A1)",
    "a NUL": "nul\x00nul",
    "direction": "abc\u202edef\u2066ghi",
    "nothing to see": "a\u200bb\ufeffc\u00adx",
    "HTML": "<script>alert(1)</script>&amp;|`x`|",
    "a link": "[x](javascript:alert(1))",
    "an option": "--help",
    "a dash": "-",
    "blanks": " a ",
    "combined": "e\u0301\u0301\u0301",
    "composed": "é",
    "a private character": "\ue000\U0010ffff\ufffe",
    "long": "x" * 5_000,
    "number": "1e3",
    "null": "null",
}
CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\u2028\u2029]")


def event_of(text):
    return {
        "transaction_id": text,
        "external_customer_id": text,
        "external_subscription_id": text,
        "code": text,
        "timestamp": "2026-11-22T00:00:00Z",
        "properties": {text: text, "n": 1},
        "precise_total_amount_cents": None,
    }


@pytest.fixture(scope="module")
def stored(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("injection"))
    rows = [event_of(text) for text in TEXTS.values()]
    for ensure_ascii in (True, False):
        text = "".join(json.dumps(row, ensure_ascii=ensure_ascii) + "\n" for row in rows)
        lago("ingest", "-q", "--now", "2026-11-22", stdin=text)
    return lago


@pytest.fixture(scope="module")
def exported(stored):
    return {row["transaction_id"]: row for row in stored("events", "export").ndjson()}


@pytest.mark.parametrize("name", TEXTS)
def test_it_is_stored_as_it_came(exported, name):
    assert exported[TEXTS[name]] == event_of(TEXTS[name])


def test_each_is_an_identity_of_its_own(stored, exported):
    """Composed and combined letters, NULs and blanks included; the second time they repeat."""
    runs = stored("ingest-runs", "list", "-o", "json").json()

    assert len(exported) == len(TEXTS)
    assert [(run["ingested"], run["duplicates"], run["conflicts"]) for run in runs[:2]] == [
        (len(TEXTS), 0, 0),
        (0, len(TEXTS), 0),
    ]


@pytest.mark.parametrize(
    "name",
    [
        *("SQL", "SQL that ends a statement", "SQL wildcards", "markup", "a longer path"),
        *("backslashes", "an emoji", "a newline", "a colour", "an option", "blanks", "composed"),
    ],
)
def test_it_is_found_and_nothing_else(stored, name):
    """By its own text on the command line, as a filter of each kind."""
    text = TEXTS[name]
    rows = stored(
        *("events", "list", f"--customer={text}", f"--subscription={text}", f"--code={text}"),
        *("-o", "ndjson"),
    ).ndjson()

    assert [row["transaction_id"] for row in rows] == [text]
    assert rows[0]["properties"] == {text: text, "n": 1}


@pytest.mark.parametrize("name", ["SQL", "markup", "a NUL", "an option", "a newline", "long"])
def test_get_finds_it(stored, name):
    text = TEXTS[name]
    if "\0" in text:  # no argument can hold one
        stored("events", "get", text.partition("\0")[0], exits=4)
    else:
        assert stored("events", "get", "-o", "json", "--", text).json() == {
            **event_of(text),
            "received_at": "2026-11-22T00:00:00Z",
            "run": 1,
            "status": "unmatched",
        }


COMMANDS = {
    "events list": ("events", "list"),
    "events get": ("events", "get", TEXTS["a colour"]),
    "events export": ("events", "export"),
    "usage": ("usage", "--period", "all"),
    "ingest-runs": ("ingest-runs", "list"),
}


@pytest.mark.parametrize("output", ["table", "coloured table", "json", "markdown"])
@pytest.mark.parametrize("command", COMMANDS.values(), ids=COMMANDS)
def test_nothing_reaches_the_terminal_that_it_obeys(stored, command, output):
    """Colours are ours or none; no text of a user moves the cursor or turns the line around."""
    *colored, output = output.split()
    env = {"NO_COLOR": "", "FORCE_COLOR": "1", "COLUMNS": "200"} if colored else {}
    shown = stored(*command, "-o", output, env=env).stdout
    if colored:
        shown = re.sub(r"\x1b\[[0-9;]*m", "", shown)

    assert CONTROLS.findall(shown) == []
    assert "31mred" not in shown or "x1b" in shown or "u001b" in shown


@pytest.mark.parametrize("output", ["json", "ndjson", "csv"])
def test_every_format_for_programs_gives_the_text_back(stored, output):
    found = stored("events", "list", "-o", output, "--limit", 99)
    rows = {"json": found.json, "ndjson": found.ndjson, "csv": found.csv}[output]()
    texts = set(TEXTS.values())

    for key in ("transaction_id", "external_customer_id", "external_subscription_id", "code"):
        assert {row[key] for row in rows} == texts
    properties = [row["properties"] for row in rows]
    if output == "csv":
        properties = list(map(json.loads, properties))
    assert {text for row in properties for text in row if text != "n"} == texts


@pytest.mark.parametrize("name", ["markup", "a colour", "a newline", "HTML", "SQL", "direction"])
def test_messages_show_it_escaped(stored, name):
    """Conflicts, rejections and errors name ids of users on standard error."""
    text = TEXTS[name]
    conflict = json.dumps({**event_of(text), "properties": {}})
    rejected = json.dumps({**event_of(text), "transaction_id": "new", "timestamp": text})
    found = stored("ingest", "-", "--dry-run", stdin=f"{conflict}\n{rejected}", exits=5)
    missing = stored("events", "get", "-o", "table", "--", f"no {text}", exits=4)

    assert CONTROLS.findall(found.stderr + missing.stderr) == []
    assert "is stored already: properties" in found.stderr
    if text.isprintable() and unicodedata.is_normalized("NFC", text):
        assert f'transaction "{text}"' in found.stderr
        assert f'There is no event "no {text}".' in missing.stderr


def test_names_of_files_are_shown_escaped(lago):
    name = "bad [red]\x1b[31m\n.ndjson"
    lago.write(name, "{")
    found = lago("ingest", name, "--max-rejects", 1)

    assert "bad [red]\\x1b[31m\\n.ndjson:1: invalid_json" in found.stderr
    assert CONTROLS.findall(found.stderr) == []
    assert CONTROLS.findall(lago("ingest-runs", "list").stdout) == []


@pytest.mark.parametrize("name", ["a longer path", "a quote", "an emoji", "a path", "braces"])
def test_mappings_take_any_key(lago, name):
    """A key is a key, whatever it looks like; braces have a meaning in `--set` only."""
    text = TEXTS[name]
    lago(
        *("ingest", f"--map=transaction_id={text}", f"--map=properties.{text}={text}"),
        *("--set", "code=c", "--set", "external_customer_id=a"),
        stdin=json.dumps({text: text}),
    )
    (row,) = lago("events", "export").ndjson()

    assert (row["transaction_id"], row["properties"]) == (text, {text: text})


def test_the_file_is_sound_after_all_of_it(stored):
    stored("db", "check", "-q")
