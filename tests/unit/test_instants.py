"""Instants: what is read as one, to the microsecond, and how it is shown."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.instants import (
    AFTER_LAST_EVENT,
    FIRST_EVENT,
    finer_of,
    format_instant,
    parse_instant,
    seconds_to_micros,
    to_datetime,
    to_micros,
)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("2026-11-22T10:20:30Z", "2026-11-22T10:20:30Z"),
        ("2026-11-22t10:20:30z", "2026-11-22T10:20:30Z"),
        ("2026-11-22 10:20:30", "2026-11-22T10:20:30Z"),
        ("2026-11-22T10:20", "2026-11-22T10:20:00Z"),
        ("2026-11-22", "2026-11-22T00:00:00Z"),
        ("20261122T102030Z", "2026-11-22T10:20:30Z"),
        ("2026-W47-7", "2026-11-22T00:00:00Z"),
        ("2026-11-22T10:20:30.5+05:30", "2026-11-22T04:50:30.5Z"),
        ("2026-11-22T10:20:30.123456Z", "2026-11-22T10:20:30.123456Z"),
        ("2026-11-22T10:20:30.1234569Z", "2026-11-22T10:20:30.123456Z"),
        ("2023-11-16 18:17:03.9799600", "2023-11-16T18:17:03.97996Z"),
        ("1795348800", "2026-11-22T12:00:00Z"),
        ("1795348800.0000019", "2026-11-22T12:00:00.000001Z"),
        ("1.7953488e9", "2026-11-22T12:00:00Z"),
        ("-1", "1969-12-31T23:59:59Z"),
    ],
)
def test_an_instant_is_iso_8601_or_unix_seconds(text, shown):
    assert format_instant(parse_instant(text)) == shown


@pytest.mark.parametrize(
    "text",
    [
        *("", "now", "yesterday", "2026-11", "2026-11-31", "2026-13-01", "22.11.2026"),
        *("2026-11-22T25:00:00Z", "2026-11-22T10:20:30+25:00", "10:20:30", " 2026-11-22", "1e"),
        *("2026-11-22T", "2026-11-22X10:20:30", "NaN", "٢٠٢٦-11-22"),
    ],
)
def test_everything_else_is_no_instant(text):
    with pytest.raises(ValueError, match=r"."):
        parse_instant(text)


def test_a_text_without_an_offset_is_read_in_the_zone_in_force():
    kolkata = ZoneInfo("Asia/Kolkata")

    assert format_instant(parse_instant("2026-11-22", kolkata)) == "2026-11-21T18:30:00Z"
    assert format_instant(parse_instant("2026-11-22T00:00Z", kolkata)) == "2026-11-22T00:00:00Z"
    assert parse_instant("1795348800", kolkata) == parse_instant("1795348800")


def test_what_leaves_the_calendar_by_its_offset_is_no_instant():
    with pytest.raises(ValueError, match="outside the calendar"):
        parse_instant("0001-01-01T00:00:00+01:00")


@pytest.mark.parametrize(
    ("seconds", "micros"),
    [("1.9999999", 1_999_999), ("-1.9999999", -1_999_999), ("1e15", 10**21), ("0.000001", 1)],
)
def test_digits_beyond_microseconds_are_cut(seconds, micros):
    assert seconds_to_micros(Decimal(seconds)) == micros


def test_seconds_beyond_any_calendar_are_beyond_the_last_event():
    assert seconds_to_micros(Decimal("1e9000")) >= AFTER_LAST_EVENT


def test_events_happen_from_2001_to_9999():
    assert format_instant(FIRST_EVENT) == "2001-01-01T00:00:00Z"
    assert format_instant(AFTER_LAST_EVENT - 1) == "9999-12-31T23:59:59.999999Z"


def test_early_years_are_shown_with_four_digits():
    assert format_instant(to_micros(datetime(33, 4, 3, tzinfo=UTC))) == "0033-04-03T00:00:00Z"


@given(st.datetimes(timezones=st.just(UTC)))
def test_what_is_shown_is_read_back(moment):
    micros = to_micros(moment)

    assert to_datetime(micros) == moment
    assert parse_instant(format_instant(micros)) == micros


@pytest.mark.parametrize(
    ("text", "picoseconds"),
    [
        pytest.param("2026-11-22T10:20:30Z", 0, id="no fraction"),
        pytest.param("2026-11-22T10:20:30.123456Z", 0, id="microseconds"),
        pytest.param("2026-11-22T10:20:30.123456", 0, id="microseconds without an offset"),
        pytest.param("2026-11-22T10:20:30.1234567", 700_000, id="seven digits and no offset"),
        pytest.param("2026-11-22T10:20:30.000000900Z", 900_000, id="nanoseconds"),
        pytest.param("2026-11-22T10:20:30.000000009+05:30", 9_000, id="with an offset"),
        pytest.param("2026-11-22 10:20:30,123456789012", 789_012, id="picoseconds after a comma"),
        pytest.param("20261122T102030.1234567891234Z", 789_123, id="further digits are cut"),
        pytest.param("2026-11-22T102030.1234567Z", 700_000, id="a date with hyphens only"),
        pytest.param("1795348800.123456789", 789_000, id="UNIX seconds"),
        pytest.param("1795348800.123456", 0, id="UNIX seconds to the microsecond"),
        pytest.param("1795348800", 0, id="whole UNIX seconds"),
        pytest.param("1.795348800123456789e9", 789_000, id="with an exponent"),
        pytest.param("1795348800123456789E-9", 789_000, id="with a negative exponent"),
    ],
)
def test_what_is_said_beyond_the_microsecond(text, picoseconds):
    assert finer_of(text) == picoseconds


@given(st.integers(FIRST_EVENT * 10**6, 10**22 - 1))
def test_microseconds_and_what_is_beyond_them_are_the_whole_instant(picoseconds):
    whole, fraction = divmod(picoseconds, 10**12)
    seconds = f"{whole}.{fraction:012d}"
    text = to_datetime(whole * 10**6).strftime(f"%Y-%m-%dT%H:%M:%S.{fraction:012d}Z")

    for written in (seconds, text):
        assert parse_instant(written) * 10**6 + finer_of(written) == picoseconds
