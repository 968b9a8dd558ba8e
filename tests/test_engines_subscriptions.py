"""
Whose usage it is, in which windows: the engines against the specification.

Random subscriptions, time zones and events go through the SQLite engine, the memory
engine and `Oracle`, which is written from the specification alone: it looks at one event
at a time, counts local days one by one with another calendar than the program's, and
knows no shortcut. The laws below it need no second opinion.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from whenever import Date, Instant, Time

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import format_instant
from lago_cli.domain.subscriptions import Subscription
from lago_cli.errors import LagoError
from tests.engines import NOON, memory, sqlite
from tests.examples import examples

SETTINGS = examples(60)
HOUR = 3_600_000_000
DAY = 24 * HOUR
FIRST = NOON - 60 * DAY - 12 * HOUR  # a midnight; summer time ends meanwhile
EVER = (-(2**62), 2**62)
ZONES = ("UTC", "Europe/Paris", "America/New_York", "Asia/Kolkata", "Africa/Cairo")


# What comes in ---------------------------------------------------------------------------

whole_hours = st.integers(0, 90 * 24).map(lambda n: FIRST + n * HOUR)
midnights = st.integers(0, 90).map(lambda n: FIRST + n * DAY)
moments = st.one_of(
    midnights,
    whole_hours,
    st.builds(lambda hour, more: hour + more, whole_hours, st.sampled_from((-1, 1, HOUR // 2))),
)


@dataclass(frozen=True)
class Sent:
    """An event as it is sent."""

    transaction_id: str
    customer: str | None
    subscription: str | None
    at: int
    value: int
    item: str
    operation: str
    region: str

    @property
    def json(self):
        return {
            "transaction_id": self.transaction_id,
            "code": "m",
            "external_customer_id": self.customer,
            "external_subscription_id": self.subscription,
            "timestamp": format_instant(self.at),
            "properties": {
                "value": self.value,
                "item": self.item,
                "operation_type": self.operation,
                "region": self.region,
            },
        }

    @property
    def identity(self):
        named = self.subscription is not None
        return named, self.subscription if named else self.customer, self.transaction_id


def as_json(event):
    return event.json


parties = st.sampled_from(
    (
        *(("c1", None), ("c1", None), ("c2", None), (None, "s1"), ("c1", "s1"), ("c1", "s2")),
        *((None, "s2"), ("c2", "s2"), ("c2", "s3"), (None, "s9"), ("c1", "s9"), ("c3", None)),
    )
)


@st.composite
def subscriptions(draw):
    """None to three of two customers; their lives overlap, touch, or are empty."""
    found = []
    edges = draw(st.lists(moments, min_size=1, max_size=3))
    for name in draw(st.lists(st.sampled_from(("s1", "s2", "s3")), unique=True, max_size=3)):
        start = draw(st.one_of(st.sampled_from(edges), moments, st.just(FIRST - 400 * DAY)))
        end = draw(st.one_of(st.none(), st.sampled_from(edges), moments))
        found.append(
            Subscription(
                name,
                draw(st.sampled_from(("c1", "c1", "c2"))),
                subscription_at=draw(st.one_of(st.just(start), moments)),
                started_at=start,
                interval=draw(st.sampled_from(("weekly", "monthly", "monthly", "quarterly"))),
                billing_time=draw(st.sampled_from(("calendar", "anniversary"))),
                terminated_at=None if end is None else max(start, end),
            )
        )
    return found


@st.composite
def sent_events(draw, when):
    customer, subscription = draw(parties)
    number = draw(st.integers(0, 15))
    return Sent(
        f"t{number}" if customer else f"anonymous {number}",
        customer,
        subscription,
        draw(when),
        draw(st.integers(-3, 5)),
        draw(st.sampled_from(("ana", "bo"))),
        draw(st.sampled_from(("add", "add", "remove"))),
        draw(st.sampled_from(("eu", "us"))),
    )


@st.composite
def worlds(draw):
    """(subscriptions, customers, events, metric), the events often at the edges of lives."""
    registered = draw(subscriptions())
    edges = [edge for each in registered for edge in each.life if abs(edge) < EVER[1]]
    when = st.one_of(moments, *([st.sampled_from(edges)] if edges else []))
    events = st.lists(sent_events(when), max_size=20)
    zones = draw(st.tuples(st.sampled_from(ZONES), st.sampled_from((None, *ZONES))))
    customers = [
        Customer(name, timezone=zone) for name, zone in zip(("c1", "c2"), zones, strict=True)
    ]
    return registered, customers, draw(events), draw(metrics())


@st.composite
def metrics(draw):
    kind = draw(
        st.sampled_from(
            (
                *("count_agg", "sum_agg", "sum_agg", "max_agg", "latest_agg"),
                *("unique_count_agg", "unique_count_agg", "weighted_sum_agg", "weighted_sum_agg"),
            )
        )
    )
    may_recur = kind in ("sum_agg", "unique_count_agg", "weighted_sum_agg")
    return {
        "code": "m",
        "aggregation_type": kind,
        "field_name": {"count_agg": None, "unique_count_agg": "item"}.get(kind, "value"),
        "recurring": may_recur and draw(st.booleans()),
    }


@st.composite
def questions(draw):
    """What may be asked."""
    asked = {
        "by": draw(st.sampled_from((None, "customer", "subscription"))),
        "timezone": draw(st.sampled_from((None, None, *ZONES))),
        "prorated": draw(st.booleans()),
        "group_by": draw(st.sampled_from(((), (), ("region",)))),
    }
    if draw(st.booleans()):
        asked["subscriptions"] = draw(st.lists(st.sampled_from(("s1", "s2", "s9")), max_size=2))
    if draw(st.booleans()):
        asked["customers"] = draw(st.lists(st.sampled_from(("c1", "c2", "c3")), max_size=2))
    form = draw(st.sampled_from(("current", "previous", "at", "from", "from", "name")))
    if form == "at":
        asked["at"] = draw(moments)
    elif form == "from":
        asked["start"], asked["end"] = sorted(draw(st.tuples(moments, moments)))
    elif form == "name":
        asked["period"] = draw(st.sampled_from(("2026-11", "2026-11-10", "2026-W43", "2026-Q4")))
    else:
        asked["period"] = form
    asked["window"] = draw(st.sampled_from((None, None, "day", "week", "month")))
    return asked


# What the specification says --------------------------------------------------------------


def local_date(moment, zone):
    at = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=moment)
    return Instant(at).to_tz(zone).date()


def midnight(date, zone):
    """The first instant of a local day, where clocks skip or repeat its midnight too."""
    return date.at(Time()).assume_tz(zone, disambiguation="compatible").timestamp() * 1_000_000


def boundaries(subscription, moment, zone):
    """The billing periods around `moment`, none left out."""
    date = local_date(moment, zone)
    if subscription is None or subscription.billing_time == "calendar":
        anchor = Date(2024, 1, 1)  # a Monday
    else:
        anchor = local_date(subscription.subscription_at, zone)
    interval = subscription.interval if subscription else "monthly"
    if interval == "weekly":
        days = [date.add(days=n) for n in range(-15, 16)]
        dates = [day for day in days if day.day_of_week() == anchor.day_of_week()]
    else:
        step = {"monthly": 1, "quarterly": 3}[interval]
        near = ((date.year - anchor.year) * 12 + date.month - anchor.month) // step
        dates = [anchor.add(months=n * step) for n in range(near - 3, near + 4)]
    return [midnight(each, zone) for each in dates]


def billing_period(subscription, moment, zone):
    (found,) = (
        (start, end)
        for start, end in pairwise(boundaries(subscription, moment, zone))
        if start <= moment < end
    )
    return found


def local_days(start, end, zone):
    """The local days of [start, end), the first and the last cut to it."""
    date = local_date(start, zone)
    while start < end:
        date = date.add(days=1)
        following = min(end, midnight(date, zone))
        if following > start:
            yield start, following
            start = following


def pieces(start, end, step, zone):
    cuts = {start, end}
    date = local_date(start, zone)
    while (edge := midnight(date, zone)) < end:
        if edge > start and (
            step == "day"
            or (step == "week" and date.day_of_week().value == 1)
            or (step == "month" and date.day == 1)
        ):
            cuts.add(edge)
        date = date.add(days=1)
    return list(pairwise(sorted(cuts)))


NAMED = {
    "2026-11": (Date(2026, 11, 1), Date(2026, 12, 1)),
    "2026-11-10": (Date(2026, 11, 10), Date(2026, 11, 11)),
    "2026-W43": (Date(2026, 10, 19), Date(2026, 10, 26)),
    "2026-Q4": (Date(2026, 10, 1), Date(2027, 1, 1)),
}


def both(one, other):
    return max(one[0], other[0]), min(one[1], other[1])


def meets(one, other):
    start, end = both(one, other)
    return start < end


class BeforeStart(Exception):  # noqa: N818
    """A subscription that is asked for had not started."""


class Oracle:
    """All rows of an answer, from the events that are stored."""

    def __init__(self, registered, customers, kept, metric):
        self.subscriptions = {each.external_id: each for each in registered}
        self.zones = {each.external_id: each.timezone for each in customers}
        self.kept = kept
        self.metric = metric
        self.kind = metric["aggregation_type"]
        self.recurring = metric["recurring"]

    def owner_of(self, event, *, recurring):
        """(customer, subscription) of an event, and the life it counts in."""
        customer, name = event.customer, event.subscription
        if name is not None:
            registered = self.subscriptions.get(name)
            if customer is None and registered:
                customer = registered.external_customer_id
            if customer is None:
                named = {e.customer for e in self.kept if e.subscription == name and e.customer}
                customer = named.pop() if len(named) == 1 else None
            return (customer, name), tuple(registered.life) if registered else EVER
        theirs = self.of_customer(customer)
        active = [s for s in theirs if s.life.start <= event.at < s.life.end]
        if not active and recurring and len(theirs) == 1 and event.at < theirs[0].life.start:
            active = theirs
        if len(active) == 1:
            return (customer, active[0].external_id), tuple(active[0].life)
        return (customer, None), EVER

    def of_customer(self, customer):
        return [s for s in self.subscriptions.values() if s.external_customer_id == customer]

    def rows(self, asked):
        """{(owner, window, group): (units, events_count)} of those with any event."""
        self.asked = asked
        found = {}
        owners = defaultdict(list)
        for event in self.kept:
            (customer, name), life = self.owner_of(event, recurring=self.recurring)
            if self.is_asked_for(customer, name):
                owners[self.shown(customer, name)].append((event, life))
        for each in self.subscriptions.values():
            if self.is_asked_for(each.external_customer_id, each.external_id):
                owners.setdefault(self.shown(each.external_customer_id, each.external_id), [])
        for owner, events in owners.items():
            for window, whole in self.windows(owner):
                for group in {self.group(event) for event, _ in events}:
                    of_group = [pair for pair in events if self.group(pair[0]) == group]
                    figure = self.figure(owner, of_group, window, whole)
                    if figure:
                        found[owner, window, group] = figure
        return found

    def refusal(self, asked):
        """The code of the error where a name is asked for that is not known, or is another's."""
        pairs = {(event.customer, event.subscription) for event in self.kept}
        pairs |= {(each.external_customer_id, key) for key, each in self.subscriptions.items()}
        customers, names = asked.get("customers") or (), asked.get("subscriptions") or ()
        known = {customer for customer, _ in pairs} | set(self.zones)
        if not known.issuperset(customers):
            return "customer_not_found"
        if not {name for _, name in pairs}.issuperset(names):
            return "subscription_not_found"
        owners = {self.owner_of(event, recurring=False)[0] for event in self.kept}
        owners |= {(each.external_customer_id, key) for key, each in self.subscriptions.items()}
        is_theirs = all(any((one, name) in owners for one in customers) for name in names)
        return None if is_theirs or not customers else "subscription_of_another_customer"

    def is_asked_for(self, customer, name):
        customers, names = self.asked.get("customers"), self.asked.get("subscriptions")
        return (not customers or customer in customers) and (not names or name in names)

    @property
    def is_by_subscription(self):
        default = "subscription" if self.asked.get("subscriptions") else "customer"
        return (self.asked["by"] or default) == "subscription"

    def shown(self, customer, name):
        return customer, name if self.is_by_subscription or customer is None else None

    def group(self, event):
        return (event.region,) if self.asked["group_by"] else None

    def zone(self, owner):
        return self.asked["timezone"] or self.zones.get(owner[0]) or "UTC"

    def life(self, owner):
        if owner[1] is not None:
            registered = self.subscriptions.get(owner[1])
            return tuple(registered.life) if registered else EVER
        if self.is_by_subscription:
            return EVER
        lives = []
        for event in self.kept:
            if event.subscription is None:
                if event.customer == owner[0] and not self.asked.get("subscriptions"):
                    return EVER  # what they use beside their subscriptions
                continue
            (customer, name), life = self.owner_of(event, recurring=False)
            if customer == owner[0] and self.is_asked_for(customer, name):
                lives.append(life)
        lives += [
            tuple(each.life)
            for each in self.of_customer(owner[0])
            if self.is_asked_for(owner[0], each.external_id)
        ]
        return (min(start for start, _ in lives), max(end for _, end in lives)) if lives else EVER

    def billing(self, owner, moment):
        """The subscription whose periods count; None: months of the calendar."""
        if owner[1] is not None:
            return self.subscriptions.get(owner[1])
        if self.is_by_subscription:
            return None
        known = [
            s for s in self.of_customer(owner[0]) if self.is_asked_for(owner[0], s.external_id)
        ]
        known = [s for s in known if s.life.end > moment] or known
        anchors = {
            (s.interval, s.billing_time, s.billing_time == "calendar" or s.subscription_at)
            for s in known
        }
        return known[0] if len(anchors) == 1 else None

    def windows(self, owner):
        """(window, what an average divides by)."""
        asked, zone, life = self.asked, self.zone(owner), self.life(owner)
        billing = self.billing(owner, EVER[0])
        period = None
        if asked.get("period") in NAMED:
            period = tuple(midnight(date, zone) for date in NAMED[asked["period"]])
        elif "start" in asked:
            period = asked["start"], asked["end"]
        else:
            moment = asked.get("at", NOON)
            if asked.get("period") == "previous":
                of_now = billing_period(self.billing(owner, moment), moment, zone)
                moment = of_now[0] - 1
            if owner[1] is not None and owner[1] in asked.get("subscriptions", ()):
                if moment < life[0]:
                    raise BeforeStart
                if asked.get("period") != "previous":  # no period is the previous one twice
                    moment = max(life[0], min(moment, life[1] - 1))
            billing = self.billing(owner, moment)
            period = billing_period(billing, moment, zone)
        if asked["window"] is None:
            window = both(period, life)
            whole = self.whole(period, life, billing, zone)
            return [(window, whole)] if window[0] < window[1] else []
        return [
            (both(piece, life), piece)
            for piece in pieces(*period, asked["window"], zone)
            if meets(piece, life)
        ]

    @staticmethod
    def whole(period, life, billing, zone):
        """Exactly what was lived of billing periods stands for the whole of them."""
        if period[0] >= period[1]:
            return period
        first = billing_period(billing, period[0], zone)
        last = billing_period(billing, period[1] - 1, zone)
        periods = first[0], last[1]
        return periods if both(periods, life) == period else period

    def figure(self, owner, events, window, whole):
        if self.kind == "weighted_sum_agg":
            return self.average(events, window, whole)
        if not self.recurring:
            counted = [
                event for event, life in events if lies_in(event, window) and lies_in(event, life)
            ]
            return (self.fold(counted, window), len(counted)) if counted else None
        if not self.asked["prorated"]:
            return self.level(events, window)
        days = []
        zone = self.zone(owner)
        for day in local_days(*window, zone):
            billing = self.billing(owner, self.moment_of(owner))
            in_period = sum(1 for _ in local_days(*billing_period(billing, day[0], zone), zone))
            if level := self.level(events, day):
                days.append((level[0] / in_period, level[1]))
        return tuple(map(sum, zip(*days, strict=True))) if days else None

    def moment_of(self, owner):
        asked = self.asked
        if asked.get("period") in NAMED or "start" in asked:
            return 0
        moment = asked.get("at", NOON)
        if asked.get("period") == "previous":
            of_now = billing_period(self.billing(owner, moment), moment, self.zone(owner))
            moment = of_now[0] - 1
        return moment

    def level(self, events, window):
        """What is there, of the subscriptions that live in the window."""
        counted = [
            event
            for event, life in events
            if meets(life, window) and event.at < min(window[1], life[1])
        ]
        inside = sum(event.at >= window[0] for event in counted)
        return (self.fold(counted, window), inside) if counted else None

    def average(self, events, window, whole):
        area, inside, known = Fraction(0), 0, False
        for event, life in events:
            lived = both(window, life)
            if lived[0] >= lived[1] or not event.at < lived[1]:
                continue
            if not self.recurring and event.at < lived[0]:
                continue
            known = True
            area += event.value * (lived[1] - max(lived[0], event.at))
            inside += event.at >= lived[0]
        return (area / (whole[1] - whole[0]), inside) if known else None

    def fold(self, events, window):
        events = sorted(events, key=lambda event: (event.at, self.kept.index(event)))
        if self.kind == "unique_count_agg":
            return Fraction(self.items(events, window))
        return {
            "count_agg": lambda: Fraction(len(events)),
            "sum_agg": lambda: Fraction(sum(event.value for event in events)),
            "max_agg": lambda: Fraction(max(event.value for event in events)),
            "latest_agg": lambda: Fraction(max(events[-1].value, 0)),
        }[self.kind]()

    def items(self, events, window):
        """On at the end; of a day that proration looks at, on at any time of it."""
        on, seen = set(), set()
        for event in events:
            if event.at >= window[0]:
                seen |= on
            (on.add if event.operation == "add" else on.discard)(event.item)
            if event.at >= window[0]:
                seen |= on
        is_day = self.recurring and self.asked["prorated"]
        return len(seen | on) if is_day else len(on)


