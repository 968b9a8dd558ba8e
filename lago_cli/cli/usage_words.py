"""What is said beside an answer about usage: its price, what it leaves out, what is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.services.amounts import Amount
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import LeftOut, UsageRow
    from lago_cli.stores.base import UsageStore
    from lago_cli.stores.sqlite.store import SqliteStore


def prices_of(
    session: Session, store: SqliteStore, request: UsageRequest, rows: Sequence[UsageRow]
) -> list[Amount | None]:
    """What each row costs; None where it has no price."""
    from lago_cli.services.amounts import Amounts

    found = Amounts(store, request, now=session.now())
    prices = [found.of(row) for row in rows]
    for customer, _ in sorted(found.unpriced, key=str):
        session.warn(
            f'The subscriptions of "{customer}" have several currencies; see --by subscription.'
        )
    return prices


def warn_of_unknown(
    session: Session,
    store: UsageStore,
    request: UsageRequest,
    rows: Sequence[UsageRow] | None = None,
) -> None:
    if request.group_by or request.filters:
        from lago_cli.services.hints import unknown_properties

        for sentence in unknown_properties(store, request, rows):
            session.warn(sentence)


def said_of(left: LeftOut) -> list[str]:
    """What the figures leave out, and how to see it."""
    sentences = []
    for status, counter, reason in (
        ("unmatched", left.unmatched, "whose code is no metric"),
        ("unusable", left.unusable, "whose value its metric cannot use"),
        ("counted", left.outside, "from before the start or after the end of their subscription"),
    ):
        if counter:
            count = counter.total()
            sentences.append(
                f"Not counted: {count} {'event' if count == 1 else 'events'}, {reason}"
                f" ({_codes(counter)}). See: lago events list --status {status}"
            )
    return sentences


def _codes(counter: Counter[str]) -> str:
    shown = [f"{code}: {count}" for code, count in counter.most_common(3)]
    return ", ".join([*shown, "…"] if len(counter) > len(shown) else shown)
