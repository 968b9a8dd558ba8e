"""Real usage under other plans: what stays the same, whatever the plans and the periods are."""

from __future__ import annotations

from dataclasses import replace
from random import Random

import pytest

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import parse_instant
from lago_cli.domain.metrics import Filter
from lago_cli.domain.plans import PLAN
from lago_cli.domain.subscriptions import BILLING_TIMES, INTERVALS, FormerPlan, Subscription
from lago_cli.services.invoicing import Invoicing
from lago_cli.services.plans import read_plan
from lago_cli.services.requests import UsageRequest
from lago_cli.services.simulation import Repriced, simulate, summaries
from tests.engines import NOON, sqlite
from tests.prices import written

DAY = 86_400_000_000
FIRST = parse_instant("2026-07-01T00:00:00Z")
METRICS = {
    "calls": {"aggregation_type": "count_agg"},
    "gb": {"aggregation_type": "sum_agg", "field_name": "gb"},
    "seats": {"aggregation_type": "sum_agg", "field_name": "gb", "recurring": True},
}
PERIODS = ("2026-08", "2026-09", "2026-Q3", "2026-W36", "2026", "current", "previous")


def tiers(random, key="per_unit_amount"):
    ends = sorted(random.sample(range(1, 60), 2))
    starts = [0, *(end + 1 for end in ends)]
    return [
        {"from_value": start, "to_value": end, key: price(random), "flat_amount": price(random)}
        for start, end in zip(starts, [*ends, None], strict=True)
    ]


def price(random):
    return str(random.randrange(500) / 100)


def properties(random, model):
    found = {
        "standard": lambda: {"amount": price(random)},
        "graduated": lambda: {"graduated_ranges": tiers(random)},
        "volume": lambda: {"volume_ranges": tiers(random)},
        "package": lambda: {"amount": price(random), "package_size": 7, "free_units": 3},
        "percentage": lambda: {"rate": price(random), "fixed_amount": price(random)},
    }[model]()
    return found | ({"pricing_group_keys": ["who"]} if random.random() < 0.3 else {})


def charge(random):
    model = random.choice(("standard", "graduated", "volume", "package", "percentage"))
    metric = random.choice(("calls", "gb", "seats"))
    found = {
        "billable_metric_code": metric,
        "charge_model": model,
        "properties": properties(random, model),
        "min_amount_cents": random.choice((0, 0, 5000)),
    }
    if metric == "seats" and model == "standard":
        found["prorated"] = True
    if metric == "gb":
        found["filters"] = [{"values": {"region": ["eu"]}, "properties": properties(random, model)}]
    return found


def plan_row(random, code, **more):
    interval = random.choice(INTERVALS)
    long = interval in ("semiannual", "yearly")
    found = {
        "code": code,
        "interval": interval,
        "amount_cents": random.choice((0, 999, 10_000)),
        "amount_currency": "EUR",
        "trial_period": random.choice((0, 0, 10, 50)),
        "bill_charges_monthly": long and random.random() < 0.6,
        "charges": [charge(random) for _ in range(random.randrange(3))],
        "taxes": [{"rate": "19", "code": "vat"}] if random.random() < 0.5 else [],
    }
    if random.random() < 0.4:
        found["minimum_commitment"] = {"amount_cents": 20_000}
    return found | more


def define(engine, row):
    plan = read_plan(written(row), engine.store.catalog.metrics())
    with engine.store.writing():
        engine.store.table(PLAN).save(plan, NOON)
    return plan


def register(engine, name, plan, **more):
    subscription = Subscription(
        name,
        f"customer of {name}",
        **{
            "subscription_at": FIRST,
            "started_at": FIRST,
            "plan_code": plan and plan.code,
            "interval": plan.interval if plan else "monthly",
            **more,
        },
    )
    engine.register(subscription)
    return subscription


