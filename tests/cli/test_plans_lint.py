"""`lago plans lint`: what is no fault, and hardly meant."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

from tests.cli.plan_files import METRICS, NOW, apply, charge, create, plan, tiers

EVERY = [charge(code, properties={"amount": 1}) for code in ("requests", "cpu", "storage")]
EVERY += [charge(code, properties={"amount": 1}) for code in ("seats", "payments")]


@pytest.fixture
def program(lago):
    """With five metrics."""
    apply(lago, METRICS)
    return lago


def lint(lago, *words, exits=0, stdin=b""):
    """[(code, place, message)]"""
    found = lago("plans", "lint", *words, "-o", "json", "--now", NOW, exits=exits, stdin=stdin)
    return [(row["code"], row["place"], row["message"]) for row in found.json()]


def lint_file(lago, value, *options, exits=0):
    """Of a file without the line numbers, which are all 1."""
    found = lint(lago, "-", *options, exits=exits, stdin=json.dumps(value))
    return [(code, place.removeprefix("<stdin>:1: "), told) for code, place, told in found]


def of_filters(program, *filters):
    """What is found about filters of seats, which ask for these values."""
    prices = [{"values": values, "properties": {"amount": 2}} for values in filters]
    found = lint_file(program, plan(charge("seats", properties={"amount": 1}, filters=prices)))
    return [(code, place.removeprefix("charges[0]."), told) for code, place, told in found]


def of_volume(program, metric, *rows):
    """What is found about tiers of volume, written as (last unit, price, flat amount)."""
    value = plan(charge(metric, "volume", {"volume_ranges": tiers(*rows)}))
    return [(place, told) for code, place, told in lint_file(program, value)]


def subscribe(lago, name, plan_code=None, customer="acme"):
    words = ("--external-id", name, "--external-customer-id", customer)
    more = ("--plan-code", plan_code) if plan_code else ()
    lago("subscriptions", "create", *words, *more, "--subscription-at", "2026-11-01")


def send(lago, **names):
    event = {"transaction_id": "1", "code": "requests", "timestamp": "2026-11-05", **names}
    lago("ingest", "-", stdin=json.dumps(event))


# Filters -----------------------------------------------------------------------------------


def test_filters_over_different_keys_take_events_from_each_other(program):
    assert of_filters(program, {"region": ["USA", "Africa"]}, {"tier": ["gold"]}) == [
        (
            "overlapping_filters",
            "filters[1]",
            "an event with region=USA, tier=gold matches filters[0] too, and is billed by"
            " filters[0]",
        )
    ]


def test_so_do_values_that_overlap_in_part(program):
    found = of_filters(
        program,
        {"region": ["Europe", "USA"]},
        {"region": ["Africa", "USA"], "tier": ["gold"]},
    )

    assert [told for _, _, told in found] == [
        "an event with region=USA, tier=gold matches filters[0] too, and is billed by filters[1]"
    ]


@pytest.mark.parametrize(
    "filters",
    [
        pytest.param([{"region": ["Europe"]}, {"region": ["USA"]}], id="apart"),
        pytest.param([{"region": ["Europe"]}, {"region": ["Europe", "USA"]}], id="within"),
        pytest.param(
            [{"region": ["Europe"]}, {"region": ["__ALL_FILTER_VALUES__"]}], id="within all"
        ),
        pytest.param([{"tier": ["gold"]}, {"tier": ["gold"], "region": ["USA"]}], id="more keys"),
        pytest.param(
            [{"region": ["USA"]}, {"tier": ["gold"]}, {"tier": ["gold"], "region": ["USA"]}],
            id="what both match has its own",
        ),
    ],
)
def test_filters_that_leave_no_doubt_are_no_finding(program, filters):
    assert of_filters(program, *filters) == []


def test_a_filter_that_asks_for_the_same_is_never_reached(program):
    found = of_filters(
        program,
        {"region": ["USA", "Africa"]},
        {"region": ["Europe", "USA"]},
        {"region": ["USA", "Europe"]},
    )

    assert [row[:2] for row in found[1:]] == [("overlapping_filters", "filters[1]")]
    assert found[:1] == [
        ("unreachable_filter", "filters[2]", "no event gets here: filters[1] asks for the same")
    ]


# Prices ------------------------------------------------------------------------------------


def test_a_price_that_falls_is_told_exactly(program):
    assert of_volume(program, "requests", (100, 2, 10), (None, 1, 0)) == [
        (
            "charges[0].properties.volume_ranges[1]",
            "100 units cost 210 EUR, and 101 units only 101 EUR",
        )
    ]


def test_fractions_of_units_count_where_there_are_any(program):
    tiers_of_both = (10, "0.10", 0), (None, "0.095", 0)

    assert of_volume(program, "requests", *tiers_of_both) == []
    assert of_volume(program, "cpu", *tiers_of_both) == [
        (
            "charges[0].properties.volume_ranges[1]",
            "10 units cost 1 EUR, and a little more only 0.95 EUR",
        )
    ]


def test_units_are_whole_where_they_are_counted(program):
    ((_, told),) = of_volume(program, "requests", (10.5, 2, 0), (None, 1, 0))

    assert told == "10 units cost 20 EUR, and 11 units only 11 EUR"


def test_prices_of_a_filter_are_looked_at_too(program):
    falling = {"volume_ranges": tiers((5, 3, 0), (None, 1, 0))}
    filters = [{"values": {"region": ["USA"]}, "properties": falling}]
    found = lint_file(program, plan(charge("seats", "volume", filters=filters)))

    assert found == [
        (
            "price_drops",
            "charges[0].filters[0].properties.volume_ranges[1]",
            "5 units cost 15 EUR, and 6 units only 6 EUR",
        )
    ]


def test_tiers_that_add_up_never_fall(program):
    ranges = {"graduated_ranges": tiers((100, 2, 10), (None, 0, 0))}

    assert lint_file(program, plan(charge("requests", "graduated", ranges))) == []
    assert of_volume(program, "requests", (100, 1, 0), (None, 1, 0)) == []


# Files -------------------------------------------------------------------------------------


def test_what_nothing_is_made_of_is_told(program):
    value = {"plan": plan(charge("cpu"), fixed_charges=[{"units": 1}])}
    value["plan"]["charges"][0]["accepts_target_wallet"] = True

    assert lint_file(program, value) == [
        ("unused_key", "plan.fixed_charges", "fixed charges are not billed"),
        ("unused_key", "plan.charges[0].accepts_target_wallet", "there are no wallets"),
    ]


def test_a_file_needs_no_database(lago):
    value = {
        "billable_metrics": [
            {"code": "a", "aggregation_type": "count"},
            {"code": "b", "aggregation_type": "count"},
        ],
        "plans": [plan(charge("a"), fixed_charges=[{}])],
    }

    assert lint_file(lago, value) == [
        ("unused_key", "plans[0].fixed_charges", "fixed charges are not billed"),
        ("unpriced_metric", "billable_metrics[1]", 'no plan charges for the metric "b"'),
    ]
    assert not (lago.folder / "lago.db").exists()


def test_a_faulty_file_is_refused_with_all_faults(program):
    value = json.dumps(plan(charge("cpus"), charge("cpu", properties={"amount": -1}), name=[]))
    refused = program("plans", "lint", "-", "-o", "json", stdin=value, exits=5)
    assert refused.stdout == ""
    assert refused.error()["code"] == "invalid_definitions"

    lines = refused.error()["message"].split("\n")[1:]
    assert [line.split(": ")[1] for line in lines] == [
        "charges[1].properties.amount",
        "name",
        "charges[0].billable_metric_code",
    ]


def test_a_file_is_held_against_the_metrics_that_are_known(program):
    found = program(
        "plans", "lint", "-", "-o", "json", stdin=json.dumps(plan(charge("c"))), exits=5
    )

    assert "charges[0].billable_metric_code: There is no metric" in found.error()["message"]


def test_nothing_is_changed(program):
    before = (program.folder / "lago.db").read_bytes()
    lint_file(program, plan(*EVERY))

    assert (program.folder / "lago.db").read_bytes() == before


# What is defined ---------------------------------------------------------------------------


def test_good_plans_have_no_findings(program):
    create(program, plan(*EVERY))
    subscribe(program, "s", "basic")
    send(program, external_subscription_id="s")

    assert lint(program) == []
    assert program("plans", "lint", "--strict").stdout == "No findings.\n"


def test_a_metric_that_no_plan_charges_is_found(program):
    assert lint(program) == []  # without plans there is none to be missed

    create(program, plan(*EVERY[1:]))
    assert lint(program) == [
        (
            "unpriced_metric",
            "billable_metrics.requests",
            'no plan charges for the metric "requests"',
        )
    ]


@pytest.mark.parametrize(
    "names", [{"external_subscription_id": "s"}, {"external_customer_id": "c"}]
)
def test_a_subscription_with_events_and_no_plan_is_found(program, names):
    create(program, plan(*EVERY))
    subscribe(program, "s", customer="c")
    subscribe(program, "idle", customer="d")
    assert lint(program) == []

    send(program, **names)
    assert lint(program) == [
        (
            "unplanned_subscription",
            "subscriptions.s",
            'the subscription "s" has events, and no plan',
        )
    ]


def test_subscriptions_that_nobody_registered_are_counted(program):
    create(program, plan(*EVERY))
    for number in range(7):
        send(program, external_subscription_id=f"s{number}")

    assert lint(program) == [
        (
            "unregistered_subscription",
            "subscriptions",
            "events name 7 subscriptions that nobody registered: s0, s1, s2, s3, s4, …",
        )
    ]


def test_a_customer_who_pays_in_another_currency_is_found(program):
    create(program, plan(*EVERY))
    program("customers", "create", "--external-id", "acme", "--currency", "USD")
    subscribe(program, "s", "basic")

    assert lint(program) == [
        (
            "currency_differs",
            "subscriptions.s",
            'the plan "basic" is in EUR, and the customer "acme" pays in USD',
        )
    ]


def test_a_customer_with_several_currencies_is_found(program):
    create(program, plan(*EVERY))
    create(program, plan(code="dollars", amount_currency="USD"))
    subscribe(program, "s", "basic")
    subscribe(program, "t", "dollars")
    subscribe(program, "u", "dollars", customer="other")

    assert lint(program) == [
        (
            "currency_differs",
            "customers.acme",
            'the customer "acme" has subscriptions in several currencies: "s" in EUR, "t" in USD',
        )
    ]


def test_apply_tells_currencies_where_they_stand(program):
    create(program, plan(*EVERY))
    text = """\
