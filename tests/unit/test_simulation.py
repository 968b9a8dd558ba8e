"""Real usage under other plans: what stays the same, whatever the plans and the periods are."""

from __future__ import annotations

from random import Random

import pytest

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import parse_instant
from lago_cli.domain.plans import PLAN
from lago_cli.domain.subscriptions import BILLING_TIMES, INTERVALS, Subscription
from lago_cli.services.invoicing import Invoicing
from lago_cli.services.plans import read_plan
from lago_cli.services.requests import UsageRequest
from lago_cli.services.simulation import simulate
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
        filters = [{"key": "region", "values": ["eu", "us"]}] if code == "gb" else []
        engine.define(code=code, **keys, filters=filters_of(filters))


def filters_of(rows):
    from lago_cli.domain.metrics import Filter

    return [Filter(row["key"], tuple(row["values"])) for row in rows]


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


@pytest.mark.parametrize("seed", range(12))
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
