"""Definitions that are written down and read again are the same, whatever they hold."""

from __future__ import annotations

import io
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.charges import ALL_VALUES, Tax
from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import FIRST_EVENT
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.objects import object_as_json
from lago_cli.domain.plans import MONTHLY_CHARGES, PLAN
from lago_cli.domain.subscriptions import BILLING_TIMES, INTERVALS, FormerPlan, Subscription
from lago_cli.readers.documents import read_documents
from lago_cli.renderers import Column, Report, Terminal, render
from lago_cli.services.apply import carry_out, changes, exported
from lago_cli.services.definitions import SECTIONS, Definitions, Known, read_definitions
from lago_cli.services.plans import read_plan
from tests.engines import NOON, sqlite
from tests.examples import examples
from tests.prices import written
from tests.writing import as_yaml

SETTINGS = examples(40)
odd = st.sampled_from(
    (
        *("no", "Yes", "null", "~", "true", "0042", "1.10", "1e3", "12:30", "2026-11-05", ".inf"),
        *(
            "- a",
            "a: b",
            "#",
            "a #b",
            "&a",
            "*a",
            "!!str",
            "{a}",
            "[/red]",
            "%",
            "@",
            "`",
            "|",
            ">",
        ),
        *(
            " a ",
            "a\nb",
            "\n",
            "\t",
            "\x00",
            "\x1b[31m",
            "\x7f",
            "\x85",
            "\u2028",
            "\u202e",
            "\ufeff",
        ),
        *(
            "'",
            '"',
            "\\",
            "' OR 1=1 --",
            "🙂",
            "👨‍👩‍👧",
            "é",
            "e\u0301",
            "---",
            "...",
            "<<",
            "=",
            "?",
        ),
    )
)
texts = st.one_of(odd, st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12))


def plain(text):
    return as_plain(Decimal(text))


names = texts.filter(str.strip)
optional = st.one_of(st.none(), texts)
instants = st.integers(FIRST_EVENT, NOON + 10**15)


@st.composite
def metrics(draw):
    kind = draw(st.sampled_from(("count", "sum", "max", "latest", "unique_count", "weighted_sum")))
    rounding = draw(st.sampled_from((None, "round", "ceil", "floor")))
    return define_metric(
        code=draw(names),
        name=draw(optional),
        description=draw(optional),
        aggregation_type=kind,
        field_name=draw(texts),
        recurring=kind in ("sum", "unique_count", "weighted_sum") and draw(st.booleans()),
        expression=draw(st.sampled_from((None, "event.properties.a / 3", "concat('#', 'x: y')"))),
        rounding_function=rounding,
        rounding_precision=draw(st.one_of(st.none(), st.integers(-100, 100))),
        filters=[
            Filter(key, tuple(values))
            for key, values in draw(
                st.dictionaries(
                    texts, st.lists(texts, min_size=1, max_size=3, unique=True), max_size=2
                )
            ).items()
        ],
    )


customers = st.builds(
    Customer,
    names,
    optional,
    st.sampled_from((None, "Europe/Paris", "America/New_York")),
    st.sampled_from((None, "EUR")),
)


amounts = st.one_of(
    st.integers(0, 10**12).map(str),
    st.decimals(0, 10**6, places=5, allow_nan=False).map(lambda number: format(number, "f")),
)
taxes = st.lists(st.builds(Tax, amounts.map(plain), optional, optional), max_size=2).map(tuple)


@st.composite
def tiers(draw, key):
    ends = sorted(2 * end for end in draw(st.sets(st.integers(1, 50), max_size=3)))
    apart = draw(st.integers(0, 1))
    starts = [0, *(end + apart for end in ends)]
    return [
        {"from_value": start, "to_value": end, key: draw(amounts), "flat_amount": draw(amounts)}
        for start, end in zip(starts, [*ends, None], strict=True)
    ]


properties = {
    "standard": st.fixed_dictionaries({"amount": amounts}),
    "graduated": st.fixed_dictionaries({"graduated_ranges": tiers("per_unit_amount")}),
    "volume": st.fixed_dictionaries({"volume_ranges": tiers("per_unit_amount")}),
    "graduated_percentage": st.fixed_dictionaries({"graduated_percentage_ranges": tiers("rate")}),
    "package": st.fixed_dictionaries({"amount": amounts, "package_size": st.integers(1, 10**6)}),
    "percentage": st.fixed_dictionaries({"rate": amounts}, optional={"fixed_amount": amounts}),
}


@st.composite
def charges(draw, metric):
    """As a file has it: of a model that has a price for the metric, and with its filters."""
    model = draw(st.sampled_from(sorted(properties)))
    if metric.aggregation_type == "latest_agg":
        model = "standard"
    keys = st.lists(texts.filter(str.strip), min_size=1, max_size=2, unique=True)
    prices = st.one_of(
        st.just({}),
        st.tuples(properties[model], keys).map(lambda two: {**two[0], "grouped_by": two[1]}),
        properties[model],
    )
    filters = [
        {"values": {row.key: draw(st.sampled_from((list(row.values), [ALL_VALUES])))}}
        for row in metric.filters
        if row.key and "" not in row.values
    ]
    return {
        "billable_metric_code": metric.code,
        "charge_model": model,
        "invoice_display_name": draw(optional),
        "invoiceable": draw(st.booleans()),
        "min_amount_cents": draw(st.integers(0, 10**18 - 1)),
        "properties": draw(prices),
        "filters": [{**each, "properties": draw(prices)} for each in filters],
        "taxes": [object_as_json(each) for each in draw(taxes)],
    }