def lies_in(event, window):
    return window[0] <= event.at < window[1]


def admitted(sent, registered, when, on_duplicate="skip"):
    """The events that are stored, in the order of arrival, and how many are refused."""
    kept = {}
    refused = 0
    for number, event in enumerate(sent):
        known = registered if number >= when else []
        earlier = kept.get(event.identity)
        if earlier and not (on_duplicate == "replace" and earlier != event):
            continue
        if is_refused(event, known):
            refused += 1
            continue
        kept.pop(event.identity, None)
        kept[event.identity] = event
    return list(kept.values()), refused


def is_refused(event, registered):
    if event.subscription is not None:
        owners = {s.external_id: s.external_customer_id for s in registered}
        return event.customer not in (None, owners.get(event.subscription, event.customer))
    theirs = [s for s in registered if s.external_customer_id == event.customer]
    active = [s for s in theirs if s.life.start <= event.at < s.life.end]
    active = active or [s for s in theirs if s.life.start <= NOON < s.life.end]
    return len(active) > 1


# The engines ------------------------------------------------------------------------------


def fill(engine, world, *, when=0, size=99, on_duplicate="skip"):
    """Events, the subscriptions before number `when`, other events; the number of refused."""
    registered, customers, sent, metric = world
    engine.define(**metric)
    for customer in customers:
        engine.register(customer)
    refused = feed(engine, sent[:when], size, on_duplicate)
    for each in registered:
        engine.register(each)
    return refused + feed(engine, sent[when:], size, on_duplicate)


