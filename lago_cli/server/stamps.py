"""Instants as Lago writes them."""

from __future__ import annotations

from functools import lru_cache

from lago_cli.domain.instants import format_instant


def stamp(at: int | None) -> str | None:
    """`2026-11-22T00:00:00Z`, with fractional digits only where there are any."""
    return None if at is None else format_instant(at)


@lru_cache(maxsize=1024)  # events of one request mostly share their reception
def stamp_of_event(at: int) -> str:
    """With milliseconds, as those of Lago's events; with microseconds where there are any."""
    text = format_instant(at).removesuffix("Z")
    seconds, _, digits = text.partition(".")
    return f"{seconds}.{digits.ljust(3, '0')}Z"


def last_instant(end: int) -> str:
    """The end of a period: Lago names its last second, we the instant after it."""
    return format_instant(end - 1_000_000)
