"""
What a person sees: the answers about fifty customers, on screens of 80, 120 and 200 columns.

The screens are under review: `make golden` writes them anew.
"""

from __future__ import annotations

import shutil

import pytest

from tests.conftest import REPOSITORY, Lago

CLOCK = "2026-12-01T08:00:00Z"
TOKENS = {
    "billable_metric_code": "tokens",
    "charge_model": "standard",
    "properties": {"amount": "0.00002"},
}
NOVEMBER = ("--period", "2026-11")
SCREENS = {
    "usage": ("usage", *NOVEMBER),
    "compared": (
        *("usage", *NOVEMBER, "--metric", "tokens", "--compare", "previous"),
        *("--sort", "-change", "--top", "10"),
    ),
    "windows": ("usage", *NOVEMBER, "--metric", "api_calls", "--total", "--window", "day"),
    "bars": ("usage", *NOVEMBER, "--metric", "emails", "--top", "12", "--chart"),
    "line": ("usage", *NOVEMBER, "--metric", "tokens", "--total", "--window", "day", "--chart"),
    "explain": ("usage", "explain", *NOVEMBER, "--metric", "parallel_jobs"),
    "figures": ("usage", "explain", *NOVEMBER),
    "events": ("events", "list", "--limit", "12"),
    "trace": ("events", "explain", "tx-1637"),
    "customers": ("customers", "list", "--with-usage", "--now", "2026-11-30T23:00:00Z"),
    "metrics": ("metrics", "list"),
    "runs": ("ingest-runs", "list"),
    "invoice": ("invoices", "preview", "--subscription", "heron-1", *NOVEMBER),
    "invoices": ("invoices", "preview", *NOVEMBER),
}


@pytest.fixture(scope="module")
def fifty_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("fifty"))
    sample = REPOSITORY / "sample_events"
    lago("apply", sample / "growth.yml", "-q", "--now", CLOCK)
    (lago.folder / "growth.ndjson.gz").symlink_to(sample / "growth.ndjson.gz")
    lago("ingest", "growth.ndjson.gz", "-q", "--now", CLOCK)
    lago.plan("basic", TOKENS, amount_cents=4900)
    for customer in ("heron", "juniper", "quarry"):
        named = ("--customer", customer, "--plan", "basic", "--started-at", "2026-10-01")
        lago("subscriptions", "create", f"{customer}-1", *named, "-q", "--now", CLOCK)
    return lago.folder / "lago.db"


@pytest.mark.parametrize("columns", [80, 120, 200])
@pytest.mark.parametrize("screen", SCREENS)
def test_a_screen_is_as_it_was_reviewed(lago, golden, fifty_file, screen, columns):
    shutil.copy(fifty_file, lago.folder)
    command = SCREENS[screen]
    clock = () if "--now" in command else ("--now", CLOCK)

    shown = lago(*command, *clock, env={"COLUMNS": str(columns)})

    golden(f"screens/{screen}_{columns}.txt", shown)
    assert max(map(len, shown.stdout.splitlines())) <= columns


def test_fifty_customers_and_eight_metrics_are_a_line_for_each_figure(lago, fifty_file):
    shutil.copy(fifty_file, lago.folder)
    rows = lago("usage", *NOVEMBER, "-o", "ndjson").stdout.count("\n")

    screen = lago("usage", *NOVEMBER, env={"COLUMNS": "80"}).stdout.splitlines()

    assert rows < len(screen) <= rows + 15
