"""Metrics, customers, plans and subscriptions as reports, made from the fields of their classes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from lago_cli.domain.definitions import Definition, Entry, Field, fields_of
from lago_cli.domain.objects import Nested
from lago_cli.renderers import Column, Report
from lago_cli.reports.records import bare_numbers, whole
from lago_cli.services import wire

if TYPE_CHECKING:
    from lago_cli.stores.base import DefinitionStore

Of = Definition[Any]


def definition_report(of: Of, entry: Entry[Any], now: int) -> Report:
    """One; in the table, definitions within it stand below."""
    row = bare_numbers(wire.definition(of, entry, now))
    nested = {each.name: each for each in of.columns if isinstance(each.kind, Nested)}
    columns = [replace(column, in_table=column.key not in nested) for column in whole(_columns(of))]
    sections = [_section(each, row[name]) for name, each in nested.items() if row[name]]
    return Report(None, columns, [row], single=True, sections=sections)


def _section(field: Field, value: Any) -> Report:
    """The definitions within a field, without what none of them says."""
    rows = value if isinstance(value, list) else [value]
    columns = [
        Column(
            each.name,
            each.heading,
            kind=each.cell,  # type: ignore[arg-type]
            spare=each.spare,
            folds=each.cell == "object",
        )
        for each in fields_of(field.kind.of)  # type: ignore[attr-defined]
        if any(row.get(each.name) not in (None, [], {}, False) for row in rows)
    ]
    title = (field.heading or field.name.replace("_", " ")).capitalize()
    filled = [{column.key: row.get(column.key) for column in columns} for row in rows]
    return Report(title, columns, filled)


def list_report(store: DefinitionStore, of: Of, now: int, *, empty: str) -> Report:
    """All definitions of a kind."""
    entries = store.table(of).entries()
    rows = (bare_numbers(wire.definition(of, each, now)) for each in entries)
    columns = [
        replace(column, in_table=not (isinstance(each.kind, Nested) and each.kind.is_long))
        for each, column in zip(of.columns, _columns(of), strict=True)
    ]
    return Report(None, columns, rows, empty=empty)


def _columns(of: Of) -> list[Column]:
    return [
        Column(row.name, row.heading, kind=row.cell, spare=row.spare)  # type: ignore[arg-type]
        for row in of.columns
    ]
