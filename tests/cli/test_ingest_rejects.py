"""What was refused: how it is shown, written to a file, tolerated, and what it does to the exit."""

from __future__ import annotations

import json

import pytest

NO_UNIT = " (A bare number is UNIX seconds; another unit is read with --time-unit ms, us or ns.)"
GOOD = '{"transaction_id":"g%d","code":"c","external_customer_id":"a","timestamp":1704067200}\n'
BAD = '{"transaction_id":"b%d","code":"c","external_customer_id":"a","timestamp":%d}\n'


@pytest.fixture
def mixed(lago):
    """25 bad lines and two good ones: lines 1 and 27."""
    text = GOOD % 1 + "".join(BAD % (number, 1000) for number in range(25)) + GOOD % 2
    lago.write("mixed.ndjson", text)
    return lago


def test_up_to_twenty_are_shown_with_their_place(mixed):
    found = mixed("ingest", "mixed.ndjson", exits=5)
    shown = [line for line in found.stderr.splitlines() if "mixed.ndjson:" in line]

    assert len(shown) == 20
    assert shown[0] == (
        "Warning: mixed.ndjson:2: timestamp_out_of_range: timestamp lies before 2001" + NO_UNIT
    )
    assert "… and 5 more rejected" in found.stderr
    assert "Error: 25 events were rejected; all others are stored." in found.stderr
    assert len(mixed("events", "export").ndjson()) == 2


def test_where_all_are_rejected_nothing_is_stored(lago):
    found = lago("ingest", stdin='{"code": "a"}\n' * 3, exits=5)

    assert "Error: 3 events were rejected; nothing was stored." in found.stderr


def test_all_of_them_are_written(mixed):
    mixed("ingest", "mixed.ndjson", "--rejects", "rejects.ndjson", exits=5)
    text = (mixed.folder / "rejects.ndjson").read_text()
    rows = [json.loads(line) for line in text.splitlines()]

    assert len(rows) == 25
    assert {tuple(row) for row in rows} == {("file", "line", "code", "message", "raw")}
    assert rows[24] == {
        "file": "mixed.ndjson",
        "line": 26,
        "code": "timestamp_out_of_range",
        "message": "timestamp lies before 2001" + NO_UNIT,
        "raw": (BAD % (24, 1000)).rstrip("\n"),
    }


def test_mended_rejects_go_in(mixed):
    """The texts of the rejects, mended, are good input; the rest is not sent again."""
    mixed("ingest", "mixed.ndjson", "--rejects", "rejects.ndjson", "-q", exits=5)
    rows = map(json.loads, (mixed.folder / "rejects.ndjson").read_text().splitlines())
    mended = "".join(row["raw"].replace(":1000}", ":1704067200}") + "\n" for row in rows)

    assert mixed("ingest", "-o", "json", stdin=mended).json()["ingested"] == 25


def test_a_row_of_csv_is_kept_as_it_was_written(lago):
    """Whatever its fault: mended, and below the same header, it is good input."""
    header = "transaction_id;code;external_customer_id;timestamp;properties.note\n"
    bad = ['t1;c;"a";1000;"one ""two""\nthree; "', ";c ;a;1704067200;'x'", "t3;c;a;soon;"]
    again = "t4;c;a;1704067200;"
    lago("ingest", "-q", stdin=header + again + "\n")
    text = header + "".join(f"{row}\r\n" for row in [*bad, again])
    lago("ingest", "-q", "--rejects", "r", "--on-duplicate", "error", stdin=text, exits=5)
    rows = [json.loads(line) for line in (lago.folder / "r").read_text().splitlines()]

    assert sorted(row["raw"] for row in rows) == sorted([*bad, again])
    assert [row["line"] for row in rows if row["raw"] == bad[0]] == [2]
    mended = header + "\n".join([bad[0].replace("1000", "1704067200"), "t2" + bad[1]])
    assert lago("ingest", "-o", "json", stdin=mended).json()["ingested"] == 2
    notes = [row["properties"].get("note") for row in lago("events", "export").ndjson()]
    assert notes == [None, 'one "two"\nthree; ', "'x'"]


@pytest.mark.parametrize("options", [[], ["--set", "code=c"]])
def test_an_event_in_a_body_is_kept_with_what_is_around_it(lago, options):
    body = '{"event": {"transaction_id": "t"}, "source": "x"}'
    lago("ingest", *options, "-q", "--rejects", "r", stdin=body, exits=5)

    assert json.loads((lago.folder / "r").read_text())["raw"] == body


def test_without_rejects_the_file_is_empty(lago):
    """What an earlier run had written there is not taken for this one's."""
    lago.write("rejects", "old")
    lago("ingest", "--rejects", "rejects", stdin=GOOD % 1)

    assert (lago.folder / "rejects").read_bytes() == b""


