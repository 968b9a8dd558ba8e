"""What is said on standard error beside the answer, and when it is held back."""

from __future__ import annotations

import json
import signal

import pytest

from tests.conftest import wait_until_read
from tests.terminals import OnTerminal

RECORDS = '{"id":1,"who":"a","code":"c"}\n{"id":2,"who":"a","code":"c"}\n'
MAPPED = ("--map", "transaction_id=id", "--map", "external_customer_id=who")
BAD = '{"id":3,"who":"a","code":""}\n'
SUBSCRIBED = ("--external-subscription-id", "s")
SENT = ("events", "send", "--code", "c", "--external-customer-id", "a")


def test_a_path_that_no_record_has_is_a_warning(lago):
    """A typo would lose a property, and nobody would know."""
    typo = ("ingest", *MAPPED, "--set", "timestamp=1704067200", "--map", "properties.x=tiem")
    found = lago(*typo, stdin=RECORDS)

    assert "Warning: --map properties.x=tiem found nothing in 2 records\n" in found.stderr
    assert found.stderr.count("found nothing") == 1
    assert lago(*typo, "-q", stdin=RECORDS).stderr == ""
    assert "found nothing in 1 record\n" in lago(*typo, stdin=RECORDS.splitlines()[0]).stderr


def test_a_path_that_some_record_has_is_none(lago):
    found = lago(
        "ingest", *MAPPED, "--map", "timestamp=at", stdin=RECORDS + '{"at":"soon"}', exits=5
    )
    empty = lago("ingest", *MAPPED, "--map", "timestamp=tiem", stdin="")

    assert "found nothing" not in found.stderr + empty.stderr


def test_a_dry_run_says_what_would_be_stored(lago):
    found = lago("ingest", *MAPPED, "--dry-run", stdin=RECORDS)

    assert "2 events would be stored but have a code that no metric has yet.\n" in found.stderr


def test_what_was_taken_back_is_not_called_stored(lago):
    found = lago("ingest", *MAPPED, "--strict", stdin=RECORDS + BAD, exits=5)

    assert "no metric has" not in found.stderr
    assert "1 event was rejected, so nothing was stored (--strict)." in found.stderr
    assert "Mend it and run it again" in found.stderr


def test_json_has_nothing_beside_its_error(lago):
    """Warnings stay where a run ends well."""
    lago("ingest", *MAPPED, stdin=RECORDS)
    conflict = '{"id":1,"who":"a","code":"d"}\n{"id":4,"who":"a","code":"e"}\n'
    found = lago("ingest", *MAPPED, "-o", "json", stdin=conflict + BAD, exits=5)
    tolerated = lago("ingest", *MAPPED, "-o", "json", "--max-rejects", 1, stdin=conflict + BAD)

    assert json.loads(found.stderr)["error"]["code"] == "events_rejected"
    assert tolerated.stderr.startswith("Warning: ")
    assert "is stored already: code: stored" in tolerated.stderr


def test_json_says_of_an_interrupted_run_that_nothing_stays(lago):
    process = lago.start("ingest", "--strict", "-o", "json")
    process.stdin.write(b'{"transaction_id":"1","external_customer_id":"a","code":"c"}\n')
    process.stdin.flush()
    wait_until_read(process)
    process.send_signal(signal.SIGINT)
    _, stderr = process.communicate(timeout=60)
    created, error = stderr.decode().splitlines()

    assert (process.returncode, created) == (130, "Created ./lago.db")
    assert json.loads(error)["error"]["hint"] == "Nothing was stored."


def test_a_new_transaction_id_is_said(lago):
    found = lago(*SENT)
    (row,) = lago("events", "list", "-o", "json").json()

    assert f"Transaction id: {row['transaction_id']}\n" in found.stderr
    assert "Transaction id" not in lago(*SENT, "--transaction-id", "t").stderr


def test_a_refused_event_says_why_once(lago):
    words = lago(*SENT, "--timestamp", "soon", exits=5)
    found = lago(*SENT, "--timestamp", "soon", "-o", "json", exits=5)

    assert words.stderr.count("soon") == 1
    assert "Error: The event was rejected: timestamp 'soon' is neither" in words.stderr
    assert json.loads(found.stderr)["error"]["code"] == "invalid_timestamp"


def test_empty_owners_of_a_sent_event_are_absent(lago):
    lago("events", "send", "--code", "c", "--external-customer-id", "", *SUBSCRIBED)
    (row,) = lago("events", "list", "-o", "json").json()

    assert (row["external_customer_id"], row["external_subscription_id"]) == (None, "s")


@pytest.mark.parametrize(("options", "times"), [((), 1), (("-q",), 0), (("-o", "json"), 0)])
def test_waiting_for_a_person_to_type_is_said(lago, options, times):
    shown = OnTerminal(lago, "ingest", *options, streams=("stdin", "stderr")).end()

    assert shown.count("Reading standard input; end with Ctrl-D.") == times