def use(engine, random, name, count=60):
    engine.ingest(
        {
            "transaction_id": f"{name}-{number}",
            "code": random.choice(tuple(METRICS)),
            "external_subscription_id": name,
            "timestamp": (FIRST + random.randrange(160 * DAY)) / 1_000_000,
            "properties": {
                "gb": random.randrange(1, 30),
                "region": random.choice(("eu", "us")),
                "who": random.choice("ab"),
            },
        }
        for number in range(count)
    )


def prepare(engine):
    for code, keys in METRICS.items():
        filters = [Filter("region", ("eu", "us"))] if code == "gb" else []
        engine.define(code=code, **keys, filters=filters)


def scene(engine, seed):
    """Two plans alike in all but their codes, and three subscriptions to the first one."""
    random = Random(seed)
    prepare(engine)
    row = plan_row(random, "a")
    plan = define(engine, row)
    define(engine, row | {"code": "twin"})
    engine.register(Customer("customer of s0", timezone="America/New_York"))
    for number in range(3):
        start = FIRST + random.randrange(90 * DAY)
        end = start + random.randrange(100 * DAY) if random.random() < 0.3 else None
        billing_time = random.choice(BILLING_TIMES)
        register(
            engine,
            f"s{number}",
            plan,
            subscription_at=start,
            started_at=start,
            ending_at=end,
            billing_time=billing_time,
        )
        use(engine, random, f"s{number}")
    return random


def costs(engine, request):
    found = {}
    for each in Invoicing(engine.store, request, NOON).invoices():
        found[each.subscription.external_id] = each.total_amount_cents
    return found


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("period", PERIODS)
def test_a_plan_costs_what_it_costs_now_and_so_does_its_twin(seed, period):
    with sqlite() as engine:
        scene(engine, seed)
        request = UsageRequest(period=period, by="subscription")
        rows = simulate(engine.store, request, ["a", "twin"], now=NOON)
        now = costs(engine, request)

    assert [(row.subscription.external_id, row.plan.code, row.total_cents) for row in rows] == [
        (name, code, total) for name, total in now.items() for code in ("a", "twin")
    ]
    assert {row.change_cents for row in rows} <= {0}


def test_the_scenes_cost_something():
    with sqlite() as engine:
        scene(engine, 0)
        found = costs(engine, UsageRequest(period="2026", by="subscription"))

    assert sum(map(bool, found.values())) > 1


@pytest.mark.parametrize("seed", range(8))
@pytest.mark.parametrize("period", ["2026-08", "2026-Q3", "2026", "previous"])
def test_another_plan_of_the_same_periods_costs_what_it_would_have_cost(seed, period):
    with sqlite() as engine:
        random = scene(engine, seed)
        first = engine.store.plans()["a"]
        monthly = first.bill_charges_monthly
        row = plan_row(random, "b", interval=first.interval, bill_charges_monthly=monthly)
        define(engine, row)
        request = UsageRequest(period=period, by="subscription")
        rows = simulate(engine.store, request, ["b"], now=NOON)
        before = costs(engine, request)
        for each in list(engine.store.accounts.subscriptions()):
            engine.register(replace(each, plan_code="b"))
        after = costs(engine, request)

    assert {row.subscription.external_id: row.total_cents for row in rows} == after
    assert [row.change_cents for row in rows] == [after[name] - before[name] for name in before]


@pytest.mark.parametrize("seed", range(8))
def test_a_change_of_plans_that_cost_the_same_costs_the_same(seed):
    """But for tiers and rounding, which begin anew: here prices are flat, and days whole cents."""
    random = Random(seed)
    with sqlite() as engine:
        prepare(engine)
        flat = [{"billable_metric_code": "calls", "charge_model": "standard"}]
        row = {"interval": "monthly", "amount_currency": "EUR", "amount_cents": 3100}
        flat[0]["properties"] = {"amount": "0.01"}
        for code in "ab":
            plan = define(engine, {**row, "code": code, "charges": flat})
        change = parse_instant("2026-08-01T00:00:00Z") + random.randrange(31 * DAY)
        former = (FormerPlan("a", change),)
        register(engine, "s", plan, plan_code="b", previous_plans=former)
        use(engine, random, "s")
        request = UsageRequest(period="2026-08", by="subscription")
        rows = simulate(engine.store, request, ["a", "b"], now=NOON)

    assert [row.change_cents for row in rows] == [0, 0]
    assert rows[0].total_cents >= 3100


