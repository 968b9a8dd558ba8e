"""Usage of subscriptions: billing periods, lives, and whose an event is."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.conftest import Lago

CASES = json.loads(
    (Path(__file__).parent.parent / "conformance" / "cases" / "period.json").read_text("utf-8")
)
NOW = "2026-11-22T12:00:00Z"
NOVEMBER = ("2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z")
METRICS = (
    ("calls", "count"),
    ("gb", "sum", "--field-name", "gb"),
    ("seats", "unique_count", "--field-name", "user", "--recurring"),
    ("kept", "sum", "--field-name", "gb", "--recurring"),
    ("level", "weighted_sum", "--field-name", "gb", "--recurring"),
)


def define(lago, *codes):
    for code, kind, *more in METRICS:
        if code in codes:
            lago("metrics", "create", "--code", code, "--aggregation-type", kind, *more)


def subscribe(lago, name, *terms, customer="acme", now=NOW):
    named = ("--external-id", name, "--external-customer-id", customer)
    return lago("subscriptions", "create", *named, *terms, "--now", now)


def event(transaction_id, at, customer=None, subscription=None, code="calls", **properties):
    return {
        "transaction_id": transaction_id,
        "external_customer_id": customer,
        "external_subscription_id": subscription,
        "code": code,
        "timestamp": at,
        "properties": properties,
    }


def send(lago, *events, exits=0, more=()):
    """The account of an ingest."""
    lines = "\n".join(map(json.dumps, events))
    done = lago("ingest", "-o", "json", "--now", NOW, *more, stdin=lines, exits=exits)
    return done.json()


def counts(account):
    return {key: account[key] for key in ("ingested", "duplicates", "rejected") if account[key]}


def ask(lago, *asked, now=NOW, **how):
    return lago("usage", *asked, "-o", "json", "--now", now, **how)


def figures(lago, *asked, now=NOW):
    """{(customer, subscription): (units, events)} of the answer about one metric."""
    rows = ask(lago, *asked, now=now).json()
    found = {
        (row["external_customer_id"], row["external_subscription_id"]): (
            row["units"],
            row["events_count"],
        )
        for row in rows
    }
    assert len(found) == len(rows)
    return found


def period(lago, *asked, now=NOW):
    """The one window of the answer."""
    rows = ask(lago, *asked, now=now).json()
    ((start, end),) = {(row["from_datetime"], row["to_datetime"]) for row in rows}
    return start, end


# Billing periods --------------------------------------------------------------------------


@pytest.fixture(scope="module")
def cases_file(tmp_path_factory):
    """One file for all cases: each has a customer and a subscription of its own."""
    lago = Lago(tmp_path_factory.mktemp("periods"))
    define(lago, "calls")
    return lago


@pytest.mark.parametrize(
    "case",
    [case for case in CASES if not case.get("bill_charges_monthly")],
    ids=lambda case: case["id"],
)
def test_usage_is_counted_in_billing_periods_cut_to_the_life(cases_file, case):
    lago, name = cases_file, case["id"]
    options = {
        "--started-at": case["subscription_started_at"],
        "--subscription-at": case.get("subscription_anchor"),
        "--ending-at": case.get("subscription_ended_at"),
        "--interval": case["interval"],
        "--billing-time": case["billing_time"],
    }
    given = [word for pair in options.items() if pair[1] is not None for word in pair]
    lago("customers", "create", "--external-id", name, "--timezone", case["timezone"])
    subscribe(lago, name, *given, customer=name)

    expected = (case["expect"]["from"], case["expect"]["to"])
    assert period(lago, "--subscription", name, "--at", case["at"]) == expected, case["notes"]


@pytest.fixture
def lived(lago):
    """A subscription of 10 November to 20 December, with a call on each tenth."""
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", "2026-11-10", "--ending-at", "2026-12-20T06:00:00Z")
    days = ("2026-10-10", "2026-11-09", "2026-11-10", "2026-12-10", "2026-12-20T05:59:59.999999Z")
    late = ("2026-12-20T06:00:00Z", "2027-01-10")
    send(lago, *(event(day, day, None, "s1") for day in (*days, *late)))
    return lago


START, END = "2026-11-10T00:00:00Z", "2026-12-20T06:00:00Z"


@pytest.mark.parametrize(
    ("asked", "now", "window", "calls"),
    [
        ([], NOW, (START, NOVEMBER[1]), "1"),
        (["--period", "current"], START, (START, NOVEMBER[1]), "1"),
        (["--period", "current"], "2026-12-05", (NOVEMBER[1], END), "2"),
        (["--period", "previous"], "2026-12-05", (START, NOVEMBER[1]), "1"),
        (["--at", "2026-12-01"], NOW, (NOVEMBER[1], END), "2"),
        (["--at", END], NOW, (NOVEMBER[1], END), "2"),
        (["--at", "2031-01-01"], NOW, (NOVEMBER[1], END), "2"),
        (["--period", "current"], "2031-01-01", (NOVEMBER[1], END), "2"),
        (["--period", "2026"], NOW, (START, END), "3"),
        (["--period", "all"], NOW, (START, END), "3"),
        (["--period", "2026-11"], NOW, (START, NOVEMBER[1]), "1"),
        (["--period", "2026-W46"], NOW, (START, "2026-11-16T00:00:00Z"), "1"),
        (["--from", "2026-11-01", "--to", "2026-12-11"], NOW, (START, "2026-12-11T00:00:00Z"), "2"),
        (["--from", "2026-12-10"], NOW, ("2026-12-10T00:00:00Z", END), "2"),
        (["--period", "2026-10"], NOW, (START, START), "0"),
        (["--period", "2027"], NOW, (END, END), "0"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_window_is_cut_to_the_life_of_the_subscription(lived, asked, now, window, calls):
    (row,) = ask(lived, "--subscription", "s1", *asked, now=now).json()

    assert (row["from_datetime"], row["to_datetime"]) == window
    assert (row["units"], row["events_count"]) == (calls, int(calls))


@pytest.mark.parametrize(
    ("asked", "now"),
    [
        (["--at", "2026-11-09T23:59:59.999999Z"], NOW),
        (["--period", "previous"], NOW),
        (["--period", "current"], "2026-11-01"),
        ([], "2026-11-01"),
    ],
)
def test_before_the_start_there_is_no_period(lived, asked, now):
    error = ask(lived, "--subscription", "s1", *asked, now=now, exits=2).error()

    assert error["code"] == "before_subscription_start"
    assert START in error["hint"]


def test_a_life_without_time_has_an_empty_window(lago):
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", START)
    lago("subscriptions", "terminate", "s1", "--at", START)
    (row,) = ask(lago, "--subscription", "s1").json()

    assert (row["from_datetime"], row["to_datetime"], row["units"]) == (START, START, "0")


def test_a_period_is_cut_where_the_subscription_was_terminated(lago):
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", "2026-10-05")
    events = ("2026-11-15T09:29:59.999999Z", "2026-11-15T09:30:00Z")
    send(lago, *(event(at, at, None, "s1") for at in events))
    assert figures(lago, "--subscription", "s1") == {("acme", "s1"): ("2", 2)}

    lago("subscriptions", "terminate", "s1", "--at", "2026-11-15 09:30")
    assert figures(lago, "--subscription", "s1") == {("acme", "s1"): ("1", 1)}
    assert period(lago, "--subscription", "s1") == (NOVEMBER[0], "2026-11-15T09:30:00Z")
    assert figures(lago, "--period", "current") == {("acme", None): ("1", 1)}


def test_what_lies_outside_a_life_is_said_below_the_table(lived):
    table = lived("usage", "--subscription", "s1", "--period", "2026", "--now", NOW).stdout
    said = " ".join(table.split())

    assert "Not counted: 3 events, from before the start or after the end" in said
    assert "(calls: 3)" in said
    inside = lived("usage", "--subscription", "s1", "--period", "2026-11-15", "--now", NOW).stdout
    assert "Not counted" not in inside


def test_the_history_of_a_recurring_metric_is_not_left_out(lago):
    define(lago, "seats")
    subscribe(lago, "s1", "--started-at", START)
    send(lago, event("1", "2026-11-02", None, "s1", "seats", user="ana"))

    asked = ("--subscription", "s1", "--period", "2026-11")
    assert figures(lago, *asked) == {("acme", "s1"): ("1", 0)}
    assert "Not counted" not in lago("usage", *asked, "--now", NOW).stdout


def test_days_of_a_life_are_its_windows(lived):
    asked = ("--subscription", "s1", "--from", "2026-11-08", "--to", "2026-11-13")
    rows = ask(lived, *asked, "--window", "day").json()

    assert [(row["from_datetime"][:10], row["units"]) for row in rows] == [
        ("2026-11-10", "1"),
        ("2026-11-11", "0"),
        ("2026-11-12", "0"),
    ]
    last = ("--subscription", "s1", "--at", END, "--window", "week")
    rows = ask(lived, *last).json()
    assert (rows[0]["from_datetime"], rows[-1]["to_datetime"]) == (NOVEMBER[1], END)
    assert sum(int(row["units"]) for row in rows) == 2


def test_everybody_has_the_windows_of_their_own_periods(lago):
    """One month of the calendar, and parts of two."""
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", "2026-10-15", "--billing-time", "anniversary")
    for customer in ("acme", "bolt"):
        at = ("2026-11-20", "2026-12-02")
        send(lago, *(event(f"{customer} {day}", day, customer) for day in at))
    rows = ask(lago, "--window", "month").json()

    assert [
        (row["external_customer_id"], row["from_datetime"][:10], row["to_datetime"][:10])
        for row in rows
    ] == [
        ("acme", "2026-11-15", "2026-12-01"),
        ("acme", "2026-12-01", "2026-12-15"),
        ("bolt", "2026-11-01", "2026-12-01"),
    ]
    assert [row["units"] for row in rows] == ["1", "1", "1"]


# Whose an event is ------------------------------------------------------------------------


def test_events_of_a_customer_belong_to_the_subscription_that_is_active(lago):
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", "2026-11-05", "--ending-at", "2026-11-10")
    subscribe(lago, "s2", "--started-at", "2026-11-10", "--ending-at", "2026-11-20")
    at = ("2026-11-04", "2026-11-05", "2026-11-09", "2026-11-10", "2026-11-20")
    send(lago, *(event(day, day, "acme") for day in at))

    assert figures(lago, "--period", "2026-11", "--by", "subscription") == {
        ("acme", None): ("2", 2),
        ("acme", "s1"): ("2", 2),
        ("acme", "s2"): ("1", 1),
    }
    assert figures(lago, "--period", "2026-11") == {("acme", None): ("5", 5)}
    assert figures(lago, "--period", "2026-11", "--subscription", "s2") == {
        ("acme", "s2"): ("1", 1)
    }


def test_with_several_active_subscriptions_one_must_be_named(lago):
    define(lago, "calls")
    for name in ("s1", "s2"):
        subscribe(lago, name, "--started-at", "2026-11-01")
    account = send(
        lago,
        event("1", "2026-11-10", "acme"),
        event("2", "2026-11-10", "acme", "s2"),
        event("3", "2026-11-10", "bolt"),
        exits=5,
    )

    assert counts(account) == {"ingested": 2, "rejected": 1}
    (rejection,) = account["rejections"]
    assert rejection["code"] == "subscription_required"
    assert "2 active subscriptions (s1, s2)" in rejection["message"]
    lago("subscriptions", "terminate", "s1", "--at", "2026-11-09")
    assert counts(send(lago, event("1", "2026-11-10", "acme"))) == {"ingested": 1}
    assert figures(lago, "--subscription", "s2") == {("acme", "s2"): ("2", 2)}


def test_a_subscription_of_another_customer_is_refused(lago):
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", "2026-11-01")
    account = send(
        lago,
        event("1", "2026-11-10", "bolt", "s1"),
        event("2", "2026-11-10", "acme", "s1"),
        event("3", "2026-11-10", None, "s1"),
        exits=5,
    )

    assert counts(account) == {"ingested": 2, "rejected": 1}
    (rejection,) = account["rejections"]
    assert (rejection["line"], rejection["code"]) == (1, "subscription_of_another_customer")
    assert "bolt" not in {
        row["external_id"] for row in lago("customers", "list", "-o", "json").json()
    }


@pytest.mark.parametrize("on_duplicate", ["skip", "replace"])
def test_what_was_stored_before_registration_stays_a_duplicate(lago, on_duplicate):
    """Sending a file again succeeds, whatever was registered since."""
    define(lago, "calls")
    events = [
        event("1", "2026-11-10", "acme"),
        event("2", "2026-11-10", "bolt", "s1"),
        event("3", None, "acme"),
    ]
    assert counts(send(lago, *events)) == {"ingested": 3}
    for name in ("s1", "s2"):
        subscribe(lago, name, "--started-at", "2026-11-01")
    how = ("--on-duplicate", on_duplicate)

    assert counts(send(lago, *events, more=how)) == {"duplicates": 3}
    new = [{**each, "transaction_id": f"new {each['transaction_id']}"} for each in events]
    assert counts(send(lago, *events, *new, more=how, exits=5)) == {"duplicates": 3, "rejected": 3}


def test_an_event_that_may_not_go_in_replaces_nothing(lago):
    define(lago, "gb")
    old = event("1", "2026-11-10", "acme", None, "gb", gb=1)
    send(lago, old)
    for name in ("s1", "s2"):
        subscribe(lago, name, "--started-at", "2026-11-01")
    later = {**old, "properties": {"gb": 2}}

    assert counts(send(lago, later)) == {"duplicates": 1}
    how = ("--on-duplicate", "replace")
    assert counts(send(lago, later, more=how, exits=5)) == {"rejected": 1}
    assert figures(lago, "--period", "2026-11") == {("acme", None): ("1", 1)}


@pytest.mark.parametrize("pieces", [1, 2], ids=["in one run", "in two"])
def test_a_repetition_is_one_wherever_the_input_is_cut(lago, pieces):
    """The first is taken in; the second is the same event, told of another customer."""
    subscribe(lago, "s1", "--started-at", "2026-11-01")
    events = [event("1", "2026-11-10", "acme", "s1"), event("1", "2026-11-10", "bolt", "s1")]
    accounts = [send(lago, *events)] if pieces == 1 else [send(lago, each) for each in events]

    assert sum(account["duplicates"] for account in accounts) == 1
    assert sum(account["conflicts"] for account in accounts) == 1


@pytest.mark.parametrize("first", ["events", "subscription"])
def test_who_names_only_a_subscription_belongs_to_its_customer(lago, first):
    define(lago, "calls")
    steps = {
        "events": lambda: send(lago, event("1", "2026-11-10", None, "s1")),
        "subscription": lambda: subscribe(lago, "s1", "--started-at", "2026-11-01"),
    }
    for step in sorted(steps, key=lambda step: step != first):
        if step == "subscription" and first == "events":
            assert figures(lago, "--period", "2026-11") == {(None, "s1"): ("1", 1)}
        steps[step]()

    assert figures(lago) == {("acme", None): ("1", 1)}
    assert figures(lago, "--customer", "acme", "--by", "subscription") == {("acme", "s1"): ("1", 1)}


# Levels and averages ----------------------------------------------------------------------


def test_seats_of_an_ended_subscription_are_not_in_later_windows(lago):
    define(lago, "seats")
    subscribe(lago, "s1", "--started-at", "2026-09-01", "--ending-at", "2026-10-15")
    subscribe(lago, "s2", "--started-at", "2026-09-01")
    seats = [
        event("1", "2026-09-03", None, "s1", "seats", user="ana"),
        event("2", "2026-09-03", None, "s1", "seats", user="bo"),
        event("3", "2026-09-04", None, "s2", "seats", user="cy"),
    ]
    send(lago, *seats)
    asked = ("--from", "2026-09-01", "--to", "2026-12-01", "--window", "month")
    rows = ask(lago, *asked, "--customer", "acme").json()

    assert [row["units"] for row in rows] == ["3", "3", "1"]
    assert figures(lago, "--subscription", "s1", "--period", "2026-11") == {
        ("acme", "s1"): ("0", 0)
    }


def test_what_came_before_the_only_subscription_is_its_history(lago):
    define(lago, "kept", "gb")
    send(
        lago,
        event("1", "2026-11-02", "acme", None, "kept", gb=5),
        event("2", "2026-11-02", "acme", None, "gb", gb=7),
    )
    subscribe(lago, "s1", "--started-at", "2026-11-05")

    asked = ("--period", "2026-11", "--by", "subscription")
    assert figures(lago, *asked, "--metric", "kept") == {("acme", "s1"): ("5", 0)}
    assert figures(lago, *asked, "--metric", "gb") == {("acme", None): ("7", 1)}


@pytest.mark.parametrize(
    ("metric", "properties", "units", "later"),
    [
        ("seats", {"user": "ana"}, "0.5", "1"),
        ("kept", {"gb": 3}, "1.5", "3"),
        ("calls", {}, "1", "0"),
        ("gb", {"gb": 3}, "3", "0"),
    ],
)
def test_recurring_figures_are_prorated_by_days(lago, metric, properties, units, later):
    """From the 16th on, whatever the hour: 15 of 30 days."""
    define(lago, metric)
    subscribe(lago, "s1", "--started-at", "2026-10-01")
    send(lago, event("1", "2026-11-16T23:00:00Z", None, "s1", metric, **properties))

    asked = ("--subscription", "s1", "--prorated")
    assert figures(lago, *asked) == {("acme", "s1"): (units, 1)}
    assert figures(lago, *asked, now="2026-12-05") == {("acme", "s1"): (later, 0)}


def test_a_first_period_is_prorated_by_the_days_of_the_whole_one(lago):
    define(lago, "seats")
    subscribe(lago, "s1", "--started-at", "2026-11-21T18:00:00Z")
    send(lago, event("1", "2026-11-21T18:00:00Z", None, "s1", "seats", user="ana"))

    units = figures(lago, "--subscription", "s1", "--prorated")["acme", "s1"][0]
    assert units == "0.333333333333"  # 10 of 30 days


@pytest.mark.parametrize(
    ("asked", "units"),
    [
        ([], "5"),
        (["--at", "2026-11-16"], "5"),
        (["--period", "2026-11"], "5"),
        (["--from", "2026-11-16", "--to", "2026-12-01"], "5"),
        (["--period", "2026-11-16"], "10"),
        (["--period", "2026-11-17"], "10"),
        (["--from", "2026-11-16", "--to", "2026-11-26"], "10"),
        (["--period", "2026-12"], "10"),
        (["--from", "2026-11-16"], "10"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_an_average_is_taken_over_the_whole_period(lago, asked, units):
    """A level of 10 from the start, in the middle of the month, on; days are days of their own."""
    define(lago, "level")
    subscribe(lago, "s1", "--started-at", "2026-11-16")
    send(lago, event("1", "2026-11-16", None, "s1", "level", gb=10))

    assert figures(lago, "--subscription", "s1", *asked)["acme", "s1"][0] == units


def test_an_average_of_a_day_is_over_that_day(lago):
    define(lago, "level")
    subscribe(lago, "s1", "--started-at", "2026-11-16T12:00:00Z")
    send(lago, event("1", "2026-11-16T12:00:00Z", None, "s1", "level", gb=10))
    rows = ask(lago, "--subscription", "s1", "--window", "day").json()

    assert [row["units"] for row in rows] == ["5", *["10"] * 14]


def test_a_customers_average_is_that_of_the_subscriptions_together(lago):
    """10 for the second half of the month and 4 for the first."""
    define(lago, "level")
    subscribe(lago, "s1", "--started-at", "2026-11-16")
    subscribe(lago, "s2", "--started-at", "2026-11-01", "--ending-at", "2026-11-16")
    send(
        lago,
        event("1", "2026-11-16", None, "s1", "level", gb=10),
        event("2", "2026-11-01", None, "s2", "level", gb=4),
    )

    assert figures(lago, "--period", "2026-11") == {("acme", None): ("7", 2)}


def test_by_customer_a_subscription_that_is_asked_for_is_cut_to_its_own_life(lago):
    define(lago, "calls")
    subscribe(lago, "s1", "--started-at", "2026-11-10")
    subscribe(lago, "s2", "--started-at", "2026-10-01")
    send(lago, event("1", "2026-11-12", None, "s1"), event("2", "2026-11-02", None, "s2"))
    asked = ("--subscription", "s1", "--by", "customer")

    assert figures(lago, *asked) == {("acme", None): ("1", 1)}
    assert period(lago, *asked) == (START, NOVEMBER[1])


def test_history_inside_of_a_window_is_counted_alike_by_every_recurring_metric(lago):
    """The window of a customer begins before the start of one subscription, not of all."""
    kinds = ("weighted_sum", "sum", "unique_count")
    for kind in kinds:
        create = ("metrics", "create", "--code", kind, "--aggregation-type", kind)
        lago(*create, "--field-name", "v", "--recurring")
    for name, start in (("early", "2026-10-01"), ("late", "2026-11-11")):
        of = ("--external-id", name, "--external-customer-id", "a", "--started-at", start)
        lago("subscriptions", "create", *of)
    events = [
        {"external_subscription_id": "late", "code": kind, "timestamp": at, "properties": {}}
        for kind in kinds
        for at in ("2026-11-05", "2026-11-21")
    ]
    for number, event in enumerate(events):
        event["transaction_id"] = str(number)
        event["properties"] = {"v": number}
    lago("ingest", lago.write("events", events))
    rows = lago("usage", "--by", "customer", "--period", "2026-11", "-o", "json").json()
    told = lago("usage", "explain", "--customer", "a", "--period", "2026-11", "-o", "json").json()

    assert {row["billable_metric_code"]: row["events_count"] for row in rows} == dict.fromkeys(
        kinds, 2
    )
    assert sum(row["counted"] for row in told) == 6
