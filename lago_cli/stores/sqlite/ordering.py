"""
Events in the order of time, as references to their rows.

Parts overlap in time as much as events come late, so they are swept: what comes before the first
instant of the next part is given away before that part is read.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from lago_cli.domain.instants import Window
from lago_cli.domain.ranks import ID_MASK
from lago_cli.domain.usage import UsageQuery
from lago_cli.stores.sqlite.pieces import Pieces
from lago_cli.stores.sqlite.query import Snapshot

if TYPE_CHECKING:
    from lago_cli.stores.sqlite.columns import Columns
    from lago_cli.stores.sqlite.parts import PartBounds


class Wanted(NamedTuple):
    """Which events: of some codes, within a span, and of some parties only where pieces say so."""

    codes: tuple[int, ...]
    span: Window
    pieces: Pieces | None = None
    usable: bool | None = None  # None: whether or not


def ids_in_order(
    snapshot: Snapshot, wanted: Wanted, *, newest_first: bool = False
) -> Iterator[list[int]]:
    """Ids by time and rank, in lists; what `usable` asks for is left out where parts know it."""
    beyond = rows_beyond(snapshot, wanted)
    parts = snapshot.parts.bounds(wanted.codes, wanted.span, unusable=wanted.usable is False)
    if parts:
        yield from _swept(snapshot, wanted, parts, beyond, newest_first=newest_first)
    elif beyond:
        yield [rank & ID_MASK for _, rank in sorted(beyond, reverse=newest_first)]


def evidence_in_order(snapshot: Snapshot, query: UsageQuery) -> Iterator[tuple[int, int]]:
    """
    (owner, id) of every event that may count, by owner, then by time and rank.

    Of an event that was replaced after `as_of` there is the earlier version too.
    """
    code, pieces = snapshot.code(query.metric.code), _pieces_by_owner(snapshot, query)
    if code is None or not pieces.keys:
        return
    owners = [owner for owner, _ in pieces.keys]
    found = [
        (owners[key], row.at, row.rank)
        for row in snapshot.rows_to_explain(code, query.as_of)
        for key in pieces.at(row.party, row.at)
    ]
    parts = snapshot.parts.bounds((code,), pieces.span)
    if not parts:
        yield from ((owner, rank & ID_MASK) for owner, _, rank in sorted(found))
        return
    import numpy as np

    from lago_cli.stores.sqlite.placing import Placing

    placing, owner_of = Placing(pieces), np.array(owners, dtype=np.int64)
    columns_of = [np.array(found, dtype=np.int64).reshape(-1, 3).T]
    for part, *_ in parts:
        columns = snapshot.parts.get(part)
        places, keys = placing.of(columns)
        columns_of.append(np.stack((owner_of[keys], columns.at[places], columns.ranks[places])))
    owner, at, rank = np.concatenate(columns_of, axis=1)
    order = np.lexsort((rank, at, owner))
    yield from zip(owner[order].tolist(), (rank[order] & ID_MASK).tolist(), strict=True)


def _pieces_by_owner(snapshot: Snapshot, query: UsageQuery) -> Pieces:
    """From the first window of an owner, or all of time where the metric recurs, to the last."""
    found = Pieces()
    for party, owner, span in query.scope.members:
        windows, party_id = query.scope.windows[owner], snapshot.parties.get(party)
        if windows and party_id is not None:
            start = span.start if query.metric.recurring else max(span.start, windows[0].start)
            found.add(party_id, Window(start, min(span.end, windows[-1].end)), (owner, 0))
    return found


def rows_beyond(snapshot: Snapshot, wanted: Wanted) -> list[tuple[int, int]]:
    """(time, rank) of events that are in no part."""
    start, end = wanted.span
    unusable = snapshot.unusable_beyond if wanted.usable is not None else ()
    return [
        (row.at, row.rank)
        for code in wanted.codes
        for row in snapshot.rows(code, None)
        if start <= row.at < end
        and (wanted.usable is None or wanted.usable == (row.id not in unusable))
        and (wanted.pieces is None or any(True for _ in wanted.pieces.at(row.party, row.at)))
    ]


def _swept(
    snapshot: Snapshot,
    wanted: Wanted,
    parts: list[PartBounds],
    beyond: list[tuple[int, int]],
    *,
    newest_first: bool,
) -> Iterator[list[int]]:
    import numpy as np

    from lago_cli.stores.sqlite.placing import Placing

    placing = None if wanted.pieces is None else Placing(wanted.pieces)
    sign = -1 if newest_first else 1
    waiting: Any = np.array(beyond, dtype=np.int64).reshape(-1, 2).T * sign
    by_nearest = sorted((-last if newest_first else first, part) for part, first, last, _ in parts)
    for nearest, part in by_nearest:
        is_before = waiting[0] < nearest
        yield from _sorted(waiting[:, is_before], sign)
        found = references(snapshot.parts.get(part), wanted, placing) * sign
        waiting = np.concatenate((waiting[:, ~is_before], found), axis=1)
    yield from _sorted(waiting, sign)


def _sorted(references: Any, sign: int) -> Iterator[list[int]]:
    import numpy as np

    if references.shape[1]:
        order = np.lexsort((references[1], references[0]))
        yield (references[1][order] * sign & ID_MASK).tolist()


def references(columns: Columns, wanted: Wanted, placing: Any) -> Any:
    """Times and ranks of what is wanted of a part."""
    import numpy as np

    places = np.arange(columns.events)
    if placing is not None:
        places = np.unique(placing.of(columns)[0])
        if not len(places):  # then nothing else of the part is read
            return np.empty((2, 0), dtype=np.int64)
    at = columns.at[places]
    keep = (at >= wanted.span.start) & (at < wanted.span.end)
    if wanted.usable is not None:
        keep &= columns.are_usable[places] == wanted.usable
    return np.stack((at[keep], columns.ranks[places[keep]]))
