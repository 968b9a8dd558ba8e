"""
Labels: the texts of an event's properties that its metric tells usage apart by.

A metric's filters name those properties. What has the same label goes into the same group
and the same price, whatever is asked later.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import msgspec

from lago_cli.domain.json_text import decode_object
from lago_cli.domain.paths import parse_path
from lago_cli.domain.properties import are_plain, text_at
from lago_cli.domain.usage import Group, UsageQuery

Label = tuple[str | None, ...]
"""A text for each filter of the metric, in their order; None where it is missing or empty."""


def label_reader(keys: Sequence[str]) -> Callable[[str], Label]:
    """From an event's properties, a JSON object, to its label."""

    def carefully(properties: str) -> Label:
        fields = decode_object(properties.encode())
        return tuple(text_at(fields, key) for key in keys)

    decode = _decoder_of(keys)
    is_plain = are_plain(keys)
    if decode is None:
        return carefully

    def read(properties: str) -> Label:
        try:
            found = decode(properties)
        except (msgspec.MsgspecError, ValueError, RecursionError):
            return carefully(properties)
        texts = msgspec.structs.astuple(found)
        if not is_plain and None in texts:  # what is no key may be a path
            return carefully(properties)
        return tuple(text or None for text in texts)

    return read


def _decoder_of(keys: Sequence[str]) -> Callable[[str], Any] | None:
    """Of properties that are all texts, as most are; None where names forbid it."""
    rows = [
        (f"text{number}", str | None, msgspec.field(name=key, default=None))
        for number, key in enumerate(keys)
    ]
    try:
        return msgspec.json.Decoder(msgspec.defstruct("Label", rows, gc=False)).decode
    except ValueError:  # a name that needs escapes in JSON
        return None


class Choice:
    """Which labels a question asks for, and which group each belongs to."""

    def __init__(self, query: UsageQuery) -> None:
        self._query = query
        self._keys = [row.key for row in query.metric.filters]
        self._known: dict[Label | None, Group | None] = {}

    @property
    def is_possible(self) -> bool:
        """
        Whether the label of an event says all that is asked of its properties.

        Of several values it has the list, where a filter asks for each.
        """
        query = self._query
        filters = {*query.filters, *(key for each in query.excluded for key in each)}
        if any(parse_path(key).is_many for key in filters):
            return False
        return {*query.group_by, *filters} <= set(self._keys)

    def group_of(self, label: Label | None) -> Group | None:
        """None where events of that label are not asked for."""
        if label not in self._known:
            self._known[label] = self._group_of(label)
        return self._known[label]

    def _group_of(self, label: Label | None) -> Group | None:
        texts = dict(zip(self._keys, label or (), strict=True))
        query = self._query
        if not all((texts[key] or "") in wanted for key, wanted in query.filters.items()):
            return None
        for excluded in query.excluded:
            if all((texts[key] or "") in excluded[key] for key in excluded):
                return None
        return tuple(texts[key] for key in query.group_by)
