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

    Each of the metrics that are named is looked at alone, else all of them together. With
    the answer's `rows` no event is looked at for what has found something.
    """
    named = list(dict.fromkeys(request.metrics))
    for codes in [[code] for code in named] or [list(store.catalog.metrics())]:
        of_codes = rows and [row for row in rows if row.metric.code in codes]
        asked = dict(_doubtful(request, of_codes))
        if asked and codes:
            whose = f' of "{codes[0]}"' if len(named) > 1 else ""
            yield from _unknown_in(store, codes, asked, whose)


def _unknown_in(
    store: UsageStore, codes: Sequence[str], asked: Mapping[str, str], whose: str
) -> Iterator[str]:
    sample = [decode_object(each.event.properties.encode()) for each in store.newest(codes, SAMPLE)]
    if not sample:
        return
    nobody = f"no event{whose} has"
    if len(sample) == SAMPLE:
        nobody = f"none of the newest {SAMPLE:,} events{whose} has"
    for path, option in asked.items():
        if not any(parse_path(path).find_all(properties) for properties in sample):
            yield f"{option} {path}: {nobody} this property; {_instead(sample, path)}."


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
