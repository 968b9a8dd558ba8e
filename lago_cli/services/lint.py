"""
Lint: what is no fault of a definition and yet hardly meant.

Findings about plans and what hangs on them; each says where it is, and what to do.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from fractions import Fraction
from itertools import combinations
from math import floor
from typing import Literal, NamedTuple, Protocol

from lago_cli.domain.attribution import Registry
from lago_cli.domain.buckets import in_order
from lago_cli.domain.charges import Charge, model_of
from lago_cli.domain.customers import CUSTOMER, Customer
from lago_cli.domain.definitions import Path
from lago_cli.domain.events import Subject
from lago_cli.domain.instants import Window
from lago_cli.domain.metrics import METRIC, Metric
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.plans import PLAN, Plan
from lago_cli.domain.pricing import Used
from lago_cli.domain.subscriptions import SUBSCRIPTION, Subscription
from lago_cli.domain.tiers import Volume
from lago_cli.domain.usage import PropertyFilter
from lago_cli.services.definitions import Definitions
from lago_cli.services.questions import overlap
from lago_cli.services.wire import Row
from lago_cli.stores.base import DefinitionStore, PricedStore

Severity = Literal["error", "warning"]
NAMED = 5  # of what is counted

_WHOLE = ("count_agg", "unique_count_agg")


class Finding(NamedTuple):
    """What is wrong, and with which definition."""

    code: str
    section: str  # of the definition
    name: str | None
    path: Path  # within it
    message: str
    hint: str | None = None
    plan_code: str | None = None
    severity: Severity = "warning"

    @property
    def place(self) -> str:
        """Where it is, without a file."""
        if self.path:
            return "".join(f"[{s}]" if isinstance(s, int) else f".{s}" for s in self.path)[1:]
        return f"{self.section}.{self.name}" if self.name else self.section

    def as_json(self, place: str) -> Row:
        return {
            "severity": self.severity,
            "code": self.code,
            "plan_code": self.plan_code,
            "place": place,
            "message": self.message,
            "hint": self.hint,
        }


class Known(NamedTuple):
    """All definitions that hold together."""

    metrics: Mapping[str, Metric]
    customers: Mapping[str, Customer]
    plans: Mapping[str, Plan]
    subscriptions: Mapping[str, Subscription]

    def with_those_of(self, wanted: Definitions) -> Known:
        """The same after files were applied."""
        return Known(
            {**self.metrics, **wanted.of(METRIC)},
            {**self.customers, **wanted.of(CUSTOMER)},
            {**self.plans, **wanted.of(PLAN)},
            {**self.subscriptions, **wanted.of(SUBSCRIPTION)},
        )


NOTHING = Known({}, {}, {}, {})


class LintedStore(PricedStore, DefinitionStore, Protocol):
    """What findings need of an engine."""


def known_in(store: LintedStore) -> Known:
    """What a store has defined and registered."""
    customers = {each.value.external_id: each.value for each in store.table(CUSTOMER).entries()}
    subscriptions = {each.external_id: each for each in store.accounts.subscriptions()}
    return Known(store.catalog.metrics(), customers, store.plans(), subscriptions)


def of_store(store: LintedStore) -> Iterator[Finding]:
    """Everything about the definitions of a store, and the events that are stored."""
    known = known_in(store)
    for plan in known.plans.values():
        for path, error in plan.faults_with(known.metrics):
            is_unknown = error.code == "metric_not_found"
            code = "unknown_metric" if is_unknown else "unusable_charge"
            yield Finding(
                code,
                PLAN.section,
                plan.code,
                path,
                error.message.removesuffix("."),
                error.hint,
                plan.code,
                "error",
            )
        yield from of_plan(plan, known.metrics)
    if known.plans:
        yield from _unpriced(known.metrics, known.plans)
    yield from _unknown_plans(known)
    yield from _currencies(known, known.subscriptions)
    yield from _of_events(store, known)


def of_files(wanted: Definitions, before: Known, named: Collection[str] = ()) -> Iterator[Finding]:
    """
    Everything about what files define, beside what is there already.

    Args:
        named: subscriptions that events name.
    """
    known = before.with_those_of(wanted)
    for plan in wanted.of(PLAN).values():
        yield from of_plan(plan, known.metrics)
    if wanted.of(PLAN):
        yield from _unpriced(wanted.of(METRIC), known.plans)
    yield from _currencies(known, wanted.of(SUBSCRIPTION))
    for name, each in wanted.of(SUBSCRIPTION).items():
        if known.plans and each.plan_code is None and name in named:
            yield _unplanned(name)


def of_plan(plan: Plan, metrics: Mapping[str, Metric]) -> Iterator[Finding]:
    """Filters that take events from each other, and prices that fall where usage grows."""
    for number, charge in enumerate(plan.charges):
        metric = metrics.get(charge.billable_metric_code)
        if metric is not None:
            for found in (*_filters(charge, metric), *_drops(charge, metric, plan)):
                yield found._replace(
                    name=plan.code, plan_code=plan.code, path=("charges", number, *found.path)
                )


def _of_charge(code: str, path: Path, message: str, hint: str) -> Finding:
    return Finding(code, PLAN.section, None, path, message, hint)


def _filters(charge: Charge, metric: Metric) -> Iterator[Finding]:
    declared = [charge.filter_of(number, metric) for number in range(len(charge.filters))]
    rank = in_order(declared)
    reached: list[int] = []
    for number, values in enumerate(declared):
        same = [n for n in reached if _sets(declared[n]) == _sets(values)]
        if not same:
            reached.append(number)
            continue
        yield _of_charge(
            "unreachable_filter",
            ("filters", number),
            f"no event gets here: filters[{same[0]}] asks for the same",
            "Take one of them away.",
        )
    for earlier, later in combinations(reached, 2):
        one, other = declared[earlier], declared[later]
        common = _common(one, other)
        if common is None or _is_within(one, other) or _is_within(other, one):
            continue
        first = min(earlier, later, key=rank.index)
        before = [declared[number] for number in rank[: rank.index(first)]]
        if any(_is_within(common, each) for each in before):
            continue
        told = ", ".join(f"{key}={values[0]}" for key, values in common.items())
        yield _of_charge(
            "overlapping_filters",
            ("filters", later),
            f"an event with {told} matches filters[{earlier}] too, and is billed by"
            f" filters[{first}]",
            "Add a filter for what both match, with its own price.",
        )


def _is_within(inner: PropertyFilter, outer: PropertyFilter) -> bool:
    """Whether every event that matches one matches the other."""
    return all(key in inner and set(inner[key]) <= set(outer[key]) for key in outer)


def _sets(values: PropertyFilter) -> dict[str, set[str]]:
    return {key: set(each) for key, each in values.items()}


def _common(one: PropertyFilter, other: PropertyFilter) -> PropertyFilter | None:
    """What both match; None where there is no such event."""
    found = {**one, **{key: values for key, values in other.items() if key not in one}}
    for key in one.keys() & other.keys():
        found[key] = [value for value in one[key] if value in other[key]]
    return found if all(found.values()) else None


def _drops(charge: Charge, metric: Metric, plan: Plan) -> Iterator[Finding]:
    places: list[tuple[Path, Mapping[str, object] | None]] = [((), charge.properties)]
    places += [(("filters", n), each.properties) for n, each in enumerate(charge.filters)]
    for where, properties in places:
        model = model_of(charge.charge_model, properties or {})
        if not isinstance(model, Volume):
            continue
        for number, tier in enumerate(model.tiers[:-1]):
            assert tier.end is not None
            is_whole = metric.aggregation_type in _WHOLE
            last = Fraction(floor(tier.end)) if is_whole else tier.end
            cost, more = (model.price(Used(units)).amount for units in (last, last + 1))
            beyond = f"{as_plain(last + 1)} units"
            if more >= cost and not is_whole:
                following = model.tiers[number + 1]
                more = last * following.price + following.flat
                beyond = "a little more"
            if more < cost:
                currency = plan.amount_currency
                yield _of_charge(
                    "price_drops",
                    (*where, "properties", "volume_ranges", number + 1),
                    f"{as_plain(last)} units cost {as_plain(cost)} {currency}, and {beyond} only"
                    f" {as_plain(more)} {currency}",
                    "With graduated_ranges more usage never costs less.",
                )


def _unpriced(metrics: Collection[str], plans: Mapping[str, Plan]) -> Iterator[Finding]:
    priced = {each.billable_metric_code for plan in plans.values() for each in plan.charges}
    for code in metrics:
        if code not in priced:
            message = f'no plan charges for the metric "{code}"'
            yield Finding("unpriced_metric", METRIC.section, code, (), message)


def _unknown_plans(known: Known) -> Iterator[Finding]:
    for name, each in known.subscriptions.items():
        codes = [phase.plan_code for phase in each.phases if phase.plan_code is not None]
        for code in dict.fromkeys(codes):
            if code not in known.plans:
                yield Finding(
                    "unknown_plan",
                    SUBSCRIPTION.section,
                    name,
                    (),
                    f'the subscription "{name}" names the plan "{code}", which is not there',
                    "Define the plan, or give the subscription another one.",
                    code,
                    "error",
                )


def _currencies(known: Known, subjects: Mapping[str, Subscription]) -> Iterator[Finding]:
    """Of customers who pay in one currency, and are billed in another one."""
    by_customer: dict[str, dict[str, str]] = {}  # customer, currency: a subscription
    concerned = {each.external_customer_id for each in subjects.values()}
    for name, each in known.subscriptions.items():
        plan = known.plans.get(each.plan_code or "")
        if plan is None or each.external_customer_id not in concerned:
            continue
        by_customer.setdefault(each.external_customer_id, {})[plan.amount_currency] = name
        customer = known.customers.get(each.external_customer_id)
        wanted = customer.currency if customer else None
        if wanted is not None and wanted != plan.amount_currency and name in subjects:
            yield Finding(
                "currency_differs",
                SUBSCRIPTION.section,
                name,
                (),
                f'the plan "{plan.code}" is in {plan.amount_currency}, and the customer'
                f' "{each.external_customer_id}" pays in {wanted}',
                plan_code=plan.code,
            )
    for customer_id, currencies in by_customer.items():
        if len(currencies) > 1:
            named = ", ".join(f'"{name}" in {currency}' for currency, name in currencies.items())
            yield Finding(
                "currency_differs",
                CUSTOMER.section,
                customer_id,
                (),
                f'the customer "{customer_id}" has subscriptions in several currencies: {named}',
            )


def _of_events(store: LintedStore, known: Known) -> Iterator[Finding]:
    """Subscriptions that have events, and no price."""

    def has_events(of: Sequence[tuple[Subject, Window]]) -> bool:
        ways = (True, False) if of else ()
        return any(count for usable in ways for _, count in store.count(of, usable=usable))

    registry = store.registry((), ())
    spans = _of_customers(registry)
    named = {name for _, name in registry.parties if name is not None}
    for name, each in known.subscriptions.items():
        if each.plan_code is None and (name in named or has_events(spans.get(name, ()))):
            yield _unplanned(name)
    unknown = sorted(named - known.subscriptions.keys())
    if unknown:
        count = "1 subscription" if len(unknown) == 1 else f"{len(unknown)} subscriptions"
        more = ", …" if len(unknown) > NAMED else ""
        yield Finding(
            "unregistered_subscription",
            SUBSCRIPTION.section,
            None,
            (),
            f"events name {count} that nobody registered: {', '.join(unknown[:NAMED])}{more}",
            "Register them with: lago subscriptions create --external-id ID --plan-code CODE",
        )


def _unplanned(name: str) -> Finding:
    return Finding(
        "unplanned_subscription",
        SUBSCRIPTION.section,
        name,
        (),
        f'the subscription "{name}" has events, and no plan',
        f"Give it one with: lago subscriptions update {name} --plan-code CODE",
    )


def _of_customers(registry: Registry) -> dict[str, list[tuple[Subject, Window]]]:
    """When events that name only a customer are those of a subscription."""
    found: dict[str, list[tuple[Subject, Window]]] = {}
    for party in registry.parties:
        for claim in registry.claims(party) if party[1] is None else ():
            if claim.subscription is not None:
                span = overlap(claim.span, claim.life)
                found.setdefault(claim.subscription, []).append((party, span))
    return found
