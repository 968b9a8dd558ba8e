"""Properties that a question names and no event has, and those that there are instead."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from msgspec import Raw

from lago_cli.domain.json_text import decode_object
from lago_cli.domain.paths import parse_path, similar_paths
from lago_cli.services.requests import UsageRequest
from lago_cli.services.usage import UsageRow
from lago_cli.stores.base import UsageStore

SAMPLE = 1_000
_NAMED = 5


def unknown_properties(
    store: UsageStore, request: UsageRequest, rows: Sequence[UsageRow] | None = None
) -> Iterator[str]:
    """
    A sentence for each property to group or filter by that the newest events do not have.

    With the answer's `rows` no event is looked at for what has found something.
    """
    asked = dict(_doubtful(request, rows))
    codes = list(request.metrics or store.catalog.metrics())
    if not asked or not codes:
        return
    sample = [decode_object(each.event.properties.encode()) for each in store.newest(codes, SAMPLE)]
    if not sample:
        return
    whose = "no event has" if len(sample) < SAMPLE else f"none of the newest {SAMPLE:,} events has"
    for path, option in asked.items():
        if not any(parse_path(path).find_all(properties) for properties in sample):
            yield f"{option} {path}: {whose} this property; {_instead(sample, path)}."


def _doubtful(request: UsageRequest, rows: Sequence[UsageRow] | None) -> Iterator[tuple[str, str]]:
    """(path, option) of what may stand in no event."""
    used = [row for row in rows or () if row.events_count]
    for number, path in enumerate(request.group_by):
        if not any(row.group and row.group[number] for row in used):
            yield path, "--group-by"
    for path, texts in request.filters.items():
        if not used or "" in texts:
            yield path, "--filter"


def _instead(sample: Sequence[Mapping[str, Raw]], path: str) -> str:
    places = dict.fromkeys(place for each in sample for place in similar_paths(each, path))
    if not places:
        counted = Counter(key for properties in sample for key in properties)
        places = dict.fromkeys(key for key, _ in counted.most_common())
    names = list(places)
    if not names:
        return "they have none"
    shown = [*names[:_NAMED], "…"] if len(names) > _NAMED else names
    return f"there {'is' if len(names) == 1 else 'are'} {', '.join(shown)}"
