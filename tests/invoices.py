"""Plans of every kind, with events that make each of their rules matter, for tests of invoices."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.conftest import Lago

NOW = "2026-12-01T08:00:00Z"
DEFINITIONS = """
billable_metrics:
- {code: requests, name: API requests, aggregation_type: count}
- {code: cpu, name: CPU hours, aggregation_type: sum, field_name: n}
- {code: rounded, aggregation_type: sum, field_name: n, rounding_function: ceil}
- {code: credit, aggregation_type: sum, field_name: n}
- {code: seats, aggregation_type: unique_count, field_name: u, recurring: true}
- {code: disk, aggregation_type: sum, field_name: n, recurring: true}
- {code: level, aggregation_type: weighted_sum, field_name: n}
- {code: peak, aggregation_type: max, field_name: n}
- {code: payments, aggregation_type: sum, field_name: n}
- {code: calls, aggregation_type: sum, field_name: n,
   filters: [{key: region, values: [Europe, USA, Africa]}]}
customers:
- {external_id: acme, name: Acme Inc., timezone: Europe/Paris}
- {external_id: tokyo, name: 東京 K.K., timezone: Asia/Tokyo}
"""
RANGES = [
    {"from_value": 0, "to_value": 10, "flat_amount": "10", "per_unit_amount": "0.5"},
    {"from_value": 11, "to_value": None, "flat_amount": "0", "per_unit_amount": "0.4"},
]
SHARES = [
    {"from_value": 0, "to_value": 10, "flat_amount": "1", "rate": "1.5"},
    {"from_value": 11, "to_value": None, "flat_amount": "0", "rate": "0.7"},
]
TAX = {"code": "vat", "name": "VAT", "rate": "20"}


def charge(metric: str, model: str, properties: Any = None, **more: Any) -> dict[str, Any]:
    return {
        "billable_metric_code": metric,
        "charge_model": model,
        "properties": properties or {},
        **more,
    }


def plan(code: str, charges: list[dict[str, Any]], **more: Any) -> dict[str, Any]:
    return {
        "code": code,
        "name": code.title(),
        "interval": "monthly",
        "amount_cents": 10_000,
        "amount_currency": "EUR",
        "taxes": [TAX],
        "charges": charges,
        **more,
    }


EVERY_CHARGE = [
    charge("requests", "package", {"amount": "30", "package_size": 3, "free_units": 2}),
    charge("requests", "standard", {"amount": "0.333"}, pay_in_advance=True),
    charge("cpu", "graduated", {"graduated_ranges": RANGES}),
    charge("cpu", "volume", {"volume_ranges": RANGES}),
    charge("cpu", "graduated_percentage", {"graduated_percentage_ranges": SHARES}),
    charge("cpu", "standard", {"amount": "0.0007", "pricing_group_keys": ["region", "u"]}),
    charge("rounded", "standard", {"amount": "1.005"}, min_amount_cents=5_000),
    charge("credit", "graduated", {"graduated_ranges": RANGES}),
    charge("credit", "standard", {"amount": "2"}, pay_in_advance=True),
    charge("seats", "standard", {"amount": "10"}, prorated=True),
    charge("seats", "graduated", {"graduated_ranges": RANGES}, prorated=True),
    charge("seats", "standard", {"amount": "7"}, pay_in_advance=True, prorated=True),
    charge("seats", "package", {"amount": "1", "package_size": 1}),
    charge("disk", "standard", {"amount": "0.01"}, prorated=True),
    charge("disk", "volume", {"volume_ranges": RANGES}, prorated=True),
    charge("disk", "graduated", {"graduated_ranges": RANGES}, prorated=True),
    charge("disk", "graduated", {"graduated_ranges": RANGES}, pay_in_advance=True),
    charge("level", "standard", {"amount": "1"}),
    charge("peak", "standard", {"amount": "1", "pricing_group_keys": ["region"]}),
    charge(
        "payments",
        "percentage",
        {"rate": "1.3", "fixed_amount": "0.5", "free_units_per_events": 2},
    ),
    charge(
        "payments",
        "percentage",
        {"rate": "3", "per_transaction_min_amount": "1", "per_transaction_max_amount": "2"},
    ),
    charge("payments", "percentage", {"rate": "1", "fixed_amount": "0.1"}, pay_in_advance=True),
    charge("payments", "dynamic", {"pricing_group_keys": ["region"]}),
    charge(
        "calls",
        "standard",
        {"amount": "1"},
        filters=[
            {
                "values": {"region": ["Europe", "USA"]},
                "properties": {"amount": "0.5", "pricing_group_keys": ["u"]},
            },
            {
                "values": {"region": ["USA"]},
                "properties": {"amount": "0.25"},
                "invoice_display_name": "Calls from the USA",
            },
        ],
    ),
]
EVERY = plan("every", EVERY_CHARGE, minimum_commitment={"amount_cents": 500_000})
OTHER = plan("other", EVERY_CHARGE[::-1], amount_cents=9_999)


def define(lago: Lago, *plans: dict[str, Any]) -> None:
    """The metrics and customers, and plans."""
    lago("apply", lago.write("definitions.yaml", DEFINITIONS), "--now", NOW)
    for each in plans:
        written = lago.write("plan.json", json.dumps(each))
        lago("plans", "create", "--input", written, "--now", NOW)


def subscribe(lago: Lago, name: str, plan_code: str, *more: object, customer: str = "acme") -> None:
    """From 20 September on, where nothing else is said."""
    started = () if "--started-at" in more else ("--started-at", "2026-09-20")
    named = ("--external-id", name, "--external-customer-id", customer)
    lago("subscriptions", "create", *named, "--plan-code", plan_code, *started, *more, "--now", NOW)


def change_plan(lago: Lago, name: str, old: str, until: str, new: str) -> None:
    """Of a subscription of acme."""
    row = {
        "external_id": name,
        "external_customer_id": "acme",
        "plan_code": new,
        "previous_plans": [{"plan_code": old, "until": until}],
    }
    changed = lago.write("changed.json", json.dumps({"subscriptions": [row]}))
    lago("apply", changed, "--now", NOW)


def event(number: object, code: str, at: str, who: str = "s1", **properties: Any) -> dict[str, Any]:
    return {
        "transaction_id": f"e{number}",
        "external_subscription_id": who,
        "code": code,
        "timestamp": at,
        "properties": properties,
    }


def any_events(seed: int, count: int, who: str) -> list[dict[str, Any]]:
    """From August to November, of every metric; some of them count nowhere."""
    pick = random.Random(seed)
    codes = ["requests", "cpu", "rounded", "credit", "seats", "disk", "level", "peak", "payments"]
    found = []
    for number in range(count):
        day, hour = pick.randrange(92), pick.randrange(24)
        month, day = (8, day + 1) if day < 31 else (9, day - 30) if day < 61 else (10, day - 60)
        code = pick.choice([*codes, "calls"])
        value = pick.choice(["0.5", "3", "12.25", "-2", "7", "much", "0.333"])
        each = event(
            f"{who}-{number}",
            code,
            f"2026-{month:02}-{day:02}T{hour:02}:30:00Z",
            who,
            n=value.removeprefix("-") if code in ("payments", "peak") else value,
            u=pick.choice("abc"),
            operation_type=pick.choice(["add", "add", "remove"]),
            region=pick.choice(["Europe", "USA", "Africa", "", None]),
        )
        each["precise_total_amount_cents"] = pick.choice(["10.1", "901.9", None, "0.5"])
        found.append(each)
    return found
