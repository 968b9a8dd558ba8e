"""Every mapping that comes with the program reads its sample, once, and to the expected figures."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from tests.conftest import REPOSITORY, Lago

SAMPLES = REPOSITORY / "sample_events" / "mappings"
SHIPPED = sorted(path.stem for path in (REPOSITORY / "lago_cli" / "mappings").glob("*.yml"))
EXPECTED: dict[str, dict[str, Any]] = json.loads((SAMPLES / "expected.json").read_text())
LATER = {"LAGO_NOW": "2026-12-02T08:00:00Z"}
PRIVATE = {
    "caddy": ("Cookie", "cipher_suite"),
    "cloudtrail": ("bucketName", "ASIAEXAMPLE", "MFAUsed"),
    "litellm": ("10.1.4.7", "proxy_server_request"),
}


def ingest(lago: Lago, name: str) -> dict[str, Any]:
    """The summary of one run over the sample of a mapping."""
    expected = EXPECTED[name]
    done = lago(
        "ingest",
        SAMPLES / expected["file"],
        *("--mapping", name, "-o", "json"),
        exits=5 if expected["rejected"] else 0,
        env=LATER,
    )
    summary: dict[str, Any] = json.loads(done.stdout)
    return summary


def define(lago: Lago, metric: dict[str, str]) -> None:
    options = ["--aggregation-type", metric["aggregation_type"]]
    if "field_name" in metric:
        options += ["--field-name", metric["field_name"]]
    if "expression" in metric:
        options += ["--expression", metric["expression"]]
    lago("metrics", "create", "--code", metric["code"], *options)


def test_every_shipped_mapping_has_a_sample_and_every_sample_a_mapping():
    assert sorted(EXPECTED) == SHIPPED


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_mapping_takes_every_record_that_it_should(lago: Lago, name: str):
    summary = ingest(lago, name)

    counted = ("ingested", "duplicates", "conflicts", "rejected", "skipped", "undated")
    assert {key: summary[key] for key in counted} == {
        "conflicts": 0,
        "undated": 0,
        **{key: EXPECTED[name][key] for key in ("ingested", "duplicates", "rejected", "skipped")},
    }


@pytest.mark.parametrize("name", SHIPPED)
def test_the_same_file_again_is_all_duplicates(lago: Lago, name: str):
    first = ingest(lago, name)

    again = ingest(lago, name)

    assert again["ingested"] == 0
    assert again["conflicts"] == 0
    assert again["duplicates"] == first["ingested"] + first["duplicates"]


@pytest.mark.parametrize("name", SHIPPED)
def test_the_figures_are_those_worked_out_by_hand(lago: Lago, name: str):
    expected = EXPECTED[name]
    ingest(lago, name)
    ingest(lago, name)
    for metric in expected["metrics"]:
        define(lago, metric)

    rows = lago("usage", "--period", expected["period"], "-o", "json").json()
    used: dict[str, dict[str, str]] = {}
    for row in rows:
        units = used.setdefault(row["external_customer_id"], {})
        units[row["billable_metric_code"]] = row["units"]
    assert used == expected["usage"]


@pytest.mark.parametrize("name", PRIVATE)
def test_what_is_private_is_not_kept(lago: Lago, name: str):
    ingest(lago, name)

    sample = (SAMPLES / EXPECTED[name]["file"]).read_text()
    stored = lago("events", "export").stdout
    for text in PRIVATE[name]:
        assert text in sample
        assert text not in stored


def test_the_customer_of_a_mapping_is_overridden_on_the_command_line(lago: Lago):
    path: Path = SAMPLES / EXPECTED["caddy"]["file"]
    other = "external_customer_id=request.host"

    lago("ingest", path, "--mapping", "caddy", "--map", other, env=LATER)

    stored = lago("events", "list", "-o", "json", "--limit", 100).json()
    assert {event["external_customer_id"] for event in stored} == {"shop.willow.example"}


def test_a_text_that_means_null_names_no_customer(lago: Lago):
    path: Path = SAMPLES / EXPECTED["nginx"]["file"]
    other = "external_customer_id=remote_user"

    lago("ingest", path, "--mapping", "nginx", "--map", other, exits=5, env=LATER)

    stored = lago("events", "list", "-o", "json", "--limit", 100).json()
    assert {event["external_customer_id"] for event in stored} == {"ines"}
