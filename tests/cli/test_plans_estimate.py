"""`lago plans estimate`: what a full billing period would cost."""

from __future__ import annotations

import csv
import json
from io import StringIO

import pytest

from tests.cli.plan_files import METRICS, apply, charge, create, plan, tiers

VAT = {"code": "vat", "name": "VAT", "rate": "19"}


@pytest.fixture
def program(lago):
    """With five metrics."""
    apply(lago, METRICS)
    return lago


def estimate(program, value, *words):
    """Of a plan, in JSON."""
    create(program, value)
    return program("plans", "estimate", value["code"], *words, "-o", "json").json()


def costs(program, value, *words):
    """[(metric, filter or group, units, cents)] of the charges."""
    return [
        (row["billable_metric_code"], row["group"] or row["filter"], row["units"], row["cents"])
        for row in (
            row | {"cents": int(row["amount_cents"])}
            for row in estimate(program, value, *words)["fees"]
        )
        if row["type"] == "charge"
    ]


def of(program, given, *words):
    """(units, events, cents) of a plan with one charge."""
    (fee,) = estimate(program, plan(given), *words)["fees"][1:]
    return fee["units"], fee["events_count"], int(fee["amount_cents"])


# What it is made of ------------------------------------------------------------------------


def test_it_looks_like_an_invoice_without_dates(program):
    value = plan(charge("cpu", properties={"amount": "0.5"}), amount_cents=1000, taxes=[VAT])

    assert estimate(program, value, "--units", "cpu=2.5") == {
        "plan_code": "basic",
        "currency": "EUR",
        "sub_total_cents": "1125",
        "taxes_cents": "214",
        "total_amount_cents": "1339",
        "taxes": [{**VAT, "base_cents": "1125", "amount_cents": "214"}],
        "fees": [
            {
                "type": "subscription",
                "billable_metric_code": None,
                "charge_model": None,
                "filter": None,
                "group": None,
                "units": "1",
                "events_count": 0,
                "amount_cents": "1000",
                "precise_amount": "10",
                "from_datetime": None,
                "to_datetime": None,
                "details": [{"kind": "days", "full_amount": "10", "amount": "10"}],
            },
            {
                "type": "charge",
                "billable_metric_code": "cpu",
                "charge_model": "standard",
                "filter": None,
                "group": None,
                "units": "2.5",
                "events_count": 1,
                "amount_cents": "125",
                "precise_amount": "1.25",
                "from_datetime": None,
                "to_datetime": None,
                "details": [
                    {"kind": "units", "units": "2.5", "per_unit_amount": "0.5", "amount": "1.25"}
                ],
            },
        ],
    }


def test_csv_has_a_row_a_fee(program):
    create(program, plan(charge("cpu", properties={"amount": 2}), amount_cents=500))
    found = program("plans", "estimate", "basic", "--units", "cpu=3", "-o", "csv").stdout
    rows = list(csv.DictReader(StringIO(found)))

    assert [(row["type"], row["units"], row["amount_cents"]) for row in rows] == [
        ("subscription", "1", "500"),
        ("charge", "3", "600"),
    ]


def test_the_table_looks_like_this(program, golden):
    value = plan(
        charge("requests", "package", {"amount": 5, "package_size": 1000, "free_units": 100}),
        charge("cpu", "graduated", {"graduated_ranges": tiers((10, "0.5", 1), (None, "0.4", 0))}),
        charge("storage", "volume", {"volume_ranges": tiers((100, 1, 0), (None, "0.9", 0))}),
        charge("payments", "percentage", {"rate": 2, "fixed_amount": "0.1"}, min_amount_cents=900),
        charge(
            "seats",
            properties={"amount": 7},
            filters=[{"values": {"region": ["Europe", "USA"]}, "properties": {"amount": 9}}],
            pay_in_advance=True,
        ),
        amount_cents=4900,
        minimum_commitment={"amount_cents": 50_000},
        taxes=[VAT],
    )
    create(program, value)
    given = ("requests=2500", "cpu=12", "storage=101", "payments=200", "seats[region=USA]=3")
    words = [word for each in given for word in ("--units", each)]
    found = program("plans", "estimate", "basic", *words, "--events", "payments=4")

    golden("plans_estimate.txt", found)


def test_what_is_not_used_costs_its_first_flat_amount(program):
    flat = charge("cpu", "graduated", {"graduated_ranges": tiers((10, 1, 7), (None, 2, 3))})

    assert of(program, flat) == ("0", 0, 700)


def test_minimums_and_the_commitment_are_due_in_full(program):
    value = plan(
        charge("cpu", properties={"amount": 1}, min_amount_cents=500),
        amount_cents=100,
        minimum_commitment={"amount_cents": 5000, "taxes": [VAT]},
    )
    found = estimate(program, value, "--units", "cpu=2")

    assert [(fee["type"], fee["amount_cents"]) for fee in found["fees"]] == [
        ("subscription", "100"),
        ("charge", "200"),
        ("minimum_spend", "300"),
        ("minimum_commitment", "4400"),
    ]
    assert (found["taxes_cents"], found["total_amount_cents"]) == ("836", "5836")
    assert found["fees"][2]["details"] == [
        {"kind": "minimum", "full_amount": "5", "amount": "5"},
        {"kind": "used", "amount": "-2"},
    ]


