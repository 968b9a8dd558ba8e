"""`lago apply` and `lago export`: definitions as files, all or nothing, and never twice."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing

import pytest

NOW = "2026-11-22T12:00:00Z"
FILE = """\
billable_metrics:
  - code: gb
    aggregation_type: sum
    field_name: gb
    rounding_function: round
    rounding_precision: 2
  - code: seats
    aggregation_type: unique_count_agg
    field_name: user
    recurring: true
    filters:
      - key: region
        values: [eu, us]
customers:
  - external_id: acme
    name: "Acmé 🙂"
    timezone: Europe/Paris
    currency: EUR
subscriptions:
  - external_id: s1
    external_customer_id: acme
    started_at: 2026-11-05
    interval: weekly
"""


def apply(lago, text, *options, exits=0, output="json"):
    """`lago apply` of a text, from standard input."""
    return lago("apply", "-", *options, "-o", output, "--now", NOW, stdin=text, exits=exits)


def done(lago, text, *options, exits=0):
    """{name: action} of what was done."""
    rows = apply(lago, text, *options, exits=exits).json()
    found = {row["name"]: row["action"] for row in rows}
    assert len(found) == len(rows)
    return found


def faults(lago, text, *options):
    """The faults of a text, one a line; it is refused, and nothing is written."""
    refused = apply(lago, text, *options, exits=5)
    assert refused.stdout == ""
    assert refused.error()["code"] == "invalid_definitions"
    first, *others = refused.error()["message"].split("\n")
    count = "1 fault" if len(others) == 1 else f"{len(others)} faults"
    assert first == f"{count}; nothing was changed."
    return others


def exported(lago):
    return lago("export").stdout


def subscription(lago, name="s1"):
    return lago("subscriptions", "get", name, "-o", "json", "--now", NOW).json()


# What is done -----------------------------------------------------------------------------


def test_definitions_are_created_and_then_left_alone(lago):
    names = ["gb", "seats", "acme", "s1"]

    assert done(lago, FILE) == dict.fromkeys(names, "created")
    before = exported(lago)
    assert done(lago, FILE) == dict.fromkeys(names, "unchanged")
    assert exported(lago) == before


def test_what_was_created_is_what_the_file_says(lago):
    apply(lago, FILE)
    metric = lago("metrics", "get", "seats", "-o", "json").json()
    customer = lago("customers", "get", "acme", "-o", "json").json()

    assert metric["filters"] == [{"key": "region", "values": ["eu", "us"]}]
    assert (metric["recurring"], metric["name"]) == (True, "seats")
    assert customer["name"] == "Acmé 🙂"
    assert customer["created_at"] == NOW
    assert subscription(lago)["started_at"] == "2026-11-04T23:00:00Z"  # in Paris
    assert subscription(lago)["interval"] == "weekly"


def test_a_change_is_told_field_by_field(lago):
    apply(lago, FILE)
    changed = FILE.replace("rounding_precision: 2", "rounding_precision: 0").replace(
        "    currency: EUR\n", ""
    )
    rows = apply(lago, changed).json()

    assert {row["name"]: (row["type"], row["action"], row["changes"]) for row in rows} == {
        "gb": (
            "billable_metric",
            "changed",
            {"rounding_precision": {"from": 2, "to": 0}},
        ),
        "seats": ("billable_metric", "unchanged", {}),
        "acme": ("customer", "changed", {"currency": {"from": "EUR", "to": None}}),
        "s1": ("subscription", "unchanged", {}),
    }
    assert set(done(lago, changed).values()) == {"unchanged"}


def test_the_table_looks_like_this(lago, golden):
    apply(lago, FILE)
    changed = FILE.replace("code: gb", "code: tb").replace("weekly", "yearly")

    golden("apply.txt", apply(lago, changed, "--prune", output="table"))


def test_what_is_not_named_stays_unless_pruned(lago):
    apply(lago, FILE)
    only = "billable_metrics: [{code: gb, aggregation_type: sum, field_name: gb}]"

    assert done(lago, only) == {"gb": "changed"}
    assert done(lago, only, "--prune") == {
        "gb": "unchanged",
        "s1": "deleted",
        "acme": "deleted",
        "seats": "deleted",
    }
    assert exported(lago).count("external_id") == 0
    assert lago("customers", "list", "-o", "json").json() == []


def test_a_subscription_goes_before_its_customer(lago):
    apply(lago, FILE)
    rows = apply(lago, "{}", "--prune").json()

    assert [row["type"] for row in rows] == [
        *("subscription", "customer", "billable_metric", "billable_metric")
    ]


def test_a_customer_with_events_is_still_listed_when_it_is_pruned(lago):
    apply(lago, FILE)
    event = {"transaction_id": "1", "code": "gb", "external_customer_id": "acme"}
    lago("ingest", "-q", stdin=json.dumps(event))
    assert done(lago, "{}", "--prune")["acme"] == "deleted"

    (row,) = lago("customers", "list", "-o", "json").json()
    assert (row["external_id"], row["name"], row["timezone"]) == ("acme", None, None)
    assert len(lago("events", "list", "-o", "json").json()) == 1
    assert done(lago, "{}", "--prune") == {}


def test_a_customer_whom_a_kept_subscription_names_is_pruned_once(lago):
    apply(lago, FILE)
    kept = "subscriptions: [{external_id: s1, external_customer_id: acme, started_at: 2026-11-05}]"

    first = done(lago, kept, "--prune")
    assert first["acme"] == "deleted"
    assert subscription(lago)["started_at"] == "2026-11-05T00:00:00Z"  # the zone went with it
    assert done(lago, kept, "--prune") == {"s1": "unchanged"}
    assert done(lago, kept) == {"s1": "unchanged"}


def test_a_change_counts_the_events_anew(lago):
    apply(lago, FILE)
    lines = [
        {
            "transaction_id": str(n),
            "code": "gb",
            "external_customer_id": "bolt",
            "timestamp": "2026-11-06T00:00:00Z",
            "properties": {"gb": n, "tb": "0.001"},
        }
        for n in (1, 2)
    ]
    lago("ingest", "-q", stdin="\n".join(map(json.dumps, lines)))

    def units():
        (row,) = lago("usage", "--metric", "gb", "-o", "json", "--now", NOW).json()
        return row["units"]

    assert units() == "3"
    changed = FILE.replace("field_name: gb", "field_name: tb").replace(
        "precision: 2", "precision: 3"
    )
    assert done(lago, changed)["gb"] == "changed"
    assert units() == "0.002"
    assert lago("db", "check").code == 0


# Files ------------------------------------------------------------------------------------


def test_several_files_are_one(lago):
    """Also where a later one says in which time zone an earlier one is read."""
    times = "subscriptions: [{external_id: s, external_customer_id: c, started_at: 2026-11-05}]"
    zones = "customers: [{external_id: c, timezone: Asia/Kolkata}]"
    files = [lago.write("1.yml", times), lago.write("2.yml", zones)]

    lago("apply", *files)
    assert subscription(lago, "s")["started_at"] == "2026-11-04T18:30:00Z"
    lago("apply", *files, "--dry-run", "--prune")
    lago("apply", *reversed(files), "--dry-run", "--prune")


def test_a_file_may_hold_several_documents_and_nothing(lago):
    text = (
        "subscriptions: [{external_id: s, external_customer_id: c, started_at: 2026-11-05}]\n"
        "---\n---\ncustomers: [{external_id: c, timezone: Asia/Kolkata}]\n---\nplans:\n"
    )

    assert done(lago, text) == {"c": "created", "s": "created"}
    assert done(lago, text, "--prune", "--dry-run") == {"c": "unchanged", "s": "unchanged"}


def test_json_is_read_too(lago):
    definitions = {
        "billable_metrics": [
            {
                "code": "gb",
                "aggregation_type": "sum_agg",
                "field_name": "gb",
                "recurring": False,
                "rounding_function": "ceil",
                "rounding_precision": -2,
                "description": None,
            }
        ],
        "plans": [],
    }

    assert done(lago, json.dumps(definitions)) == {"gb": "created"}
    assert done(lago, json.dumps(definitions, indent=1)) == {"gb": "unchanged"}


@pytest.mark.parametrize(
    "text", ["", "{}", "# nothing\n", "---\n", "customers:\n", "customers: []"]
)
def test_a_file_may_define_nothing(lago, text):
    assert apply(lago, text).json() == []
    assert apply(lago, text, output="table").stdout == "The files define nothing.\n"


def test_ids_are_taken_as_they_are_written(lago):
    text = """
