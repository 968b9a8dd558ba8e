"""
Invoices on every engine: against an oracle that gives each event to its bucket by hand, and
the laws that hold whatever was used.
"""

from __future__ import annotations

from collections import defaultdict
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.buckets import in_order
from lago_cli.domain.charges import group_keys_of, model_of
from lago_cli.domain.fees import in_cents
from lago_cli.domain.instants import format_instant, parse_instant
from lago_cli.domain.pricing import Used, price_of
from lago_cli.domain.steps import Steps
from lago_cli.domain.subscriptions import FormerPlan, Subscription
from lago_cli.services.amounts import Amounts
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import usage_for
from tests.engines import ENGINES, NOON
from tests.examples import examples

START = parse_instant("2026-10-01T00:00:00Z")
HOUR = 3_600_000_000
REGIONS, TEAMS = ("eu", "us", None), ("a", "b", None)
FILTERS = (
    {"region": ["eu"]},
    {"region": ["eu", "us"]},
    {"team": ["a"]},
    {"region": ["us"], "team": ["a", "b"]},
)
DECLARED = [{"key": "region", "values": ["eu", "us"]}, {"key": "team", "values": ["a", "b"]}]
RANGES = [
    {"from_value": 0, "to_value": 2, "per_unit_amount": "1.005", "flat_amount": "0.5"},
    {"from_value": 3, "to_value": 5, "per_unit_amount": "0.3", "flat_amount": "0"},
    {"from_value": 6, "to_value": None, "per_unit_amount": "0.1", "flat_amount": "2"},
]
PRICES = {
    "standard": ({"amount": "0.005"}, {"amount": "1.2345"}),
    "graduated": ({"graduated_ranges": RANGES},),
    "volume": ({"volume_ranges": RANGES},),
    "package": ({"amount": "5", "package_size": 2, "free_units": 1},),
    "percentage": (
        {"rate": "1.5", "fixed_amount": "0.1"},
        {"rate": "10", "free_units_per_events": 2, "free_units_per_total_aggregation": "3"},
        {"rate": "10", "fixed_amount": "0.01", "per_transaction_max_amount": "0.2"},
    ),
}


@st.composite
def charges(draw, metrics=("calls", "gb")):
    model = draw(st.sampled_from(sorted(PRICES)))
    keys = st.sampled_from([{}, {"pricing_group_keys": ["team"]}])
    filters = draw(st.lists(st.sampled_from(FILTERS), unique_by=str, max_size=3))

    def prices():
        return draw(st.sampled_from(PRICES[model])) | draw(keys)

    return {
        "billable_metric_code": draw(st.sampled_from(metrics)),
        "charge_model": model,
        "properties": prices(),
        "filters": [{"values": each, "properties": prices()} for each in filters],
    }


@st.composite
def events(draw, most=12):
    found = []
    for number in range(draw(st.integers(0, most))):
        properties = {
            "gb": draw(st.sampled_from(["1", "0.5", "2.25", "7", "-1"])),
            "region": draw(st.sampled_from(REGIONS)),
            "team": draw(st.sampled_from(TEAMS)),
        }
        found.append(
            {
                "transaction_id": f"t{number}",
                "external_subscription_id": "s1",
                "code": draw(st.sampled_from(["calls", "gb"])),
                "timestamp": (START + draw(st.integers(0, 61 * 24 - 1)) * HOUR) // 1_000_000,
                "properties": {key: each for key, each in properties.items() if each},
            }
        )
    return found


def filled(engine, found, *rows, started_at=START, former=(), **plan):
    """An engine with a subscription to one plan, or to several one after the other."""
    engine.define(code="calls", aggregation_type="count", filters=filters_of(DECLARED))
    engine.define(code="gb", aggregation_type="sum", field_name="gb", filters=filters_of(DECLARED))
    basis = {"code": "basic", "interval": "monthly", "amount_cents": 0, "amount_currency": "EUR"}
    engine.plan(basis | plan | {"charges": rows})
    engine.register(
        Subscription("s1", "acme", started_at, started_at, "basic", previous_plans=former)
    )
    engine.ingest(found)
    return engine


def filters_of(rows):
    from lago_cli.domain.metrics import Filter

    return [Filter(row["key"], tuple(row["values"])) for row in rows]


