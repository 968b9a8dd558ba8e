"""What is said beside an answer about usage: its price, what it leaves out, what is unknown."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lago_cli.domain.instants import Window

SHORTEST_MONTH = 28 * 86_400 * 1_000_000

if TYPE_CHECKING:
    from lago_cli.reports.voice import Voice
    from lago_cli.services.amounts import Amount
    from lago_cli.services.comparison import Comparison
    from lago_cli.services.lines import Line
    from lago_cli.services.questions import Question
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import LeftOut, UsageRow
    from lago_cli.stores.base import PricedStore, UsageStore


def prices_of(
    voice: Voice, store: PricedStore, request: UsageRequest, rows: Sequence[UsageRow], *, now: int
) -> list[Amount | None]:
    """What each row costs; None where it has no price."""
    from lago_cli.services.amounts import Amounts

    found = Amounts(store, request, now=now)
    prices = [found.of(row) for row in rows]
    for customer, _ in sorted(found.unpriced, key=str):
        voice.warn(
            f'The subscriptions of "{customer}" have several currencies; see --by subscription.'
        )
    return prices


def warn_of_unknown(
    voice: Voice,
    store: UsageStore,
    request: UsageRequest,
    rows: Sequence[UsageRow] | None = None,
) -> None:
    if request.group_by or request.filters:
        from lago_cli.services.hints import unknown_properties

        for sentence in unknown_properties(store, request, rows):
            voice.warn(sentence)


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


def said_of_periods(comparison: Comparison, lines: Sequence[Line], now: int) -> list[str]:
    """Where the two periods are not alike: one is not over, or has windows the other lacks."""
    from lago_cli.renderers.spans import span_words
    from lago_cli.reports.records import span

    sentences = []
    unfinished = {
        (span_words(span(asked, zone)), span_words(span(before, zone)))
        for asked, before, zone in comparison.spans(lines)
        if asked.start <= now < asked.end and before.end <= now
    }
    if len(unfinished) == 1:
        ((asked, before),) = unfinished
        sentences.append(
            f"{asked} is not over: what was used so far stands beside all of {before}."
        )
    elif unfinished:
        sentences.append(
            "The period is not over: what was used so far stands beside all of the other one."
        )
    if comparison.unmatched:
        count = comparison.unmatched
        figures = "1 figure" if count == 1 else f"{count:,} figures"
        sentences.append(
            f"Not compared: {figures} of the other period, which has more windows. Without"
            " --window everything is compared."
        )
    return sentences


def warn_of_no_totals(voice: Voice, lines: Sequence[Line]) -> None:
    codes = dict.fromkeys(line.row.metric.code for line in lines if line.units is None)
    if codes:
        voice.warn(
            f"No total of {', '.join(codes)}: what several customers have of it does not add up."
            " See their rows, without --total."
        )


def nothing_found(store: UsageStore, question: Question) -> str:
    """That there is no usage, and where there is some."""
    from lago_cli.domain.instants import to_datetime
    from lago_cli.renderers.spans import span_words
    from lago_cli.reports.records import span

    request = question.request
    codes = [metric.code for metric in question.metrics]
    if not codes:
        return "No usage: no metric is defined yet. Define one with: lago metrics create"
    nobody = (None, None)
    zone, asked = question.zone(nobody), question.asked(nobody)
    newest = next(iter(store.newest(codes, 1)), None)
    if newest is None:
        whose = "any metric" if not request.metrics else ", ".join(codes)
        return f"No usage: there are no events of {whose} yet. Send some with: lago ingest FILE"
    if not asked:
        return "No usage in this period."
    period = Window(asked[0].start, asked[-1].end)
    words = span_words(span(period, zone))
    before = "" if words.startswith(("from ", "until ")) else "from " if " to " in words else "in "
    sentence = f"No usage {before}{words}"
    if newest.at is None or request.as_of or period.start <= newest.at < period.end:
        return f"{sentence}."
    day = to_datetime(newest.at).astimezone(zone).date().isoformat()
    is_short = period.end - period.start < SHORTEST_MONTH
    name = day if is_short else day[:-3]
    return f"{sentence}; the newest event is of {day}: --period {name}"
