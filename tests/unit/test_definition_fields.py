"""Every field of every definition can be set, changed, removed, shown, exported, read back."""

from __future__ import annotations

from itertools import chain

import pytest
import typer

from lago_cli.cli import customers, metrics, subscriptions
from lago_cli.domain.definitions import FLAG, INSTANT, TEXT, WHOLE, fields_of
from lago_cli.domain.metrics import Metric
from lago_cli.errors import LagoError
from lago_cli.readers.documents import read_documents, write_yaml
from lago_cli.services.apply import carry_out, changes, exported
from lago_cli.services.catalog import create, parsed, update
from lago_cli.services.definitions import DEFINITIONS, Definitions, Known, read_definitions
from lago_cli.services.wire import definition
from tests.engines import NOON, sqlite

GROUPS = dict(zip(DEFINITIONS, (metrics.app, customers.app, subscriptions.app), strict=True))
FIELDS = [
    pytest.param(of, row, id=f"{of.word} {row.name}") for of in DEFINITIONS for row in of.fields
]
OPTIONS = [case for case in FIELDS if case.values[1].help]
LASTING = [
    case
    for case in OPTIONS
    if not (case.values[1].removable or case.values[1].fixed or case.values[1].kind is FLAG)
]
OF_A_KIND = {
    TEXT: ("one", "two [/x]"),
    FLAG: (True, False),
    WHOLE: ("1", "-2"),
    INSTANT: ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00.5Z"),
}
OF_A_FORM = {
    "timezone": ("Europe/Paris", "Asia/Tokyo"),
    "currency": ("EUR", "JPY"),
    "expression": ("event.properties.a", "event.properties.b * 2"),
    "filters": (["region=eu,us"], ["tier=gold", "region=eu"]),
    "weighted_interval": ("seconds", "seconds"),
}
TOGETHER = {  # what a rule asks for beside a field
    "field_name": {"aggregation_type": "count"},
    "weighted_interval": {"aggregation_type": "weighted_sum"},
    "ending_at": {"started_at": "2026-10-01T00:00:00Z"},
    "terminated_at": {"started_at": "2026-10-01T00:00:00Z"},
}


def two_values(row):
    """Two texts of options, as different as the field allows."""
    if row.name in OF_A_FORM:
        return OF_A_FORM[row.name]
    return tuple(row.choices)[-2:] if row.choices else OF_A_KIND[row.kind]


def least(of, row):
    """Options that are enough for one definition, and for this field of it."""
    given = {each.name: each.stand_in for each in of.fields if each.required}
    if of.of is Metric:
        given |= {"aggregation_type": "sum", "field_name": "gb"}
    return given | TOGETHER.get(row.name, {})


def shown(of, entry, row):
    return definition(of, entry, NOON)[row.name]


def as_given(row, given):
    """What is shown of an option's value."""
    return row.kind.as_json(row.kind.parse(row, given, None))


@pytest.mark.parametrize(("of", "row"), OPTIONS)
def test_a_field_can_be_set_changed_and_removed(of, row):
    first, second = two_values(row)
    with sqlite() as engine:
        given = {**least(of, row), row.name: first}
        entry = create(engine.store, of, given, now=NOON)
        name = of.name_of(entry.value)
        assert shown(of, entry, row) == as_given(row, first)

        if row.fixed:
            return
        changed = update(engine.store, of, name, {row.name: second})
        assert shown(of, changed, row) == as_given(row, second)
        assert changed.created_at == NOON
        if row.removable:
            removed = update(
                engine.store, of, name, {row.name: [""] if isinstance(first, list) else ""}
            )
            del given[row.name]
            assert removed.value == of.define(parsed(of, given), NOON)


@pytest.mark.parametrize(("of", "row"), LASTING)
def test_a_field_that_cannot_be_removed_says_so(of, row):
    with sqlite() as engine:
        entry = create(engine.store, of, least(of, row), now=NOON)
        with pytest.raises(LagoError):
            update(engine.store, of, of.name_of(entry.value), {row.name: ""})


@pytest.mark.parametrize(("of", "row"), FIELDS)
def test_a_field_is_exported_and_read_back(of, row):
    for value in two_values(row):
        with sqlite() as first, sqlite() as second:
            given = {**least(of, row), row.name: value} if row.help else least(of, row)
            entry = create(first.store, of, given, now=NOON)
            if not row.help:  # no option sets it: then a file does
                document = exported(first.store)
                document[of.section][0][row.name] = value
                apply(first.store, write_yaml(document))
                entry = first.store.table(of).get(of.name_of(entry.value))
            assert shown(of, entry, row) == as_given(row, value)

            apply(second.store, write_yaml(exported(first.store)))
            copy = second.store.table(of).get(of.name_of(entry.value))
            assert copy.value == entry.value


def apply(store, text):
    wanted = Definitions()
    for document in read_documents(text.encode()):
        faults = list(read_definitions(document.value, wanted, Known({}, {}, NOON)))
        assert faults == []
    with store.writing():
        carry_out(store, changes(store, wanted, prune=True), now=NOON)


@pytest.mark.parametrize("of", DEFINITIONS, ids=lambda of: of.word)
def test_the_command_line_has_an_option_for_each(of):
    group = typer.main.get_command(GROUPS[of])
    for verb in ("create", "update"):
        options = set(chain.from_iterable(each.opts for each in group.commands[verb].params))
        wanted = {row.option.split("/")[0] for row in of.options(creating=verb == "create")}

        assert wanted <= options
    assert {row.name for row in of.options(creating=True)} == {
        row.name for row in fields_of(of.of) if row.help
    }


@pytest.mark.parametrize("of", DEFINITIONS, ids=lambda of: of.word)
def test_every_field_is_shown_and_none_twice(of):
    names = [column.name for column in of.columns]

    assert sorted(names) == sorted({*names})
    assert {row.name for row in of.fields} < set(names)
