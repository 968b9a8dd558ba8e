"""
Usage of real records agrees to the digit with figures that are calculated apart.

A web server's log (requests, bandwidth, distinct pages by address) and the requests to
two language models (tokens by service), ingested in every way that must not matter.
"""

from __future__ import annotations

import gzip
import itertools
import json
import random
import shutil
import signal
import subprocess
import time
from collections import defaultdict

import pytest

from tests.conftest import REPOSITORY, Lago

DATA = REPOSITORY.parent / "shared" / "data"
LOG = DATA / "access_log.ndjson"
LLM = DATA / "llm_requests.ndjson.gz"
LOG_METRICS = (
    ("requests", "count"),
    ("bandwidth", "sum", "--field-name", "bytes"),
    ("pages", "unique_count", "--field-name", "path"),
)
FIELDS = {
    LOG: (
        *("--map", "external_customer_id=remote_ip", "--map", "timestamp=time"),
        *("--map", "properties.bytes=bytes", "--map", "properties.path=path"),
    ),
    LLM: ("--map", "external_customer_id=service", "--map", "timestamp=timestamp"),
}
TOKENS = ("context_tokens", "generated_tokens")
NOVEMBER_2023 = ("--period", "2023-11")
MAY_2015 = ("--period", "2015-05")


def needs(path):
    return pytest.mark.skipif(not path.exists(), reason=f"{path.name} is not beside the repository")


def log_records():
    return [json.loads(line) for line in LOG.read_bytes().splitlines()]


def ingest_log(lago, *files):
    """One event of each code for each request."""
    for code, *_ in LOG_METRICS:
        of_code = ("--set", f"code={code}", "--set", f"transaction_id={{request_id}}:{code}")
        lago("ingest", *files, *FIELDS[LOG], *of_code, "-q")


def tokens_of(code):
    """How a record becomes an event of `code`."""
    named = ("--set", f"code={code}", "--set", f"transaction_id={{id}}:{code}")
    return (*FIELDS[LLM], *named, "--map", f"properties.value={code}")


def ingest_llm(lago):
    return [lago("ingest", LLM, *tokens_of(code), "-o", "json").json() for code in TOKENS]


def define(lago, metrics):
    for code, kind, *more in metrics:
        named = ("--code", code, "--aggregation-type", kind)
        lago("metrics", "create", *named, *more, "-q")


def used(lago, *asked):
    """{(customer, metric): (units, events)}."""
    return {
        (row["external_customer_id"], row["billable_metric_code"]): (
            int(row["units"]),
            row["events_count"],
        )
        for row in lago("usage", *asked, "-o", "json").json()
    }


@pytest.fixture(scope="module")
def log_figures():
    """Of every address, counted with nothing but integers and sets. Some answers had no size."""
    requests, bandwidth, pages = defaultdict(int), defaultdict(list), defaultdict(set)
    for record in log_records():
        assert record["time"].startswith("2015-05-")
        address = record["remote_ip"]
        requests[address] += 1
        bandwidth[address] += [] if record["bytes"] is None else [record["bytes"]]
        pages[address].add(record["path"])
    figures = {}
    for address, count in requests.items():
        figures[address, "requests"] = (count, count)
        if bandwidth[address]:
            figures[address, "bandwidth"] = (sum(bandwidth[address]), len(bandwidth[address]))
        figures[address, "pages"] = (len(pages[address]), count)
    return figures


@pytest.fixture(scope="module")
def log_file(tmp_path_factory):
    """The log is in, the metrics defined before."""
    lago = Lago(tmp_path_factory.mktemp("log"))
    define(lago, LOG_METRICS)
    ingest_log(lago, LOG)
    return lago.folder / "lago.db"


@pytest.fixture
def logged(lago, log_file):
    shutil.copy(log_file, lago.folder)
    return lago


@needs(LOG)
def test_requests_bandwidth_and_pages_by_address(logged, log_figures):
    sizes = [record["bytes"] for record in log_records() if record["bytes"] is not None]
    found = used(logged, *MAY_2015)

    assert found == log_figures
    assert sum(events for _, events in found.values()) == 2 * 9_999 + len(sizes) < 3 * 9_999
    assert sum(units for (_, code), (units, _) in found.items() if code == "bandwidth") == sum(
        sizes
    )
    assert used(logged, "--period", "2015-04") == used(logged, "--period", "2015-06") == {}