@st.composite
def plans(draw, metrics):
    """Plans that charge for some of the metrics."""
    interval = draw(st.sampled_from(INTERVALS))
    row = {
        "code": draw(names),
        "name": draw(optional),
        "interval": interval,
        "amount_cents": draw(st.integers(0, 10**18 - 1)),
        "amount_currency": draw(st.sampled_from(("EUR", "JPY", "KWD"))),
        "pay_in_advance": draw(st.booleans()),
        "trial_period": draw(st.integers(0, 1000)),
        "bill_charges_monthly": interval in MONTHLY_CHARGES and draw(st.booleans()),
        "description": draw(optional),
        "charges": [
            draw(charges(draw(st.sampled_from(metrics))))
            for _ in range(draw(st.integers(0, 3)) if metrics else 0)
        ],
        "taxes": [object_as_json(each) for each in draw(taxes)],
        "minimum_commitment": draw(st.sampled_from((None, {"amount_cents": 1}))),
    }
    return read_plan(written(row), {each.code: each for each in metrics})


@st.composite
def subscriptions(draw, plans):
    start = draw(instants)
    ends = st.one_of(st.none(), st.integers(0, 10**15).map(lambda more: start + more))
    plan = draw(st.sampled_from((None, *plans)))
    untils = sorted(draw(st.sets(instants, max_size=2))) if plan else []
    return Subscription(
        draw(names),
        draw(names),
        subscription_at=draw(st.one_of(st.just(start), instants)),
        started_at=start,
        plan_code=plan and plan.code,
        interval=plan.interval if plan else draw(st.sampled_from(INTERVALS)),
        billing_time=draw(st.sampled_from(BILLING_TIMES)),
        ending_at=draw(ends),
        terminated_at=draw(ends),
        previous_plans=tuple(FormerPlan(draw(names), until) for until in untils),
    )


@st.composite
def everything(draw):
    """Metrics, customers, plans and subscriptions that belong together."""
    found = draw(st.lists(metrics(), max_size=3, unique_by=lambda each: each.code))
    priced = draw(st.lists(plans(found), max_size=2, unique_by=lambda each: each.code))
    return (
        found,
        draw(st.lists(customers, max_size=3, unique_by=lambda each: each.external_id)),
        priced,
        draw(st.lists(subscriptions(priced), max_size=3, unique_by=lambda e: e.external_id)),
    )


def as_json(definitions):
    """What `lago export -o json` writes."""
    stream = io.StringIO()
    columns = [Column(section, kind="object") for section in definitions]
    render(Report(None, columns, [definitions], single=True), "json", stream, Terminal())
    return stream.getvalue()


def read_into(store, text):
    """What a file asks for, beside what is there."""
    wanted = Definitions()
    known = Known(
        store.accounts.timezones(),
        {each.external_id: each for each in store.accounts.subscriptions()},
        NOON,
    )
    for document in read_documents(text.encode()):
        assert list(read_definitions(document.value, wanted, known)) == []
    return wanted


def actions(todo):
    return {change.action for change in todo}


@pytest.mark.parametrize("write", [as_yaml, as_json], ids=["yaml", "json"])
@SETTINGS
@given(everything())
def test_what_is_written_down_is_what_is_there(write, defined):
    metrics, customers, plans, subscriptions = defined
    with sqlite() as first, sqlite() as second:
        for metric in metrics:
            first.define(metric)
        for record in (*customers, *subscriptions):
            first.register(record)
        with first.store.writing():
            for plan in plans:
                first.store.table(PLAN).save(plan, NOON)
        text = write(exported(first.store))

        again = changes(first.store, read_into(first.store, text), prune=True)
        assert actions(again) <= {"keep"}
        todo = changes(second.store, read_into(second.store, text), prune=True)
        assert actions(todo) <= {"create"}
        with second.store.writing():
            carry_out(second.store, todo, now=NOON)
        assert exported(second.store) == exported(first.store)
        pruned = changes(second.store, Definitions(), prune=True)
        assert len(pruned) == sum(map(len, defined))
        with second.store.writing():
            carry_out(second.store, pruned, now=NOON)
        assert not any(exported(second.store).values())


@SETTINGS
@given(
    st.recursive(
        st.one_of(st.none(), st.booleans(), texts, st.sampled_from(SECTIONS)),
        lambda inner: st.one_of(
            st.lists(inner, max_size=3),
            st.dictionaries(
                st.one_of(
                    st.sampled_from(SECTIONS),
                    st.sampled_from(
                        (
                            *("code", "external_id", "aggregation_type", "filters", "started_at"),
                            *("external_customer_id", "timezone", "terminated_at", "expression"),
                            *("charges", "properties", "values", "graduated_ranges", "taxes"),
                        )
                    ),
                    texts,
                ),
                inner,
                max_size=4,
            ),
        ),
        max_leaves=30,
    )
)
def test_whatever_a_file_holds_it_is_read_or_its_faults_are_told(value):
    wanted = Definitions()
    found = list(read_definitions(value, wanted, Known({}, {}, NOON)))

    for path, error in found:
        assert error.message
        part = value
        for step in path:  # every place is one of the file
            part = part[step]
