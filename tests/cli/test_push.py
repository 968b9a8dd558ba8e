"""`lago push`: stored events go on to another Lago, each once for ever."""

from __future__ import annotations

import json
import random
import signal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.conftest import Lago
from tests.fake_lago import DROP, LOSE, FakeLago, Reply

KEY = "a-very-secret-key"


@pytest.fixture
def fake():
    with FakeLago() as fake:
        yield fake


def event(number, subscription="s1", **fields):
    return {
        "transaction_id": f"t{number}",
        "code": "calls",
        "external_subscription_id": subscription,
        "timestamp": 1_795_000_000 + number,
        "properties": {"n": number},
        **fields,
    }


def ingest(lago, *events, **more):
    lines = "".join(json.dumps(each) + "\n" for each in events)
    lago("ingest", *more.get("options", ()), "-q", stdin=lines)


def push(lago, fake, *options, exits=0):
    return lago("push", fake.url, "--retry-for", "0", "-o", "json", *options, exits=exits)


def counts(finished):
    """What is not 0."""
    row = finished.json()
    names = ("read", "sent", "already_there", "refused", "left")
    more = ("refused_before", "replaced_since", "deleted_since")
    return {name: row[name] for name in (*names, *more) if row[name]}


def sent(fake):
    """Transaction ids, in the order in which they came."""
    return fake.arrived


# What goes out ----------------------------------------------------------------------------


def test_every_event_is_sent_once_in_the_order_of_arrival(lago, fake):
    ingest(lago, *(event(number) for number in range(250, 0, -1)))
    first = push(lago, fake)
    again = push(lago, fake)

    assert counts(first) == {"read": 250, "sent": 250}
    assert counts(again) == {}
    assert sent(fake) == [f"t{number}" for number in range(250, 0, -1)]
    assert [len(body["events"]) for _, _, body in fake.requests] == [100, 100, 50]


def test_an_event_goes_out_with_every_digit(lago, fake):
    line = (
        '{"transaction_id": "t1", "code": "calls", "external_customer_id": "acme",'
        ' "external_subscription_id": "s1", "timestamp": "2026-11-22T00:00:00.000012Z",'
        ' "properties": {"v": 1.10000000000000000000000001, "t": "é"},'
        ' "precise_total_amount_cents": "0.1000000000000000000001"}'
    )
    lago("ingest", "-q", stdin=line)
    push(lago, fake)

    ((_, path, body),) = fake.requests
    assert path == "/api/v1/events/batch"
    assert str(body["events"][0]["properties"].pop("v")) == "1.10000000000000000000000001"
    assert body["events"] == [
        {
            "transaction_id": "t1",
            "external_customer_id": "acme",
            "external_subscription_id": "s1",
            "code": "calls",
            "timestamp": "1795305600.000012",
            "properties": {"t": "é"},
            "precise_total_amount_cents": "0.1000000000000000000001",
        }
    ]


def test_an_event_without_a_subscription_goes_out_with_what_it_has(lago, fake):
    row = event(1, external_customer_id="acme")
    del row["external_subscription_id"]
    ingest(lago, row)
    push(lago, fake)

    assert fake.requests[0][2]["events"][0]["external_customer_id"] == "acme"
    assert "external_subscription_id" not in fake.requests[0][2]["events"][0]


def test_filters_say_what_is_sent_and_the_rest_stays_for_later(lago, fake):
    ingest(lago, *(event(number, f"s{number % 2}") for number in range(6)))

    assert counts(push(lago, fake, "--subscription", "s1")) == {"read": 3, "sent": 3}
    assert counts(push(lago, fake, "--code", "calls", "--from", "1795000004")) == {
        "read": 1,
        "sent": 1,
    }
    assert counts(push(lago, fake)) == {"read": 2, "sent": 2}
    assert sent(fake) == ["t1", "t3", "t5", "t4", "t0", "t2"]