def bucket_of(row, properties):
    """Of the filters that it matches, the first in their order; else the rest."""
    declared = [each["values"] for each in row["filters"]]
    matching = [
        number
        for number, each in enumerate(declared)
        if all(properties.get(key) in values for key, values in each.items())
    ]
    return min(matching, key=in_order(declared).index, default=len(declared))


def expected(row, found):
    """(bucket, group): (units, events, cents) of October, one event after the other."""
    prices = [*(each["properties"] for each in row["filters"]), row["properties"]]
    used = defaultdict(list)
    for event in sorted(found, key=lambda each: each["timestamp"]):
        if event["code"] != row["billable_metric_code"] or event["timestamp"] >= 1793491200:
            continue
        bucket = bucket_of(row, event["properties"])
        group = tuple(event["properties"].get(key) for key in group_keys_of(prices[bucket]))
        value = event["properties"]["gb"] if event["code"] == "gb" else "1"
        used[bucket, group].append(Fraction(value))
    for bucket, each in enumerate(prices):
        if not any(number == bucket for number, _ in used):
            used[bucket, (None,) * len(group_keys_of(each))] = []
    return {
        key: priced(row["charge_model"], prices[key[0]], values) for key, values in used.items()
    }


def priced(charge_model, properties, values):
    scaled = Steps(range(len(values)), [int(value * 100) for value in values], 2)
    price = price_of(
        model_of(charge_model, properties),
        Used(sum(values, Fraction(0)), len(values), steps=scaled),
    )
    return price.units, len(values), in_cents(price.amount, 2)


@pytest.mark.parametrize("name", ENGINES)
@examples(40)
@given(found=events(), rows=st.lists(charges(), min_size=1, max_size=3))
def test_fees_are_those_of_events_taken_one_by_one(name, found, rows):
    with ENGINES[name]() as engine:
        (invoice,) = filled(engine, found, *rows).invoices(subscriptions=["s1"], period="2026-10")

    for number, row in enumerate(rows):
        fees = {
            (fee.bucket, tuple((fee.group or {}).values())): (
                fee.units,
                fee.events_count,
                fee.amount_cents,
            )
            for fee in invoice.fees
            if fee.number == number
        }
        assert fees == expected(row, found)


@examples(60)
@given(
    found=events(),
    rows=st.lists(charges(), max_size=3),
    amount=st.integers(0, 10_000),
    least=st.integers(0, 5_000),
    rate=st.sampled_from(["0", "20", "5.5"]),
    currency=st.sampled_from(["EUR", "JPY", "KWD", "CLF"]),
)
def test_parts_add_up_to_fees_and_fees_to_the_total(found, rows, amount, least, rate, currency):
    rows = [row | {"min_amount_cents": least} for row in rows]
    plan = {
        "amount_cents": amount,
        "amount_currency": currency,
        "taxes": [{"rate": rate}],
        "minimum_commitment": {"amount_cents": 3 * least},
    }
    with ENGINES["sqlite"]() as engine:
        (invoice,) = filled(engine, found, *rows, **plan).invoices(
            subscriptions=["s1"], period="2026-10"
        )

    digits = invoice.plan.digits
    for fee in invoice.fees:
        assert sum(part.amount for part in fee.parts) == fee.precise_amount
        assert fee.amount_cents == in_cents(fee.precise_amount, digits)
    assert invoice.sub_total_cents == sum(fee.amount_cents for fee in invoice.fees)
    assert invoice.sub_total_cents >= 3 * least
    taxes = in_cents(Fraction(invoice.sub_total_cents) * Fraction(rate) / 100, 0)
    assert invoice.total_amount_cents == invoice.sub_total_cents + taxes


@examples(40)
@given(found=events(), rows=st.lists(charges(), min_size=1, max_size=2))
def test_every_event_is_in_one_fee_of_each_charge_of_its_metric(found, rows):
    with ENGINES["in parts"]() as engine:
        (invoice,) = filled(engine, found, *rows).invoices(subscriptions=["s1"], period="2026-Q4")

    for number, row in enumerate(rows):
        counted = sum(fee.events_count for fee in invoice.fees if fee.number == number)
        code = row["billable_metric_code"]
        assert counted == sum(event["code"] == code for event in found)


