"""
Every engine gives the figures of the specification, whatever comes in and in what order.

The SQLite engine is compared with the memory engine, and both with `expected`, which is
written from the specification alone: slow, with fractions, without any code of the
program. The laws below need no second opinion.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import getcontext
from fractions import Fraction
from itertools import groupby
from operator import attrgetter

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lago_cli.domain.instants import Window, to_micros
from lago_cli.domain.usage import Member, Scope, UsageQuery
from lago_cli.errors import LagoError
from tests.engines import ENGINES, NOON, large_sqlite, memory, sqlite
from tests.examples import examples

SETTINGS = examples(50)
START = datetime(2026, 10, 24, tzinfo=UTC)  # clocks in Europe go back on the 25th
HOUR = timedelta(hours=1)
CODES = ("a", "b' OR 1=1 --")
FIELDS = ("value", 'sp"ace[/x].$', "operation_type")
KEYS = ("region", "a.b")
NUMBERISH = re.compile(r"[+-]?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?")


# What comes in ---------------------------------------------------------------------------

plain_numbers = st.one_of(
    st.integers(-20, 20).map(str),
    st.decimals(-100, 100, places=2).map(str),
    st.decimals(-1, 1, places=17).map(lambda number: format(number, "f")),
    st.integers(-(2**63) - 2, 2**63 + 2).map(str),
    st.integers(-(10**40), 10**40).map(str),
    st.sampled_from(
        (
            *("0", "-0", "-0.0", "0.1", "0.2", "1.50", "1e3", "1E-3", "-2.5e+2", "5e-30", "1e19"),
            *("9223372036854775807", "9223372036854775808", "-9223372036854775808"),
            *("-9223372036854775809", "922337203685477580.7", "0.000000000000000001"),
            *("0.0000000000000000001", "12345678901234567890.123456789", "1e400"),
        )
    ),
)
texts = st.sampled_from(
    (
        *("", " ", "abc", "+7", "007", "-0", "1e3", ".5", "8.", " 9", "9 ", "1,000", "NaN", "1_0"),
        *("Infinity", "0x10", "²", "٣", "--1", "1e", "1.0", "1.00", "add", "remove", "x' --", "🙂"),
    )
)
values = st.one_of(
    plain_numbers,
    plain_numbers.map(json.dumps),
    texts.map(json.dumps),
    st.sampled_from(("null", "true", "false", "[]", "[1]", "{}", '{"value":1}')),
)
operations = st.sampled_from(
    ('"add"', '"remove"', '"remove"', '"add"', "null", '"delete"', '""', "1", "true", '"Add"')
)
labels = st.sampled_from(
    ('"eu"', '"us"', '""', "null", "2", '"2"', "1.50", "1e2", "[1]", "true", '"true"', '"a,b"')
)


@st.composite
def property_texts(draw):
    """A JSON object as text: now and then a member comes twice, and then the last counts."""
    members = []
    for name, strategy in (
        *((name, values) for name in FIELDS[:2]),
        (FIELDS[2], operations),
        *((key, labels) for key in KEYS),
    ):
        for _ in range(draw(st.sampled_from((0, 1, 1, 1, 1, 1, 2)))):
            members.append(f"{json.dumps(name)}:{draw(strategy)}")
    return "{" + ",".join(draw(st.permutations(members))) + "}"


@dataclass(frozen=True)
class Sent:
    """An event as it is sent, with the instant of its arrival."""

    transaction_id: str
    code: str
    customer: str | None
    subscription: str | None
    at: datetime | None
    properties: str
    received_at: int = NOON
    finer: str = ""  # digits of the timestamp beyond the microsecond

    @property
    def timestamp(self):
        if not self.finer:
            return self.at and self.at.isoformat()
        return self.at.strftime("%Y-%m-%dT%H:%M:%S.%f") + self.finer + "Z"

    @property
    def json(self):
        fields = {
            "transaction_id": self.transaction_id,
            "code": self.code,
            "external_customer_id": self.customer,
            "external_subscription_id": self.subscription,
            "timestamp": self.timestamp,
        }
        return json.dumps(fields)[:-1] + f', "properties": {self.properties}}}'

    @property
    def identity(self):
        stream = (True, self.subscription) if self.subscription else (False, self.customer)
        return (*stream, self.transaction_id)


parties = st.sampled_from(
    (("c1", None), ("c2", None), (None, "s1"), ("c1", "s1"), ("c2", "s2"), (None, "c1"))
)
instants = st.one_of(
    st.integers(0, 96).map(lambda hours: START + hours * HOUR),
    st.integers(0, 96 * 3600 * 10**6).map(lambda n: START + timedelta(microseconds=n)),
)


@st.composite
def sent_events(draw):
    customer, subscription = draw(parties)
    number = draw(st.integers(0, 12))
    return Sent(
        f"t{number}" if customer else f"anonymous {number}",
        draw(st.sampled_from((CODES[0], CODES[0], CODES[1]))),
        customer,
        subscription,
        draw(instants),
        draw(property_texts()),
        finer=draw(st.sampled_from(("", "", "0", "1", "100", "100000", "0999999", "9"))),
    )


metrics = st.builds(
    lambda kind, name, recurring, rounding: {
        "aggregation_type": f"{kind}_agg",
        "field_name": None if kind == "count" else name,
        "recurring": recurring and kind in ("sum", "unique_count", "weighted_sum"),
        **rounding,
    },
    st.sampled_from(("count", "sum", "sum", "max", "latest", "unique_count", "weighted_sum")),
    st.sampled_from((*FIELDS[:2], FIELDS[0], FIELDS[2])),
    st.booleans(),
    st.one_of(
        st.just({}),
        st.builds(
            lambda function, places: {
                "rounding_function": function,
                "rounding_precision": places,
            },
            st.sampled_from(("round", "ceil", "floor")),
            st.integers(-2, 3),
        ),
    ),
)


@st.composite
def questions(draw):
    """What `lago usage` may be asked."""
    asked = {
        "group_by": draw(st.lists(st.sampled_from(KEYS), unique=True, max_size=2)),
        "filters": draw(
            st.dictionaries(
                st.sampled_from((*KEYS, "value")),
                st.lists(st.sampled_from(("eu", "us", "", "2", "100", "1")), min_size=1),
                max_size=1,
            )
        ),
        "window": draw(st.sampled_from((None, "hour", "day", "week", "month"))),
        "by": draw(st.sampled_from((None, "customer", "subscription"))),
        "timezone": draw(st.sampled_from((None, "Europe/Paris", "Asia/Kolkata"))),
    }
    if draw(st.booleans()):
        asked["subscriptions"] = draw(st.lists(st.sampled_from(("s1", "s2", "s9")), max_size=2))
    if draw(st.booleans()):
        asked["customers"] = draw(st.lists(st.sampled_from(("c1", "c2", "c9")), max_size=2))
    if draw(st.booleans()):
        asked["as_of"] = NOON + draw(st.integers(-1, 3))
    if draw(st.booleans()):
        asked["period"] = draw(st.sampled_from(("2026-10-25", "2026-10", "2026-W43", "all")))
    else:
        hours = sorted(draw(st.lists(st.integers(0, 100), min_size=2, max_size=2, unique=True)))
        asked["start"], asked["end"] = (
            (START + hour * HOUR).strftime("%Y-%m-%dT%H:%M:%SZ") for hour in hours
        )
    return asked


# What the specification says --------------------------------------------------------------


def number_of(value):
    """A number by the one grammar, or None."""
    if isinstance(value, Spelled):
        return Fraction(value)
    if isinstance(value, str) and NUMBERISH.fullmatch(value) and value.isascii():
        return Fraction(value)
    return None


class Spelled(str):
    """A JSON number as it was written."""


def text_of(value):
    """The text that filters, groups and items compare; None for null and missing."""
    if isinstance(value, Spelled):
        return plain(value) if "e" in value.lower() else str(value)
    return value if isinstance(value, str) or value is None else source(value)


def source(value):
    """Compact JSON with numbers as they were written."""
    if isinstance(value, Spelled):
        return str(value)
    if isinstance(value, list):
        return f"[{','.join(map(source, value))}]"
    if isinstance(value, dict):
        members = (f"{json.dumps(key)}:{source(item)}" for key, item in value.items())
        return f"{{{','.join(members)}}}"
    return json.dumps(value)


def plain(text):
    """`1.5e3` in plain digits, trailing zeros of the fraction gone."""
    number = Fraction(text)
    places = 0
    while number.denominator != 1:
        number, places = number * 10, places + 1
    digits = str(abs(number.numerator)).rjust(places + 1, "0")
    sign = "-" if number < 0 else ""
    return sign + (f"{digits[:-places]}.{digits[-places:]}" if places else digits)


@dataclass
class Expected:
    """The figures of one owner, window and group."""

    readings: list = field(default_factory=list)  # (at, value, step)
    inside: int = 0


def reading(metric, properties):
    """(value, step) of an event, or None where it is unusable."""
    kind = metric["aggregation_type"]
    if kind == "count_agg":
        return Fraction(1), 1
    value = properties.get(metric["field_name"])
    if kind == "unique_count_agg":
        item = text_of(value)
        step = {None: 1, "add": 1, "remove": -1}.get(text_of(properties.get("operation_type")))
        return None if item is None or step is None else (item, step)
    number = number_of(value)
    return None if number is None else (number, 1)


def units_of(metric, readings, start, end):
    kind = metric["aggregation_type"]
    numbers = [value for _, value, _ in readings]
    if kind == "count_agg":
        units = Fraction(len(readings))
    elif kind == "sum_agg":
        units = sum(numbers, Fraction(0))
    elif kind == "max_agg":
        units = max(numbers)
    elif kind == "latest_agg":
        units = max(numbers[-1], Fraction(0))
    elif kind == "unique_count_agg":
        on = set()
        for _, item, step in readings:
            (on.add if step > 0 else on.discard)(item)
        units = Fraction(len(on))
    else:
        left = [Fraction(end - max(at, start), end - start) for at, _, _ in readings]
        units = sum((v * share for v, share in zip(numbers, left, strict=True)), Fraction(0))
    return rounded(units, metric)


def rounded(units, metric):
    function, places = metric.get("rounding_function"), metric.get("rounding_precision")
    if function is None:
        return units
    scaled = units * Fraction(10) ** places
    whole = scaled.numerator // scaled.denominator
    if function == "ceil":
        whole = -(-scaled.numerator // scaled.denominator)
    if function == "round":
        whole = (2 * abs(scaled) + 1) // 2 * (1 if scaled >= 0 else -1)
    return Fraction(whole) / Fraction(10) ** places


def kept_of(sent, on_duplicate="skip"):
    """What is stored: by identity the first, or with `replace` the last that differs."""
    kept = {}
    for event in sent:
        if event.identity not in kept:
            kept[event.identity] = event
        elif on_duplicate == "replace" and differs(event, kept[event.identity]):
            kept.pop(event.identity)  # it arrives anew
            kept[event.identity] = event
    return list(kept.values())


def differs(one, other):
    def meaning(event):
        fields = (event.code, event.customer, event.subscription, event.at)
        return (*fields, json.loads(event.properties, parse_float=Fraction, parse_int=Fraction))

    return meaning(one) != meaning(other)


def expected(metric, sent, window, *, group_by=(), filters=None):
    """Per group (units, events_count) of the given events in one window."""
    start, end = window
    groups = defaultdict(Expected)
    in_order = sorted(
        enumerate(sent), key=lambda pair: (pair[1].at, pair[1].finer.ljust(6, "0")[:6], pair[0])
    )
    for _, event in in_order:
        properties = json.loads(event.properties, parse_float=Spelled, parse_int=Spelled)
        at = to_micros(event.at)
        read = reading(metric, properties)
        if read is None or at >= end or (at < start and not metric["recurring"]):
            continue
        label = {key: text_of(properties.get(key)) or "" for key in (*group_by, *(filters or {}))}
        if any(label[key] not in texts for key, texts in (filters or {}).items()):
            continue
        group = groups[tuple(label[key] or None for key in group_by)]
        group.readings.append((at, *read))
        group.inside += at >= start
    return {
        key: (units_of(metric, group.readings, start, end), group.inside)
        for key, group in groups.items()
    }


# The engines ------------------------------------------------------------------------------


def shown(rows):
    """Rows with their units in one form: a `Decimal` may equal a `Fraction`."""
    return [row._replace(units=Fraction(row.units)) for row in rows]


def answer(engine, question):
    """The same, or the words of an error: of a name that is not known, for one."""
    try:
        return shown(engine.usage(**question))
    except LagoError as error:
        return error.code, error.message


def feed(engine, sent, *, pieces=1, on_duplicate="skip"):
    """In the order of arrival, in so many pieces, and apart for each instant of reception."""
    size = max(1, -(-len(sent) // pieces))
    for first in range(0, len(sent), size):
        for at, together in groupby(sent[first : first + size], attrgetter("received_at")):
            engine.ingest(
                [event.json for event in together], received_at=at, on_duplicate=on_duplicate
            )


def late(sent):
    """Some of them arrive a little later."""
    return [
        Sent(**{**vars(event), "received_at": NOON + position // 5})
        for position, event in enumerate(sent)
    ]


def assert_sound(engine):
    assert {name: found for name, found in engine.store.maintenance.problems() if found} == {}


events = st.lists(sent_events(), max_size=30)


@pytest.mark.parametrize("engine_of", [sqlite, large_sqlite], ids=["small", "large"])
@SETTINGS
@given(
    events.map(late),
    metrics,
    metrics,
    st.integers(0, 30),
    st.sampled_from(("skip", "replace", "error")),
    st.integers(1, 4),
    st.lists(questions(), min_size=1, max_size=4),
)
def test_sqlite_agrees_with_the_oracle(
    engine_of, sent, metric, other, when, on_duplicate, pieces, asked
):
    """Definitions come before, between and after the events, and change."""
    with memory() as oracle, engine_of() as engine:
        for each in (oracle, engine):
            each.define(code=CODES[0], **other)
            feed(each, sent[:when], pieces=pieces, on_duplicate=on_duplicate)
            each.define(code=CODES[0], **metric)
            feed(each, sent[when:], pieces=pieces, on_duplicate=on_duplicate)
            each.define(code=CODES[1], **other)

        for question in asked:
            assert answer(engine, question) == answer(oracle, question)
        assert engine.store.span() == oracle.store.span()
        assert set(engine.store.parties()) >= set(oracle.store.parties())
        assert_sound(engine)


@pytest.mark.parametrize("engine_of", [memory, sqlite], ids=["memory", "sqlite"])
@SETTINGS
@given(
    events.map(late),
    metrics,
    st.tuples(st.integers(0, 50), st.integers(51, 100)),
    st.lists(st.sampled_from(KEYS), unique=True, max_size=2),
    st.sampled_from(({}, {"region": ["eu", ""]}, {"a.b": ["2"]})),
    st.sampled_from((None, NOON, NOON + 2)),
    st.sampled_from(("skip", "replace")),
)
def test_figures_are_those_of_the_specification(
    engine_of, sent, metric, hours, group_by, filters, as_of, on_duplicate
):
    start, end = (START + hour * HOUR for hour in hours)
    window = to_micros(start), to_micros(end)
    with engine_of() as engine:
        feed(engine, sent, on_duplicate=on_duplicate)
        engine.define(code=CODES[0], **metric)
        rows = engine.usage(
            metrics=[CODES[0]],
            start=start.isoformat(),
            end=end.isoformat(),
            group_by=group_by,
            filters=filters,
            as_of=as_of,
            by="subscription",
        )

    streams = defaultdict(list)
    known = [event for event in sent if as_of is None or event.received_at <= as_of]
    kept = kept_of(sent, on_duplicate)
    named = defaultdict(set)
    for event in kept:
        if event.customer and event.subscription:
            named[event.subscription].add(event.customer)
    for event in kept_of(known, on_duplicate):
        customer = event.customer
        if customer is None and len(named[event.subscription]) == 1:
            (customer,) = named[event.subscription]
        if event.code == CODES[0]:
            streams[customer, event.subscription].append(event)
    wanted = {
        (owner, group if group_by else None): figures
        for owner, stream in streams.items()
        for group, figures in expected(
            metric, stream, window, group_by=group_by, filters=filters
        ).items()
    }
    assert {
        (row.owner, row.group): (Fraction(row.units), row.events_count) for row in rows
    } == wanted


# Laws -------------------------------------------------------------------------------------


ANY_WINDOW = {"start": START.isoformat(), "end": (START + 90 * HOUR).isoformat()}


@SETTINGS
@given(events, metrics, st.sampled_from(("skip", "error", "replace")))
def test_ingesting_twice_changes_nothing(sent, metric, on_duplicate):
    sent = kept_of(sent)  # with `replace` the first of two versions would come back
    with sqlite() as engine:
        engine.define(code=CODES[0], **metric)
        feed(engine, sent)
        before = engine.usage(**ANY_WINDOW, group_by=["region"])
        done = engine.ingest([event.json for event in sent], on_duplicate=on_duplicate)

        assert (done.new, done.replaced, len(done.duplicates)) == (0, 0, len(sent))
        assert all(duplicate.differs_in == () for duplicate in done.duplicates)
        assert engine.usage(**ANY_WINDOW, group_by=["region"]) == before
        assert_sound(engine)


@pytest.mark.parametrize("engine_of", [sqlite, large_sqlite], ids=["small", "large"])
@SETTINGS
@given(events, metrics, st.integers(1, 30))
def test_splitting_the_input_anywhere_changes_nothing(engine_of, sent, metric, pieces):
    with sqlite() as whole, engine_of() as split:
        for engine in (whole, split):
            engine.define(code=CODES[0], **metric)
        feed(whole, sent)
        feed(split, sent, pieces=pieces)

        assert whole.usage(**ANY_WINDOW) == split.usage(**ANY_WINDOW)


@SETTINGS
@given(events, metrics, metrics)
def test_defining_the_metric_last_changes_nothing(sent, metric, mistaken):
    with sqlite() as first, sqlite() as last, sqlite() as changed:
        first.define(code=CODES[0], **metric)
        changed.define(code=CODES[0], **mistaken)
        for engine in (first, last, changed):
            feed(engine, sent)
        last.define(code=CODES[0], **metric)
        changed.define(code=CODES[0], **metric)

        assert last.usage(**ANY_WINDOW) == first.usage(**ANY_WINDOW)
        assert changed.usage(**ANY_WINDOW) == first.usage(**ANY_WINDOW)
        for engine in (last, changed):
            assert_sound(engine)


@SETTINGS
@given(events, st.sampled_from(("count_agg", "sum_agg")), st.sampled_from(("day", "hour", "week")))
def test_the_windows_of_a_period_add_up_to_it(sent, kind, window):
    """Also over the day of 25 hours."""
    with sqlite() as engine:
        engine.define(code=CODES[0], aggregation_type=kind, field_name=FIELDS[0])
        feed(engine, sent)
        asked = {"metrics": [CODES[0]], "timezone": "Europe/Paris", "period": "2026-10"}
        whole = engine.usage(**asked)
        parts = engine.usage(**asked, window=window)

    assert totals_of(parts) == totals_of(whole)


@SETTINGS
@given(events, st.sampled_from(("count_agg", "sum_agg")), st.booleans())
def test_the_groups_of_a_figure_add_up_to_it(sent, kind, recurring):
    with sqlite() as engine:
        recurring = recurring and kind == "sum_agg"
        engine.define(
            code=CODES[0], aggregation_type=kind, field_name=FIELDS[0], recurring=recurring
        )
        feed(engine, sent)
        whole = engine.usage(**ANY_WINDOW)
        parts = engine.usage(**ANY_WINDOW, group_by=list(KEYS))

    assert totals_of(parts) == totals_of(whole)


def totals_of(rows):
    found = defaultdict(lambda: (Fraction(0), 0))
    for row in rows:
        units, count = found[row.owner]
        found[row.owner] = units + Fraction(row.units), count + row.events_count
    return dict(found)


@SETTINGS
@given(events, metrics, st.sampled_from(("hour", "day")))
@example([], {"aggregation_type": "count_agg", "field_name": None, "recurring": False}, "day")
def test_who_is_asked_for_has_a_row_for_every_window_and_known_group(sent, metric, window):
    with sqlite() as engine:
        engine.define(code=CODES[0], **metric)
        feed(engine, sent)
        engine.ingest(
            {
                "transaction_id": f"known {name}",
                "code": "another",
                "external_subscription_id": name,
                "timestamp": START.isoformat(),
            }
            for name in ("s1", "s9")
        )
        rows = engine.usage(
            subscriptions=["s1", "s9"],
            metrics=[CODES[0]],
            start=START.isoformat(),
            end=(START + 48 * HOUR).isoformat(),
            window=window,
            group_by=["region"],
        )

    windows = 48 if window == "hour" else 2
    series = defaultdict(list)
    for row in rows:
        series[row.owner, row.group].append(row.window)
    assert {subscription for (_, subscription), _ in series} == {"s1", "s9"}
    for found in series.values():
        assert len(found) == len(set(found)) == windows
        assert found == sorted(found)


@pytest.mark.parametrize("engine_of", [memory, sqlite], ids=["memory", "sqlite"])
def test_what_is_off_again_is_still_listed_in_later_windows(engine_of):
    """A recurring metric with a history has a figure, also where it is zero."""
    with engine_of() as engine:
        engine.define(code="a", aggregation_type="unique_count", field_name="value", recurring=True)
        for number, operation in enumerate(("add", "remove")):
            properties = json.dumps({"value": "ana", "operation_type": operation})
            engine.ingest([Sent(f"t{number}", "a", "c1", None, START, properties).json])
        rows = engine.usage(start="2026-10-24", end="2026-10-26", window="day")

        assert [(row.units, row.events_count) for row in rows] == [(0, 2), (0, 0)]


@pytest.mark.parametrize("engine_of", [memory, sqlite], ids=["memory", "sqlite"])
def test_the_caller_keeps_its_own_decimal_context(engine_of):
    """Exactness is the business of the engine, also while its answer is being read."""
    with engine_of() as engine:
        engine.define(code="a", aggregation_type="sum_agg", field_name="value", recurring=True)
        engine.ingest(
            [Sent(name, "a", name, None, START, '{"value": 1}').json for name in ("c1", "c2", "c3")]
        )
        before = getcontext().prec
        always = Window(0, 2**60)
        parties = enumerate(engine.store.parties())
        members = [Member(party, number, always) for number, party in parties]
        scope = Scope(members, [[always]] * len(members))
        query = UsageQuery(engine.store.catalog.metric("a"), scope)
        for share in engine.store.aggregate(query):
            assert (share.units, getcontext().prec) == (1, before)


def test_a_duplicate_tells_nothing_about_whose_a_subscription_is():
    """Its names are a conflict, not news."""
    first = Sent("t1", "a", None, "s1", START, "{}")
    again = Sent("t1", "a", "somebody else", "s1", START, "{}")
    with sqlite() as engine:
        engine.define(code="a", aggregation_type="count_agg")
        engine.ingest([first.json, again.json])

        assert [row.owner for row in engine.usage(period="all")] == [(None, "s1")]


@pytest.mark.parametrize("engine_of", ENGINES.values(), ids=ENGINES)
def test_a_replaced_version_counts_for_whom_it_named_as_of_its_time(engine_of):
    """Also where no event names them any more."""
    with engine_of() as engine:
        assert_versions_count_for_whom_they_name(engine)


def assert_versions_count_for_whom_they_name(engine):
    engine.define(code="m", aggregation_type="count_agg")
    first = {"transaction_id": "t", "code": "m", "timestamp": "2026-10-22T00:00:00Z"}
    first |= {"external_customer_id": "c1", "external_subscription_id": "s"}
    engine.ingest([first], received_at=NOON)
    engine.ingest(
        [first | {"external_customer_id": "c2"}], received_at=NOON + 1, on_duplicate="replace"
    )
    figures = [
        {row.owner: row.units for row in engine.usage(period="all", as_of=as_of) if row.units}
        for as_of in (NOON, NOON + 1)
    ]

    assert figures == [{("c1", None): 1}, {("c2", None): 1}]
