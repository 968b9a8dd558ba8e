"""Lago's JavaScript client, as npm has it, tells a whole story: tests/clients/javascript."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.servers import serving

CLIENT = Path(__file__).parent.parent / "clients" / "javascript"
NOON = 1_795_867_200_000_000  # 2026-11-28T12:00:00Z
SECONDS = 120
MOST_CONNECTIONS = 10  # for some forty requests


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the client was answered, on an empty file."""
    node, npm = shutil.which("node"), shutil.which("npm")
    if node is None or npm is None:
        pytest.skip("there is no Node with npm")
    folder = tmp_path_factory.mktemp("javascript")
    shutil.copytree(CLIENT, folder, dirs_exist_ok=True)
    quietly = ("--no-package-lock", "--no-audit", "--no-fund", "--ignore-scripts")
    installed = subprocess.run(
        [npm, "install", *quietly], cwd=folder, capture_output=True, check=False, timeout=SECONDS
    )
    if installed.returncode != 0:
        pytest.skip("npm cannot install Lago's JavaScript client")
    with serving(folder / "lago.db", now=lambda: NOON) as (api, _):
        ended = subprocess.run(
            [node, "story.mjs", f"{api.url}/api/v1"],
            cwd=folder,
            capture_output=True,
            check=False,
            timeout=SECONDS,
        )
    assert ended.returncode == 0, ended.stderr.decode()
    found: dict[str, Any] = json.loads(ended.stdout)
    return found


def refused(**details: Any) -> list[Any]:
    return [422, "validation_errors", details]


@pytest.mark.parametrize(
    ("chapter", "expected"),
    [
        ("organization", "string"),
        ("metric", ["storage", "sum_agg", [{"key": "region", "values": ["eu", "us"]}]]),
        ("sameMetric", refused(code=["value_already_exist"])),
        ("expression", "3"),
        ("charge", [True, "storage", {"amount": "0.5"}]),
        ("charges", [True]),
        (
            "planOfNothing",
            refused(amount_currency=["value_is_mandatory"], interval=["value_is_invalid"]),
        ),
        ("customer", ["acme", "Acme", "Europe/Paris"]),
        ("subscription", ["active", "pro", "calendar"]),
        ("event", "2026-11-27T17:20:00.000Z"),
        ("batch", ["t2", "t3"]),
        ("sameEvent", refused(transaction_id=["value_already_exist"])),
        ("sameInBatch", refused(**{"1": {"transaction_id": ["value_already_exist"]}})),
        ("found", {"gb": "2.5", "region": "us"}),
        ("listed", [["t2", "t1"], 3]),
        ("usage", [1000, "EUR", "12.5"]),
        ("filters", [[{"region": ["us"]}, 500], [None, 500]]),
        ("past", [["2026-10-01T00:00:00Z", 200]]),
        ("changedMetric", ["Disk", "gb"]),
        ("changedPlan", [5900, 1]),
        ("changedSubscription", "2027-10-01T00:00:00Z"),
        ("ofCustomer", ["acme-1"]),
        ("active", 1),
        ("usedPlan", refused(base=["plan_has_subscriptions"])),
        ("ended", "terminated"),
        ("destroyed", ["spare", "spare", "spare"]),
        (
            "unknown",
            [
                [404, "billable_metric_not_found"],
                [404, "plan_not_found"],
                [404, "customer_not_found"],
                [404, "subscription_not_found"],
                [404, "event_not_found"],
                [404, "customer_not_found"],
            ],
        ),
        ("noLongerActive", [405, "no_active_subscription", None]),
        ("unnamedThings", [400, None, None]),
    ],
)
def test_a_chapter_of_the_story(told: dict[str, Any], chapter: str, expected: Any):
    """Each is one thing that somebody does with the client."""
    assert told[chapter] == expected


def test_the_client_keeps_its_connection(told: dict[str, Any]):
    """It does not have to open one for every request."""
    assert 1 <= told["connections"] <= MOST_CONNECTIONS