@needs(LOG)
def test_the_days_and_the_groups_of_the_log_are_those_of_the_records(logged):
    bandwidth, requests = defaultdict(int), defaultdict(int)
    for record in log_records():
        if record["bytes"] is not None:
            bandwidth[record["remote_ip"], record["time"][:10]] += record["bytes"]
        requests[record["remote_ip"], record["path"]] += 1
    days = logged("usage", *MAY_2015, "--metric", "bandwidth", "--window", "day", "-o", "json")
    groups = logged("usage", *MAY_2015, "--metric", "pages", "--group-by", "path", "-o", "json")

    assert {
        (row["external_customer_id"], row["from_datetime"][:10]): int(row["units"])
        for row in days.json()
    } == dict(bandwidth)
    assert {
        (row["external_customer_id"], row["group"]["path"]): (row["units"], row["events_count"])
        for row in groups.json()
    } == {key: ("1", count) for key, count in requests.items()}


@needs(LOG)
def test_ingesting_the_log_again_changes_nothing(logged, log_figures):
    ingest_log(logged, LOG)

    assert used(logged, *MAY_2015) == log_figures
    assert logged("db", "info", "-o", "json").json()["events"] == 3 * 9_999
    logged("db", "check")


@needs(LOG)
def test_a_shuffled_log_in_pieces_with_metrics_defined_last(lago, log_figures):
    """Four files, the lines of each in disorder and many of them in two files."""
    lines = LOG.read_bytes().splitlines(keepends=True)
    random.Random(7).shuffle(lines)
    pieces = [
        lago.write(f"piece{number}.ndjson", b"".join(lines[start : start + 3_500]))
        for number, start in enumerate(range(0, len(lines), 2_500))
    ]
    ingest_log(lago, *pieces)
    assert used(lago, *MAY_2015) == {}
    define(lago, LOG_METRICS)

    assert used(lago, *MAY_2015) == log_figures


@pytest.fixture(scope="module")
def llm_figures():
    figures = defaultdict(lambda: (0, 0))
    with gzip.open(LLM) as file:
        for line in file:
            record = json.loads(line)
            for code in TOKENS:
                units, events = figures[record["service"], code]
                figures[record["service"], code] = (units + record[code], events + 1)
    return dict(figures)


def define_tokens(lago):
    define(lago, [(code, "sum", "--field-name", "value") for code in TOKENS])


@needs(LLM)
def test_tokens_by_service(lago, llm_figures):
    """Two events of each record; ingested a second time they are all duplicates."""
    define_tokens(lago)
    first = ingest_llm(lago)
    again = ingest_llm(lago)

    assert [(row["ingested"], row["duplicates"]) for row in first] == [(28_185, 0)] * 2
    assert [(row["ingested"], row["duplicates"]) for row in again] == [(0, 28_185)] * 2
    assert set(llm_figures) == set(itertools.product(("code", "conversation"), TOKENS))
    assert used(lago, *NOVEMBER_2023) == llm_figures


@needs(LLM)
def test_tokens_through_a_pipe(lago, llm_figures):
    """Decompressed by another program; and compressed, in another order."""
    define_tokens(lago)
    context, generated = TOKENS
    with subprocess.Popen(["gzip", "-dc", LLM], stdout=subprocess.PIPE) as unpacked:
        lago("ingest", *tokens_of(context), "-q", stdin=unpacked.stdout)
    lines = gzip.decompress(LLM.read_bytes()).splitlines(keepends=True)
    random.Random(7).shuffle(lines)
    lago("ingest", "-", *tokens_of(generated), "-q", stdin=gzip.compress(b"".join(lines), 1))

    assert used(lago, *NOVEMBER_2023) == llm_figures


@needs(LLM)
def test_tokens_after_a_kill_in_the_middle(lago, llm_figures):
    """What was committed stays, what was not comes with the second run, nothing comes twice."""
    define_tokens(lago)
    lines = gzip.decompress(LLM.read_bytes()).splitlines(keepends=True)
    running = lago.start("ingest", *tokens_of(TOKENS[0]), "-q")
    running.stdin.write(b"".join(lines[:15_000]))
    running.stdin.flush()
    committed = wait_for_events(lago)
    running.stdin.write(b"".join(lines[15_000:20_000]))
    running.stdin.flush()
    running.send_signal(signal.SIGKILL)
    running.wait()
    kept = lago("db", "info", "-o", "json").json()["events"]
    reports = ingest_llm(lago)

    assert 0 < committed <= kept <= 20_000
    assert (reports[0]["ingested"], reports[0]["duplicates"]) == (28_185 - kept, kept)
    assert used(lago, *NOVEMBER_2023) == llm_figures
    lago("db", "check")


def wait_for_events(lago):
    """How many there are as soon as there are any: what a pause commits."""
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        events = lago("db", "info", "-o", "json").json()["events"]
        if events:
            return events
        time.sleep(0.05)
    raise AssertionError("nothing was committed while the input paused")