def feed(engine, sent, size, on_duplicate):
    return sum(
        len(engine.ingest(map(as_json, sent[n : n + size]), on_duplicate=on_duplicate).refused)
        for n in range(0, len(sent), size)
    )


def answer(engine, asked):
    """Rows with their units in one form, or the code of the error."""
    written = {
        key: format_instant(value) if key in ("start", "end", "at") else value
        for key, value in asked.items()
    }
    try:
        rows = engine.usage(**written)
    except LagoError as error:
        return error.code
    return [row._replace(units=Fraction(row.units)) for row in rows]


def figures(rows):
    return {
        (row.owner, tuple(row.window), row.group): (row.units, row.events_count) for row in rows
    }


def settled(world, how):
    """With `replace`, an event never takes the place of one that names somebody else."""
    if how["on_duplicate"] == "skip":
        return world
    registered, customers, sent, metric = world
    sent = [
        replace(event, transaction_id=f"{event.customer} {event.transaction_id}") for event in sent
    ]
    return registered, customers, sent, metric


how = st.fixed_dictionaries(
    {
        "when": st.sampled_from((0, 0, 5, 99)),
        "size": st.sampled_from((1, 4, 99)),
        "on_duplicate": st.sampled_from(("skip", "replace")),
    }
)


@SETTINGS
@given(worlds(), how, st.lists(questions(), min_size=1, max_size=4))
def test_sqlite_agrees_with_the_memory_engine(world, how, asked):
    world = settled(world, how)
    with memory() as oracle, sqlite() as engine:
        assert fill(engine, world, **how) == fill(oracle, world, **how)
        for question in asked:
            assert answer(engine, question) == answer(oracle, question)
        problems = {name: found for name, found in engine.store.maintenance.problems() if found}
        assert problems == {}


