"""What is said of an ingest once it is over: what stays, what was not understood, why it failed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from lago_cli.errors import LagoError, refused

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.services.ingest import Ingestion
    from lago_cli.services.ingest_report import IngestOptions, IngestReport

_IN_LINE = (
    *("read", "ingested", "replaced", "duplicates", "conflicts", "rejected", "skipped"),
    *("unmatched", "unusable", "undated"),
)
_ONE = {"duplicates": "duplicate", "conflicts": "conflict"}
_NAMED = 10  # keys, after which it says how many more there are


def what_stays(ingestion: Ingestion) -> str:
    stored = ingestion.committed.ingested + ingestion.committed.replaced
    if not stored:
        return "Nothing was stored."
    stay = "event was stored before that, and stays"
    if stored > 1:
        stay = "events were stored before that, and stay"
    return f"{stored} {stay}. Run it again to go on."


def tell(session: Session, report: IngestReport, options: IngestOptions) -> None:
    """Say what wants attention; of an event that was dated here also to who wants quiet."""
    tally = report.tally
    for target, path, elsewhere in report.unfound:
        found = f"--map {target}={path} found nothing in {_counted(tally.read, 'record')}"
        session.warn(found + (f"; there is {', '.join(elsewhere)}" if elsewhere else ""))
    if report.not_kept:
        session.warn(_not_kept(report.not_kept))
    for place in report.partial:
        session.note(f"{place}: the last record is not whole yet, and was left for the next time")
    if tally.undated and options.warns_of_time:
        session.warn(
            _undated(tally.undated, report.time_like, dry_run=options.dry_run), always=True
        )
    for status, events, what in (
        ("unmatched", tally.unmatched, "a code that no metric has yet"),
        ("unusable", tally.unusable, "a value that the metric cannot use"),
    ):
        if events:
            session.warn(_not_counted(events, what, status, dry_run=options.dry_run))
    if options.shown:
        session.note(_counts(report))
    if options.dry_run:
        session.note("Dry run: nothing was stored.")


def _not_kept(names: Mapping[str, int]) -> str:
    """Most frequent first."""
    ranked = sorted(names.items(), key=lambda item: -item[1])
    shown = ", ".join(f'"{name}" ({count})' for name, count in ranked[:_NAMED])
    more = f" and {len(ranked) - _NAMED} others" if len(ranked) > _NAMED else ""
    is_one = len(ranked) == 1
    said = "This key is in no event and was" if is_one else "These keys are in no event and were"
    return f"{said} not kept: {shown}{more}. What is to be kept stands in properties."


def _undated(events: int, names: Sequence[str], *, dry_run: bool) -> str:
    is_dated = "would be dated" if dry_run else "was dated" if events == 1 else "were dated"
    said = f"{_counted(events, 'event')} without a timestamp {is_dated} at reception."
    if not names:
        return said
    unread = ", ".join(f'"{name}"' for name in names[:_NAMED])
    was = "was" if len(names) == 1 else "were"
    return f"{said} {unread} {was} not read as the time: --map timestamp={names[0]}"


def _counts(report: IngestReport) -> str:
    counts = ("read", "ingested", "duplicates", "rejected", "skipped")
    return ", ".join(f"{name} {getattr(report.tally, name)}" for name in counts)


def in_one_line(report: IngestReport, seconds: float, sent: str | None = None) -> str:
    """The summary for a person: `Run 12: 83 read, 80 ingested, 3 duplicates in 0.02 s`."""
    counts = [(name, getattr(report.tally, name)) for name in _IN_LINE]
    told = [
        f"{count:,} {_ONE.get(name, name) if count == 1 else name}"
        for name, count in counts
        if (count or name == "read") and not (sent and name == "undated")
    ]
    run = "Nothing stored" if report.run is None else f"Run {report.run:,}"
    if sent is not None:
        return f"{run}: transaction {sent}, {', '.join(told[1:])}"
    line = f"{run}: {', '.join(told)} in {seconds:,.2f} s"
    if report.tally.read and seconds > 0:
        line += f" ({round(report.tally.read / seconds):,} events/s)"
    return line


def _counted(count: int, noun: str) -> str:
    return f"1 {noun}" if count == 1 else f"{count} {noun}s"


def _not_counted(events: int, what: str, status: str, *, dry_run: bool) -> str:
    noun, is_, has = ("event", "is", "has") if events == 1 else ("events", "are", "have")
    if dry_run:
        return f"{events} {noun} would be stored but {has} {what}."
    see = f"See: lago events list --status {status}"
    return f"{events} {noun} {is_} stored but {has} {what}. {see}"


def too_many_rejected(report: IngestReport, options: IngestOptions) -> LagoError:
    rejected = report.tally.rejected
    if rejected == report.tally.read == 1:
        return refused(
            "events_rejected", f"The event was rejected: {report.rejections[0].message}."
        )
    events, them = ("1 event was", "it") if rejected == 1 else (f"{rejected} events were", "them")
    if report.undone:
        would_be = "would be" if options.dry_run else "was"
        return refused(
            "events_rejected",
            f"{events} rejected, so nothing {would_be} stored (--strict).",
            f"Mend {them} and run it again, or leave out --strict to keep the others.",
        )
    others = "nothing was stored (--dry-run)" if options.dry_run else "all others are stored"
    if rejected == report.tally.read and not options.dry_run:
        others = "nothing was stored"
    return refused(
        "events_rejected",
        f"{events} rejected; {others}.",
        f"Mend {them} and send {them} again; --rejects FILE writes {them} to a file.",
    )