def test_a_limit_leaves_the_rest(lago, fake):
    ingest(lago, *(event(number) for number in range(5)))
    finished = push(lago, fake, "--limit", "2")

    assert counts(finished) == {"read": 2, "sent": 2, "left": 3}
    assert "3 events are left." in finished.stderr


def test_a_dry_run_sends_nothing_and_asks_nobody(lago, fake):
    ingest(lago, event(1), event(2))
    finished = push(lago, fake, "--dry-run")

    assert counts(finished) == {"read": 2, "left": 2}
    assert fake.requests == []
    assert counts(push(lago, fake)) == {"read": 2, "sent": 2}


def test_each_destination_is_remembered_by_itself(lago, fake):
    ingest(lago, event(1))
    push(lago, fake)
    with FakeLago(prefix="/metering") as other:
        for url in (other.url, f"{other.url}/api/v1", f"{other.url}/"):
            lago("push", url, "-q")

        assert sent(other) == sent(fake) == ["t1"]
        assert len(other.requests) == 1


def test_events_that_come_later_are_sent_by_the_next_push(lago, fake):
    ingest(lago, event(1))
    push(lago, fake)
    ingest(lago, event(2), event(1))

    assert counts(push(lago, fake)) == {"read": 1, "sent": 1}
    assert sent(fake) == ["t1", "t2"]


def test_what_was_sent_is_remembered_in_one_row(lago, fake):
    ingest(lago, *(event(number, f"s{number % 3}") for number in range(300)))
    push(lago, fake, "--subscription", "s1")
    push(lago, fake)

    assert rows(lago, "SELECT first_id, last_id FROM pushed_events") == [(1, 300)]


def rows(lago, query):
    import sqlite3
    from contextlib import closing

    with closing(sqlite3.connect(lago.folder / "lago.db")) as connection:
        return connection.execute(query).fetchall()


# What the other side says -----------------------------------------------------------------


def test_what_is_there_already_counts_as_sent_and_the_rest_goes_again(lago, fake):
    ingest(lago, *(event(number) for number in range(5)))
    fake.events = {("s1", "t1"): {}, ("s1", "t3"): {}}

    assert counts(push(lago, fake)) == {"read": 5, "sent": 3, "already_there": 2}
    assert sent(fake) == ["t0", "t2", "t4"]
    assert counts(push(lago, fake)) == {}


def refuse_odd(row):
    return {"timestamp": ["invalid_format"]} if int(row["properties"]["n"]) % 2 else None


def test_a_refused_event_is_named_and_not_sent_again(lago, fake):
    ingest(lago, *(event(number) for number in range(5)))
    fake.faults = refuse_odd
    finished = lago("push", fake.url, exits=5)
    again = push(lago, fake)

    assert '"t1" of "s1" was refused: invalid_format (timestamp: invalid_format)' in finished.stderr
    assert "2 events were refused" in finished.stderr
    assert sent(fake) == ["t0", "t2", "t4"]
    assert counts(again) == {"refused_before": 2}
    assert "--retry-refused" in again.stderr


def test_refusals_stand_in_the_summary(lago, fake):
    ingest(lago, event(1))
    fake.faults = refuse_odd
    finished = push(lago, fake, exits=5)

    assert finished.json()["refusals"] == [
        {
            "transaction_id": "t1",
            "external_customer_id": None,
            "external_subscription_id": "s1",
            "code": "invalid_format",
            "message": "timestamp: invalid_format",
        }
    ]
    assert finished.error()["code"] == "events_refused"


def test_refused_events_are_sent_again_where_that_is_wanted(lago, fake):
    ingest(lago, *(event(number) for number in range(5)))
    fake.faults = refuse_odd
    push(lago, fake, exits=5)
    fake.faults = lambda _: None

    assert counts(push(lago, fake, "--retry-refused")) == {"read": 2, "sent": 2}
    assert counts(push(lago, fake, "--retry-refused")) == {}