def test_a_trial_is_no_part_of_it(program):
    found = estimate(program, plan(amount_cents=100, trial_period=400))

    assert found["total_amount_cents"] == "100"


def test_monthly_charges_come_every_month(program):
    monthly = charge("cpu", properties={"amount": 1}, min_amount_cents=300)
    value = plan(monthly, amount_cents=100, interval="yearly", bill_charges_monthly=True)
    found = estimate(program, value, "--units", "cpu=2")

    assert len(found["fees"]) == 1 + 2 * 12
    assert found["total_amount_cents"] == str(100 + 12 * 300)
    table = program("plans", "estimate", "basic", "--units", "cpu=2").stdout
    shown = [" ".join(line.split()) for line in table.splitlines()]
    assert shown[shown.index("cpu 2 1.00 24.00") :][:7] == [
        *("cpu 2 1.00 24.00", "2 × 1 = 2", "12 times"),
        *("cpu: minimum 12.00", "minimum: 3", "billed already: -2", "12 times"),
    ]


def test_a_prorated_charge_is_there_for_the_whole_period(program):
    ranges = {"graduated_ranges": tiers((2, 10, 1), (None, 5, 1))}
    graduated = charge("seats", "graduated", ranges, prorated=True)
    assert of(program, graduated, "--units", "seats=3") == ("3", 3, 2700)

    standard = charge("seats", properties={"amount": 2}, prorated=True)
    create(program, {"charges": [standard]}, verb=("update", "basic"))
    found = program("plans", "estimate", "basic", "--units", "seats=3", "-o", "json").json()
    assert found["total_amount_cents"] == "600"


def test_units_are_rounded_as_the_metric_says(program):
    program("metrics", "update", "cpu", "--rounding-function", "ceil")

    cpu = charge("cpu", properties={"amount": 1})
    assert of(program, cpu, "--units", "cpu=1.2") == ("2", 1, 200)


def test_yen_have_no_decimals(program):
    value = plan(charge("cpu", properties={"amount": "1.5"}), amount_currency="JPY")
    create(program, value)
    table = program("plans", "estimate", "basic", "--units", "cpu=3").stdout

    assert table.splitlines()[-1].split() == ["Total", "JPY", "5"]


# Filters and groups ------------------------------------------------------------------------

SEATS = charge(
    "seats",
    properties={"amount": 1},
    filters=[
        {"values": {"region": ["__ALL_FILTER_VALUES__"]}, "properties": {"amount": 2}},
        {"values": {"region": ["USA"], "tier": ["gold"]}, "properties": {"amount": 3}},
    ],
)


@pytest.mark.parametrize(
    ("written", "place"),
    [
        ("seats", 2),
        ("seats[tier=gold]", 2),
        ("seats[region=Mars]", 2),
        ("seats[region=Africa]", 0),
        ("seats[region=USA,tier=free]", 0),
        ('seats[tier=gold,region="USA"]', 1),
    ],
)
def test_properties_decide_which_price_holds(program, written, place):
    found = costs(program, plan(SEATS), "--units", f"{written}=10")

    assert [units for _, _, units, _ in found] == ["10" if n == place else "0" for n in range(3)]
    assert sum(cents for *_, cents in found) == 1000 * (2, 3, 1)[place]


def test_what_has_the_same_price_adds_up(program):
    words = ("--units", "seats[region=USA]=2", "--units", "seats[region=Africa]=3")

    assert [row[2] for row in costs(program, plan(SEATS), *words)] == ["5", "0", "0"]


def test_every_group_has_its_own_tiers(program):
    ranges = {"graduated_ranges": tiers((10, 1, 0), (None, 2, 0)), "grouped_by": ["who"]}
    words = ("--units", "cpu[who=ann]=12", "--units", "cpu[who=bob]=3", "--units", "cpu=1")

    assert costs(program, plan(charge("cpu", "graduated", ranges)), *words) == [
        ("cpu", {"who": "ann"}, "12", 1400),
        ("cpu", {"who": "bob"}, "3", 300),
        ("cpu", {"who": None}, "1", 100),
    ]


def test_a_metric_that_is_charged_twice_is_used_once(program):
    twice = plan(charge("cpu", properties={"amount": 1}), charge("cpu", properties={"amount": 2}))

    assert [row[3] for row in costs(program, twice, "--units", "cpu=2")] == [200, 400]