@pytest.mark.parametrize("engine_of", [memory, sqlite], ids=["memory", "sqlite"])
@SETTINGS
@given(worlds(), how, st.lists(questions(), min_size=1, max_size=3))
def test_figures_are_those_of_the_specification(engine_of, world, how, asked):
    registered, customers, sent, metric = world = settled(world, how)
    kept, refused = admitted(sent, registered, how["when"], how["on_duplicate"])
    oracle = Oracle(registered, customers, kept, metric)
    with engine_of() as engine:
        assert fill(engine, world, **how) == refused
        for question in asked:
            rows = answer(engine, question)
            if refusal := oracle.refusal(question):
                assert rows == refusal
                continue
            try:
                expected = oracle.rows(question)
            except BeforeStart:
                assert rows == "before_subscription_start"
                continue
            found = figures(rows)
            assert len(found) == len(rows)
            nothing = {key for key in found if found[key] == (0, 0)}
            assert {key: found[key] for key in found.keys() - nothing} == {
                key: expected[key] for key in expected if expected[key] != (0, 0)
            }


# Laws -------------------------------------------------------------------------------------


def totals(rows):
    found = defaultdict(lambda: (Fraction(0), 0))
    for row in rows:
        units, count = found[row.owner[0]]
        found[row.owner[0]] = units + row.units, count + row.events_count
    return {customer: figure for customer, figure in found.items() if any(figure)}


