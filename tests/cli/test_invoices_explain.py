"""`lago invoices explain`: every cent down to tiers, prices and events, and it adds up."""

from __future__ import annotations

import json
from collections import Counter
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction

import pytest

from tests import invoices as made
from tests.conftest import Lago

AT = ("--at", "2026-10-10")
LIVES = {
    "s1": (),
    "late": ("--started-at", "2026-10-07T13:00:00Z"),
    "ended": ("--ending-at", "2026-10-19T09:00:00Z"),
    "changed": (),
    "anniversary": ("--billing-time", "anniversary"),
}


@pytest.fixture(scope="module")
def used_file(tmp_path_factory):
    """Subscriptions with lives of every kind, and events of every metric."""
    lago = Lago(tmp_path_factory.mktemp("explained"))
    made.define(lago, made.EVERY, made.OTHER)
    events = []
    for seed, (name, life) in enumerate(LIVES.items()):
        made.subscribe(lago, name, "every", *life)
        events += made.any_events(seed, 400, name)
    made.change_plan(lago, "changed", "every", "2026-10-12T15:00:00Z", "other")
    lago("ingest", "-q", lago.write("events.ndjson", events), "--now", made.NOW)
    return lago


def explained(lago, name, *more):
    return lago("invoices", "explain", "--subscription", name, *AT, *more, "-o", "json").json()


@pytest.fixture(scope="module", params=LIVES)
def invoice(request, used_file):
    return explained(used_file, request.param)


def cents_of(amount):
    exact = Decimal(amount.numerator) / Decimal(amount.denominator) * 100
    return int(exact.quantize(Decimal(1), rounding=ROUND_HALF_UP))


def total(rows, key):
    return sum((Fraction(row[key] or 0) for row in rows), Fraction(0))


def is_close(one, other):
    """Quotients are written with twelve decimals; the program compares them exactly."""
    return abs(one - other) < Fraction(1, 10**10)


def test_nothing_is_found_that_does_not_add_up(used_file, invoice):
    name = invoice["external_subscription_id"]
    finished = used_file("invoices", "explain", "--subscription", name, *AT)

    assert "add up" not in finished.stderr


def test_events_add_up_to_units(invoice):
    charged = [fee for fee in invoice["fees"] if fee["type"] == "charge"]
    for fee in charged:
        units = total(fee["events"], "units_exact") + total(fee["adjustments"], "units")

        assert is_close(units, Fraction(fee["units"])), fee
    assert sum(len(fee["events"]) for fee in charged) > 100


def test_parts_add_up_to_the_precise_amount(invoice):
    for fee in invoice["fees"]:
        parts = total(fee["details"], "amount")

        assert is_close(parts, Fraction(fee["precise_amount"])), fee


def test_precise_amounts_round_to_cents(invoice):
    for fee in invoice["fees"]:
        is_alone = any(part["kind"] == "event" for part in fee["details"])
        amounts = [part["amount"] for part in fee["details"]]
        rounded = [cents_of(Fraction(each)) for each in amounts]
        expected = sum(rounded) if is_alone else cents_of(Fraction(fee["precise_amount"]))

        assert int(fee["amount_cents"]) == expected, fee


def test_fees_and_taxes_are_the_total(invoice):
    fees = sum(int(fee["amount_cents"]) for fee in invoice["fees"])
    taxes = sum(int(tax["amount_cents"]) for tax in invoice["taxes"])

    assert fees == int(invoice["sub_total_cents"])
    assert fees + taxes == int(invoice["total_amount_cents"])


def test_prices_of_single_events_are_the_parts_of_it(invoice):
    own = [fee for fee in invoice["fees"] if any(row["amount"] for row in fee["events"])]
    for fee in own:
        parts = [part for part in fee["details"] if part["kind"] in ("event", "events")]

        assert is_close(total(fee["events"], "amount"), total(parts, "amount")), fee
    assert {fee["charge_model"] for fee in own} > {"dynamic", "percentage"}


def test_it_is_the_invoice_that_is_previewed(used_file, invoice):
    name = invoice["external_subscription_id"]
    previewed = used_file("invoices", "preview", "--subscription", name, *AT, "-o", "json").json()
    for fee in invoice["fees"]:
        for key in ("events", "adjustments", "not_counted"):
            del fee[key]

    assert invoice == previewed


def test_each_event_of_a_charge_is_told_once(used_file):
    """Whatever filter or group it falls into, or where it does not count."""
    found = explained(used_file, "s1")
    calls = [fee for fee in found["fees"] if fee["billable_metric_code"] == "calls"]
    ids = Counter(
        row["transaction_id"] for fee in calls for row in fee["events"] + fee["not_counted"]
    )
    sent = [
        each["transaction_id"]
        for each in made.any_events(0, 400, "s1")
        if each["code"] == "calls" and "2026-09-30T22" <= each["timestamp"] < "2026-10-31T23"
    ]

    assert len(calls) > 2
    assert ids == Counter(sent)


# What does not count ----------------------------------------------------------------------


@pytest.fixture
def small(lago):
    """One metric by package, with events that count and some that do not."""
    made.define(lago, made.plan("small", [made.EVERY_CHARGE[2]]))
    made.subscribe(lago, "s1", "small", "--ending-at", "2026-10-20")
    lago.write(
        "events.ndjson",
        [
            made.event(1, "cpu", "2026-10-03T10:00:00Z", n=10),
            made.event(2, "cpu", "2026-10-04T10:00:00Z", n="2.5", region="Europe"),
            made.event(3, "cpu", "2026-10-05T10:00:00Z", n="much"),
            made.event(4, "cpu", "2026-10-25T10:00:00Z", n=1),
            made.event(5, "cpu", "2026-11-25T10:00:00Z", n=1),
        ],
    )
    lago("ingest", "-q", "events.ndjson", "--now", "2026-10-10")
    late = [made.event(6, "cpu", "2026-10-06T10:00:00Z", n=100)]
    lago("ingest", "-q", lago.write("late.ndjson", late), "--now", made.NOW)
    return lago