billable_metrics:
- {code: 0042, aggregation_type: sum, field_name: 1.10}
customers:
- {external_id: 007, name: no}
- {external_id: 1e3}
subscriptions:
- {external_id: 12:30, external_customer_id: 0x1F, started_at: 1793491200.5}
"""
    assert list(done(lago, text)) == ["0042", "007", "1e3", "12:30"]
    assert lago("metrics", "get", "0042", "-o", "json").json()["field_name"] == "1.10"
    assert lago("customers", "get", "007", "-o", "json").json()["name"] == "no"
    found = subscription(lago, "12:30")
    assert found["external_customer_id"] == "0x1F"
    assert found["started_at"] == "2026-11-01T00:00:00.5Z"
    assert set(done(lago, exported(lago), "--prune").values()) == {"unchanged"}


def test_what_get_shows_can_be_applied(lago):
    """When something was created, and its status, are told and no definition."""
    apply(lago, FILE)
    lago("subscriptions", "terminate", "s1", "--at", "2026-11-20", "--now", NOW)
    rows = {
        section: lago(command, "list", "-o", "json", "--now", NOW).json()
        for section, command in (
            ("billable_metrics", "metrics"),
            ("customers", "customers"),
            ("subscriptions", "subscriptions"),
        )
    }
    assert {"created_at", "status"} <= rows["subscriptions"][0].keys()

    found = done(lago, json.dumps(rows), "--prune")
    assert found == dict.fromkeys(("gb", "seats", "acme", "s1"), "unchanged")


# Faults -----------------------------------------------------------------------------------


FAULTY = """\
billable_metrics:
  - code: gb
    aggregation_type: summ
    colour: red
  - code: gb
    aggregation_type: count
    recurring: true
  - aggregation_type: sum
  - just text