def test_a_refused_event_is_sent_once_it_is_mended(lago, fake):
    ingest(lago, event(1))
    fake.faults = refuse_odd
    push(lago, fake, exits=5)
    ingest(lago, event(1, properties={"n": 2}), options=("--on-duplicate", "replace"))

    assert counts(push(lago, fake)) == {"read": 1, "sent": 1}
    assert fake.events["s1", "t1"]["properties"] == {"n": 2}
    assert counts(push(lago, fake, "--retry-refused")) == {}


def test_a_lago_that_names_no_position_is_asked_in_halves(lago, fake):
    ingest(lago, *(event(number) for number in range(40)))
    fake.keyed = False
    fake.faults = lambda row: {"code": ["odd"]} if row["transaction_id"] == "t17" else None
    fake.events = {("s1", "t3"): {}}
    finished = push(lago, fake, exits=5)

    assert counts(finished) == {"read": 40, "sent": 38, "already_there": 1, "refused": 1}
    assert finished.json()["refusals"][0]["transaction_id"] == "t17"


def test_a_lago_that_takes_fewer_at_once_gets_fewer(lago, fake):
    ingest(lago, *(event(number) for number in range(40)))
    fake.most = 10

    assert counts(push(lago, fake)) == {"read": 40, "sent": 40}


# What becomes of an event here ------------------------------------------------------------


def test_what_was_replaced_after_it_was_sent_stays_as_it_was_there(lago, fake):
    ingest(lago, event(1), event(2))
    push(lago, fake)
    ingest(lago, event(1, properties={"n": 7}), options=("--on-duplicate", "replace"))
    finished = push(lago, fake)

    assert counts(finished) == {"read": 1, "replaced_since": 1}
    assert "1 event was replaced here after it was sent" in finished.stderr
    assert len(fake.requests) == 1
    assert counts(push(lago, fake)) == {"replaced_since": 1}


def test_what_was_replaced_before_is_sent_as_it_is_now(lago, fake):
    ingest(lago, event(1), event(2))
    ingest(lago, event(1, properties={"n": 7}), options=("--on-duplicate", "replace"))

    assert counts(push(lago, fake)) == {"read": 2, "sent": 2}
    assert fake.events["s1", "t1"]["properties"] == {"n": 7}


def test_an_earlier_version_that_comes_back_is_not_sent_beside_the_later_one(lago, fake):
    ingest(lago, event(1))
    ingest(lago, event(1, properties={"n": 7}), options=("--on-duplicate", "replace"))
    push(lago, fake)
    lago("ingest-runs", "revert", "2")

    assert counts(push(lago, fake)) == {}


def test_a_replaced_event_outside_of_the_filter_is_still_sent_later(lago, fake):
    ingest(lago, event(1), event(2, "s2"), event(3))
    ingest(lago, event(2, "s2", properties={"n": 9}), options=("--on-duplicate", "replace"))
    push(lago, fake, "--subscription", "s1")

    assert counts(push(lago, fake)) == {"read": 1, "sent": 1}


def test_a_deleted_event_is_not_sent_until_it_is_back(lago, fake):
    ingest(lago, event(1), event(2), event(3))
    lago("events", "delete", "t2", "--reason", "test")

    assert counts(push(lago, fake)) == {"read": 2, "sent": 2}
    lago("events", "undelete", "t2")
    assert counts(push(lago, fake)) == {"read": 1, "sent": 1}


def test_what_was_deleted_after_it_was_sent_is_told(lago, fake):
    ingest(lago, event(1), event(2))
    push(lago, fake)
    lago("events", "delete", "t2", "--reason", "test")
    finished = push(lago, fake)

    assert counts(finished) == {"deleted_since": 1}
    assert "the other side still has it" in finished.stderr
    lago("events", "undelete", "t2")
    assert counts(push(lago, fake)) == {}


