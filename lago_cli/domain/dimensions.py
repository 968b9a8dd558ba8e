"""
Labels: the texts of an event's properties that its metric tells usage apart by.

A metric's filters name those properties. What has the same label goes into the same group
and the same price, whatever is asked later.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from lago_cli.domain.conditions import holds
from lago_cli.domain.json_text import decode_object
from lago_cli.domain.paths import parse_path
from lago_cli.domain.properties import are_plain, text_at
from lago_cli.domain.usage import Group, PropertyFilter, UsageQuery

Label = tuple[str | None, ...]
"""A text for each filter of the metric, in their order; None where it is missing or empty."""


def label_reader(keys: Sequence[str]) -> Callable[[str], Label]:
    """From an event's properties, a JSON object, to its label."""

    def carefully(properties: str) -> Label:
        fields = decode_object(properties.encode())
        return tuple(text_at(fields, key) for key in keys)

    decoder = _decoder_of(keys)
    is_plain = are_plain(keys)
    if decoder is None:
        return carefully
    decode = decoder.decode

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


def labels_of(texts: Sequence[str], keys: Sequence[str]) -> list[Label] | None:
    """The labels of many properties at once; None where any of them wants a look of its own."""
    decoder = _decoder_of(keys)
    if decoder is None:
        return None
    try:
        found = decoder.decode_lines("\n".join(texts))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None
    labels = list(map(msgspec.structs.astuple, found))
    if len(labels) != len(texts) or any("" in label for label in set(labels)):
        return None
    if not are_plain(keys) and any(None in label for label in set(labels)):
        return None
    return labels


def _decoder_of(keys: Sequence[str]) -> msgspec.json.Decoder[Any] | None:
    """Of properties that are all texts, as most are; None where names forbid it."""
    rows = [
        (f"text{number}", str | None, msgspec.field(name=key, default=None))
        for number, key in enumerate(keys)
    ]
    try:
        return msgspec.json.Decoder(msgspec.defstruct("Label", rows, gc=False))
    except ValueError:  # a name that needs escapes in JSON
        return None


Place = tuple[int, Group]
"""(number of the bucket, group) of an event."""


class Dimensions:
    """Into which bucket and group an event falls by its properties, for one question."""

    def __init__(self, query: UsageQuery) -> None:
        self._query = query
        filters = {*query.filters, *(key for bucket in query.buckets for key in bucket)}
        declared = [row.key for row in query.metric.filters]
        self._is_many = any(parse_path(key).is_many for key in filters)
        wanted = {*query.group_by, *filters}
        self.matter = bool(wanted or query.buckets)
        self.are_labels = not self._is_many and wanted <= set(declared)
        self._keys = declared if self.are_labels else sorted(wanted)
        self._read = label_reader(self._keys)
        self._known: dict[Label, Place | None] = {}

    def of_properties(self, properties: str) -> Place | None:
        """None where the event is not asked for."""
        if self._is_many:  # a filter holds if any of the values is asked for
            fields = decode_object(properties.encode())
            texts = {key: text_at(fields, key) for key in self._query.group_by}
            return self._place(lambda wanted: holds(wanted, fields), texts)
        return self.of_label(self._read(properties) if self.matter else ())

    def of_all(self, texts: Sequence[str]) -> list[Place | None]:
        """Of the properties of many events."""
        labels = None if self._is_many else labels_of(texts, self._keys)
        if labels is None:
            return [self.of_properties(text) for text in texts]
        places = {label: self.of_label(label) for label in set(labels)}
        return [places[label] for label in labels]

    def of_label(self, label: Label) -> Place | None:
        """The same by a label of the metric, where those say all that is asked for."""
        if label not in self._known:
            texts = dict(zip(self._keys, label, strict=True)) if self.matter else {}
            self._known[label] = self._place(
                lambda wanted: all((texts[key] or "") in wanted[key] for key in wanted), texts
            )
        return self._known[label]

    def _place(
        self, is_met: Callable[[PropertyFilter], bool], texts: Mapping[str, str | None]
    ) -> Place | None:
        query = self._query
        if not is_met(query.filters):
            return None
        numbers = (number for number, bucket in enumerate(query.buckets) if is_met(bucket))
        return next(numbers, len(query.buckets)), tuple(texts[key] for key in query.group_by)