AS_OF = ("--as-of", "2026-10-11")


def test_what_was_looked_at_and_does_not_count_says_why(small):
    fee = explained(small, "s1", *AS_OF)["fees"][1]

    assert [row["transaction_id"] for row in fee["events"]] == ["e1", "e2"]
    assert {row["transaction_id"]: row["rule"] for row in fee["not_counted"]} == {
        "e3": "unusable",
        "e4": "after_end",
        "e6": "received_later",
    }


def test_properties_are_shown_as_they_came(small):
    fee = explained(small, "s1", *AS_OF)["fees"][1]

    assert fee["events"][1]["properties"] == {"n": "2.5", "region": "Europe"}


def test_one_charge_as_a_table(small, golden):
    options = ("--subscription", "s1", *AT, *AS_OF)
    golden("invoice_explain.txt", small("invoices", "explain", *options, env={"COLUMNS": "80"}))


def test_charges_of_two_plans_as_a_table(used_file, golden):
    metrics = [word for code in ("calls", "seats", "payments") for word in ("--metric", code)]
    options = ("--subscription", "changed", *AT, "--limit", 2, *metrics)
    found = used_file("invoices", "explain", *options, env={"COLUMNS": "100"})
    golden("invoice_explain_changed.txt", found)


def test_the_table_counts_what_it_does_not_show(small):
    shown = small("invoices", "explain", "--subscription", "s1", *AT, *AS_OF, "--limit", 1).stdout

    assert "1 more event adds this" in shown
    assert "1 more event not counted: received later" in shown
    assert "1 more event not counted: after end" in shown
    assert "--limit N shows more events" in shown
    assert "e2" not in shown


def test_twenty_events_of_a_fee_are_shown(lago):
    made.define(lago, made.plan("small", [made.EVERY_CHARGE[2]]))
    made.subscribe(lago, "s1", "small")
    events = [made.event(n, "cpu", f"2026-10-03T10:{n}:00Z", n=1) for n in range(10, 35)]
    lago("ingest", "-q", lago.write("events.ndjson", events))
    shown = lago("invoices", "explain", "--subscription", "s1", *AT).stdout

    assert shown.count("adds its value") == 20
    assert "5 more events add this" in shown
    assert len(explained(lago, "s1")["fees"][1]["events"]) == 25


# Forms ------------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["csv", "ndjson"])
def test_there_is_a_row_an_event_with_its_fee(small, output):
    finished = small("invoices", "explain", "--subscription", "s1", *AT, *AS_OF, "-o", output)
    rows = finished.csv() if output == "csv" else finished.ndjson()

    assert [(row["transaction_id"], row["rule"]) for row in rows] == [
        *(("e1", "adds"), ("e2", "adds"), ("e3", "unusable")),
        *(("e6", "received_later"), ("e4", "after_end")),
    ]
    assert {row["external_subscription_id"] for row in rows} == {"s1"}
    assert {row["billable_metric_code"] for row in rows} == {"cpu"}
    assert {row["amount_cents"] for row in rows} == {"1600"}
    assert [row["contribution"] for row in rows][:2] == ["10", "2.5"]


def test_one_metric_leaves_the_sums_as_they_are(used_file):
    """A commitment is not larger because less is looked at."""
    whole, part = explained(used_file, "s1"), explained(used_file, "s1", "--metric", "calls")

    assert {fee["billable_metric_code"] for fee in part["fees"]} == {"calls"}
    assert [fee for fee in whole["fees"] if fee["billable_metric_code"] == "calls"] == part["fees"]
    assert part["total_amount_cents"] == whole["total_amount_cents"]


def test_a_metric_that_the_plan_does_not_charge_for_is_told(small):
    small("metrics", "create", "--code", "other", "--aggregation-type", "count")
    options = ("--subscription", "s1", "--metric", "other", "--now", made.NOW)
    found = small("invoices", "explain", *options, "--at", "2026-10-10").stdout

    assert found.endswith("\nNo charge of this invoice is for a metric that was asked for.\n")


def test_a_limit_holds_for_every_fee(used_file):
    found = explained(used_file, "s1", "--limit", "1")

    assert max(len(fee["events"]) for fee in found["fees"]) == 1
    assert max(len(fee["not_counted"]) for fee in found["fees"]) == 1


# Wrong use --------------------------------------------------------------------------------


@pytest.mark.parametrize("named", [(), ("--subscription", "s1", "--subscription", "s2")])
def test_it_is_about_one_subscription(small, named):
    error = small("invoices", "explain", *named, "-o", "json", exits=2).error()

    assert error["code"] == "one_subscription"


def test_an_unknown_metric_or_subscription_is_not_found(small):
    for options in (("--subscription", "s1", "--metric", "cpus"), ("--subscription", "s9")):
        error = small("invoices", "explain", *options, "-o", "json", exits=4).error()
        assert error["code"].endswith("_not_found")


def test_where_nothing_lives_there_is_nothing_to_explain(small):
    options = ("invoices", "explain", "--subscription", "s1", "--period", "2025-01")

    assert small(*options).stdout == "No subscription with a plan lives in this period.\n"
    assert json.loads(small(*options, "-o", "json").stdout) == []


def test_pages_are_not_explained(small):
    finished = small("invoices", "explain", "--subscription", "s1", "-o", "html", exits=2)

    assert "'html' is not one of" in finished.stderr