def test_a_run_that_was_taken_back_makes_no_room_for_unsent_events(lago, fake):
    """Ids of events are not given twice."""
    ingest(lago, event(1))
    ingest(lago, event(2))
    push(lago, fake)
    lago("ingest-runs", "revert", "2")
    ingest(lago, event(3), event(4))

    assert counts(push(lago, fake)) == {"read": 2, "sent": 2}


# Trouble on the way -----------------------------------------------------------------------


def test_an_answer_that_is_lost_counts_once(lago, fake):
    ingest(lago, *(event(number) for number in range(150)))
    fake.next(LOSE)
    finished = push(lago, fake, exits=8)

    assert finished.error()["code"] == "server_unavailable"
    assert counts(push(lago, fake)) == {"read": 150, "sent": 50, "already_there": 100}
    assert len(sent(fake)) == 150


def test_what_was_sent_before_it_failed_is_said(lago, fake):
    ingest(lago, *(event(number) for number in range(150)))
    fake.next(*[Reply(200, {"events": []})], DROP)
    finished = push(lago, fake, exits=8)

    assert "100 events were sent before that" in finished.error()["hint"]


@pytest.mark.parametrize(
    ("reply", "code", "exits"),
    [
        (Reply(401, {"status": 401, "error": "Unauthorized"}), "unauthorized", 5),
        (Reply(403, {"status": 403, "error": "Forbidden", "code": "x"}), "forbidden", 5),
        (Reply(404, {"error": "Not Found", "code": "resource_not_found"}), "not_a_lago", 4),
        (Reply(404, "<html>"), "not_a_lago", 4),
        (Reply(200, "<!doctype html><p>Welcome"), "not_a_lago", 4),
        (Reply(301, "", {"Location": "https://other.example/"}), "redirected", 4),
        (Reply(429, {}, {"Retry-After": "7"}), "server_unavailable", 8),
        (Reply(500, "<html>"), "server_unavailable", 8),
        (Reply(405, {"status": 405, "error": "Method Not Allowed"}), "unexpected_answer", 5),
    ],
    ids=lambda value: str(getattr(value, "status", value)),
)
def test_what_is_no_good_answer_is_told_plainly(lago, fake, reply, code, exits):
    ingest(lago, event(1))
    fake.next(reply)
    finished = push(lago, fake, "--key", KEY, exits=exits)

    assert finished.error()["code"] == code
    assert finished.error()["hint"]
    assert KEY not in finished.stderr
    assert counts(push(lago, fake)) == {"read": 1, "sent": 1}


def test_the_key_comes_from_the_variable_and_stays_out_of_the_file(lago):
    ingest(lago, event(1))
    with FakeLago(key=KEY) as fake:
        refused = lago("push", fake.url, exits=5)
        finished = lago("push", fake.url, env={"LAGO_API_KEY": KEY})

    assert "wants a key, and none was given" in refused.stderr
    assert KEY not in finished.stdout + finished.stderr
    assert KEY.encode() not in (lago.folder / "lago.db").read_bytes()


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("localhost:3000", "does not begin with http://"),
        ("ftp://x", "does not begin with http://"),
        ("http://", "names no host"),
        ("http://user:secret@x", "has a name or password in it"),
        ("http://x/?key=secret", "has more than a path"),
        ("http://x:99999", "cannot be read"),
    ],
)
def test_what_is_no_url_of_a_lago_is_refused(lago, url, said):
    ingest(lago, event(1))
    finished = lago("push", url, exits=2)

    assert said in finished.stderr
    assert "secret" not in finished.stderr


def test_a_missing_file_is_not_made(lago, fake):
    push(lago, fake, exits=4)

    assert not (lago.folder / "lago.db").exists()


def test_a_push_that_is_interrupted_says_what_was_sent(lago, fake):
    ingest(lago, *(event(number) for number in range(1000)))
    process = lago.start("push", fake.url, "--rate", "100", "-q")
    while not fake.requests:
        assert process.poll() is None
    process.send_signal(signal.SIGTERM)
    _, said = process.communicate()

    assert process.returncode == 130
    assert b"will not be sent again" in said or b"Nothing was sent" in said


