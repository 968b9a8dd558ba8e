"""Every field of every definition can be set, changed, removed, shown, exported, read back."""

from __future__ import annotations

from contextlib import contextmanager
from datetime import UTC
from itertools import chain

import pytest
import typer

from lago_cli.cli import customers, metrics, subscriptions
from lago_cli.domain.charges import CENTS
from lago_cli.domain.customers import CUSTOMER
from lago_cli.domain.definitions import FLAG, INSTANT, TEXT, WHOLE, fields_of
from lago_cli.domain.metrics import METRIC, Filter
from lago_cli.domain.objects import Written
from lago_cli.domain.plans import PLAN, Plan
from lago_cli.domain.subscriptions import SUBSCRIPTION
from lago_cli.errors import LagoError
from lago_cli.readers.documents import read_documents
from lago_cli.services.apply import carry_out, changes, exported
from lago_cli.services.catalog import create, parsed, update
from lago_cli.services.definitions import DEFINITIONS, Definitions, Known, read_definitions
from lago_cli.services.wire import definition
from tests.engines import NOON, sqlite
from tests.writing import as_yaml

GROUPS = {
    METRIC: metrics.app,
    CUSTOMER: customers.app,
    SUBSCRIPTION: subscriptions.app,
}  # plans are read from files
FIELDS = [
    pytest.param(of, row, id=f"{of.word} {row.name}") for of in DEFINITIONS for row in of.fields
]
OPTIONS = [case for case in FIELDS if case.values[1].help and case.values[0] in GROUPS]
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
    CENTS: (Written("0"), Written("123456789012345678")),
}
PLANS = ("one", "two [/x]")  # that a subscription may name
TAXES = [{"rate": Written("19")}, {"rate": "0.5", "code": "vat", "name": "VAT [/x]"}]
OF_A_FORM = {
    "timezone": ("Europe/Paris", "Asia/Tokyo"),
    "currency": ("EUR", "JPY"),
    "expression": ("event.properties.a", "event.properties.b * 2"),
    "filters": (["region=eu,us"], ["tier=gold", "region=eu"]),
    "weighted_interval": ("seconds", "seconds"),
    "interval": ("weekly", "yearly"),
    "amount_currency": ("EUR", "JPY"),
    "trial_period": (Written("5.0"), Written("30")),
    "previous_plans": (
        [{"plan_code": "two [/x]", "until": "2026-11-01T00:00:00Z"}],
        [
            {"plan_code": "two [/x]", "until": "2026-11-01T00:00:00Z"},
            {"plan_code": "one", "until": "2026-11-02T00:00:00.000001Z"},
        ],
    ),
    "minimum_commitment": (
        {"amount_cents": Written("100")},
        {"amount_cents": Written("100"), "invoice_display_name": "least", "taxes": TAXES},
    ),
    "taxes": (TAXES[:1], TAXES),
    "charges": (
        [{"billable_metric_code": "gb", "charge_model": "standard"}],
        [
            {
                "billable_metric_code": "gb",
                "charge_model": "graduated",
                "code": "by tiers",
                "prorated": True,
                "min_amount_cents": Written("7"),
                "properties": {
                    "graduated_ranges": [
                        {
                            "from_value": 0,
                            "to_value": None,
                            "per_unit_amount": "0.10",
                            "flat_amount": "0",
                        }
                    ],
                    "grouped_by": ["user"],
                },
                "filters": [{"values": {"region": ["eu"]}}],
                "taxes": TAXES,
            }
        ],
    ),
}
TOGETHER = {  # what a rule asks for beside a field
    "field_name": {"aggregation_type": "count"},
    "weighted_interval": {"aggregation_type": "weighted_sum"},
    "ending_at": {"started_at": "2026-10-01T00:00:00Z"},
    "terminated_at": {"started_at": "2026-10-01T00:00:00Z"},
    "previous_plans": {"plan_code": "one"},
    "bill_charges_monthly": {"interval": "yearly"},
}


def two_values(row):
    """Two texts of options, as different as the field allows."""
    if row.name in OF_A_FORM:
        return OF_A_FORM[row.name]
    return tuple(row.choices)[-2:] if row.choices else OF_A_KIND[row.kind]


def least(of, row):
    """Options that are enough for one definition, and for this field of it."""
    given = {each.name: each.missing for each in of.fields if each.required}
    if of is PLAN:
        given |= {"amount_cents": Written("0"), "amount_currency": "EUR"}
    if of is METRIC:
        given |= {"aggregation_type": "sum", "field_name": "gb"}
    return given | TOGETHER.get(row.name, {})


@contextmanager
def engines():
    """A store in which there is what a definition may name."""
    with sqlite() as engine:
        filters = [Filter("region", ("eu",))]
        engine.define(
            code="gb",
            aggregation_type="sum_agg",
            field_name="gb",
            recurring=True,
            filters=filters,
        )
        with engine.store.writing():
            for code in PLANS:
                engine.store.table(PLAN).save(Plan(code, code, "monthly", 0, "EUR"), NOON)
        yield engine


def shown(of, entry, row):
    return definition(of, entry, NOON)[row.name]


def as_given(row, given):
    """What is shown of an option's value."""
    return row.kind.as_json(row.kind.parse(row, given, None))


def as_written(row, value):
    """What is shown of a value in a file."""
    return row.kind.as_json(row.kind.read(value, UTC))


@pytest.mark.parametrize(("of", "row"), OPTIONS)
def test_a_field_can_be_set_changed_and_removed(of, row):
    first, second = two_values(row)
    with engines() as engine:
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
    with engines() as engine:
        entry = create(engine.store, of, least(of, row), now=NOON)
        with pytest.raises(LagoError):
            update(engine.store, of, of.name_of(entry.value), {row.name: ""})


@pytest.mark.parametrize(("of", "row"), FIELDS)
def test_a_field_is_exported_and_read_back(of, row):
    for value in two_values(row):
        with engines() as first, sqlite() as second:
            if (of, row) in [case.values for case in OPTIONS]:
                entry = create(first.store, of, {**least(of, row), row.name: value}, now=NOON)
                assert shown(of, entry, row) == as_given(row, value)
            else:  # no option sets it: then a file does
                document = exported(first.store)
                written = {**least(of, row), row.name: value}
                name = written[of.key]
                others = [each for each in document[of.section] if each[of.key] != name]
                document[of.section] = [*others, written]
                apply(first.store, as_yaml(document))
                entry = first.store.table(of).get(name)
                assert shown(of, entry, row) == as_written(row, value)

            apply(second.store, as_yaml(exported(first.store)))
            copy = second.store.table(of).get(of.name_of(entry.value))
            assert copy.value == entry.value


def apply(store, text):
    wanted = Definitions()
    for document in read_documents(text.encode()):
        faults = list(read_definitions(document.value, wanted, Known({}, {}, NOON)))
        assert faults == []
    with store.writing():
        carry_out(store, changes(store, wanted, prune=True), now=NOON)


@pytest.mark.parametrize("of", GROUPS, ids=lambda of: of.word)
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
