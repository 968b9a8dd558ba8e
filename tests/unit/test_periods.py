"""Periods and windows: half-open, contiguous, and cut where local days begin."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from itertools import islice, pairwise
from zoneinfo import ZoneInfo, available_timezones

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from whenever import Instant

from lago_cli.domain.periods import (
    ALL_TIME,
    Period,
    billing_period,
    calendar_month,
    local_day,
    month_before,
    named_period,
    next_period,
    previous_period,
    start_of_day,
    stretch_before,
    usage_period,
)
from lago_cli.domain.subscriptions import BILLING_TIMES, INTERVALS
from lago_cli.domain.windows import STEPS, windows
from lago_cli.domain.zones import zone_for
from lago_cli.errors import Kind, LagoError

ZONE_NAMES = sorted(available_timezones() - {"localtime", "Factory"})
MICROSECOND = timedelta(microseconds=1)


def instant(text):
    return datetime.fromisoformat(text).astimezone(UTC)


def period(start, end):
    return Period(instant(start), instant(end))


def first_instant_by_oracle(moment, zone_name, unit):
    start = Instant(moment).to_tz(zone_name).start_of(unit)
    return datetime.fromtimestamp(0, UTC) + timedelta(seconds=start.timestamp())


zones = st.sampled_from(ZONE_NAMES).map(zone_for)
moments = st.datetimes(datetime(1970, 1, 1), datetime(2070, 1, 1), timezones=st.just(UTC))
month_ends = st.builds(
    lambda year, day: datetime(year, 1, day, 12, tzinfo=UTC),
    st.integers(1970, 2069),
    st.sampled_from([29, 30, 31]),
)
cycles = st.tuples(
    st.sampled_from(INTERVALS),
    st.sampled_from(BILLING_TIMES),
    st.one_of(moments, month_ends),
    zones,
)


class TestPeriod:
    def test_it_holds_its_start_but_not_its_end(self):
        november = period("2026-11-01T00:00Z", "2026-12-01T00:00Z")

        assert november.start in november
        assert november.end - MICROSECOND in november
        assert november.end not in november

    def test_one_that_ends_before_it_starts_is_refused_in_the_users_words(self):
        with pytest.raises(LagoError, match="before its start") as caught:
            period("2026-11-02T00:00Z", "2026-11-01T00:00Z")

        assert (caught.value.kind, caught.value.code) == (Kind.USAGE, "invalid_period")
        assert caught.value.hint == "It starts at 2026-11-02T00:00:00Z: exchange the two."

    @pytest.mark.parametrize(
        "moment",
        [
            pytest.param(datetime(2026, 11, 1), id="naive"),
            pytest.param(datetime(2026, 11, 1, tzinfo=timezone(timedelta(hours=1))), id="offset"),
        ],
    )
    def test_datetimes_that_are_not_utc_are_a_bug(self, moment):
        with pytest.raises(ValueError, match="UTC"):
            Period(moment, moment)

    @pytest.mark.parametrize(
        ("start", "end", "clipped"),
        [
            pytest.param(None, None, ("2026-11-01", "2026-12-01"), id="no limits"),
            pytest.param("2026-11-05", None, ("2026-11-05", "2026-12-01"), id="late start"),
            pytest.param(None, "2026-11-05", ("2026-11-01", "2026-11-05"), id="early end"),
            pytest.param("2026-10-01", "2027-01-01", ("2026-11-01", "2026-12-01"), id="wider"),
            pytest.param("2026-12-05", None, ("2026-12-05", "2026-12-05"), id="all before"),
            pytest.param(None, "2026-10-05", ("2026-11-01", "2026-11-01"), id="all after"),
        ],
    )
    def test_clipped_is_what_lies_within_the_limits(self, start, end, clipped):
        limits = [day and instant(day + "T00:00Z") for day in (start, end)]

        november = period("2026-11-01T00:00Z", "2026-12-01T00:00Z")
        assert november.clipped(*limits) == period(*(day + "T00:00Z" for day in clipped))

    @pytest.mark.parametrize(
        ("start", "end", "zone", "days"),
        [
            pytest.param("2026-11-01T00:00Z", "2026-12-01T00:00Z", "UTC", 30, id="a month"),
            pytest.param("2026-11-01T23:00Z", "2026-11-02T01:00Z", "UTC", 2, id="around midnight"),
            pytest.param("2026-11-01T12:00Z", "2026-11-01T12:00Z", "UTC", 0, id="empty"),
            pytest.param(
                "2026-03-01T05:00Z", "2026-04-01T04:00Z", "America/New_York", 31, id="clocks change"
            ),
            pytest.param(
                "2011-12-01T10:00Z", "2011-12-31T10:00Z", "Pacific/Apia", 31, id="a day skipped"
            ),
        ],
    )
    def test_days_are_local_dates(self, start, end, zone, days):
        assert period(start, end).days(zone_for(zone)) == days

    def test_all_time_has_days_in_zones_that_are_beyond_the_year_9999(self):
        assert ALL_TIME.days(zone_for("Asia/Tokyo")) == ALL_TIME.days(UTC)


class TestZoneFor:
    def test_utc_needs_no_database(self):
        assert zone_for("UTC") is UTC

    def test_a_name_of_the_database_is_a_zone(self):
        assert zone_for("Europe/Paris") == ZoneInfo("Europe/Paris")

    @pytest.mark.parametrize(
        "name",
        [
            "../../etc/passwd", "/etc/passwd", "Europe/../UTC", "", ".", "\0", "a\0b", "Europe",
            "Europe/", "a" * 100_000, "a/b" * 100_000, "zone.tab", "Europe/__pycache__", "+01:00",
            "Europe/Paris\n", " UTC", "\ud800", "localtime", "right/UTC", "posix/UTC", "[/red]",
        ],
        ids=lambda name: ascii(name[:20]),
    )  # fmt: skip
    def test_everything_else_is_refused(self, name):
        with pytest.raises(LagoError) as caught:
            zone_for(name)

        assert (caught.value.kind, caught.value.code) == (Kind.REFUSED, "unknown_timezone")
        assert len(caught.value.message) < 80
        assert caught.value.hint.startswith("Use a name")

    @pytest.mark.parametrize(
        ("name", "meant"),
        [("europe/paris", "Europe/Paris"), ("utc", "UTC"), ("Kathmandu", "Asia/Kathmandu")],
    )
    def test_a_near_miss_is_told_the_right_name(self, name, meant):
        with pytest.raises(LagoError) as caught:
            zone_for(name)

        assert caught.value.hint == f'Did you mean "{meant}"?'


class TestStartOfDay:
    @pytest.mark.parametrize(
        ("zone", "day", "start"),
        [
            pytest.param("UTC", "2026-11-22", "2026-11-22T00:00Z", id="utc"),
            pytest.param("Asia/Kathmandu", "2026-11-22", "2026-11-21T18:15Z", id="odd offset"),
            pytest.param("Africa/Cairo", "2026-04-24", "2026-04-23T22:00Z", id="midnight skipped"),
            pytest.param("America/Havana", "2026-11-01", "2026-11-01T04:00Z", id="midnight twice"),
            pytest.param(
                "America/St_Johns", "2006-10-29", "2006-10-29T02:30Z", id="set back at 00:01"
            ),
            pytest.param("Pacific/Apia", "2011-12-30", "2011-12-30T10:00Z", id="no such day"),
            pytest.param(
                "America/Toronto", "1919-03-31", "1919-03-31T04:30Z", id="gap from 23:30 to 00:30"
            ),
        ],
    )
    def test_it_is_the_first_instant_that_exists(self, zone, day, start):
        assert start_of_day(date.fromisoformat(day), zone_for(zone)) == instant(start)

    def test_before_the_year_1_it_is_refused(self):
        with pytest.raises(LagoError) as caught:
            start_of_day(date.min, zone_for("Asia/Tokyo"))

        assert caught.value.code == "outside_calendar"

    def test_every_change_of_clocks_in_a_century_agrees_with_an_independent_library(self):
        for name in unlike_zones():
            zone, transition = zone_for(name), Instant.from_utc(1970, 1, 1).to_tz(name)
            while (transition := transition.next_transition()) and transition.year < 2070:
                moment = transition.to_instant().to_stdlib()
                midnight = first_instant_by_oracle(moment, name, "day")
                day = local_day(midnight, zone)

                assert start_of_day(day, zone) == midnight, (name, day)
                cycle = ("weekly", "anniversary", midnight, zone)
                assert billing_period(*cycle, midnight).start == midnight, (name, day)
                assert billing_period(*cycle, midnight - MICROSECOND).end == midnight, (name, day)


def unlike_zones():
    """One name of each set of zones that are alike; the others are links to it."""
    sampled = [datetime(1970, 1, 1, tzinfo=UTC) + timedelta(days=91 * n) for n in range(400)]
    alike = {}
    for name in ZONE_NAMES:
        zone = zone_for(name)
        alike.setdefault(tuple(at.astimezone(zone).utcoffset() for at in sampled), name)
    return alike.values()


class TestBillingPeriod:
    @given(cycles, moments)
    def test_every_moment_is_in_its_period(self, cycle, moment):
        assert moment in billing_period(*cycle, moment)

    @given(cycles, moments)
    def test_neighbouring_periods_touch(self, cycle, moment):
        current = billing_period(*cycle, moment)
        following, preceding = next_period(*cycle, current), previous_period(*cycle, current)

        assert (preceding.end, following.start) == (current.start, current.end)
        assert previous_period(*cycle, following) == current == next_period(*cycle, preceding)

    @given(cycles, moments, moments)
    def test_two_moments_share_a_period_or_their_periods_are_apart(self, cycle, one, other):
        first, second = sorted(billing_period(*cycle, moment) for moment in (one, other))

        assert first == second or first.end <= second.start

    @given(cycles, moments)
    def test_boundaries_are_where_local_days_begin(self, cycle, moment):
        zone = cycle[-1]
        whole = billing_period(*cycle, moment)

        for boundary in (whole.start, whole.end):
            assert boundary == start_of_day(local_day(boundary, zone), zone)

    @given(cycles, moments, st.timedeltas(timedelta(0), timedelta(hours=23)))
    def test_only_the_date_of_the_anchor_matters(self, cycle, moment, later):
        interval, billing_time, anchor, _ = cycle
        midnight = datetime.combine(anchor.date(), datetime.min.time(), UTC)

        at_midnight, at_any_time = (
            billing_period(interval, billing_time, any_anchor, UTC, moment)
            for any_anchor in (midnight, midnight + later)
        )
        assert at_midnight == at_any_time

    @pytest.mark.parametrize("longer", ["quarterly", "semiannual", "yearly"])
    @given(data=st.data())
    def test_months_fill_longer_periods_exactly(self, longer, data):
        _, billing_time, anchor, zone = data.draw(cycles)
        moment = data.draw(moments)
        whole = billing_period(longer, billing_time, anchor, zone, moment)
        month = billing_period("monthly", billing_time, anchor, zone, moment)

        assert whole.start <= month.start < month.end <= whole.end

    @pytest.mark.parametrize(
        ("anchor", "boundaries"),
        [
            ("2023-01-29", ["2023-01-29", "2023-02-28", "2023-03-29", "2023-04-29", "2023-05-29"]),
            ("2023-01-30", ["2023-01-30", "2023-02-28", "2023-03-30", "2023-04-30", "2023-05-30"]),
            ("2023-01-31", ["2023-01-31", "2023-02-28", "2023-03-31", "2023-04-30", "2023-05-31"]),
            ("2024-01-31", ["2024-01-31", "2024-02-29", "2024-03-31", "2024-04-30", "2024-05-31"]),
            ("2024-02-29", ["2025-01-29", "2025-02-28", "2025-03-29", "2025-04-29", "2025-05-29"]),
        ],
    )
    def test_short_months_clamp_the_day_and_do_not_drag_it(self, anchor, boundaries):
        cycle = ("monthly", "anniversary", instant(anchor + "T00:00Z"), UTC)

        for start, end in pairwise(boundaries):
            expected = period(start + "T00:00Z", end + "T00:00Z")
            assert billing_period(*cycle, expected.start) == expected
            assert billing_period(*cycle, expected.end - MICROSECOND) == expected

    def test_an_anchor_on_29_february_is_the_28th_in_common_years(self):
        anchor = instant("2024-02-29T00:00Z")
        years = [
            billing_period("yearly", "anniversary", anchor, UTC, instant(f"{year}-07-01T00:00Z"))
            for year in range(2022, 2029)
        ]

        assert [year.start.day for year in years] == [28, 28, 29, 28, 28, 28, 29]

    def test_an_hour_whose_date_comes_twice_belongs_to_the_period_that_has_begun(self):
        zone = zone_for("America/St_Johns")
        sunday = start_of_day(date(1999, 10, 31), zone)
        set_back_to_saturday = sunday + timedelta(minutes=30)  # at 00:01 clocks went to 23:01

        week = billing_period("weekly", "anniversary", sunday, zone, set_back_to_saturday)
        assert local_day(set_back_to_saturday, zone) == date(1999, 10, 30)
        assert week.start == sunday

    @pytest.mark.parametrize("interval", INTERVALS)
    @pytest.mark.parametrize("billing_time", BILLING_TIMES)
    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
    @pytest.mark.parametrize("moment", [datetime.min, datetime.max])
    def test_at_the_ends_of_the_calendar_there_is_a_period_or_a_clear_error(
        self, interval, billing_time, zone, moment
    ):
        moment, anchor = moment.replace(tzinfo=UTC), instant("2024-01-31T00:00Z")
        try:
            assert moment in billing_period(interval, billing_time, anchor, zone_for(zone), moment)
        except LagoError as error:
            assert error.code == "outside_calendar"  # noqa: PT017 - both ends are right


class TestUsagePeriod:
    LIFE = ("monthly", "calendar", instant("2026-01-10T08:00Z"), UTC)
    STARTED = instant("2026-01-10T08:00Z")
    ENDED = instant("2026-03-05T12:00Z")

    def test_it_is_refused_before_the_start(self):
        with pytest.raises(LagoError) as caught:
            usage_period(*self.LIFE, self.STARTED - MICROSECOND, self.STARTED, None)

        assert (caught.value.kind, caught.value.code) == (
            Kind.REFUSED,
            "before_subscription_start",
        )
        assert caught.value.hint == "Ask for an instant from 2026-01-10T08:00:00Z on."

    @pytest.mark.parametrize(
        ("moment", "start", "end"),
        [
            pytest.param(
                "2026-01-10T08:00Z", "2026-01-10T08:00Z", "2026-02-01T00:00Z", id="at the start"
            ),
            pytest.param(
                "2026-02-10T00:00Z", "2026-02-01T00:00Z", "2026-03-01T00:00Z", id="in the middle"
            ),
            pytest.param(
                "2026-03-02T00:00Z", "2026-03-01T00:00Z", "2026-03-05T12:00Z", id="near the end"
            ),
            pytest.param(
                "2026-03-05T12:00Z", "2026-03-01T00:00Z", "2026-03-05T12:00Z", id="at the end"
            ),
            pytest.param(
                "2027-01-01T00:00Z", "2026-03-01T00:00Z", "2026-03-05T12:00Z", id="after the end"
            ),
        ],
    )
    def test_it_is_the_billing_period_cut_to_the_life(self, moment, start, end):
        found = usage_period(*self.LIFE, instant(moment), self.STARTED, self.ENDED)

        assert found == period(start, end)

    def test_a_life_that_ends_on_a_boundary_ends_with_the_period_before(self):
        ended = instant("2026-03-01T00:00Z")

        assert usage_period(*self.LIFE, ended, self.STARTED, ended) == period(
            "2026-02-01T00:00Z", "2026-03-01T00:00Z"
        )

    @pytest.mark.parametrize("ended", [STARTED, STARTED - timedelta(days=400)])
    def test_a_life_without_duration_has_an_empty_window_at_its_start(self, ended):
        found = usage_period(*self.LIFE, self.ENDED, self.STARTED, ended)

        assert found == Period(self.STARTED, self.STARTED)

    @pytest.mark.parametrize(
        ("interval", "used_by"),
        [("weekly", "weekly"), ("quarterly", "quarterly"), ("semiannual", "monthly")],
    )
    def test_monthly_charges_cut_only_half_years_and_years(self, interval, used_by):
        _, billing_time, anchor, zone = self.LIFE
        moment = instant("2026-02-10T00:00Z")
        found, expected = (
            usage_period(name, billing_time, anchor, zone, moment, self.STARTED, None, flag)
            for name, flag in ((interval, True), (used_by, False))
        )

        assert found == expected

    @given(cycles, moments, moments, st.none() | moments)
    def test_windows_lie_within_the_life(self, cycle, moment, started, ended):
        started, moment = sorted([started, moment])
        ended = ended and max(started, ended)
        found = usage_period(*cycle, moment, started, ended)

        assert found == found.clipped(started, ended)
        assert moment in found or ended is not None


NOW = datetime(2026, 11, 22, 12, tzinfo=UTC)


def named(text, zone, now=NOW, **how):
    return named_period(text, zone, now, **how)


class TestNamedPeriod:
    @pytest.mark.parametrize(
        ("text", "zone", "start", "end"),
        [
            ("2026-11-22", "UTC", "2026-11-22T00:00Z", "2026-11-23T00:00Z"),
            ("2026-W47", "UTC", "2026-11-16T00:00Z", "2026-11-23T00:00Z"),
            ("2026-W53", "UTC", "2026-12-28T00:00Z", "2027-01-04T00:00Z"),
            ("2026-11", "UTC", "2026-11-01T00:00Z", "2026-12-01T00:00Z"),
            ("2026-Q4", "UTC", "2026-10-01T00:00Z", "2027-01-01T00:00Z"),
            ("2026", "UTC", "2026-01-01T00:00Z", "2027-01-01T00:00Z"),
            ("2026", "Europe/Paris", "2025-12-31T23:00Z", "2026-12-31T23:00Z"),
            ("2026-03-29", "Europe/Paris", "2026-03-28T23:00Z", "2026-03-29T22:00Z"),
            ("2026-11", "America/New_York", "2026-11-01T04:00Z", "2026-12-01T05:00Z"),
            ("2011-12-30", "Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00Z"),
        ],
    )
    def test_names_mean_local_days(self, text, zone, start, end):
        assert named(text, zone_for(zone)) == period(start, end)

    def test_all_is_all_time(self):
        assert named("all", zone_for("Asia/Tokyo")) is ALL_TIME

    @pytest.mark.parametrize(
        "text",
        ["2026-13", "2026-00", "2026-W54", "2026-W00", "2027-W53", "2026-02-30", "2026-Q5",
         "2026-Q0", "0000", "0000-01", "0000-W01", "", " 2026", "2026\n", "26", "20261", "2026-1",
         "2026-11-22T00:00", "２０２６", "2026-w47", "TODAY", "current", "x" * 100_000],
        ids=lambda text: ascii(text[:20]),
    )  # fmt: skip
    def test_everything_else_is_wrong_usage(self, text):
        with pytest.raises(LagoError) as caught:
            named(text, UTC)

        assert (caught.value.kind, caught.value.code) == (Kind.USAGE, "invalid_period")
        assert (
            caught.value.hint
            == "Write current, previous, last-month, today, yesterday, last-7-days, 2026-11-22,"
            " 2026-W47, 2026-11, 2026-Q4, 2026 or all."
        )
        assert len(caught.value.message) < 80

    @pytest.mark.parametrize(
        ("text", "zone", "start", "end"),
        [
            ("today", "UTC", "2026-11-22T00:00Z", "2026-11-23T00:00Z"),
            ("today", "Pacific/Auckland", "2026-11-22T11:00Z", "2026-11-23T11:00Z"),
            ("yesterday", "UTC", "2026-11-21T00:00Z", "2026-11-22T00:00Z"),
            ("last-7-days", "UTC", "2026-11-15T00:00Z", "2026-11-22T00:00Z"),
            ("last-7-days", "America/New_York", "2026-11-15T05:00Z", "2026-11-22T05:00Z"),
        ],
    )
    def test_days_are_counted_from_the_local_day_of_now(self, text, zone, start, end):
        assert named(text, zone_for(zone)) == period(start, end)

    @pytest.mark.parametrize(
        ("text", "start"),
        [
            ("2026-11-22", "2026-11-21T00:00Z"),
            ("2026-W47", "2026-11-09T00:00Z"),
            ("2026-03", "2026-02-01T00:00Z"),
            ("2026-Q1", "2025-10-01T00:00Z"),
            ("2024", "2023-01-01T00:00Z"),
            ("yesterday", "2026-11-20T00:00Z"),
            ("last-7-days", "2026-11-08T00:00Z"),
        ],
    )
    def test_the_one_before_is_of_the_same_kind_and_ends_where_it_begins(self, text, start):
        before = named(text, UTC, before=True)

        assert before == Period(instant(start), named(text, UTC).start)

    def test_nothing_comes_before_all_time(self):
        with pytest.raises(LagoError) as caught:
            named("all", UTC, before=True)

        assert caught.value.code == "no_period_before"

    @pytest.mark.parametrize(
        ("text", "nearest"),
        [("yesterdy", "yesterday"), ("last-7-day", "last-7-days"), ("lastmonth", "last-month")],
    )
    def test_a_mistyped_word_is_told_the_nearest(self, text, nearest):
        with pytest.raises(LagoError) as caught:
            named(text, UTC)

        assert caught.value.message == f'"{text}" is no period. Did you mean "{nearest}"?'

    @pytest.mark.parametrize("text", ["9999", "9999-12", "9999-Q4", "9999-W52", "9999-12-31"])
    def test_a_period_that_would_end_beyond_the_calendar_ends_with_it(self, text):
        assert named(text, UTC).end == ALL_TIME.end
        assert named(text, zone_for("America/New_York")).end == ALL_TIME.end
        assert named(text, zone_for("Asia/Tokyo")).end == instant("9999-12-31T15:00Z")

    def test_a_period_that_begins_before_the_calendar_is_refused(self):
        with pytest.raises(LagoError) as caught:
            named("0001", zone_for("Asia/Tokyo"))

        assert caught.value.code == "outside_calendar"

    @given(moments, zones)
    def test_a_month_is_the_calendar_month_of_its_moments(self, moment, zone):
        month = calendar_month(moment, zone)
        name = local_day(month.start, zone).strftime("%Y-%m")

        assert moment in month
        assert named(name, zone) == month

    @given(moments, zones)
    def test_the_month_before_ends_where_the_month_begins(self, moment, zone):
        month = calendar_month(moment, zone)

        assert month_before(month, zone).end == month.start


@st.composite
def spans(draw):
    start = draw(moments)
    return Period(start, start + draw(st.timedeltas(timedelta(0), timedelta(days=20))))


class TestWindows:
    @pytest.mark.parametrize("step", STEPS)
    @given(spans(), zones)
    def test_they_cover_the_period_exactly(self, step, span, zone):
        found = list(windows(span, step, zone))

        assert all(window.start < window.end for window in found)
        assert all(one.end == other.start for one, other in pairwise(found))
        if span.start < span.end:
            assert (found[0].start, found[-1].end) == (span.start, span.end)
        else:
            assert found == []

    @pytest.mark.parametrize(("step", "unit"), [("hour", "hour"), ("day", "day")])
    @settings(max_examples=50)
    @given(spans(), st.sampled_from(ZONE_NAMES))
    def test_they_begin_where_an_independent_library_says(self, step, unit, span, name):
        for window in islice(windows(span, step, zone_for(name)), 1, None):
            assert window.start == first_instant_by_oracle(window.start, name, unit)

    @pytest.mark.parametrize("name", ["Europe/Berlin", "Australia/Lord_Howe", "Africa/Cairo",
                                      "America/St_Johns", "Asia/Gaza", "Pacific/Apia"])  # fmt: skip
    def test_hours_at_every_change_of_clocks_are_those_of_an_independent_library(self, name):
        transition = Instant.from_utc(1970, 1, 1).to_tz(name)
        while (transition := transition.next_transition()) and transition.year < 2040:
            change = transition.to_instant().to_stdlib()
            around = Period(change - timedelta(hours=3), change + timedelta(hours=3))
            found = {window.start for window in windows(around, "hour", zone_for(name))}
            minutes = [around.start + timedelta(minutes=n) for n in range(360)]
            hours = {first_instant_by_oracle(minute, name, "hour") for minute in minutes}

            assert found == {max(hour, around.start) for hour in hours}, (name, change)

    def test_weeks_begin_on_monday_and_months_on_the_first(self):
        span = period("2026-11-11T10:00Z", "2026-12-02T10:00Z")
        weeks, months = ([w.start.day for w in windows(span, step, UTC)] for step in STEPS[2:])

        assert weeks == [11, 16, 23, 30]
        assert months == [11, 1]

    @pytest.mark.parametrize(
        ("zone", "start", "end", "minutes"),
        [
            pytest.param(
                "Europe/Berlin", "2026-10-24T23:00Z", "2026-10-25T03:00Z", [60, 60, 60, 60],
                id="an hour set back comes twice",
            ),
            pytest.param(
                "Europe/Berlin", "2026-03-29T00:00Z", "2026-03-29T02:00Z", [60, 60],
                id="an hour skipped is no window",
            ),
            pytest.param(
                "Australia/Lord_Howe", "2026-10-03T14:30Z", "2026-10-03T17:00Z", [60, 30, 60],
                id="half an hour skipped",
            ),
            pytest.param(
                "Australia/Lord_Howe", "2026-04-04T14:00Z", "2026-04-04T16:30Z", [90, 60],
                id="half an hour set back",
            ),
            pytest.param(
                "America/St_Johns", "2006-10-29T01:30Z", "2006-10-29T04:30Z", [60, 60, 60],
                id="set back at 00:01",
            ),
            pytest.param(
                "Asia/Kathmandu", "2026-11-22T00:00Z", "2026-11-22T02:00Z", [15, 60, 45],
                id="an odd offset",
            ),
        ],
    )  # fmt: skip
    def test_hours_are_cut_at_local_full_hours(self, zone, start, end, minutes):
        found = windows(period(start, end), "hour", zone_for(zone))

        assert [(hour.end - hour.start) // timedelta(minutes=1) for hour in found] == minutes

    def test_a_change_of_clocks_cuts_exactly_also_after_a_start_between_two_seconds(self):
        span = period("2026-04-04T14:00:00.5Z", "2026-04-04T16:00Z")
        _, last = windows(span, "hour", zone_for("Australia/Lord_Howe"))

        assert last.start == instant("2026-04-04T15:30Z")

    def test_a_day_that_clocks_passed_over_has_no_window(self):
        apia = zone_for("Pacific/Apia")
        found = windows(period("2011-12-29T10:00Z", "2012-01-01T10:00Z"), "day", apia)

        assert [local_day(day.start, apia).day for day in found] == [29, 31, 1]

    @pytest.mark.parametrize("zone", ["UTC", "Asia/Tokyo", "America/New_York"])
    @pytest.mark.parametrize("step", STEPS)
    def test_they_begin_at_once_and_end_with_the_calendar(self, step, zone):
        always = Period(*(end.replace(tzinfo=UTC) for end in (datetime.min, datetime.max)))
        last_days = ALL_TIME.clipped(instant("9999-12-30T00:00Z"), None)

        assert len(list(islice(windows(always, step, zone_for(zone)), 10))) == 10
        assert list(windows(last_days, step, zone_for(zone)))[-1].end == ALL_TIME.end


@pytest.mark.parametrize(
    ("zone", "start", "end", "before"),
    [
        ("UTC", "2026-11-01T00:00Z", "2026-12-01T00:00Z", "2026-10-01T00:00Z"),
        ("UTC", "2026-03-01T00:00Z", "2026-05-01T00:00Z", "2026-01-01T00:00Z"),
        ("UTC", "2026-11-10T00:00Z", "2026-11-17T00:00Z", "2026-11-03T00:00Z"),
        ("UTC", "2026-11-10T06:00Z", "2026-11-10T07:30Z", "2026-11-10T04:30Z"),
        ("UTC", "2026-11-10T06:00Z", "2026-11-10T06:00Z", "2026-11-10T06:00Z"),
        ("America/New_York", "2026-11-02T05:00Z", "2026-11-09T05:00Z", "2026-10-26T04:00Z"),
        ("America/New_York", "2026-11-01T04:00Z", "2026-12-01T05:00Z", "2026-10-01T04:00Z"),
    ],
)
def test_a_stretch_is_as_long_as_the_one_before_it_in_months_days_or_microseconds(
    zone, start, end, before
):
    found = stretch_before(period(start, end), zone_for(zone))

    assert found == period(before, start)
