"""Plans and metrics for the tests of the commands about plans."""

from __future__ import annotations

import json

NOW = "2026-11-22T12:00:00Z"
METRICS = """\
billable_metrics:
  - {code: requests, aggregation_type: count_agg}
  - {code: cpu, aggregation_type: sum_agg, field_name: cpu}
  - code: seats
    aggregation_type: unique_count_agg
    field_name: user
    recurring: true
    filters: [{key: region, values: [Europe, USA, Africa]}, {key: tier, values: [gold, free]}]
  - {code: storage, aggregation_type: sum_agg, field_name: gb}
  - {code: payments, aggregation_type: sum_agg, field_name: amount}
"""


def apply(lago, text, *options, exits=0):
    return lago("apply", "-", "-o", "json", "--now", NOW, *options, stdin=text, exits=exits)


def plan(*charges, **more):
    """A monthly plan in euros, without an amount of its own."""
    return {
        "code": "basic",
        "interval": "monthly",
        "amount_cents": 0,
        "amount_currency": "EUR",
        "charges": list(charges),
        **more,
    }


def charge(metric, model="standard", properties=None, **more):
    found = {"billable_metric_code": metric, "charge_model": model, **more}
    return found | ({"properties": properties} if properties is not None else {})


def tiers(*rows, key="per_unit_amount"):
    """Of (last unit, price, flat amount)."""
    start, found = 0, []
    for end, price, flat in rows:
        tier = {"from_value": start, "to_value": end, key: price, "flat_amount": flat}
        found.append(tier)
        start = (end or 0) + 1
    return found


def create(lago, value, *options, verb=("create",), exits=0):
    """`lago plans create` (or `update CODE`) of a value, from standard input."""
    given = json.dumps(value)
    words = ("plans", *verb, "--input", "-", *options, "-o", "json", "--now", NOW)
    return lago(*words, stdin=given, exits=exits)
