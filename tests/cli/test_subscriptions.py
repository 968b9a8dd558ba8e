"""Subscriptions: whose, from when to when, and in which billing periods."""

from __future__ import annotations

import json

import pytest

KEYS = [
    *("external_id", "external_customer_id", "plan_code", "status", "interval", "billing_time"),
    *("subscription_at", "started_at", "ending_at", "terminated_at", "previous_plans"),
    "created_at",
]
NOW = "2026-11-22T10:20:30.5Z"
WHOLE = "2026-11-22T10:20:30Z"  # so that an event of this second is one of the subscription
BEFORE, AFTER = "2026-11-01T00:00:00Z", "2026-12-01T00:00:00Z"
HOSTILE = ["s' OR 1=1 --", "[/red]", '"', "🙂", "two\nlines", "\x1b[31m", "%00"]


def create(lago, external_id="s1", *more, customer="acme", now=NOW, **how):
    named = ("--external-id", external_id, "--external-customer-id", customer)
    return lago("subscriptions", "create", *named, *more, "--now", now, "-o", "json", **how)


def run(lago, *command, now=NOW, **how):
    return lago("subscriptions", *command, "--now", now, "-o", "json", **how)


def life(row):
    return {key: row[key] for key in ("subscription_at", "started_at", "ending_at")}


def names(lago):
    return sorted(path.name for path in lago.folder.iterdir())


# Registering ------------------------------------------------------------------------------


def test_a_subscription_has_all_its_keys_in_order(lago):
    lago.plan("premium", interval="yearly")
    created = create(
        *(lago, "s1", "--plan-code", "premium", "--interval", "yearly"),
        *("--billing-time", "anniversary", "--subscription-at", "2026-01-31"),
        *("--started-at", "2026-02-01T12:00:00.000001Z", "--ending-at", "1796083200"),
    )
    expected = {
        "external_id": "s1",
        "external_customer_id": "acme",
        "plan_code": "premium",
        "status": "active",
        "interval": "yearly",
        "billing_time": "anniversary",
        "subscription_at": "2026-01-31T00:00:00Z",
        "started_at": "2026-02-01T12:00:00.000001Z",
        "ending_at": AFTER,
        "terminated_at": None,
        "previous_plans": [],
        "created_at": NOW,
    }

    assert created.json() == expected
    assert list(created.json()) == KEYS
    assert run(lago, "get", "s1").json() == expected
    assert run(lago, "list").json() == [expected]


def test_what_is_not_given_has_its_default(lago):
    assert create(lago).json() == {
        **dict.fromkeys(KEYS),
        "previous_plans": [],
        "external_id": "s1",
        "external_customer_id": "acme",
        "status": "active",
        "interval": "monthly",
        "billing_time": "calendar",
        "subscription_at": WHOLE,
        "started_at": WHOLE,
        "created_at": NOW,
    }


@pytest.mark.parametrize(
    ("given", "subscription_at", "started_at"),
    [
        ([], WHOLE, WHOLE),
        (["--started-at", BEFORE], BEFORE, BEFORE),
        (["--subscription-at", BEFORE], BEFORE, BEFORE),
        (["--subscription-at", BEFORE, "--started-at", AFTER], BEFORE, AFTER),
        (["--subscription-at", AFTER, "--started-at", BEFORE], AFTER, BEFORE),
    ],
)
def test_a_start_and_an_anchor_stand_for_each_other(lago, given, subscription_at, started_at):
    row = create(lago, "s1", *given).json()

    assert (row["subscription_at"], row["started_at"]) == (subscription_at, started_at)


@pytest.mark.parametrize("interval", ["weekly", "monthly", "quarterly", "semiannual", "yearly"])
@pytest.mark.parametrize("billing_time", ["calendar", "anniversary"])
def test_every_cycle_may_be_registered(lago, interval, billing_time):
    row = create(lago, "s1", "--interval", interval, "--billing-time", billing_time).json()

    assert (row["interval"], row["billing_time"]) == (interval, billing_time)


def test_registering_creates_the_customer(lago):
    create(lago, "s1", customer="acme")
    (customer,) = lago("customers", "list", "-o", "json").json()

    assert (customer["external_id"], customer["created_at"]) == ("acme", NOW)