@pytest.mark.parametrize("code", ["a=b", "a[b]", "a[b=c]", 'a,"b', "[x/]", "é ="])
def test_any_code_can_be_named(program, code):
    rows = [{"code": each, "aggregation_type": "count"} for each in ("a", code)]
    apply(program, json.dumps({"billable_metrics": rows}))
    keys = {"amount": 1, "pricing_group_keys": ["b", "x,=]y"]}
    value = plan(charge("a", properties=keys), charge(code, properties=keys))
    found = costs(program, value, "--units", f'{code}["x,=]y"="v ""w"", ]"]=2', "--units", "a=1")
    known = [row for row in found if row[2] == "2"]

    assert known == [(code, {"b": None, "x,=]y": 'v "w", ]'}, "2", 200)]
    create(program, {"name": "again"}, verb=("update", "basic"))
    plain = program("plans", "estimate", "basic", "--units", f"{code}=7", "-o", "json").json()
    assert [fee["units"] for fee in plain["fees"][1:]] == ["0", "7"]


# Events ------------------------------------------------------------------------------------


def test_a_percentage_asks_in_how_many_events(program):
    percentage = charge(
        "payments",
        "percentage",
        {"rate": 1, "fixed_amount": 1, "free_units_per_events": 2, "per_transaction_max_amount": 5},
    )
    assert of(program, percentage, "--units", "payments=1000", "--events", "payments=4") == (
        *("1000", 4),
        700,
    )

    found = program("plans", "estimate", "basic", "--units", "payments=1000", "-o", "json").json()
    assert found["total_amount_cents"] == "0"  # the one event is free


def test_events_in_advance_are_rounded_one_by_one(program):
    advance = charge("cpu", properties={"amount": "0.005"}, pay_in_advance=True)

    assert of(program, advance, "--units", "cpu=3", "--events", "cpu=3") == ("3", 3, 3)
    for words, cents in (((), "2"), (("--events", "cpu=2"), "2"), (("--events", "cpu=6"), "0")):
        found = program(
            "plans", "estimate", "basic", "--units", "cpu=3", *words, "-o", "json"
        ).json()
        assert found["total_amount_cents"] == cents


@pytest.mark.parametrize("metric", ["requests", "seats"])
def test_each_unit_of_a_count_is_an_event(program, metric):
    ranges = {"graduated_ranges": tiers((2, "0.02", "0.01"), (None, "0.014", "0.001"))}
    advance = charge(metric, "graduated", ranges, pay_in_advance=True)

    assert of(program, advance, "--units", f"{metric}=4") == ("4", 4, 3 + 2 + 2 + 1)
    assert costs_nothing(program)


def costs_nothing(program):
    found = program("plans", "estimate", "basic", "-o", "json").json()
    return found["total_amount_cents"] == "0"


def test_events_that_carry_prices_are_told(program):
    create(program, plan(charge("cpu", "dynamic")))
    found = program("plans", "estimate", "basic", "--units", "cpu=4")

    assert found.stderr == (
        'Warning: The events of "cpu" carry their prices; here they cost nothing.\n'
    )


# Refusals ----------------------------------------------------------------------------------


def test_an_unknown_plan_is_not_found(program):
    create(program, plan())
    refused = program("plans", "estimate", "basik", "-o", "json", exits=4).error()

    assert refused["code"] == "plan_not_found"
    assert refused["message"] == 'There is no plan "basik". Did you mean "basic"?'


@pytest.mark.parametrize("option", ["--units", "--events"])
def test_a_metric_without_a_charge_is_not_found(program, option):
    create(program, plan(charge("cpu"), charge("storage")))
    refused = program("plans", "estimate", "basic", option, "seats=1", "-o", "json", exits=4)

    assert refused.error()["code"] == "charge_not_found"
    assert refused.error()["hint"] == "It charges: cpu, storage"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["cpu"], "expected CODE=N"),
        (["=3"], "expected CODE=N"),
        (["cpu="], "'' is not a number"),
        (["cpu=many"], "'many' is not a number"),
        (["cpu=-1"], "-1 is below 0"),
        (["cpu=nan"], "'nan' is not a number"),
        (["cpu=1", "--units", "cpu=2"], "it is given twice"),
        (["seats[region=USA,region=Africa]=1"], "expected CODE[PROPERTY=VALUE,…]=N"),
        (["seats[region]=1"], "expected CODE[PROPERTY=VALUE,…]=N"),
        (["seats[regoin=USA]=1"], 'no price of "seats" asks for "regoin"'),
        (["cpu[region=USA]=1"], 'no price of "cpu" asks for "region"'),
        (["seats=1.5"], '"seats" counts whole units, not 1.5'),
        (["cpu=1", "--events", "cpu=1.5"], "1.5 is no whole number"),
        (["requests=2", "--events", "requests=3"], '"requests" cannot be 2 of 3 events'),
        (["seats=2", "--events", "seats=1"], '"seats" cannot be 2 of 1 events'),
        (["requests=1000001"], "prices 1000001 events one by one"),
        (["payments=1", "--events", "payments=1e12"], "prices 1000000000000 events one by one"),
    ],
)
def test_what_makes_no_sense_is_wrong_usage(program, words, told):
    requests = charge("requests", properties={"amount": 1}, pay_in_advance=True)
    payments = charge("payments", "percentage", {"rate": 1, "free_units_per_events": 1})
    create(program, plan(SEATS, charge("cpu"), requests, payments))
    refused = program("plans", "estimate", "basic", "--units", *words, "-o", "json", exits=2)

    assert told in refused.error()["message"]