@pytest.mark.parametrize("seed", range(2))
def test_a_push_that_is_killed_at_any_moment_sends_every_event_once(lago, fake, seed):
    chance = random.Random(seed)
    ingest(lago, *(event(number, f"s{number % 7}") for number in range(1500)))
    for _ in range(4):
        before = len(fake.requests)
        process = lago.start("push", fake.url, "-q", *chance.choice([(), ("--code", "calls")]))
        wanted = before + chance.randrange(1, 6)
        while len(fake.requests) < wanted and process.poll() is None:
            pass
        process.kill()
        process.wait()
    push(lago, fake)

    assert sorted(sent(fake)) == sorted(f"t{number}" for number in range(1500))
    assert counts(push(lago, fake)) == {}
    lago("db", "check", "-q")


def test_two_pushes_at_once_send_every_event_once(lago, fake):
    ingest(lago, *(event(number) for number in range(2000)))
    running = [lago.start("push", fake.url, "-q") for _ in range(2)]
    for process in running:
        process.communicate()

    assert [process.returncode for process in running] == [0, 0]
    assert sorted(sent(fake)) == sorted(f"t{number}" for number in range(2000))
    assert rows(lago, "SELECT first_id, last_id FROM pushed_events") == [(1, 2000)]


# Against a model --------------------------------------------------------------------------


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("ingest"), st.lists(st.integers(0, 11), min_size=1, max_size=5)),
        st.tuples(st.just("replace"), st.integers(0, 11)),
        st.tuples(st.just("delete"), st.integers(0, 11)),
        st.tuples(st.just("undelete"), st.integers(0, 11)),
        st.tuples(st.just("push"), st.sampled_from(["", "s0", "s1"])),
        st.tuples(st.just("lose"), st.none()),
        st.tuples(st.just("revert"), st.integers(1, 6)),
    ),
    max_size=14,
)


@settings(max_examples=40)
@given(steps=STEPS, bad=st.sets(st.integers(0, 11), max_size=3), there=st.sets(st.integers(0, 11)))
def test_whatever_happens_here_each_event_is_there_once(tmp_path_factory, steps, bad, there):
    """No event is sent that the other side has answered for, and in the end none is missing."""
    lago = Lago(tmp_path_factory.mktemp("push"))
    lago("metrics", "create", "calls", "--aggregation-type", "count", "-q")
    with FakeLago() as fake:
        fake.events = {(f"s{number % 2}", f"t{number}"): {} for number in there}
        fake.faults = lambda row: {"x": ["bad"]} if int(row["transaction_id"][1:]) in bad else None
        for step, what in [*steps, ("push", "")]:
            if step == "ingest":
                ingest(lago, *(event(number, f"s{number % 2}") for number in what))
            elif step == "replace":
                row = event(what, f"s{what % 2}", properties={"n": len(fake.requests)})
                ingest(lago, row, options=("--on-duplicate", "replace"))
            elif step in ("delete", "undelete"):
                reason = ("--reason", "test") if step == "delete" else ()
                lago("events", step, f"t{what}", *reason, exits=None)
            elif step == "revert":
                lago("ingest-runs", "revert", str(what), exits=None)
            elif step == "lose":
                fake.next(LOSE)
                lago("push", fake.url, "--retry-for", "0", exits=None)
                fake._coming.clear()
            else:
                names = ("--subscription", what) if what else ()
                lago("push", fake.url, *names, exits=None)
        stored = {row["transaction_id"] for row in lago("events", "export").ndjson()}

        assert len(fake.arrived) == len(set(fake.arrived))
        assert {name for _, name in fake.events} >= {
            name for name in stored if int(name[1:]) not in bad
        }
        asked = len(fake.requests)
        lago("push", fake.url)
        assert len(fake.requests) == asked
        lago("db", "check", "-q")
