"""Whatever is sent in whatever order: the figures are those of a slow and obvious oracle."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from tests.conftest import Lago
from tests.server.conftest import NOON
from tests.servers import Api, serving

PHASES = (Phase.explicit, Phase.generate)  # a story is long, and to make it shorter takes longer
NOW = ("--now", "2026-11-28T12:00:00Z")
WINDOWS = {
    "s": ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"),
    "paris": ("2026-10-31T23:00:00Z", "2026-11-30T23:00:00Z"),
    "young": ("2026-11-10T00:00:00Z", "2026-12-01T00:00:00Z"),  # it began within the month
}
STARTS = {"s": "2026-09-15", "paris": "2026-09-15T00:00:00Z", "young": "2026-11-10"}
INSTANTS = (
    *("2026-09-20T00:00:00Z", "2026-10-31T22:59:59.999999Z", "2026-10-31T23:00:00Z"),
    *("2026-11-01T00:00:00Z", "2026-11-09T23:59:59.999999Z", "2026-11-10T00:00:00Z"),
    *("2026-11-20T00:00:00Z", "2026-11-30T22:59:59Z", "2026-11-30T23:59:59.999999Z"),
    "2026-12-01T00:00:00Z",
)
VALUES: tuple[Any, ...] = (
    *(1, 0, -3, "0.1", "2.5", 98765432109876543210987, "0.000000000000000000000001"),
    *("-7.25", "x", "", None, ...),  # ...: it is missing
)
MALFORMED: tuple[dict[str, Any], ...] = (
    *({"code": None}, {"code": ""}, {"timestamp": "yesterday"}, {"timestamp": True}),
    *({"transaction_id": None}, {"properties": [1]}, {"properties": "x"}),
)


def read(kind: str, value: Any) -> Any:
    """What an event counts with: a number, or a text of one; None where it has nothing."""
    if kind == "count_agg":
        return Fraction(1)
    if value is None or value is ...:
        return None
    if kind == "unique_count_agg":
        return str(value)  # whatever it is
    try:
        return Fraction(Decimal(str(value)))
    except ArithmeticError:
        return None


def largest(values: list[Fraction]) -> Fraction:
    return max(values, default=Fraction(0))


def latest(values: list[Fraction]) -> Fraction:
    return max(values[-1], Fraction(0)) if values else Fraction(0)


FOLDS: dict[str, Callable[[list[Any]], Fraction]] = {
    "sum_agg": lambda values: sum(values, Fraction(0)),
    "max_agg": largest,
    "latest_agg": latest,
    "unique_count_agg": lambda values: Fraction(len(set(values))),
    "count_agg": lambda values: Fraction(len(values)),
}


@dataclass
class Oracle:
    """What was taken in, and what is defined now."""

    events: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    deleted: set[tuple[str, str]] = field(default_factory=set)
    kind: str = "sum_agg"
    prices: tuple[str, str, str] = ("0.5", "2", "0.005")

    def take(self, events: list[dict[str, Any]]) -> bool:
        """All of them or none."""
        names = [(event["external_subscription_id"], event["transaction_id"]) for event in events]
        is_new = len(set(names)) == len(names) and not self.events.keys() & set(names)
        if not is_new or any("malformed" in event for event in events):
            return False
        self.events |= dict(zip(names, events, strict=True))
        return True

    def counted(self, subscription: str, code: str) -> list[tuple[str | None, Any]]:
        """Regions and values, in the order of time and then of arrival."""
        start, end = WINDOWS[subscription]
        rows = [
            event
            for name, event in self.events.items()
            if name not in self.deleted
            and name[0] == subscription
            and event["code"] == code
            and start.rstrip("Z") <= event["timestamp"].rstrip("Z") < end.rstrip("Z")
        ]
        found = []
        for event in sorted(rows, key=lambda row: row["timestamp"].rstrip("Z")):
            value = event["properties"].get("v", ...)
            found.append((event["properties"].get("region"), read(self.kind_of(code), value)))
        return [row for row in found if row[1] is not None]

    def kind_of(self, code: str) -> str:
        return "count_agg" if code == "calls" else self.kind

    def units(self, subscription: str, code: str) -> tuple[Fraction, int]:
        """As a metric has them, whatever the plan says."""
        values = [value for _, value in self.counted(subscription, code)]
        fold = FOLDS[self.kind_of(code)]
        return fold(values), len(values)

    def fees(self, subscription: str, code: str) -> dict[str | None, tuple[Fraction, int, int]]:
        """Units, events and cents: by the filter of the one, by the groups of the other."""
        inside, outside, each_call = self.prices
        found: dict[str | None, tuple[Fraction, int, int]] = {}
        for region in {region for region, _ in self.counted(subscription, code)}:
            key = region if code == "calls" or region == "eu" else None
            values = [
                value
                for other, value in self.counted(subscription, code)
                if (other if code == "calls" or other == "eu" else None) == key
            ]
            units = max(FOLDS[self.kind_of(code)](values), Fraction(0))  # as they are billed
            price = each_call if code == "calls" else inside if key == "eu" else outside
            found[key] = (units, len(values), cents(units * Fraction(price)))
        return found


def cents(amount: Fraction) -> int:
    """Half a cent is a whole one."""
    return int((amount * 100 + Fraction(1, 2)) // 1)


events = st.fixed_dictionaries(
    {
        "transaction_id": st.sampled_from([f"t{number}" for number in range(15)]),
        "external_subscription_id": st.sampled_from([*WINDOWS, "s"]),
        "code": st.sampled_from(["gb", "gb", "calls", "unknown"]),
        "timestamp": st.sampled_from(INSTANTS),
        "properties": st.builds(
            lambda value, region: {
                key: one for key, one in (("v", value), ("region", region)) if one is not ...
            },
            st.sampled_from(VALUES),
            st.sampled_from(["eu", "us", ...]),
        ),
    },
    optional={"malformed": st.sampled_from(MALFORMED)},
)
sound = events.map(lambda event: {k: v for k, v in event.items() if k != "malformed"})
prices = st.sampled_from(["0.005", "0.5", "1.23456789012345678901", "0"])
first = st.lists(
    sound,
    min_size=10,
    max_size=30,
    unique_by=lambda event: (event["external_subscription_id"], event["transaction_id"]),
)
steps = st.one_of(
    st.tuples(st.just("one"), events.map(lambda event: [event])),
    st.tuples(st.just("batch"), st.lists(sound, min_size=1, max_size=6)),
    st.tuples(st.just("batch"), st.lists(events, min_size=1, max_size=6)),
    st.tuples(st.just("batch"), st.lists(sound, min_size=1, max_size=3).map(lambda b: [*b, b[0]])),
    st.tuples(st.just("measure"), st.sampled_from(sorted(FOLDS))),
    st.tuples(st.just("price"), st.tuples(prices, prices, prices)),
    st.tuples(st.just("delete"), st.integers(0, 30)),
)


def define(api: Api, oracle: Oracle) -> None:
    filters = [{"key": "region", "values": ["eu", "us"]}]
    for row in (
        {"code": "gb", "aggregation_type": "sum_agg", "field_name": "v", "filters": filters},
        {"code": "calls", "aggregation_type": "count_agg"},
    ):
        api("POST", "/billable_metrics", {"billable_metric": {"name": "x", **row}})
    plan = {"code": "p", "name": "P", "interval": "monthly", "amount_cents": 0}
    plan |= {"amount_currency": "EUR", "pay_in_advance": False}
    api("POST", "/plans", {"plan": plan | {"charges": charges(*oracle.prices)}})
    zone = {"external_id": "in paris", "timezone": "Europe/Paris"}
    api("POST", "/customers", {"customer": zone})
    for name, start in STARTS.items():
        row = {"external_id": name, "external_customer_id": f"in {name}", "plan_code": "p"}
        api("POST", "/subscriptions", {"subscription": {**row, "subscription_at": start}})


def charges(inside: str, outside: str, each_call: str) -> list[dict[str, Any]]:
    differing = {"values": {"region": ["eu"]}, "properties": {"amount": inside}}
    grouped = {"amount": each_call, "pricing_group_keys": ["region"]}
    standard = {"charge_model": "standard"}
    return [
        {
            **standard,
            "billable_metric_code": "gb",
            "properties": {"amount": outside},
            "filters": [differing],
        },
        {**standard, "billable_metric_code": "calls", "properties": grouped},
    ]


def do(api: Api, lago: Lago, oracle: Oracle, step: str, what: Any) -> None:
    """One step of a story, as the oracle expects it to go."""
    if step == "measure":
        body = {"aggregation_type": what, "field_name": "v"}
        api("PUT", "/billable_metrics/gb", {"billable_metric": body})
        oracle.kind = what
    elif step == "price":
        api("PUT", "/plans/p", {"plan": {"charges": charges(*what)}})
        oracle.prices = what
    elif step == "delete":
        there = [name for name in oracle.events if name not in oracle.deleted]
        if there:
            subscription, event = name = there[what % len(there)]
            given = ("--subscription", subscription, "--reason", "x", "-q")
            lago("events", "delete", event, *given, *NOW)
            oracle.deleted.add(name)
    else:
        sent = [{**event, **event.get("malformed", {})} for event in what]
        for event in sent:
            event.pop("malformed", None)
        body = {"event": sent[0]} if step == "one" else {"events": sent}
        path = "/events" if step == "one" else "/events/batch"
        api("POST", path, body, status=200 if oracle.take(what) else 422)


def figures(rows: Iterable[dict[str, Any]], key: str) -> dict[str | None, tuple[Any, ...]]:
    """What was used, by the region of a filter or a group."""
    found = {}
    for row in rows:
        region = (row[key] or {}).get("region")
        name = region[0] if isinstance(region, list) else region
        if row["events_count"]:
            found[name] = (Fraction(row["units"]), row["events_count"], row["amount_cents"])
    return found


@settings(max_examples=25, deadline=None, phases=PHASES)
@given(kind=st.sampled_from(sorted(FOLDS)), first=first, story=st.lists(steps, max_size=20))
def test_current_usage_and_commands_agree_with_the_oracle(
    tmp_path_factory: pytest.TempPathFactory,
    kind: str,
    first: list[dict[str, Any]],
    story: list[tuple[str, Any]],
):
    """To the last digit, for each subscription, metric, filter and group."""
    oracle = Oracle()
    story = [("batch", first), ("measure", kind), *story]
    folder = tmp_path_factory.mktemp("story")
    lago = Lago(folder)
    with serving(folder / "lago.db", now=lambda: NOON) as (api, _):
        define(api, oracle)
        for step, what in story:
            do(api, lago, oracle, step, what)
        for name in WINDOWS:
            path = f"/customers/in%20{name}/current_usage"
            told = api("GET", path, external_subscription_id=name)["customer_usage"]
            by_code = {row["billable_metric"]["code"]: row for row in told["charges_usage"]}
            rows = lago("usage", "--subscription", name, "--amounts", "-o", "json", *NOW).json()
            by_command = {row["billable_metric_code"]: row for row in rows}
            for code, key in (("gb", "filters"), ("calls", "grouped_usage")):
                inner = [
                    {**row, "by": row["values"] if key == "filters" else row["grouped_by"]}
                    for row in by_code[code][key]
                ]
                expected = oracle.fees(name, code)
                whole = [sum(column) for column in zip(*expected.values(), strict=True)]
                units, count = oracle.units(name, code)
                row, command = by_code[code], by_command[code]

                assert figures(inner, "by") == expected
                assert [Fraction(row["units"]), row["events_count"], row["amount_cents"]] == (
                    whole or [0, 0, 0]
                )
                assert (Fraction(command["units"]), command["events_count"]) == (units, count)
                assert int(command["amount_cents"]) == row["amount_cents"]
        lago("db", "check", "-q")