two_instants = st.tuples(moments, moments).map(sorted)


@SETTINGS
@given(worlds(), st.sampled_from(("count_agg", "sum_agg")), two_instants)
def test_what_a_customer_used_is_what_their_subscriptions_used_and_the_rest(world, kind, window):
    registered, customers, sent, _ = world
    metric = {"code": "m", "aggregation_type": kind, "field_name": "value"}
    with sqlite() as engine:
        fill(engine, (registered, customers, sent, metric))
        asked = dict(zip(("start", "end"), window, strict=True))
        whole = answer(engine, {**asked, "by": "customer"})
        parts = answer(engine, {**asked, "by": "subscription"})

    assert totals(whole) == totals(parts)


@SETTINGS
@given(worlds(), two_instants)
def test_levels_add_up_to_their_customers_too(world, window):
    """Seats of each subscription that lives in the window, with all their history."""
    registered, customers, sent, _ = world
    metric = {"code": "m", "aggregation_type": "sum_agg", "field_name": "value", "recurring": True}
    with sqlite() as engine:
        fill(engine, (registered, customers, sent, metric))
        asked = dict(zip(("start", "end"), window, strict=True))
        whole = totals(answer(engine, {**asked, "by": "customer"}))
        parts = totals(answer(engine, {**asked, "by": "subscription"}))

    for customer in whole.keys() | parts.keys():
        assert whole.get(customer, (0, 0))[0] == parts.get(customer, (0, 0))[0]