def test_times_without_an_offset_are_read_in_the_customers_zone(lago):
    lago("customers", "create", "--external-id", "acme", "--timezone", "Asia/Tokyo")
    given = ("--started-at", "2026-11-01", "--ending-at", "2026-12-01T00:00:00+00:00")
    created = create(lago, "s1", *given).json()
    assert life(created) == {
        "subscription_at": "2026-10-31T15:00:00Z",
        "started_at": "2026-10-31T15:00:00Z",
        "ending_at": AFTER,
    }

    changed = run(lago, "update", "s1", "--ending-at", "2026-12-01").json()
    assert changed["ending_at"] == "2026-11-30T15:00:00Z"
    ended = run(lago, "terminate", "s1", "--at", "2026-11-20 09:00").json()
    assert ended["terminated_at"] == "2026-11-20T00:00:00Z"


@pytest.mark.parametrize(
    ("options", "exit_code", "code", "said"),
    [
        (["--interval", "daily"], 5, "invalid_interval", '"daily" is no billing interval'),
        (["--interval", ""], 5, "invalid_interval", '"" is no billing interval'),
        (["--billing-time", "noon"], 5, "invalid_billing_time", '"noon" is no billing time'),
        (
            ["--started-at", AFTER, "--ending-at", BEFORE],
            5,
            "ends_before_start",
            f"would end at {BEFORE}, before its start at {AFTER}",
        ),
        (["--ending-at", BEFORE], 5, "ends_before_start", "before its start"),
        (["--started-at", "2000-12-31T23:59:59Z"], 5, "invalid_instant", "before 2001"),
        (["--subscription-at", "1999-01-01"], 5, "invalid_instant", "before 2001"),
        (["--started-at", "tomorrow"], 2, "invalid_instant", "started_at"),
        (["--started-at", ""], 2, "invalid_instant", "started_at"),
        (["--ending-at", "2026-11-31"], 2, "invalid_instant", "ending_at"),
        (["--subscription-at", "1e30"], 2, "invalid_instant", "subscription_at"),
        (["--surplus", "x"], 2, "usage", "--surplus"),
    ],
)
def test_what_breaks_a_rule_is_refused(lago, options, exit_code, code, said):
    finished = create(lago, "s1", *options, exits=exit_code)

    assert finished.stdout == ""
    assert finished.error()["code"] == code
    assert said in finished.error()["message"]
    lago("subscriptions", "get", "s1", exits=4)


@pytest.mark.parametrize(
    ("name", "customer"), [("", "acme"), (" ", "acme"), ("s1", ""), ("s1", "\t")]
)
def test_a_subscription_and_its_customer_need_ids(lago, name, customer):
    assert create(lago, name, customer=customer, exits=5).error()["code"] == "invalid_external_id"


@pytest.mark.parametrize("name", HOSTILE)
def test_ids_may_hold_anything(lago, name):
    lago.plan(name)
    create(lago, name, "--plan-code", name, customer=name)

    row = run(lago, "get", name).json()
    assert (row["external_id"], row["external_customer_id"], row["plan_code"]) == (name,) * 3
    assert "\x1b" not in lago("subscriptions", "list").stdout
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    asked = ("usage", "--subscription", name, "-o", "json", "--now", AFTER)
    (usage,) = lago(*asked).json()
    assert (usage["external_customer_id"], usage["external_subscription_id"]) == (name, name)


def test_a_subscription_is_registered_once(lago):
    create(lago, "s1", customer="acme")

    for customer in ("acme", "bolt"):
        error = create(lago, "s1", customer=customer, exits=5).error()
        assert error["code"] == "subscription_exists"
    assert [row["external_customer_id"] for row in run(lago, "list").json()] == ["acme"]
    assert [row["external_id"] for row in lago("customers", "list", "-o", "json").json()] == [
        "acme"
    ]


def test_stored_events_that_name_another_customer_are_a_warning(lago):
    """They keep counting for the customer they name."""
    events = [
        {
            "transaction_id": str(number),
            "external_customer_id": customer,
            "external_subscription_id": "s1",
            "code": "calls",
            "timestamp": "2026-11-10",
        }
        for number, customer in enumerate(("acme", "bolt", None))
    ]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, events)))
    lago("metrics", "create", "--code", "calls", "--aggregation-type", "count")
    created = create(lago, "s1", "--started-at", BEFORE, customer="acme")

    assert "name another customer: bolt" in created.stderr
    rows = lago("usage", "--period", "2026-11", "-o", "json").json()
    assert {row["external_customer_id"]: row["units"] for row in rows} == {"acme": "2", "bolt": "1"}
    assert create(lago, "s2").stderr == ""


# Changing ---------------------------------------------------------------------------------


