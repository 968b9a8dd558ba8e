"""What the tests of the command line share: expected outputs, and a file with sample events."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from shutil import copy

import pytest

from tests.conftest import Finished, Lago

GOLDEN = Path(__file__).parent / "golden"
AFTER_NOVEMBER = "2026-12-01T08:00:00Z"
SAMPLE_METRICS = (
    ("api_calls", "count_agg", None),
    ("storage", "sum_agg", "gb"),
    ("seats", "unique_count_agg", "user_id"),
    ("tokens", "sum_agg", "total"),
    ("parallel_jobs", "max_agg", "jobs"),
)

Golden = Callable[[str, Finished | str], None]


@pytest.fixture
def golden(request: pytest.FixtureRequest) -> Golden:
    """
    Compare a whole output with the file of that name in `golden/`.

    `golden("usage.txt", lago("usage"))` compares standard output; any other text is given
    itself. With `--update-golden` the file is written instead, unless the run had failed:
    an error message must not become what is expected by accident.
    """
    update = request.config.getoption("--update-golden")

    def compare(name: str, output: Finished | str) -> None:
        path = GOLDEN / name
        text = output if isinstance(output, str) else output.stdout
        if update:
            if not isinstance(output, str) and output.code != 0:
                pytest.fail(f"golden/{name} is not updated from a run that failed:\n{output}")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(text.encode())
        elif not path.exists():
            pytest.fail(f"There is no golden/{name} yet. Write it with: make golden")
        assert text == path.read_bytes().decode(), f"Not as in golden/{name}; see: make golden"

    return compare


@pytest.fixture(scope="session")
def defined_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database in which the metrics of the sample events are defined; made once, copied."""
    lago = Lago(tmp_path_factory.mktemp("defined"))
    for code, aggregation_type, field_name in SAMPLE_METRICS:
        field = ("--field-name", field_name) if field_name else ()
        named = ("--code", code, "--aggregation-type", aggregation_type)
        lago("metrics", "create", *named, *field, "--now", AFTER_NOVEMBER)
    return lago.folder / "lago.db"


@pytest.fixture(scope="session")
def ingested_file(
    tmp_path_factory: pytest.TempPathFactory, defined_file: Path, sample_events: Path
) -> Path:
    """The same with the sample events in it."""
    lago = Lago(tmp_path_factory.mktemp("ingested"))
    copy(defined_file, lago.folder)
    lago("ingest", sample_events / "events.ndjson", "--now", AFTER_NOVEMBER)
    return lago.folder / "lago.db"


@pytest.fixture
def metrics(lago: Lago, defined_file: Path) -> Lago:
    """The metrics of the sample events are defined."""
    copy(defined_file, lago.folder)
    return lago


@pytest.fixture
def ingested(lago: Lago, ingested_file: Path) -> Lago:
    """The sample events are in, under their metrics."""
    copy(ingested_file, lago.folder)
    return lago
