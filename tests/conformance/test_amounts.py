"""
What usage costs: the cases of `cases/usage_amounts.json` and `cases/plan_fees.json`, on every
engine.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import format_instant, parse_instant
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.subscriptions import Subscription

FOLDER = Path(__file__).parent / "cases"
AMOUNTS = json.loads((FOLDER / "usage_amounts.json").read_text("utf-8"))
PLAN_FEES = json.loads((FOLDER / "plan_fees.json").read_text("utf-8"))


def metric_of(row):
    keys = {key: value for key, value in row.items() if key != "filters"}
    filters = [Filter(each["key"], tuple(each["values"])) for each in row["filters"]]
    return define_metric(**keys, filters=filters)


def register(engine, case, plan):
    customer, given = case["customer"], case["subscription"]
    engine.register(Customer(customer["external_id"], timezone=customer["timezone"]))
    start = parse_instant(given["started_at"])
    ended = given.get("terminated_at")
    engine.register(
        Subscription(
            given["external_id"],
            customer["external_id"],
            subscription_at=start,
            started_at=start,
            plan_code=plan.code,
            interval=plan.interval,
            billing_time=given["billing_time"],
            terminated_at=ended and parse_instant(ended),
        )
    )


def invoice_of(engine, case):
    engine.define(metric_of(case["metric"]))
    register(engine, case, engine.plan(case["plan"]))
    engine.ingest(case["events"])
    (invoice,) = engine.invoices(subscriptions=["sub_1"], at=case["at"])
    return invoice


def figures(fees):
    """What several fees come to together."""
    return {
        "units": as_plain(sum(fee.units for fee in fees)),
        "events_count": sum(fee.events_count for fee in fees),
        "amount_cents": str(sum(fee.amount_cents for fee in fees)),
    }


@pytest.mark.parametrize("case", AMOUNTS, ids=lambda case: case["id"])
def test_usage_amounts(engine, case):
    invoice = invoice_of(engine, case)
    fees = [fee for fee in invoice.fees if fee.type == "charge"]

    expect = case["expect"]
    assert format_instant(invoice.window.start) == expect["from"]
    assert format_instant(invoice.window.end) == expect["to"]
    assert str(sum(fee.amount_cents for fee in fees)) == expect["total_amount_cents"]
    for number, wanted in enumerate(expect["charges"]):
        of_charge = [fee for fee in fees if fee.number == number]
        assert_figures(of_charge, wanted)
        for group in wanted.get("groups", ()):
            assert_figures([fee for fee in of_charge if fee.group == group["by"]], group)
        for position, bucket in enumerate(wanted.get("filters", ())):
            assert_figures([fee for fee in of_charge if fee.bucket == position], bucket)


def assert_figures(fees, wanted):
    keys = wanted.keys() & {"units", "events_count", "amount_cents"}

    found = figures(fees)
    assert {key: found[key] for key in keys} == {key: wanted[key] for key in keys}


@pytest.mark.parametrize("case", PLAN_FEES, ids=lambda case: case["id"])
def test_plan_fees(engine, case):
    plan = case["plan"]
    start, end = case["fee_period"]["from"], case["fee_period"]["to"]
    row = {
        "code": "plan_1",
        "interval": plan["interval"],
        "amount_cents": plan["amount_cents"],
        "amount_currency": "EUR",
        "pay_in_advance": plan["pay_in_advance"],
        "trial_period": plan.get("trial_period_days", 0),
    }
    if "minimum_commitment_cents" in plan:
        row["minimum_commitment"] = {"amount_cents": plan["minimum_commitment_cents"]}
    given = {
        "external_id": "sub_1",
        "started_at": start,
        "billing_time": "anniversary" if "anniversary" in case["id"] else "calendar",
        "terminated_at": end if "terminated" in case["id"] else None,
    }
    customer = {"external_id": "cus_1", **case["customer"]}
    register(engine, {"customer": customer, "subscription": given}, engine.plan(row))

    (invoice,) = engine.invoices(subscriptions=["sub_1"], at=start)

    fee, *others = invoice.fees
    assert (fee.part_of.days, fee.part_of.full_days) == days(case)
    assert str(fee.amount_cents) == case["expect"]["amount_cents"]
    assert str(sum(each.amount_cents for each in others)) == case["expect"].get(
        "true_up_cents", "0"
    )


def days(case):
    """Of a case: with the days of the trial, which are part of the period."""
    trial = case["plan"].get("trial_period_days", 0)
    return case["days"]["billed"] + trial, case["days"]["full"]