@SETTINGS
@given(
    worlds(),
    st.sampled_from(("count_agg", "sum_agg")),
    two_instants,
    st.sampled_from(("customer", "subscription")),
    st.sampled_from(("day", "week", "month")),
)
def test_the_windows_of_a_life_add_up_to_it(world, kind, window, by, step):
    registered, customers, sent, _ = world
    metric = {"code": "m", "aggregation_type": kind, "field_name": "value"}
    with sqlite() as engine:
        fill(engine, (registered, customers, sent, metric))
        asked = {**dict(zip(("start", "end"), window, strict=True)), "by": by}
        whole = answer(engine, asked)
        parts = answer(engine, {**asked, "window": step})

    assert totals(parts) == totals(whole)
    ends = {row.owner: row.window for row in whole}
    for row in parts:
        assert ends[row.owner].start <= row.window.start < row.window.end <= ends[row.owner].end


@SETTINGS
@given(worlds(), st.lists(questions(), min_size=1, max_size=3))
def test_registering_last_is_as_good_as_registering_first(world, asked):
    """Of events that are taken in either way."""
    registered, customers, sent, metric = world
    kept, _ = admitted(sent, registered, 0)
    world = registered, customers, kept, metric
    with sqlite() as first, sqlite() as last:
        assert fill(first, world, when=0) == 0
        assert fill(last, world, when=len(kept)) == 0
        for question in asked:
            assert answer(last, question) == answer(first, question)