@examples(40)
@given(
    found=events(),
    rows=st.lists(charges(), max_size=2),
    interval=st.sampled_from(["weekly", "monthly", "quarterly"]),
    started=st.integers(0, 50 * 24),
    changed=st.integers(0, 70 * 24),
    billing_time=st.sampled_from(["calendar", "anniversary"]),
)
def test_the_months_of_a_year_add_up_to_it(found, rows, interval, started, changed, billing_time):
    """Whatever the intervals are, and also where the plan changes in between."""
    start = START + started * HOUR
    with ENGINES["sqlite"]() as engine:
        filled(engine, found, *rows, interval=interval, amount_cents=3100, started_at=start)
        engine.plan(
            {"code": "other", "interval": "monthly", "amount_cents": 500}
            | {"amount_currency": "EUR", "charges": rows[:1]}
        )
        former = [FormerPlan("other", start + changed * HOUR)] if changed else []
        engine.register(
            Subscription(
                "s1",
                "acme",
                start,
                start,
                "basic",
                interval,
                billing_time,
                ending_at=parse_instant("2027-03-01T00:00:00Z"),
                previous_plans=tuple(former),
            )
        )
        months = [f"2026-{month:02}" for month in range(10, 13)] + ["2027-01", "2027-02"]
        by_month = [engine.invoices(period=month) for month in months]
        (whole,) = engine.invoices(period="all", now=parse_instant("2027-06-01T00:00:00Z"))

    found = [fee for invoices in by_month for invoice in invoices for fee in invoice.fees]
    assert sum(fee.amount_cents for fee in found) == whole.sub_total_cents
    assert len(found) == len(whole.fees)


@pytest.mark.parametrize("name", ENGINES)
@examples(20)
@given(found=events(), group=st.booleans())
def test_linear_prices_of_days_add_up_to_the_invoice(name, found, group):
    """In whole cents, so that nothing is rounded away."""
    rows = [
        {"billable_metric_code": code, "charge_model": "standard", "properties": {"amount": "4"}}
        for code in ("calls", "gb")
    ]
    found = [event for event in found if event["properties"]["gb"] != "-1"]
    more = {"group_by": ["team"]} if group else {}
    request = UsageRequest(subscriptions=["s1"], period="2026-10", window="day", **more)
    with ENGINES[name]() as engine:
        filled(engine, found, *rows)
        amounts = Amounts(engine.store, request, now=NOON)
        days = [amounts.of(row) for row in usage_for(engine.store, request, now=NOON)]
        (invoice,) = engine.invoices(subscriptions=["s1"], period="2026-10")

    assert sum(day.cents for day in days) == invoice.sub_total_cents


@pytest.mark.parametrize(
    ("changed_at", "days"),
    [
        pytest.param("2026-10-15T12:00:00Z", (14, 17), id="the day belongs to the new plan"),
        pytest.param("2026-10-01T12:00:00Z", (0, 31), id="on the first day nothing of the old one"),
        pytest.param("2026-11-01T00:00:00Z", (31,), id="at the end of the period it is whole"),
    ],
)
def test_a_change_of_plan_splits_the_period(engine, changed_at, days):
    filled(engine, [], amount_cents=3100)
    engine.plan(
        {"code": "old", "interval": "monthly", "amount_cents": 6200, "amount_currency": "EUR"}
    )
    former = (FormerPlan("old", parse_instant(changed_at)),)
    engine.register(Subscription("s1", "acme", START, START, "basic", previous_plans=former))

    (invoice,) = engine.invoices(subscriptions=["s1"], period="2026-10")

    assert tuple(fee.part_of.days for fee in invoice.fees) == days
    prices = (200, 100)
    assert [fee.amount_cents for fee in invoice.fees] == [
        day * price for day, price in zip(days, prices, strict=False)
    ]


@pytest.mark.parametrize(
    ("at", "starts"),
    [
        pytest.param("2026-09-10", ["2026-09-01"], id="before the change it is a month"),
        pytest.param("2026-11-10", ["2026-10-01", "2026-10-15"], id="after it, what was left"),
        pytest.param("2027-03-01", ["2027-01-01"], id="the next year is whole"),
    ],
)
def test_a_billing_period_is_that_of_the_plan_of_its_instant(engine, at, starts):
    """Months that closed before a yearly plan began are not billed with its year."""
    start = parse_instant("2026-07-01T00:00:00Z")
    filled(engine, [], interval="yearly", amount_cents=100, started_at=start)
    engine.plan(
        {"code": "old", "interval": "monthly", "amount_cents": 10, "amount_currency": "EUR"}
    )
    former = (FormerPlan("old", parse_instant("2026-10-15T00:00:00Z")),)
    engine.register(
        Subscription("s1", "acme", start, start, "basic", "yearly", previous_plans=former)
    )

    (invoice,) = engine.invoices(subscriptions=["s1"], at=at)

    assert [format_instant(fee.window.start)[:10] for fee in invoice.fees] == starts