def test_as_json_they_are_in_the_summary(mixed):
    """Standard output has the first twenty; standard error is one object."""
    found = mixed("ingest", "mixed.ndjson", "-o", "json", "-q", exits=5)
    summary = found.json()

    assert (summary["read"], summary["ingested"], summary["rejected"]) == (27, 2, 25)
    assert len(summary["rejections"]) == 20
    assert summary["rejections"][0] == {
        "file": "mixed.ndjson",
        "line": 2,
        "code": "timestamp_out_of_range",
        "message": "timestamp lies before 2001" + NO_UNIT,
    }
    assert json.loads(found.stderr) == {
        "error": {
            "code": "events_rejected",
            "message": "25 events were rejected; all others are stored.",
            "hint": "Mend them and send them again; --rejects FILE writes them to a file.",
        }
    }


@pytest.mark.parametrize(
    ("options", "code", "kept"),
    [
        pytest.param(["--max-rejects", 25], 0, 2, id="as many as are tolerated"),
        pytest.param(["--max-rejects", 24], 5, 2, id="one more than is tolerated"),
        pytest.param(["--max-rejects", 0], 5, 2, id="none is tolerated"),
        pytest.param(["--strict"], 5, 0, id="strict"),
        pytest.param(["--strict", "--max-rejects", 25], 0, 2, id="strict, and tolerant enough"),
        pytest.param(["--strict", "--max-rejects", 24], 5, 0, id="strict, and not enough"),
    ],
)
def test_how_much_is_tolerated(mixed, options, code, kept):
    found = mixed("ingest", "mixed.ndjson", *options, "-o", "json", exits=code)

    assert (found.json()["ingested"], found.json()["rejected"]) == (kept, 25)
    assert len(mixed("events", "export").ndjson()) == kept
    if code:
        said = "nothing was stored (--strict)" if kept == 0 else "all others are stored"
        assert said in found.error()["message"]


def test_strict_holds_for_all_files_together(lago):
    """One bad line in the last of them takes back the first."""
    lago.write("first", "".join(GOOD % number for number in range(3_000)))
    lago.write("last", "{\n")
    found = lago("ingest", "first", "last", "--strict", "-o", "json", exits=5).json()

    assert (found["run"], found["read"], found["ingested"]) == (None, 3_001, 0)
    assert lago("events", "export").stdout == ""
    assert lago("ingest-runs", "list", "-o", "json").json() == []
    assert lago("ingest", "first", "-o", "json").json()["run"] == 1


@pytest.mark.parametrize("dry", [[], ["--dry-run"]])
@pytest.mark.parametrize("output", ["table", "json", "ndjson", "csv", "markdown"])
def test_a_refused_strict_run_claims_nothing_in_any_format(mixed, output, dry):
    found = mixed("ingest", "mixed.ndjson", "--strict", *dry, "-o", output, "-q", exits=5)
    if output == "json":
        said = found.json()
    elif output == "ndjson":
        (said,) = found.ndjson()
    elif output == "csv":
        (said,) = found.csv()
    elif output == "markdown":
        header, _, row = (line.split("|")[1:-1] for line in found.stdout.splitlines())
        said = {name.strip(): cell.strip() for name, cell in zip(header, row, strict=True)}
    else:
        said = dict(line.split() for line in found.stdout.splitlines())

    counts = {"read": 27, "rejected": 25, "duplicates": 0, "conflicts": 0}
    counts |= dict.fromkeys(("ingested", "replaced", "unmatched", "unusable", "undated"), 0)
    assert {name: int(said[name]) for name in counts} == counts
    assert "so nothing" in (found.error()["message"] if output == "json" else found.stderr)


def test_a_dry_run_that_is_not_refused_says_what_would_be(mixed):
    options = ("--strict", "--max-rejects", 25, "--dry-run", "-o", "json")
    found = mixed("ingest", "mixed.ndjson", *options).json()

    assert (found["run"], found["ingested"], found["unmatched"]) == (None, 2, 2)


def test_a_dry_run_on_a_missing_file_creates_nothing(mixed):
    found = mixed("ingest", "mixed.ndjson", "--dry-run", "-o", "json", exits=5)

    assert found.json()["ingested"] == 2
    assert found.json()["run"] is None
    assert "nothing was stored" in found.error()["message"]
    assert [path.name for path in mixed.folder.iterdir()] == ["mixed.ndjson"]


def test_a_dry_run_knows_what_is_stored(mixed):
    """It says what the run would say, and leaves no trace of itself."""
    mixed("ingest", "mixed.ndjson", "--max-rejects", 99, "-q")
    found = mixed("ingest", "mixed.ndjson", "--dry-run", "--max-rejects", 99, "-o", "json").json()

    assert (found["ingested"], found["duplicates"], found["rejected"]) == (0, 2, 25)
    assert len(mixed("ingest-runs", "list", "-o", "json").json()) == 1


def test_a_single_rejected_event_says_why(lago):
    found = lago("ingest", "-q", stdin=BAD % (1, 1704067200000), exits=5)

    assert found.stderr.splitlines()[0] == (
        "Error: The event was rejected: timestamp '1704067200000' has more than the ten digits of"
        " UNIX seconds (It looks like milliseconds, 2024-01-01T00:00:00Z: read it with --time-unit"
        " ms, or divide it by 1000.)"
    )
