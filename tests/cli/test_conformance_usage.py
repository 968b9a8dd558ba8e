"""
What every figure means, as a script would ask for it: cases of `cases/usage.json` from
outside. `tests/conformance/test_usage.py` has all of them, on every engine.
"""

from __future__ import annotations

import json
from fractions import Fraction

import pytest

from tests.conformance.test_usage import CASES, ENDED, UPGRADED, expected

EXPRESSIBLE = [  # prices tell buckets apart; nothing on the command line leaves events out
    case for case in CASES if "buckets" not in case["query"] and not case["query"].get("exclude")
]


def define(lago, metric):
    options = {
        "--code": metric["code"],
        "--name": metric["name"],
        "--aggregation-type": metric["aggregation_type"],
        "--field-name": metric["field_name"],
        "--expression": metric["expression"],
        "--weighted-interval": metric["weighted_interval"],
        "--rounding-function": metric["rounding_function"],
        "--rounding-precision": metric["rounding_precision"],
    }
    given = [word for pair in options.items() if pair[1] is not None for word in pair]
    for row in metric["filters"]:
        given += ["--filter", f"{row['key']}={','.join(row['values'])}"]
    lago("metrics", "create", *given, *(["--recurring"] if metric["recurring"] else []))


def register(lago, case):
    customer, subscription = case["customer"], case["subscription"]
    named = ("--external-id", customer["external_id"])
    lago("customers", "create", *named, "--timezone", customer["timezone"])
    given = ["--external-id", subscription["external_id"]]
    given += ["--external-customer-id", customer["external_id"]]
    given += ["--started-at", subscription["started_at"]]
    if subscription["ended_at"] and case["id"] not in ENDED:
        given += ["--ending-at", subscription["ended_at"]]
    lago("subscriptions", "create", *given)


def ask(lago, case):
    query = case["query"]
    asked = ["--subscription", case["subscription"]["external_id"]]
    asked += ["--metric", case["metric"]["code"]]
    asked += ["--from", query["from"], "--to", UPGRADED.get(case["id"], query["to"])]
    for key in query["group_by"]:
        asked += ["--group-by", key]
    for key, values in query["filter"].items():
        values = values if isinstance(values, list) else [values]
        asked += ["--filter", f"{key}={','.join(value or '' for value in values)}"]
    if query["prorated"]:
        asked.append("--prorated")
    return lago("usage", *asked, "-o", "json").json()


def assert_figure(row, expect, note):
    """Every digit that is shown: twelve places where there are more."""
    allowed = max(Fraction(expect.get("tolerance", "0")), Fraction(1, 2 * 10**12))
    assert abs(Fraction(row["units"]) - Fraction(expect["units"])) <= allowed, note
    assert row["events_count"] == expect.get("events_count", row["events_count"]), note


@pytest.mark.parametrize("case", EXPRESSIBLE[::2], ids=lambda case: case["id"])
def test_usage(lago, case):
    define(lago, case["metric"])
    register(lago, case)
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, case["events"])))
    rows = ask(lago, case)

    expect = expected(case)
    keys = case["query"]["group_by"]
    wanted = [
        ({key: group["by"][key] for key in keys}, group) for group in expect.get("groups", [])
    ] or [(dict.fromkeys(keys) if keys else None, expect)]
    assert len(rows) == len(wanted), case["notes"]
    for group, figure in wanted:
        (row,) = [row for row in rows if row["group"] == group]
        assert_figure(row, figure, case["notes"])
        assert row["billable_metric_code"] == case["metric"]["code"]
        assert row["external_customer_id"] == case["customer"]["external_id"]