customers:
  - external_id: acme
    timezone: Mars/Olympus
    currency: euro
  - external_id: bolt
  - external_id: bolt
subscriptions:
  - external_id: s1
    started_at: soon
    interval: daily
  - external_id: s2
    external_customer_id: acme
    started_at: 2026-11-05
    ending_at: 2026-11-04
plans:
  - code: basic
typo: []
"""


def test_every_fault_is_named_with_its_place(lago):
    found = faults(lago, FAULTY)

    places = [fault.split(": ")[:2] for fault in found]
    assert places == [
        ["<stdin>:26", "typo"],
        ["<stdin>:4", "billable_metrics[0].colour"],
        ["<stdin>:3", "billable_metrics[0].aggregation_type"],
        ["<stdin>:7", "billable_metrics[1].recurring"],
        ["<stdin>:5", "billable_metrics[1]"],
        ["<stdin>:8", "billable_metrics[2]"],
        ["<stdin>:8", "billable_metrics[2]"],
        ["<stdin>:9", "billable_metrics[3]"],
        ["<stdin>:12", "customers[0].timezone"],
        ["<stdin>:13", "customers[0].currency"],
        ["<stdin>:15", "customers[2]"],
        ["<stdin>:25", "plans[0]"],
        ["<stdin>:25", "plans[0]"],
        ["<stdin>:25", "plans[0]"],
        ["<stdin>:17", "subscriptions[0]"],
        ["<stdin>:18", "subscriptions[0].started_at"],
        ["<stdin>:19", "subscriptions[0].interval"],
        ["<stdin>:23", "subscriptions[1].ending_at"],
    ]
    told = "\n".join(found)
    for words in (
        *('"summ" is no aggregation type', '"colour" is no key here', "code is missing"),
        *("count_agg cannot be recurring", "sum_agg needs the name of the property"),
        *("this is text, where an object is expected", '"bolt" is defined twice'),
        *("is no time zone", "is no currency", "is no billing interval", "amount_cents is missing"),
        *("external_customer_id is missing", "before its start", '"typo" is no key here'),
    ):
        assert words in told


def test_faults_of_all_files_are_told_in_their_order(lago):
    good = lago.write("good.yml", "customers: [{external_id: acme}]")
    bad = lago.write("bad.yml", "customers: [{external_id: ' '}]\nsubscriptions: [1]")
    broken = lago.write("broken.yml", "customers: [")
    worse = lago.write("worse.json", '{"customers": [{"external_id": "acme"}]}')
    files = [path.name for path in (good, bad, broken, worse)]
    refused = lago("apply", *files, exits=5)

    first, *lines, hint = refused.stderr.splitlines()
    assert first == "Error: 4 faults; nothing was changed."
    assert [line.split(":")[0].strip() for line in (*lines, hint)] == [
        *("bad.yml", "bad.yml", "broken.yml", "worse.json")
    ]
    assert '"acme" is defined twice' in hint


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("customers: {external_id: a}", "customers: this is an object, where a list is expected"),
        ("- a", "this is a list, where an object with the keys"),
        ("text", "this is text, where an object with the keys"),
        ("customers: [{external_id: [a]}]", "customers[0].external_id: this is a list, where text"),
        ("customers: [{external_id: true}]", "this is true or false, where text is expected"),
        ("customers: [{external_id: null}]", "external_id is missing"),
        ("customers: [{external_id: ''}]", "A customer needs an external id."),
        ("customers: [null]", "this is null, where an object is expected"),
        ("customers: [{external_id: a, external_id: b}]", "stands twice"),
        ("customers: [{external_id: a}", "not valid YAML"),
        ('{"customers": [{"external_id": "a" "b"}]}', "not valid"),
        ("customers: !python/object [a]", "tag"),
        (
            "billable_metrics: [{code: a, aggregation_type: count, rounding_precision: 1.5}]",
            "rounding_precision: this is a number, where a whole number is expected",
        ),
        (
            "billable_metrics: [{code: a, aggregation_type: count, recurring: yes}]",
            "recurring: this is text, where true or false is expected",
        ),
        (
            "billable_metrics: [{code: a, aggregation_type: count, filters: [{key: b}]}]",
            "filters: this is an object, where an object with key and values is expected",
        ),
        (
            "billable_metrics: [{code: a, aggregation_type: sum, field_name: a, expression: '('}]",
            "billable_metrics[0].expression: ",
        ),
        (
            "billable_metrics: [{code: a, aggregation_type: count, rounding_function: up}]",
            'billable_metrics[0].rounding_function: "up" is no rounding function.',
        ),
        (
            "subscriptions: [{external_id: s, external_customer_id: c, billing_time: noon}]",
            'subscriptions[0].billing_time: "noon" is no billing time.',
        ),
        (
            "plans: [{code: a, interval: weekly, amount_cents: -1, amount_currency: EUR}]",
            "plans[0].amount_cents: '-1' is no amount",
        ),
        (
            "subscriptions: [{external_id: s, external_customer_id: c, plan_code: a}]",
            'subscriptions[0].plan_code: There is no plan "a".',
        ),
        (
            "subscriptions: [{external_id: s, external_customer_id: c, started_at: 2026-13-01}]",
            "subscriptions[0].started_at: ",
        ),
    ],
    ids=lambda value: value[:50],
)
def test_one_fault(lago, text, said):
    (fault,) = faults(lago, text)

    assert fault.startswith("<stdin>")
    assert said in fault


@pytest.mark.parametrize(
    ("section", "first", "second", "fault"),
    [
        (
            "customers",
            "{external_id: x, timezone: Foo}",
            "{external_id: x, currency: EUR}",
            "timezone",
        ),
        (
            "billable_metrics",
            "{code: x, aggregation_type: [sum]}",
            "{code: x, aggregation_type: count}",
            "aggregation_type",
        ),
        (
            "subscriptions",
            "{external_id: x, external_customer_id: c, started_at: soon}",
            "{external_id: x, external_customer_id: c}",
            "started_at",
        ),
    ],
)
def test_what_is_defined_twice_is_told_beside_any_other_fault(lago, section, first, second, fault):
    one, other = faults(lago, f"{section}:\n- {first}\n- {second}\n")

    assert one.startswith(f"<stdin>:2: {section}[0].{fault}: ")
    assert other == f'<stdin>:3: {section}[1]: "x" is defined twice'


def test_names_that_are_missing_or_empty_are_not_the_same(lago):
    text = "customers: [{external_id: ''}, {external_id: ''}, {name: a}, {name: b}]"

    assert len(faults(lago, text)) == 4


def test_a_fault_changes_nothing(lago):
    apply(lago, FILE)
    before = exported(lago)
    changed = FILE.replace("acme", "bolt").replace("precision: 2", "precision: 3")
    faults(lago, changed.replace("weekly", "daily"))
    faults(lago, "customers: [{external_id: ''}]", "--prune")

    assert exported(lago) == before


def test_a_fault_leaves_no_file_behind(lago):
    faults(lago, "customers: [{external_id: ''}]")
    lago("apply", "nowhere.yml", exits=4)
    lago("apply", exits=2)

    assert list(lago.folder.iterdir()) == []


def test_a_missing_file_is_not_found(lago):
    apply(lago, FILE)
    good = lago.write("good.yml", "customers: [{external_id: bolt}]")

    missing = lago("apply", good, "nowhere.yml", "-o", "json", exits=4)
    assert missing.error()["code"] == "file_not_found"
    assert "bolt" not in exported(lago)


def test_hostile_text_in_a_fault_is_shown_escaped(lago):
    text = json.dumps({"customers": [{"external_id": "a", "[/red]\x1b[31m\n": 1}]})
    refused = lago("apply", "-", stdin=text, exits=5)

    assert "\x1b" not in refused.stderr
    assert "[/red]" in refused.stderr
    assert len(refused.stderr.splitlines()) == 2


# Trying it out ----------------------------------------------------------------------------


def test_a_dry_run_tells_what_there_is_to_do_and_does_nothing(lago):
    rows = apply(lago, FILE, "--dry-run", exits=9)
    assert {row["action"] for row in rows.json()} == {"created"}
    assert rows.error()["code"] == "changes_pending"
    assert rows.error()["message"] == "4 definitions are not as the files say."
    assert list(lago.folder.iterdir()) == []

    apply(lago, FILE)
    before = (lago.folder / "lago.db").read_bytes()
    changed = FILE.replace("weekly", "yearly")
    rows = apply(lago, changed, "--dry-run", "--prune", exits=9)
    assert rows.error()["message"] == "1 definition is not as the files say."
    assert done(lago, FILE, "--dry-run", "--prune") == dict.fromkeys(
        ("gb", "seats", "acme", "s1"), "unchanged"
    )
    assert done(lago, "{}", "--dry-run") == {}
    assert (lago.folder / "lago.db").read_bytes() == before
    assert [path.name for path in lago.folder.iterdir()] == ["lago.db"]


def test_a_dry_run_waits_for_nobody(lago):
    """It only looks: another process may be writing meanwhile."""
    apply(lago, FILE)
    with closing(sqlite3.connect(lago.folder / "lago.db")) as other:
        other.execute("BEGIN IMMEDIATE")

        assert set(done(lago, FILE, "--dry-run", "--busy-timeout", "0.1").values()) == {"unchanged"}
        apply(lago, FILE, "--busy-timeout", "0.1", exits=8)
        assert faults(lago, FAULTY, "--dry-run", "--busy-timeout", "0.1")


# Times ------------------------------------------------------------------------------------


def test_a_subscription_that_does_not_say_starts_now_and_stays(lago):
    text = "subscriptions: [{external_id: s, external_customer_id: c}]"
    apply(lago, text)
    assert subscription(lago, "s")["started_at"] == NOW

    later = lago("apply", "-", "--now", "2026-12-24", "-o", "json", stdin=text).json()
    assert [row["action"] for row in later] == ["unchanged"]


def test_a_terminated_subscription_stays_so_unless_it_says_otherwise(lago):
    apply(lago, FILE)
    lago("subscriptions", "terminate", "s1", "--at", "2026-11-20T00:00:00Z", "--now", NOW)

    assert done(lago, FILE, "--prune")["s1"] == "unchanged"
    assert done(lago, FILE + "    billing_time: anniversary\n")["s1"] == "changed"
    assert subscription(lago)["status"] == "terminated"
    assert 'terminated_at: "2026-11-20T00:00:00Z"' in exported(lago)

    revived = FILE + "    terminated_at: null\n"
    assert done(lago, revived)["s1"] == "changed"
    assert subscription(lago)["status"] == "active"
    ended = FILE + "    terminated_at: 2026-11-21\n"
    assert done(lago, ended)["s1"] == "changed"
    assert subscription(lago)["status"] == "terminated"


# Writing it down --------------------------------------------------------------------------


def test_what_is_exported_can_be_applied_and_leaves_nothing_to_do(lago):
    apply(lago, FILE)
    lago("subscriptions", "terminate", "s1", "--at", "2026-11-20T00:00:00Z", "--now", NOW)
    for options in ((), ("-o", "json")):
        text = lago("export", *options).stdout
        done(lago, text, "--prune", "--dry-run")
        done(lago, text, "--prune", "--db", "copy.db", exits=None)
        assert lago("export", *options, "--db", "copy.db").stdout == text
        assert apply(lago, text, "--prune", "--dry-run", "--db", "copy.db").stderr == ""


def test_the_export_looks_like_this(lago, golden):
    apply(lago, FILE)

    golden("export.yml", lago("export"))
    golden("export.json", lago("export", "-o", "json"))


DECIMAL_BOUNDS = """\
billable_metrics: [{code: gb, aggregation_type: sum, field_name: gb}]
plans:
  - code: base
    interval: yearly
    amount_cents: 0
    amount_currency: EUR
    charges:
      - billable_metric_code: gb
        charge_model: volume
        properties:
          volume_ranges:
            - {from_value: 0, to_value: 0.1, per_unit_amount: 0.1, flat_amount: 0}
            - {from_value: 0.1, to_value: null, per_unit_amount: 0.05, flat_amount: 0}
