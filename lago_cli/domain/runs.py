"""Ingest runs: the account of what each brought."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(slots=True)
class Tally:
    """
    The account of a run. Records are read, skipped, rejected; events are all else.

    Where each record gives one event, read = ingested + duplicates + replaced + rejected +
    skipped. Only of a run that was undone nothing is ingested, and nothing replaced.
    """

    read: int = 0
    ingested: int = 0
    duplicates: int = 0
    conflicts: int = 0  # duplicates that differ from what is stored
    replaced: int = 0
    rejected: int = 0
    skipped: int = 0  # left out by a condition on their records
    unmatched: int = 0  # stored, but no metric has their code
    unusable: int = 0  # stored, but their metric cannot use their value
    undated: int = 0  # stored, but without a timestamp of their own


@dataclass(frozen=True, slots=True)
class Run:
    """One ingest run; instants in microseconds since 1970."""

    run: int
    source: str
    started_at: int
    finished_at: int | None  # None: it is running, or was killed
    reverted_at: int | None
    tally: Tally
    deleted: int = 0  # of its events, since then