customers: [{external_id: acme, currency: USD}]
subscriptions: [{external_id: s, external_customer_id: acme, plan_code: basic}]
"""
    told = apply(program, text).stderr

    assert "<stdin>:2: subscriptions[0]: the plan" in told


def test_a_metric_that_is_gone_is_an_error(program):
    create(program, plan(*EVERY))
    with closing(sqlite3.connect(program.folder / "lago.db")) as db, db:
        db.execute("DELETE FROM metrics WHERE code = 'cpu'")

    assert lint(program, exits=5) == [
        ("unknown_metric", "charges[1].billable_metric_code", 'There is no metric "cpu"')
    ]


def test_a_charge_that_its_metric_does_not_allow_any_more_is_an_error(program):
    create(program, plan(*EVERY[:4], charge("payments", "percentage", {"rate": 1})))
    with closing(sqlite3.connect(program.folder / "lago.db")) as db, db:
        db.execute("UPDATE metrics SET aggregation_type = 'latest_agg' WHERE code = 'payments'")
    found = program("plans", "lint", "-o", "json", exits=5)
    (row,) = found.json()

    assert (row["severity"], row["code"], row["plan_code"]) == ("error", "unusable_charge", "basic")
    assert row["place"] == "charges[4].charge_model"
    assert found.error() == {"code": "findings", "message": "1 finding.", "hint": None}


def test_a_plan_that_is_not_there_is_an_error(program):
    create(program, plan(*EVERY))
    text = """\
