"""The sample events are what their README says they are, and the demonstration runs."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

NOVEMBER = ("--period", "2026-11", "-o", "json")


def table_after(readme: Path, heading: str) -> list[list[str]]:
    """The first table behind a text in a Markdown file: its cells, row by row."""
    rows = []
    for line in readme.read_text().partition(heading)[2].splitlines():
        if line.startswith("|"):
            rows.append([cell.strip() for cell in line.strip("|").split("|")])
        elif rows:
            break
    return [row for row in rows if not set("".join(row)) <= set("-:")]


def used(lago) -> dict[tuple[str, str], str]:
    """Usage of November as the README writes it: `21.5 (4)`."""
    return {
        (row["external_customer_id"], row["billable_metric_code"]): (
            f"{row['units']} ({row['events_count']})"
        )
        for row in lago("usage", *NOVEMBER).json()
    }


def test_the_usage_is_as_the_readme_says(ingested, sample_events):
    """Every cell of the table of expected figures, and no usage beside them."""
    header, *rows = table_after(sample_events / "README.md", "## The figures to expect")
    expected = {
        (row[0], metric): figure
        for row in rows
        for metric, figure in zip(header[1:], row[1:], strict=True)
        if figure
    }

    assert used(ingested) == expected


def test_the_other_files_change_what_the_readme_says(ingested, sample_events):
    """CSV and a request body add to the usage, and only where they should."""
    before = used(ingested)
    ingested("ingest", sample_events / "more_events.csv", sample_events / "lago_request.json")
    after = used(ingested)
    _, *rows = table_after(sample_events / "README.md", "these have changed")

    assert {
        key: (before.get(key, ""), after[key]) for key in after if before.get(key) != after[key]
    } == {(customer, metric): (figure, later) for customer, metric, figure, later in rows}


def test_the_invoices_are_as_the_readme_says(ingested, sample_events):
    """Every line of them, in cents, by the plan and the subscriptions beside it."""
    ingested("plans", "create", "--input", sample_events / "plan.yml")
    ingested("apply", sample_events / "subscriptions.yml")
    harbor = ("--external-id", "harbor-pro", "--external-customer-id", "harbor")
    ingested(
        "subscriptions", "create", *harbor, "--plan-code", "basic", "--started-at", "2026-11-01"
    )
    invoices = ingested("invoices", "preview", *NOVEMBER).json()
    _, *rows = table_after(sample_events / "README.md", "## The invoices to expect")

    assert {
        each["external_subscription_id"]: [
            *(int(fee["amount_cents"]) for fee in each["fees"]),
            *(int(each[key]) for key in ("sub_total_cents", "taxes_cents", "total_amount_cents")),
        ]
        for each in invoices
    } == {name: [int(cell.replace(".", "")) for cell in cells] for name, *cells in rows}


def test_the_broken_lines_are_those_of_the_readme(metrics, sample_events):
    """Six lines are refused where the README says, the two good ones go in."""
    _, *rows = table_after(sample_events / "README.md", "## What is wrong with broken.ndjson")
    report = metrics("ingest", sample_events / "broken.ndjson", "-o", "json", exits=5).json()

    assert report["ingested"] == 2
    assert [str(each["line"]) for each in report["rejections"]] == [line for line, _ in rows]


def test_the_demonstration_runs_and_leaves_nothing_behind(lago, sample_events, tmp_path):
    """`make demo` shows duplicates, a table and an invoice, whatever the day."""
    scripts = Path(sys.executable).parent
    path = f"{scripts}{os.pathsep}{os.environ['PATH']}"
    demonstration = subprocess.run(
        ["sh", sample_events / "demo.sh"],
        capture_output=True,
        check=True,
        cwd=tmp_path,
        env=lago.environment({"PATH": path, "TMPDIR": str(tmp_path)}),
        text=True,
    )

    assert re.search(r"^duplicates +83$", demonstration.stdout, re.MULTILINE)
    assert re.search(r"^tundra +storage .* 0\.3 +2$", demonstration.stdout, re.MULTILINE)
    assert re.search(r"^Total EUR +30\.46$", demonstration.stdout, re.MULTILINE)
    assert list(tmp_path.iterdir()) == []