def test_an_update_changes_what_is_given_and_nothing_else(lago):
    lago.plan("basic", interval="weekly")
    before = create(lago, "s1", "--started-at", BEFORE).json()
    for option, key, value in (
        ("--interval", "interval", "weekly"),
        ("--plan-code", "plan_code", "basic"),
        ("--billing-time", "billing_time", "anniversary"),
        ("--subscription-at", "subscription_at", AFTER),
        ("--started-at", "started_at", "2026-11-02T00:00:00Z"),
        ("--ending-at", "ending_at", AFTER),
    ):
        changed = run(lago, "update", "s1", option, value, now=AFTER).json()
        before = {**before, key: value, "status": changed["status"]}
        assert changed == before
    assert run(lago, "update", "s1").json() == {**before, "status": "active"}


def test_an_empty_text_takes_away_what_may_be_absent(lago):
    lago.plan("basic")
    create(lago, "s1", "--plan-code", "basic", "--ending-at", AFTER)
    changed = run(lago, "update", "s1", "--plan-code", "", "--ending-at", "").json()

    assert (changed["plan_code"], changed["ending_at"]) == (None, None)


@pytest.mark.parametrize(
    ("options", "exit_code", "code"),
    [
        (["--interval", "daily"], 5, "invalid_interval"),
        (["--interval", ""], 5, "invalid_interval"),
        (["--billing-time", ""], 5, "invalid_billing_time"),
        (["--ending-at", "2026-10-01"], 5, "ends_before_start"),
        (["--started-at", "2027-01-01"], 5, "ends_before_start"),
        (["--started-at", ""], 2, "invalid_instant"),
        (["--subscription-at", "soon"], 2, "invalid_instant"),
    ],
)
def test_an_update_that_breaks_a_rule_changes_nothing(lago, options, exit_code, code):
    lago.plan("x")
    before = create(lago, "s1", "--started-at", BEFORE, "--ending-at", AFTER).json()
    changed = run(lago, "update", "s1", "--plan-code", "x", *options, exits=exit_code)

    assert changed.error()["code"] == code
    assert run(lago, "get", "s1").json() == before


# Another plan -----------------------------------------------------------------------------


@pytest.fixture
def planned(lago):
    """A subscription with a plan from November on, and two other plans."""
    for code, interval in [("small", "monthly"), ("large", "monthly"), ("yearly", "yearly")]:
        lago.plan(code, interval=interval)
    create(lago, "s1", "--plan-code", "small", "--started-at", BEFORE)
    return lago


def test_another_plan_holds_from_an_instant_on(planned):
    run(planned, "change-plan", "s1", "large", "--at", "2026-11-10")
    changed = run(planned, "change-plan", "s1", "yearly").json()

    assert (changed["plan_code"], changed["interval"]) == ("yearly", "yearly")
    assert changed["previous_plans"] == [
        {"plan_code": "small", "until": "2026-11-10T00:00:00Z"},
        {"plan_code": "large", "until": "2026-11-22T10:20:30.5Z"},
    ]


def test_a_plan_that_is_set_holds_for_all_periods(planned):
    run(planned, "change-plan", "s1", "large", "--at", "2026-11-10")
    named = run(planned, "update", "s1", "--ending-at", AFTER).json()
    assert [each["plan_code"] for each in named["previous_plans"]] == ["small"]

    assert run(planned, "update", "s1", "--plan-code", "large").json()["previous_plans"] == []
    run(planned, "change-plan", "s1", "small", "--at", "2026-11-10")
    without = run(planned, "update", "s1", "--plan-code", "").json()
    assert (without["plan_code"], without["previous_plans"]) == (None, [])


@pytest.mark.parametrize(
    ("at", "said"),
    [
        (BEFORE, f'The plan "small" of the subscription "s1" begins at {BEFORE}; it cannot end'),
        ("2020-01-01", f'The plan "small" of the subscription "s1" begins at {BEFORE}; it cannot'),
        (AFTER, f'The subscription "s1" ends at {AFTER}.'),
    ],
)
def test_a_plan_changes_within_the_life_of_its_subscription(planned, at, said):
    run(planned, "update", "s1", "--ending-at", AFTER)
    error = run(planned, "change-plan", "s1", "large", "--at", at, exits=5).error()

    assert error["code"] == "invalid_plan_change"
    assert said in error["message"]
    assert run(planned, "get", "s1").json()["plan_code"] == "small"


def test_the_first_plan_is_no_change(planned):
    create(planned, "s2")
    error = run(planned, "change-plan", "s2", "large", exits=5).error()

    assert error["message"] == 'The subscription "s2" has no plan yet.'
    assert error["hint"] == "Give it one with: lago subscriptions update s2 --plan-code large"


