"""Stretches of time, in the words of who reads them."""

from __future__ import annotations

from lago_cli.renderers.report import Span


def span_text(span: Span) -> str:
    """`2026-11-01 to 2026-12-01`; whole instants where they are no midnights."""
    start, end = (None if each is None else each.strftime("%Y-%m-%d") for each in span)
    if start is None or end is None:
        return "all time" if start == end else f"from {start}" if end is None else f"until {end}"
    return f"{start} to {end}"