def month_of(engine, *rows, subscriptions=("s",), period="2026-08"):
    """{(subscription, plan): (total, change)} of August, for subscribers of the first plan."""
    plans = [define(engine, row) for row in rows]
    for name in subscriptions:
        register(engine, name, plans[0])
    request = UsageRequest(period=period, by="subscription")
    found = simulate(engine.store, request, [plan.code for plan in plans], now=NOON)
    return {
        (row.subscription.external_id, row.plan.code): (row.total_cents, row.change_cents)
        for row in found
    }


def fee(code, cents, interval="monthly", **more):
    return {
        "code": code,
        "interval": interval,
        "amount_cents": cents,
        "amount_currency": "EUR",
        **more,
    }


def test_longer_periods_are_prorated_by_days():
    with sqlite() as engine:
        found = month_of(engine, fee("month", 1000), fee("year", 36_500, "yearly"))

    assert found == {("s", "month"): (1000, 0), ("s", "year"): (3100, 2100)}


def test_shorter_periods_are_cut_at_the_edges():
    with sqlite() as engine:  # August 2026 begins on a Saturday and ends on a Monday
        found = month_of(engine, fee("month", 1000), fee("week", 700, "weekly"))

    assert found["s", "week"] == (200 + 4 * 700 + 100, 2100)