def test_all_time_has_nothing_of_what_begins_later(engine):
    filled(engine, [], amount_cents=100, started_at=parse_instant("2027-05-05T00:00:00Z"))

    assert engine.invoices(period="all", now=parse_instant("2026-11-22T00:00:00Z")) == []


def test_charges_of_a_yearly_plan_may_be_billed_monthly(engine):
    """Each month has its own first tier; the plan's own fee comes once."""
    row = {
        "billable_metric_code": "calls",
        "charge_model": "graduated",
        "properties": {"graduated_ranges": RANGES},
    }
    yearly = {"interval": "yearly", "amount_cents": 1200, "bill_charges_monthly": True}
    filled(engine, [], row, **yearly)

    (october,) = engine.invoices(period="2026-10")
    (december,) = engine.invoices(period="2026-12")
    (year,) = engine.invoices(period="2026")

    assert [(fee.type, fee.amount_cents) for fee in october.fees] == [("charge", 50)]
    assert [(fee.type, fee.amount_cents) for fee in december.fees] == [
        ("subscription", in_cents(Fraction(12 * 92, 365), 2)),
        ("charge", 50),
    ]
    assert sum(fee.amount_cents for fee in year.fees) == 302 + 3 * 50


def test_a_commitment_of_a_year_counts_the_charges_of_all_its_months(engine):
    row = {
        "billable_metric_code": "calls",
        "charge_model": "standard",
        "properties": {"amount": "1"},
    }
    found = [
        {"transaction_id": str(month), "external_subscription_id": "s1", "code": "calls"}
        | {"timestamp": f"2026-{month}-05"}
        for month in (10, 11, 12)
    ]
    yearly = {
        "interval": "yearly",
        "bill_charges_monthly": True,
        "minimum_commitment": {"amount_cents": 1000},
    }
    start = parse_instant("2026-01-01T00:00:00Z")
    filled(engine, found, row, started_at=start, **yearly)

    (december,) = engine.invoices(period="2026-12")

    assert [(fee.type, fee.amount_cents) for fee in december.fees] == [
        ("subscription", 0),
        ("charge", 100),
        ("minimum_commitment", 700),
    ]


def test_taxes_of_a_charge_or_commitment_stand_in_place_of_those_of_the_plan(engine):
    row = {
        "billable_metric_code": "calls",
        "charge_model": "standard",
        "properties": {"amount": "1"},
        "min_amount_cents": 300,
        "taxes": [{"code": "reduced", "rate": 5.5}],
    }
    commitment = {"amount_cents": 2000, "taxes": [{"code": "none", "rate": 0}]}
    vat = {"taxes": [{"code": "vat", "rate": 20}]}
    event = {"transaction_id": "1", "external_subscription_id": "s1", "code": "calls"}
    found = [event | {"timestamp": "2026-10-05"}]
    filled(engine, found, row, amount_cents=1000, minimum_commitment=commitment, **vat)

    (invoice,) = engine.invoices(period="2026-10")

    taxes = {line.tax.code: (line.base_cents, line.amount_cents) for line in invoice.taxes}
    assert taxes == {"vat": (1000, 200), "reduced": (300, 17), "none": (700, 0)}
    assert invoice.total_amount_cents == 2000 + 217


def test_the_engine_is_asked_once_for_all_filters_and_subscriptions(engine, monkeypatch):
    rows = [
        {
            "billable_metric_code": "calls",
            "charge_model": "standard",
            "properties": {"amount": "1"},
            "filters": [{"values": each, "properties": {"amount": "2"}} for each in FILTERS],
        }
    ]
    filled(engine, [], *rows)
    for number in range(20):
        engine.register(Subscription(f"more_{number}", "acme", START, START, "basic"))
    asked = []
    aggregate = engine.store.aggregate
    monkeypatch.setattr(
        engine.store, "aggregate", lambda query: asked.append(query) or aggregate(query)
    )

    assert len(engine.invoices(period="2026-10")) == 21
    assert [len(query.buckets) for query in asked] == [4]


@pytest.fixture(params=ENGINES)
def engine(request):
    with ENGINES[request.param]() as engine:
        yield engine
