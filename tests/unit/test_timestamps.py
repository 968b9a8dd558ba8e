"""The times of foreign records: what is read, and what is refused with the option that reads it."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.instants import (
    AFTER_LAST_EVENT,
    FIRST_EVENT,
    format_instant,
    parse_instant,
    to_datetime,
    to_micros,
)
from lago_cli.domain.timestamps import ORDINARY, UNITS, TimeForm, check_event_time
from lago_cli.errors import Kind, LagoError

NINE = "2026-11-05T09:00:00Z"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("2026-11-05T09:00:00Z", id="ISO 8601"),
        pytest.param("2026-11-05 09:00:00", id="no offset is UTC"),
        pytest.param("2026-11-05T14:30:00+0530", id="an offset without a colon"),
        pytest.param("2026-11-05 09:00:00+00", id="an offset in hours"),
        pytest.param("2026-11-05T09", id="hours only"),
        pytest.param("20261105T090000Z", id="compact"),
        pytest.param("2026-309T09:00Z", id="the day of the year"),
        pytest.param("2026-W45-4T09:00Z", id="the day of a week"),
        pytest.param("2026-11-05 09:00:00 UTC", id="UTC behind a blank"),
        pytest.param("2026-11-05 09:00:00 Z", id="Z behind a blank"),
        pytest.param("2026-11-05T09:00:00UTC", id="UTC at once"),
        pytest.param("2026-11-05 09:00:00 +0000 UTC", id="as Go prints it"),
        pytest.param("2026-11-05 10:00:00 +0100 CET", id="as Go prints it in Paris"),
        pytest.param("2026-11-05T04:00:00−05:00", id="a typographic minus"),
        pytest.param("2026-11-05T09:00:00,0Z", id="a comma before the fraction"),
        pytest.param("2026-11-05T10:00:00[Europe/Paris]", id="a zone in brackets"),
        pytest.param("2026-11-05T10:00:00+01:00[Europe/Paris]", id="offset and zone that agree"),
        pytest.param("Thu, 05 Nov 2026 09:00:00 GMT", id="RFC 2822"),
        pytest.param("5 Nov 2026 10:00 +0100 (CET)", id="RFC 2822 at its shortest"),
        pytest.param("1793869200", id="UNIX seconds"),
        pytest.param("1.7938692E9", id="with an exponent"),
    ],
)
def test_what_can_mean_one_instant_only_is_read(text):
    assert format_instant(ORDINARY.read(text)) == NINE


def test_the_24th_hour_is_the_next_day():
    assert format_instant(ORDINARY.read("2026-12-31T24:00:00Z")) == "2027-01-01T00:00:00Z"


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        pytest.param("1794391054534", "--time-unit ms", id="milliseconds"),
        pytest.param("1794391054534", "divide it by 1000.", id="milliseconds, divided"),
        pytest.param("1794391054534123", "--time-unit us", id="microseconds"),
        pytest.param("1794391054534123456", "--time-unit ns", id="nanoseconds"),
        pytest.param("1794391054534.5", "--time-unit ms", id="milliseconds with a fraction"),
        pytest.param("99999999999", "--time-unit", id="eleven digits"),
        pytest.param(
            "20261105", "the date 2026-11-05: read it with --time-format '%Y%m%d'", id="8"
        ),
        pytest.param("202611050800", "--time-format '%Y%m%d%H%M'", id="12 digits"),
        pytest.param("20261105080000", "--time-format '%Y%m%d%H%M%S'", id="14 digits"),
        pytest.param("22/Nov/2026:14:24:53 +0800", "'%d/%b/%Y:%H:%M:%S %z'", id="a log's"),
        pytest.param("11/05/2026 8:00 AM", "the day first) or '%m/%d/%Y %I:%M %p'", id="either"),
        pytest.param("13/11/2026", "--time-format '%d/%m/%Y'.", id="the day first"),
        pytest.param("11/13/26", "--time-format '%m/%d/%y'.", id="the month first"),
        pytest.param("Nov 5, 2026", "'%b %d, %Y'", id="in words"),
        pytest.param("2026/11/05", "'%Y/%m/%d'", id="slashes"),
        pytest.param("Thu Nov  5 08:00:00 2026", "'%a %b %d %H:%M:%S %Y'", id="of the C library"),
        pytest.param("2026-11-05 08:00 CET", "--time-format", id="a zone that may be several"),
        pytest.param("2026-11-05T08:00:00+02:00[Europe/Paris]", "ISO 8601", id="a contradiction"),
        pytest.param("2026-11-05T08:00:60Z", "ISO 8601", id="a 60th second"),
        pytest.param("2026-02-29", "ISO 8601", id="no such day"),
        pytest.param("2027-366", "ISO 8601", id="no such day of the year"),
        pytest.param("2026-11", "ISO 8601", id="a month"),
        pytest.param("", "ISO 8601", id="nothing"),
        pytest.param("9" * 5000, "--time-unit", id="very many digits"),
        pytest.param("-5", "ISO 8601", id="before 1970"),
        pytest.param("0", "--time-unit", id="zero"),
    ],
)
def test_every_refusal_names_the_option_that_reads_it(text, hint):
    with pytest.raises(LagoError) as caught:
        ORDINARY.read(text)

    assert caught.value.kind is Kind.REFUSED
    assert hint in (caught.value.hint or "")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param(TimeForm("ms"), "1793869200000", id="milliseconds"),
        pytest.param(TimeForm("us"), "1793869200000000", id="microseconds"),
        pytest.param(TimeForm("ns"), "1793869200000000999", id="nanoseconds"),
        pytest.param(TimeForm("s"), "1793869200", id="seconds"),
        pytest.param(TimeForm("ms"), NINE, id="ISO 8601 beside numbers of a unit"),
        pytest.param(TimeForm(None, "%d.%m.%Y %H:%M"), "05.11.2026 09:00", id="a format"),
        pytest.param(TimeForm(None, "%Y%m%d%H"), "2026110509", id="a format of digits"),
        pytest.param(TimeForm(None, "%Y %b %d %H:%M %z"), "2026 Nov 05 10:00 +0100", id="offset"),
        pytest.param(TimeForm(None, "%Y-%m-%d %H:%M:%S %Z"), "2026-11-05 09:00:00 UTC", id="name"),
        pytest.param(TimeForm("ms", "%Y-%m-%d"), "1793869200000", id="a unit beside a format"),
        pytest.param(
            TimeForm(None, "%Y-%m-%d %H:%M", ZoneInfo("Asia/Kolkata")),
            "2026-11-05 14:30",
            id="a format in a zone",
        ),
        pytest.param(
            TimeForm(None, None, ZoneInfo("Asia/Kolkata")), "2026-11-05T14:30", id="ISO in a zone"
        ),
    ],
)
def test_a_form_says_how_times_are_written(form, text):
    assert format_instant(form.read(text)) == NINE


def test_finer_digits_of_a_format_are_cut():
    form = TimeForm(None, "%Y-%m-%d %H:%M:%S.%f")

    assert format_instant(form.read("2026-11-05 09:00:00.123456789")).endswith(".123456Z")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        pytest.param(TimeForm(None, "%d.%m.%Y"), NINE, id="another form than the one given"),
        pytest.param(TimeForm(None, "%Y-%m-%d %Z"), "2026-11-05 CET", id="a zone's short name"),
        pytest.param(TimeForm("ms"), "1793869200", id="seconds for milliseconds"),
        pytest.param(TimeForm("ns"), "1" * 5000, id="far too many digits"),
    ],
)
def test_what_is_not_written_so_is_refused(form, text):
    with pytest.raises(LagoError) as caught:
        form.read(text)

    assert caught.value.kind is Kind.REFUSED


@pytest.mark.parametrize(
    "form",
    [
        {"unit": "min"},
        *({"format": text} for text in ("%d/%m", "%s", "%Y %Q", "%Y %Y", "none", "%Y%")),
    ],
)
def test_a_form_that_can_read_nothing_is_wrong_use(form):
    with pytest.raises(LagoError) as caught:
        TimeForm(**form)

    assert caught.value.kind is Kind.USAGE


def test_events_happen_from_2001_to_9999():
    assert check_event_time(FIRST_EVENT) == parse_instant("2001-01-01T00:00:00Z")
    assert check_event_time(AFTER_LAST_EVENT - 1) == parse_instant("9999-12-31T23:59:59.999999Z")
    for outside in (FIRST_EVENT - 1, AFTER_LAST_EVENT):
        with pytest.raises(LagoError, match="timestamp lies"):
            check_event_time(outside)


@given(st.text())
def test_any_text_is_read_or_refused_with_a_hint(text):
    hint, micros = None, FIRST_EVENT
    try:
        micros = ORDINARY.read(text)
    except LagoError as error:
        hint = error.hint or "none"

    assert FIRST_EVENT <= micros < AFTER_LAST_EVENT
    assert hint != "none"


MOMENTS = st.datetimes(datetime(2001, 1, 1), datetime(2285, 1, 1), timezones=st.just(UTC))


@given(MOMENTS, st.sampled_from(sorted(UNITS)))
def test_a_number_of_any_unit_is_its_instant(moment, unit):
    """Also of nanoseconds, of which none are lost that microseconds can hold."""
    micros = to_micros(moment)
    shift = {"s": "e-6", "ms": "e-3", "us": "", "ns": "e3"}[unit]

    assert to_datetime(TimeForm(unit).read(f"{micros}{shift}")) == moment


@given(MOMENTS, st.sampled_from(["%Y-%m-%d %H:%M:%S.%f", "%d/%b/%Y:%H:%M:%S.%f %z", "%G-%V-%u %T"]))
def test_what_a_format_writes_it_reads(moment, format_):
    if "%T" in format_:
        format_, moment = format_.replace("%T", "%H:%M:%S"), moment.replace(microsecond=0)

    assert to_datetime(TimeForm(None, format_).read(moment.strftime(format_))) == moment
