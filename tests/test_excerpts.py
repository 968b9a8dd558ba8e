"""What is shown of an explanation and what the rest adds are the figure, whatever the limit."""

from __future__ import annotations

from collections import Counter
from decimal import Decimal
from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.contributions import DECIDING
from lago_cli.reports.explanation_tables import explanation_tables
from lago_cli.services.excerpts import excerpt_of, summaries
from lago_cli.services.explain import added
from lago_cli.services.requests import UsageRequest
from tests.engines import memory
from tests.examples import examples
from tests.test_explanations import asked_of, build, questions, worlds

SETTINGS = examples(60)
NOTHING = Fraction(0)
limits = st.one_of(st.none(), st.integers(0, 12))
orders = st.sampled_from(("time", "value"))


def figures_of(engine, world, question):
    build(engine, world)
    return asked_of(engine.store, question)[1]


def positions(lines):
    return Counter(line.event.position for line in lines)


@SETTINGS
@given(worlds(), questions(), limits, orders)
def test_what_is_shown_and_what_is_left_make_up_the_figure(world, question, limit, sort):
    with memory() as engine:
        for figure in figures_of(engine, world, question):
            part = excerpt_of(figure.lines, limit=limit, sort=sort)
            rounding = Fraction(figure.units) - Fraction(figure.unrounded)

            total = Fraction(added(part.shown)) + Fraction(added(part.left)) + rounding
            assert total == Fraction(figure.units)
            assert positions(part.shown) + positions(part.left) == positions(figure.lines)


@SETTINGS
@given(worlds(), questions(), st.integers(0, 12), orders)
def test_what_decides_is_shown_within_the_limit(world, question, limit, sort):
    with memory() as engine:
        for figure in figures_of(engine, world, question):
            part = excerpt_of(figure.lines, limit=limit, sort=sort)
            deciding = [line for line in figure.lines if line.rule in DECIDING]

            assert [line for line in part.left if line.rule in DECIDING] == []
            wanted = max(limit, len(deciding))
            assert len(part.shown) == min(wanted, len(figure.lines))


@SETTINGS
@given(worlds(), questions(), st.integers(1, 12), orders)
def test_the_column_of_a_table_adds_up_to_its_last_line(world, question, limit, sort):
    request = UsageRequest(**question)
    with memory() as engine:
        figures = figures_of(engine, world, question)
        report = explanation_tables(figures, request, limit=limit, sort=sort, raw=False)
        tables = [report, *report.sections] if report else []

        assert len(tables) == len(figures)
        for table, figure in zip(tables, figures, strict=True):
            *before, units = table.totals
            told = [row.get("contribution") for row in [*table.rows, *before]]
            total = sum((Fraction(text) for text in told if text is not None), NOTHING)
            rounded = Fraction(Decimal("0.5e-12")) * (len(told) + 1)  # quotients have no end
            assert abs(total - Fraction(units["contribution"])) <= rounded
            assert Fraction(units["contribution"]) - Fraction(figure.units) <= rounded


@SETTINGS
@given(worlds(), questions())
def test_those_that_add_the_most_come_first(world, question):
    with memory() as engine:
        for figure in figures_of(engine, world, question):
            shown = excerpt_of(figure.lines, limit=None, sort="value").shown

            sizes = [abs(Fraction(line.units)) for line in shown if line.units is not None]
            assert sizes == sorted(sizes, reverse=True)
            assert [line.units is None for line in shown] == sorted(
                line.units is None for line in shown
            )


@SETTINGS
@given(worlds(), questions())
def test_a_summary_counts_every_event_once(world, question):
    with memory() as engine:
        figures = figures_of(engine, world, question)
        rows = summaries(figures)

        counts = {
            (row.figure.owner, row.figure.window, row.figure.group): row.counted
            + row.not_counted.total()
            for row in rows
        }
        assert counts == {
            (each.owner, each.window, each.group): len(each.lines) for each in figures
        }