def test_tiers_begin_anew_in_every_period_of_the_other_plan():
    packages = {
        "charges": [
            {
                "billable_metric_code": "calls",
                "charge_model": "package",
                "properties": {"amount": "1", "package_size": 100},
            }
        ]
    }
    with sqlite() as engine:
        prepare(engine)
        event = {"code": "calls", "external_subscription_id": "s"}
        engine.ingest(
            {**event, "transaction_id": str(day), "timestamp": (FIRST + day * DAY) // 1_000_000}
            for day in range(31, 62)
        )
        weekly = fee("week", 0, "weekly", **packages)
        found = month_of(engine, fee("month", 0, **packages), weekly)

    assert found == {("s", "month"): (100, 0), ("s", "week"): (600, 500)}


def test_what_is_billed_in_months_stays_the_usage_of_a_month():
    monthly = {"bill_charges_monthly": True}
    used = {
        "charges": [
            {
                "billable_metric_code": "calls",
                "charge_model": "standard",
                "properties": {"amount": 1},
            }
        ]
    }
    with sqlite() as engine:
        prepare(engine)
        event = {"code": "calls", "external_subscription_id": "s"}
        engine.ingest(
            {**event, "transaction_id": str(day), "timestamp": (FIRST + day * DAY) // 1_000_000}
            for day in (40, 45, 50, 160)
        )
        rows = fee("year", 36_500, "yearly", **monthly, **used), fee("month", 1000, **used)
        august = month_of(engine, *rows)
        year = UsageRequest(period="2026", by="subscription")
        whole = [row.total_cents for row in simulate(engine.store, year, ["year"], now=NOON)]
        december = UsageRequest(period="2026-12", by="subscription")
        last = simulate(engine.store, december, ["year", "month"], now=NOON)

    assert august == {("s", "year"): (300, 0), ("s", "month"): (300, 0)}  # no year ends
    assert whole == [184 * 100 + 400]
    assert [row.total_cents for row in last] == [184 * 100 + 100, 6 * 1000 + 100]


def test_a_trial_counts_from_the_start():
    with sqlite() as engine:
        found = month_of(engine, fee("none", 3100), fee("trial", 3100, trial_period=41))

    assert found["s", "trial"] == (2100, -1000)


def test_a_subscription_without_a_plan_is_billed_by_its_own_interval():
    with sqlite() as engine:
        define(engine, fee("year", 36_500, "yearly"))
        register(engine, "s", None, interval="weekly")
        request = UsageRequest(subscriptions=["s"], at="2026-08-05")
        (row,) = simulate(engine.store, request, ["year"], now=NOON)

    assert (row.total_cents, row.change_cents) == (700, None)


def test_another_currency_cannot_be_compared():
    with sqlite() as engine:
        found = month_of(engine, fee("euro", 100), fee("yen", 500, amount_currency="JPY"))

    assert found["s", "yen"] == (500, None)


def test_a_plan_that_ended_in_the_period_is_not_billed_beyond():
    with sqlite() as engine:
        plan = define(engine, fee("a", 3100))
        end = parse_instant("2026-08-10T12:00:00Z")
        register(engine, "s", plan, ending_at=end)
        register(engine, "gone", plan, ending_at=FIRST + DAY)
        request = UsageRequest(period="2026-08", by="subscription")
        define(engine, fee("week", 700, "weekly"))
        found = simulate(engine.store, request, ["a", "week"], now=NOON)

    assert [(row.subscription.external_id, row.total_cents) for row in found] == [
        ("s", 1000),
        ("s", 1000),
    ]


def test_the_engine_is_asked_once_for_what_plans_share(monkeypatch):
    def asked(*codes):
        with sqlite() as engine:
            prepare(engine)
            used = {
                "charges": [
                    {"billable_metric_code": code, "charge_model": "standard"}
                    for code in ("calls", "gb")
                ]
            }
            for code, interval in (("a", "monthly"), ("b", "monthly"), ("w", "weekly")):
                define(engine, fee(code, 100, interval, **used))
            register(engine, "s", engine.store.plans()["a"])
            queries = []
            aggregate = engine.store.aggregate
            monkeypatch.setattr(
                engine.store, "aggregate", lambda query: queries.append(query) or aggregate(query)
            )
            request = UsageRequest(period="2026-08", by="subscription")
            simulate(engine.store, request, codes, now=NOON)
            return len(queries)

    assert asked("a", "b") == asked("a") == asked("b")
    assert asked("a", "w") == asked("a") + 2


def test_a_plan_is_summed_up():
    subscription = Subscription("s", "c", FIRST, FIRST)
    plan = read_plan(written(fee("a", 0)), {})
    changes = [5, -3, 0, None, -1, -2, -9, 7, 5]
    rows = [
        Repriced(replace(subscription, external_id=str(number)), plan, 10, change)
        for number, change in enumerate(changes)
    ]
    (found,) = summaries(rows)

    assert (found.total_cents, found.change_cents) == (90, 2)
    assert (found.more, found.less, found.same, found.unknown) == (3, 4, 1, 1)
    assert [row.change_cents for row in found.winners] == [-9, -3, -2]
    assert [row.change_cents for row in found.losers] == [7, 5, 5]


def test_the_day_on_which_a_plan_is_left_belongs_to_the_next_one():
    with sqlite() as engine:
        define(engine, fee("a", 36_500, "yearly"))
        plan = define(engine, fee("b", 36_500, "yearly"))
        former = (FormerPlan("a", parse_instant("2026-08-10T12:00:00Z")),)
        register(engine, "s", plan, previous_plans=former)
        request = UsageRequest(period="2026-08", by="subscription")
        found = simulate(engine.store, request, ["a", "b"], now=NOON)

    assert [(row.total_cents, row.change_cents) for row in found] == [(4000, 0), (4000, 0)]


def test_plans_do_not_disturb_each_other():
    """The same days are not the same part of a month and of a year."""
    prorated = {
        "charges": [
            {
                "billable_metric_code": "seats",
                "charge_model": "standard",
                "properties": {"amount": 365},
                "prorated": True,
            }
        ]
    }
    with sqlite() as engine:
        prepare(engine)
        event = {"code": "seats", "external_subscription_id": "s", "transaction_id": "1"}
        at = FIRST // 1_000_000
        engine.ingest([{**event, "timestamp": at, "properties": {"gb": 1}}])
        year = fee("year", 0, "yearly", **prorated)
        found = month_of(engine, fee("month", 0, **prorated), year)

    assert found == {("s", "month"): (36_500, 0), ("s", "year"): (3100, 3100 - 36_500)}