subscriptions:
- external_id: s
  external_customer_id: acme
  started_at: 2026-01-01
  plan_code: basic
  previous_plans: [{plan_code: gone, until: 2026-05-01}]
"""
    apply(program, text)

    assert lint(program, exits=5) == [
        (
            "unknown_plan",
            "subscriptions.s",
            'the subscription "s" names the plan "gone", which is not there',
        )
    ]


def test_with_strict_warnings_count_as_well(program):
    create(program, plan(*EVERY[1:]))

    assert len(lint(program, "--strict", exits=5)) == 1


def test_findings_can_be_written_as_csv(program):
    create(program, plan(*EVERY[1:]))
    found = program("plans", "lint", "-o", "csv").stdout

    assert found.splitlines() == [
        "severity,code,plan_code,place,message,hint",
        "warning,unpriced_metric,,billable_metrics.requests,"
        '"no plan charges for the metric ""requests""",',
    ]


def test_apply_warns_of_a_subscription_that_has_events_and_no_plan(program):
    create(program, plan(charge("cpu", properties={"amount": 1})))
    event = {"transaction_id": "1", "external_subscription_id": "s0", "code": "cpu"}
    program("ingest", "-q", stdin=json.dumps(event | {"timestamp": "2026-11-05"}))
    rows = [{"external_id": name, "external_customer_id": "acme"} for name in ("s0", "s1")]
    text = json.dumps({"subscriptions": rows})
    warned = program("apply", "-", stdin=text).stderr

    assert 'subscriptions[0]: the subscription "s0" has events, and no plan' in warned
    assert '"s1"' not in warned
    assert program("apply", "-", "--strict", stdin=text, exits=5).stdout == ""
