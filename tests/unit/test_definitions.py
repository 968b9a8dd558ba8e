"""Definitions that are written down and read again are the same, whatever they hold."""

from __future__ import annotations

import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.customers import Customer
from lago_cli.domain.instants import FIRST_EVENT
from lago_cli.domain.metrics import Filter, define_metric
from lago_cli.domain.subscriptions import BILLING_TIMES, INTERVALS, Subscription
from lago_cli.readers.documents import read_documents, write_yaml
from lago_cli.renderers import Column, Report, Terminal, render
from lago_cli.services.apply import carry_out, changes, exported
from lago_cli.services.definitions import SECTIONS, Definitions, Known, read_definitions
from tests.engines import NOON, sqlite
from tests.examples import examples

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


@st.composite
def subscriptions(draw):
    start = draw(instants)
    ends = st.one_of(st.none(), st.integers(0, 10**15).map(lambda more: start + more))
    return Subscription(
        draw(names),
        draw(names),
        subscription_at=draw(st.one_of(st.just(start), instants)),
        started_at=start,
        plan_code=draw(optional),
        interval=draw(st.sampled_from(INTERVALS)),
        billing_time=draw(st.sampled_from(BILLING_TIMES)),
        ending_at=draw(ends),
        terminated_at=draw(ends),
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


@pytest.mark.parametrize("write", [write_yaml, as_json], ids=["yaml", "json"])
@SETTINGS
@given(
    st.lists(metrics(), max_size=3, unique_by=lambda each: each.code),
    st.lists(customers, max_size=3, unique_by=lambda each: each.external_id),
    st.lists(subscriptions(), max_size=3, unique_by=lambda each: each.external_id),
)
def test_what_is_written_down_is_what_is_there(write, metrics, customers, subscriptions):
    with sqlite() as first, sqlite() as second:
        for metric in metrics:
            first.define(metric)
        for record in (*customers, *subscriptions):
            first.register(record)
        text = write(exported(first.store))

        again = changes(first.store, read_into(first.store, text), prune=True)
        assert actions(again) <= {"keep"}
        todo = changes(second.store, read_into(second.store, text), prune=True)
        assert actions(todo) <= {"create"}
        with second.store.writing():
            carry_out(second.store, todo, now=NOON)
        assert exported(second.store) == exported(first.store)
        pruned = changes(second.store, Definitions(), prune=True)
        assert len(pruned) == len(metrics) + len(customers) + len(subscriptions)
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
