"""
Events by column: how they travel from the decoder to the store.

A batch holds the same facts as a list of `Event`, as parallel lists, because that is
what a bulk insert wants. `decode_lines` is the short way for whole lines of ordinary
events; it declines whatever it is not sure of, and `parse_event` judges that line by line.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import chain, compress
from operator import attrgetter
from typing import Any

import msgspec

from lago_cli.domain.events import (
    FIELDS,
    KEPT_ELSEWHERE,
    NO_PROPERTIES,
    Event,
    Subject,
    WireEvent,
    WordyEvent,
)
from lago_cli.domain.instants import (
    AFTER_LAST_EVENT,
    EPOCH,
    FIRST_EVENT,
    SECOND,
    TEN_DIGITS,
    finer_of,
    parse_instant,
    seconds_to_micros,
)
from lago_cli.domain.measurements import Measurements
from lago_cli.domain.metrics import Metric

_APART = ("finer", "measurements", "read_for", "not_kept", "blocks")
_BLANK_STARTS = (b"\n\n", b"\n\r", b"\n ", b"\n\t")
_MANY_BRACKETS = 400  # on one line: it may be nested too deeply
_LONG_NUMBER = 100  # characters
_COARSE = len("2026-11-22T000000.000000Z")  # one with more than microseconds is longer
_MICROSECONDS = len("2026-11-22T00:00:00.000000Z")
_AFTER_SECONDS = {".", "Z", ""}  # in that form, at its twentieth character


def _short_decimal(text: str) -> Decimal:
    if len(text) > _LONG_NUMBER:
        raise ValueError
    return Decimal(text)


_WIRE = msgspec.json.Decoder(WireEvent, float_hook=_short_decimal)
_WORDY = msgspec.json.Decoder(WordyEvent, float_hook=_short_decimal)
_MEMBERS = msgspec.json.Decoder(dict[str, msgspec.Raw])
_KNOWN = frozenset((*FIELDS, *KEPT_ELSEWHERE))
_FIRST = timedelta(microseconds=FIRST_EVENT)
_SECONDS_AS_TEXT = re.compile(r"([0-9]{9,10})(?:\.([0-9]{1,6}))?")
_SECONDS = range(FIRST_EVENT // SECOND, TEN_DIGITS)


@dataclass(slots=True)
class EventBatch:
    """Parallel lists, one entry an event, in the order of arrival."""

    transaction_ids: list[str] = field(default_factory=list)
    codes: list[str] = field(default_factory=list)
    parties: list[Subject] = field(default_factory=list)
    at: list[int | None] = field(default_factory=list)
    properties: list[str] = field(default_factory=list)
    amounts: list[str | None] = field(default_factory=list)
    lines: Sequence[int] = field(default_factory=list)  # where each stands in its input
    finer: list[int] | None = None  # picoseconds after `at`; None: all are 0, as they mostly are
    measurements: Measurements | None = None  # where somebody has read them already
    read_for: Mapping[str, Metric] | None = None  # the metrics they were read for
    not_kept: Mapping[str, int] = field(default_factory=dict)  # keys no event has: how often
    blocks: Sequence[bytes] = ()  # digests of what it comes from, where that may become known

    def __len__(self) -> int:
        return len(self.transaction_ids)

    def append(self, event: Event, line: int) -> None:
        if self.finer is None and event.finer:
            self.finer = [0] * len(self)
        if self.finer is not None:
            self.finer.append(event.finer)
        self.transaction_ids.append(event.transaction_id)
        self.codes.append(event.code)
        self.parties.append((event.external_customer_id, event.external_subscription_id))
        self.at.append(event.at)
        self.properties.append(event.properties)
        self.amounts.append(event.precise_total_amount_cents)
        assert isinstance(self.lines, list)
        self.lines.append(line)

    def fields(self, index: int) -> tuple[Any, ...]:
        """One event, in the order of `events.FIELDS`."""
        return (
            self.transaction_ids[index],
            self.codes[index],
            *self.parties[index],
            self.at[index],
            self.properties[index],
            self.amounts[index],
        )

    def event(self, index: int) -> Event:
        """One event, with all that is known of its instant."""
        event = Event(*self.fields(index))
        return event if self.finer is None else replace(event, finer=self.finer[index])

    def without(self, indexes: Container[int]) -> EventBatch:
        """The others, in their order."""
        keep = [index not in indexes for index in range(len(self))]
        batch = EventBatch()
        for column in fields(self):
            if column.name not in _APART:
                setattr(batch, column.name, list(compress(getattr(self, column.name), keep)))
        if self.finer is not None:
            batch.finer = list(compress(self.finer, keep))
        if self.measurements is not None:
            columns = (list(compress(each, keep)) for each in self.measurements)
            batch.measurements = Measurements(*columns)
            batch.read_for = self.read_for
        return batch

    def only(self, index: int, at: int | None, finer: int = 0) -> EventBatch:
        """Just one event; it happened `at` and `finer` where it does not say itself."""
        batch = EventBatch()
        event = self.event(index)
        if event.at is None:
            event = replace(event, at=at, finer=finer)
        batch.append(event, self.lines[index])
        return batch


_TOGETHER = [
    (column.name, attrgetter(column.name))
    for column in fields(EventBatch)
    if column.name not in _APART
]


def joined(batches: Sequence[EventBatch]) -> EventBatch:
    """Several as one, in their order."""
    if len(batches) == 1:
        return batches[0]
    batch = EventBatch()
    for name, column in _TOGETHER:
        setattr(batch, name, list(chain.from_iterable(map(column, batches))))
    if any(each.finer is not None for each in batches):
        batch.finer = list(chain.from_iterable(each.finer or [0] * len(each) for each in batches))
    batch.blocks = [digest for each in batches for digest in each.blocks]
    read = [each.measurements for each in batches if each.measurements is not None]
    if len(read) == len(batches) and len({id(each.read_for) for each in batches}) == 1:
        columns = (list(chain(*each)) for each in zip(*read, strict=True))
        batch.measurements = Measurements(*columns)
        batch.read_for = batches[0].read_for
    return batch


def decode_lines(data: bytes, first_line: int) -> EventBatch | None:
    """A batch from whole lines of NDJSON, or None where any line is no ordinary event."""
    not_kept: Mapping[str, int] = {}
    try:
        try:
            events: Sequence[WireEvent] = _WIRE.decode_lines(data)
        except msgspec.ValidationError:
            events = _WORDY.decode_lines(data)
            not_kept = _keys_beyond(data)
        if not events or len(events) != data.count(b"\n") + (not data.endswith(b"\n")):
            return None
        if _has_blank_line(data):  # and so another line has two events
            return None
        data.decode()  # msgspec does not look into the text of what it skips
        properties = [str(event.properties, "utf-8") for event in events]
        at, finer = _instants([event.timestamp for event in events])
    except (msgspec.MsgspecError, ValueError, ArithmeticError, RecursionError):
        return None
    ids = [event.transaction_id for event in events]
    codes = [event.code for event in events]
    parties = [(event.external_customer_id, event.external_subscription_id) for event in events]
    ordinary = (
        all(map(str.strip, ids))
        and all(map(str.strip, set(codes)))
        and _named(set(parties))
        and _objects(properties)
        and all(event.precise_total_amount_cents is None for event in events)
        and not _may_be_deep(data, len(events))
    )
    if not ordinary:
        return None
    lines = range(first_line, first_line + len(ids))
    return EventBatch(
        ids,
        codes,
        parties,
        at,
        properties,
        [None] * len(ids),
        lines,
        finer,
        not_kept=not_kept,
    )


def _keys_beyond(data: bytes) -> Mapping[str, int]:
    """How often each key is there that no event has."""
    found = Counter(chain.from_iterable(_MEMBERS.decode_lines(data)))
    return {key: count for key, count in found.items() if key not in _KNOWN}


def _has_blank_line(data: bytes) -> bool:
    """Most often no line even begins with white space, which is told at once."""
    begins = data[:1].isspace() or any(start in data for start in _BLANK_STARTS)
    return begins and not all(map(bytes.strip, data.removesuffix(b"\n").split(b"\n")))


def _may_be_deep(data: bytes, lines: int) -> bool:
    """Whether a line may be nested too deeply; ordinary ones have two brackets, or few more."""
    if data.count(b"{") + data.count(b"[") <= 2 * lines + _MANY_BRACKETS - 2:
        return False
    return any(line.count(b"{") + line.count(b"[") > _MANY_BRACKETS for line in data.split(b"\n"))


def _instants(times: list[Any]) -> tuple[list[int | None], list[int] | None]:
    """Microseconds, and picoseconds beyond them, None where there are none."""
    if set(map(type, times)) == {int}:
        if min(times) not in _SECONDS or max(times) not in _SECONDS:
            raise ValueError
        return [second * SECOND for second in times], None
    if all(type(time) is str and time[10:11] == "T" and time[-1] == "Z" for time in times):
        since = [moment - EPOCH for moment in map(datetime.fromisoformat, times)]
        if min(since) < _FIRST or not all(map(str.isascii, times)):
            raise ValueError
        at: list[int | None] = [
            (span.days * 86_400 + span.seconds) * SECOND + span.microseconds for span in since
        ]
        return at, None if _are_coarse(times) else _finer(times)
    seconds = _text_seconds(times)
    if seconds is not None:
        return seconds, None
    return [None if time is None else _micros_of(time) for time in times], _finer(times)


def _text_seconds(times: list[Any]) -> list[int | None] | None:
    """UNIX seconds as text with up to six decimals, as clients of Lago write them; else None."""
    at: list[int | None] = []
    for time in times:
        found = _SECONDS_AS_TEXT.fullmatch(time) if type(time) is str else None
        if found is None or (second := int(found[1])) not in _SECONDS:
            return None
        at.append(second * SECOND + int((found[2] or "").ljust(6, "0")))
    return at


def _micros_of(time: Any) -> int:
    if type(time) is int:
        micros = time * SECOND
    elif type(time) is str:
        micros = parse_instant(time)
    elif type(time) is Decimal:
        micros = seconds_to_micros(time)
    else:
        raise ValueError
    last = AFTER_LAST_EVENT if type(time) is str else TEN_DIGITS * SECOND
    if not FIRST_EVENT <= micros < last:
        raise ValueError
    return micros


def _are_coarse(times: list[str]) -> bool:
    """Whether texts of the usual form say nothing beyond the microsecond, told at once."""
    longest = max(map(len, times))
    if longest <= _COARSE:
        return True
    return longest <= _MICROSECONDS and {time[19:20] for time in times} <= _AFTER_SECONDS


def _finer(times: list[Any]) -> list[int] | None:
    finer = [finer_of(str(time)) if type(time) in (str, Decimal) else 0 for time in times]
    return finer if any(finer) else None


def _named(parties: set[Subject]) -> bool:
    """Whether no party needs a second look: somebody is named, and nobody by blanks."""
    names = {name for party in parties for name in party if name is not None}
    return (None, None) not in parties and all(map(str.strip, names))


def _objects(properties: list[str]) -> bool:
    for index, text in enumerate(properties):
        if text[0] != "{":
            if text != "null":
                return False
            properties[index] = NO_PROPERTIES
    return True
