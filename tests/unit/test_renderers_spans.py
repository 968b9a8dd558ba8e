"""Stretches of time: whole days, weeks, months go by their names, others by their ends."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from lago_cli.renderers import Span
from lago_cli.renderers.spans import heading_of, span_text, span_words

PARIS = ZoneInfo("Europe/Paris")


def span(start, end, zone="UTC"):
    """From local times as they are written; the second `02:30` of a day is `02:30*`."""
    return Span(*(None if text is None else local(text, ZoneInfo(zone)) for text in (start, end)))


def local(text, zone):
    bare = datetime.fromisoformat(text.rstrip("*"))
    return bare.replace(tzinfo=zone, fold=text.endswith("*"))


@pytest.mark.parametrize(
    ("of", "text", "words", "heading"),
    [
        (("2026-11-22", "2026-11-23"), "2026-11-22", "2026-11-22", "day"),
        (("2026-10-01", "2026-11-01"), "2026-10", "October 2026", "month"),
        (("2026-10-01", "2027-01-01"), "2026-Q4", "2026-Q4", "quarter"),
        (("2026-01-01", "2026-04-01"), "2026-Q1", "2026-Q1", "quarter"),
        (("2026-01-01", "2027-01-01"), "2026", "2026", "year"),
        (("2026-11-16", "2026-11-23"), "2026-W47", "2026-W47", "week"),
        (("2024-12-30", "2025-01-06"), "2025-W01", "2025-W01", "week"),
        (
            ("2026-11-03", "2026-11-15"),
            "2026-11-03 to 2026-11-15",
            "2026-11-03 to 2026-11-15 (exclusive)",
            "period, end excluded",
        ),
        (
            ("2026-11-01", "2027-02-01"),
            "2026-11-01 to 2027-02-01",
            "2026-11-01 to 2027-02-01 (exclusive)",
            "period, end excluded",
        ),
        (("2026-11-22T14", "2026-11-22T15"), "2026-11-22 14:00", "2026-11-22 14:00", "hour"),
        (
            ("2026-11-22T14:30", "2026-11-22T16"),
            "2026-11-22 14:30 to 16:00",
            "2026-11-22 14:30 to 16:00",
            "period",
        ),
        (
            ("2026-11-22T14:00:05.5", "2026-11-23"),
            "2026-11-22 14:00:05.500000 to 2026-11-23 00:00",
            "2026-11-22 14:00:05.500000 to 2026-11-23 00:00",
            "period",
        ),
        ((None, None), "all time", "all time", "period"),
        ((None, "2026-11-22"), "until 2026-11-22", "until 2026-11-22", "period"),
        (("2026-11-22T10", None), "from 2026-11-22 10:00", "from 2026-11-22 10:00", "period"),
    ],
)
def test_a_span(of, text, words, heading):
    assert span_text(span(*of)) == text
    assert span_words(span(*of)) == words
    assert heading_of([span(*of)]) == heading


def test_a_month_is_one_in_its_own_time_zone():
    month = span("2026-10-01", "2026-11-01", "Europe/Paris")

    assert span_words(month) == "October 2026"
    assert span_text(Span(*(at.astimezone(UTC) for at in month))) == (
        "2026-09-30 22:00 to 2026-10-31 23:00"
    )


def test_an_hour_that_is_there_twice_has_its_offset():
    hours = [
        span("2026-10-25T01:00", "2026-10-25T02:00", "Europe/Paris"),
        span("2026-10-25T02:00", "2026-10-25T02:00*", "Europe/Paris"),
        span("2026-10-25T02:00*", "2026-10-25T03:00", "Europe/Paris"),
        span("2026-03-29T01:00", "2026-03-29T03:00", "Europe/Paris"),
    ]

    assert [span_text(each) for each in hours] == [
        "2026-10-25 01:00",
        "2026-10-25 02:00+02:00",
        "2026-10-25 02:00+01:00",
        "2026-03-29 01:00",
    ]
    assert heading_of(hours) == "hour"


@pytest.mark.parametrize(
    ("zone", "start", "end", "day"),
    [
        ("Europe/Paris", "2026-10-25", "2026-10-26", "2026-10-25"),
        ("Africa/Cairo", "2026-04-24T01:00", "2026-04-25", "2026-04-24"),
        ("America/Havana", "2026-11-01", "2026-11-02", "2026-11-01"),
    ],
    ids=["25 hours", "without a midnight", "with two midnights"],
)
def test_a_day_begins_with_its_first_instant(zone, start, end, day):
    assert span_text(span(start, end, zone)) == day


def test_raw_is_whole_instants():
    month = span("2026-10-01", "2026-11-01", "Europe/Paris")

    assert span_text(month, raw=True) == "2026-09-30T22:00:00Z to 2026-10-31T23:00:00Z"
    assert span_words(month, raw=True) == span_text(month, raw=True)


def test_a_column_of_different_ones_is_of_periods():
    day, week = span("2026-11-22", "2026-11-23"), span("2026-11-16", "2026-11-23")

    assert heading_of([day, week]) == "period"