@pytest.mark.parametrize("words", [("s1", "larg"), ("s9", "large")])
def test_a_change_to_what_is_not_there_is_not_found(planned, words):
    error = run(planned, "change-plan", *words, exits=4).error()

    assert error["code"] in ("plan_not_found", "subscription_not_found")


# Ending -----------------------------------------------------------------------------------


def test_a_subscription_ends_now_or_then(lago):
    create(lago, "s1", "--started-at", BEFORE)
    create(lago, "s2", "--started-at", BEFORE)
    now = run(lago, "terminate", "s1").json()
    then = run(lago, "terminate", "s2", "--at", "2026-11-10").json()

    assert (now["terminated_at"], now["status"]) == (NOW, "terminated")
    assert (then["terminated_at"], then["status"]) == ("2026-11-10T00:00:00Z", "terminated")


def test_what_will_end_is_active_until_then(lago):
    create(lago, "s1", "--started-at", BEFORE)

    assert run(lago, "terminate", "s1", "--at", AFTER).json()["status"] == "active"
    assert run(lago, "get", "s1", now=AFTER).json()["status"] == "terminated"


def test_a_subscription_ends_once(lago):
    create(lago, "s1", "--started-at", BEFORE)
    run(lago, "terminate", "s1", "--at", "2026-11-10")
    error = run(lago, "terminate", "s1", "--at", "2026-11-09", exits=5).error()

    assert error["code"] == "subscription_already_terminated"
    assert "2026-11-10T00:00:00Z" in error["message"]
    assert run(lago, "get", "s1").json()["terminated_at"] == "2026-11-10T00:00:00Z"


@pytest.mark.parametrize(
    ("at", "exit_code", "code"),
    [
        ("2026-10-31T23:59:59.999999Z", 5, "ends_before_start"),
        ("2026-12-01T00:00:00.000001Z", 5, "subscription_already_terminated"),
        ("never", 2, "invalid_instant"),
        ("", 2, "invalid_instant"),
    ],
)
def test_an_end_that_cannot_be_is_refused(lago, at, exit_code, code):
    before = create(lago, "s1", "--started-at", BEFORE, "--ending-at", AFTER).json()

    assert run(lago, "terminate", "s1", "--at", at, exits=exit_code).error()["code"] == code
    assert run(lago, "get", "s1").json() == before


def test_a_life_may_end_where_it_began(lago):
    create(lago, "s1", "--started-at", BEFORE)
    ended = run(lago, "terminate", "s1", "--at", BEFORE).json()

    assert (ended["terminated_at"], ended["status"]) == (BEFORE, "terminated")


@pytest.mark.parametrize(
    ("now", "status"),
    [
        ("2026-10-31T23:59:59.999999Z", "pending"),
        (BEFORE, "active"),
        ("2026-11-30T23:59:59.999999Z", "active"),
        (AFTER, "terminated"),
    ],
)
def test_the_status_is_that_of_the_moment(lago, now, status):
    """From its first instant on, up to its end and without it."""
    given = ("--started-at", BEFORE, "--ending-at", AFTER)
    assert create(lago, "s1", *given, now=now).json()["status"] == status

    assert run(lago, "get", "s1", now=now).json()["status"] == status
    assert [row["status"] for row in run(lago, "list", now=now).json()] == [status]


# What is not there ------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["get", "update", "terminate"])
def test_an_unknown_subscription_is_not_found(lago, command):
    create(lago)

    assert run(lago, command, "other", exits=4).error() == {
        "code": "subscription_not_found",
        "message": 'There is no subscription "other".',
        "hint": "List them with: lago subscriptions list",
    }


@pytest.mark.parametrize(
    "command",
    [("list",), ("get", "s1"), ("update", "s1", "--interval", "weekly"), ("terminate", "s1")],
)
def test_a_missing_file_is_not_created(lago, command):
    error = run(lago, *command, exits=4).error()

    assert error["code"] in ("database_not_found", "subscription_not_found")
    assert names(lago) == []


@pytest.mark.parametrize(
    "command",
    [
        ("create", "--external-id", "s1"),
        ("create", "--external-customer-id", "acme"),
        ("get",),
        ("update",),
        ("terminate",),
        ("terminate", "s1", "now"),
        ("delete", "s1"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_told(lago, command):
    assert run(lago, *command, exits=2).stdout == ""
    assert names(lago) == []


def test_no_subscriptions_are_an_empty_list(lago):
    lago("customers", "create", "--external-id", "acme")

    assert run(lago, "list").json() == []
    assert "No subscriptions yet" in lago("subscriptions", "list").stdout