@SETTINGS
@given(worlds(), how)
def test_cutting_the_input_anywhere_refuses_the_same(world, how):
    with sqlite() as whole, sqlite() as cut:
        world = settled(world, how)
        refused = fill(whole, world, **{**how, "size": 99})

        assert fill(cut, world, **how) == refused
        assert answer(cut, ALL) == answer(whole, ALL)


ALL = {"period": "all", "by": "subscription", "group_by": ("region",)}


@SETTINGS
@given(
    st.lists(sent_events(st.integers(0, 20 * 24).map(lambda n: FIRST + n * HOUR)), max_size=12),
    st.sampled_from(("sum_agg", "unique_count_agg")),
    st.sampled_from(("weekly", "monthly")),
    st.sampled_from(("calendar", "anniversary")),
    st.sampled_from(ZONES),
    st.sampled_from(("customer", "subscription")),
)
def test_where_nothing_changes_a_prorated_figure_is_the_plain_one(
    sent, kind, interval, billing_time, zone, by
):
    """A level that is there all the period long is there to the last fraction."""
    start = FIRST - 400 * DAY
    life = Subscription(*("s1", "c1"), start, start, interval=interval, billing_time=billing_time)
    field = {"sum_agg": "value", "unique_count_agg": "item"}[kind]
    metric = {"code": "m", "aggregation_type": kind, "field_name": field, "recurring": True}
    with sqlite() as engine:
        fill(engine, ([life], [Customer("c1", timezone=zone)], sent, metric))
        asked = {"period": "current", "by": by, "group_by": ("region",)}

        assert answer(engine, {**asked, "prorated": True}) == answer(engine, asked)