subscriptions:
  - {external_id: s1, external_customer_id: acme, plan_code: base, started_at: 2026-01-01}
"""


@pytest.mark.parametrize("output", ["table", "json"])
def test_bounds_with_decimals_are_exported_as_numbers(lago, output):
    apply(lago, DECIMAL_BOUNDS)
    text = lago("export", "-o", output).stdout

    assert set(done(lago, text, "--dry-run", "--prune").values()) == {"unchanged"}


def test_a_subscription_has_the_interval_of_a_plan_in_the_same_file(lago):
    apply(lago, DECIMAL_BOUNDS)
    assert subscription(lago)["interval"] == "yearly"

    assert set(done(lago, DECIMAL_BOUNDS, "--dry-run").values()) == {"unchanged"}


def test_an_empty_file_is_exported_too(lago):
    lago("metrics", "create", "--code", "a", "--aggregation-type", "count")
    lago("metrics", "delete", "a")

    assert done(lago, exported(lago), "--prune") == {}


def test_an_export_is_utf8_whatever_the_terminal_can_show(lago):
    """`apply` reads no other encoding."""
    apply(lago, FILE.replace("Acmé 🙂", "Acmé"))
    text = lago("export").stdout_bytes

    assert "name: Acmé\n".encode() in text
    for encoding in ("ascii", "latin-1"):
        assert lago("export", env={"PYTHONIOENCODING": encoding}).stdout_bytes == text


@pytest.mark.parametrize("output", ["csv", "xlsx", "ndjson", "markdown"])
def test_definitions_are_no_table(lago, output):
    apply(lago, FILE)

    refused = lago("export", "-o", output, exits=2)
    assert refused.stdout == ""
    assert "-o json writes JSON, -o yaml or no -o at all writes YAML." in refused.stderr


@pytest.mark.parametrize("output", ["table", "yaml", "csv", "ndjson", "markdown"])
def test_a_variable_that_asks_for_rows_leaves_definitions_as_yaml(lago, output):
    apply(lago, FILE)
    environment = {"LAGO_OUTPUT": output}

    assert lago("export", env=environment).stdout == exported(lago)
    assert lago("export", "-o", "table", env={"LAGO_OUTPUT": "json"}).stdout == exported(lago)
    lago("export", "-o", output, env=environment, exits=0 if output in ("table", "yaml") else 2)


def test_a_missing_database_is_not_exported(lago):
    lago("export", exits=4)

    assert list(lago.folder.iterdir()) == []
