"""What every command does alike: options, variables, streams, help, errors and exit codes."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from lago_cli import __version__
from lago_cli.readers.documents import read_documents

VERBS = ("create", "list", "get", "update")
COMMANDS = (
    ("ingest",),
    ("apply",),
    ("export",),
    ("push",),
    *(("metrics", name) for name in (*VERBS, "delete", "evaluate")),
    *(("billable-metrics", name) for name in (*VERBS, "delete", "evaluate")),
    *(("customers", name) for name in (*VERBS, "delete")),
    *(("subscriptions", name) for name in (*VERBS, "change-plan", "terminate")),
    *(("plans", name) for name in (*VERBS, "delete", "lint", "estimate", "simulate")),
    *(("invoices", name) for name in ("preview", "explain")),
    *(
        ("events", name)
        for name in ("send", "list", "get", "explain", "export", "delete", "undelete")
    ),
    ("usage", "explain"),
    ("usage", "check"),
    *(("ingest-runs", name) for name in ("list", "get", "revert")),
    *(("mappings", name) for name in ("list", "get")),
    *(("db", name) for name in ("info", "check", "backup", "vacuum")),
)
HELPFUL = (  # groups that are no command themselves
    *(("metrics",), ("billable-metrics",), ("customers",), ("subscriptions",)),
    *(("plans",), ("invoices",)),
    *(("events",), ("ingest-runs",), ("mappings",), ("db",)),
)
GROUPS = (*HELPFUL, ("usage",))
ABOUT = (("help",), ("version",), ("completion",))  # the program: no file, no answer in a format
SHARED = ("--db", "--output", "-o", "--busy-timeout", "--now", "--quiet", "-q", "--no-color")
CALLS = ("metrics", "create", "--code", "calls", "--aggregation-type", "count")
NOVEMBER = ("usage", "--period", "2026-11")
COLOR = "\x1b["


def names(lago):
    return sorted(path.name for path in lago.folder.iterdir())


# Help -------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", [(), *GROUPS, *COMMANDS, *ABOUT], ids=" ".join)
def test_asking_for_help_creates_no_database(lago, command):
    """And needs no arguments."""
    finished = lago(*command, "-h" if command in GROUPS else "--help")

    assert finished.stdout.startswith(f"Usage: {' '.join(['lago', *command])} ")
    assert finished.stderr == ""
    assert names(lago) == []
    if command in COMMANDS:
        assert all(name in finished.stdout for name in SHARED)


def test_help_names_every_command(lago):
    root = lago("--help").stdout
    listed = {(name,) for name in re.findall(r"^  ([a-z-]+)  +[A-Z]", root, re.MULTILINE)}
    for path in GROUPS:
        block = lago(*path, "--help").stdout.partition("Commands:\n")[2].partition("\n\n")[0]
        listed |= {(*path, name) for name in re.findall(r"^  ([a-z-]+)", block, re.MULTILINE)}

    assert listed == {*COMMANDS, *GROUPS, *ABOUT}


@pytest.mark.parametrize("command", [(), *HELPFUL], ids=" ".join)
def test_nothing_but_a_group_shows_its_help(lago, command):
    finished = lago(*command, exits=2)

    assert finished.stdout == ""
    assert ("Commands:" if command else "Start here:") in finished.stderr
    assert names(lago) == []


@pytest.mark.parametrize("said", ["--version", "-V", "version"])
def test_the_version_is_told(lago, said):
    assert lago(said).stdout == f"lago {__version__}\n"


@pytest.mark.parametrize("program", ["lago", "lago-cli"])
def test_both_entry_points_are_the_same_program(lago, program):
    path = Path(sys.executable).parent / program
    if not path.exists():
        pytest.skip("the program is not installed here")

    def output(*command):
        return subprocess.run(
            command, capture_output=True, check=True, cwd=lago.folder, env=lago.environment()
        ).stdout

    for arguments in (["--version"], ["usage", "--help"], ["metrics", "create", "--help"]):
        assert output(path, *arguments) == lago(*arguments).stdout_bytes != b""


# Wrong use --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["metric", "list"], "Did you mean 'metrics'?"),
        (["usages"], "Did you mean 'usage'?"),
        (["metrics", "lst"], "Did you mean 'list'?"),
        (["db", "chek"], "Did you mean 'check'?"),
        (["xyz"], "No such command 'xyz'."),
        (["usage", "--custommer", "x"], "No such option: --custommer. Did you mean --customer?"),
        (["usage", "--json"], "No such option: --json. Did you mean -o json?"),
        (["usage", "--from-date", "x"], "No such option: --from-date. Did you mean --from?"),
        (["metrics", "create", "--group", "x"], "No such option: --group."),
        (["help", "usage", "explian"], "Did you mean 'explain'?"),
        (["help", "usge"], "Did you mean 'usage'?"),
        (["help", "ingest", "files"], "lago ingest has no commands."),
        (["usage", "--period"], "requires an argument"),
        (["metrics", "get"], "Missing argument 'CODE'"),
        (["--db", "x.db", "usage"], "No such option"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_a_mistyped_command_line_is_told_with_a_next_step(lago, arguments, said):
    finished = lago(*arguments, exits=2)

    assert finished.stdout == ""
    assert said in finished.stderr
    assert re.search(r"\n  (See: lago .*--help|Options stand after the command)", finished.stderr)
    assert names(lago) == []


# Errors -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("arguments", "exit_code", "code"),
    [
        (["-o", "json", "usage"], 2, "usage"),
        (["usage", "-o", "json", "--period"], 2, "usage"),
        (["usge", "-ojson"], 2, "usage"),
        (["usage", "--output", "json"], 4, "database_not_found"),
        (["events", "list", "--output=json", "--limit", "1"], 4, "database_not_found"),
        (
            ["metrics", "create", "--code", "m", "--aggregation-type", "x", "-o", "json"],
            5,
            "invalid_aggregation_type",
        ),
        (["usage", "--db", ".", "-qojson"], 7, "database_unreadable"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else None,
)
def test_with_json_an_error_is_one_json_object(lago, arguments, exit_code, code):
    finished = lago(*arguments, exits=exit_code)

    assert finished.stdout == ""
    (line,) = finished.stderr.splitlines()
    error = json.loads(line)["error"]
    assert list(error) == ["code", "message", "hint"]
    assert error["code"] == code


def test_an_error_is_json_also_where_the_variable_says_so(lago):
    finished = lago("usage", env={"LAGO_OUTPUT": "json"}, exits=4)

    assert finished.error()["code"] == "database_not_found"
    plain = lago("usage", "-o", "table", env={"LAGO_OUTPUT": "json"}, exits=4)
    assert plain.stderr.startswith("Error: There is no database")


def test_an_error_says_what_is_wrong_and_how_to_mend_it(lago):
    assert lago("usage", exits=4).stderr == (
        'Error: There is no database "./lago.db".\n'
        "  Name it with --db or $LAGO_DB; commands that write create it.\n"
    )


# Options and variables --------------------------------------------------------------------


def test_the_file_is_named_by_option_then_variable_then_default(lago):
    lago(*CALLS)
    lago(*CALLS, env={"LAGO_DB": "variable.db"})
    lago(*CALLS, "--db", "option.db", env={"LAGO_DB": "variable.db"})

    assert names(lago) == ["lago.db", "option.db", "variable.db"]
    info = ("db", "info", "-o", "json")
    assert lago(*info).json()["path"] == "./lago.db"
    assert lago(*info, env={"LAGO_DB": "variable.db"}).json()["path"] == "variable.db"


def test_the_format_is_named_by_option_then_variable_then_table(ingested):
    in_csv = ingested(*NOVEMBER, "-o", "csv").stdout

    assert ingested(*NOVEMBER, env={"LAGO_OUTPUT": "csv"}).stdout == in_csv
    assert ingested(*NOVEMBER, "--output", "csv", env={"LAGO_OUTPUT": "json"}).stdout == in_csv
    assert ingested(*NOVEMBER).stdout == ingested(*NOVEMBER, "-o", "table").stdout
    ingested(*NOVEMBER, env={"LAGO_OUTPUT": "toml"}, exits=2)


def test_the_clock_is_set_by_option_then_variable(lago):
    for number, (option, variable) in enumerate(
        [("2026-11-22T12:00:00.000001+02:00", "2020-01-01"), (None, "1795348800.5")]
    ):
        options = ("--now", option) if option else ()
        named = ("--code", f"m{number}", "--aggregation-type", "count")
        lago("metrics", "create", *named, *options, env={"LAGO_NOW": variable})
    created = [metric["created_at"] for metric in lago("metrics", "list", "-o", "json").json()]

    assert created == ["2026-11-22T10:00:00.000001Z", "2026-11-22T12:00:00.5Z"]


def test_the_clock_decides_what_is_current_and_when_an_event_happened(lago):
    lago(*CALLS)
    lago(
        "events", "send", "--code", "calls", "--external-customer-id", "acme", "--now", "2026-11-30"
    )

    def units(now):
        return [row["units"] for row in lago("usage", "-o", "json", "--now", now).json()]

    assert (units("2026-11-01"), units("2026-12-01")) == (["1"], [])
    (event,) = lago("events", "list", "-o", "json").json()
    assert (event["timestamp"], event["received_at"]) == ("2026-11-30T00:00:00Z",) * 2


@pytest.mark.parametrize("now", ["yesterday", "", "99999999999999999999", "0000-01-01"])
def test_a_clock_that_cannot_be_read_is_wrong_use(metrics, now):
    assert (
        metrics("usage", "--now", now, "-o", "json", exits=2).error()["code"] == "invalid_instant"
    )


@pytest.mark.parametrize("seconds", ["-1", "soon", "1e9"])
def test_a_busy_timeout_is_a_number_of_seconds(metrics, seconds):
    refused = metrics("usage", "--busy-timeout", seconds, exits=2)

    assert "--busy-timeout" in refused.stderr
    assert refused.stdout == ""


def test_quiet_says_only_the_answer_and_errors(lago):
    assert lago(*CALLS, "--db", "one.db").stderr == "Created one.db\n"
    event = (
        '{"transaction_id": "1", "external_customer_id": "c", "code": "unknown",'
        ' "timestamp": 1704067200}'
    )
    for option in ("-q", "--quiet"):
        assert lago(*CALLS, option, "--db", f"{option}.db").stderr == ""
        sent = lago("ingest", option, "--db", f"{option}.db", stdin=event)
        assert sent.stderr == ""
    assert lago("usage", "-q", "--db", "missing.db", exits=4).stderr.startswith("Error: ")


# Colours and width ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("variables", "options", "colored"),
    [
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, [], True),
        ({"NO_COLOR": "1", "FORCE_COLOR": "1"}, [], False),
        ({"NO_COLOR": "", "FORCE_COLOR": "1"}, ["--no-color"], False),
        ({"NO_COLOR": ""}, [], False),
        ({"NO_COLOR": "", "TERM": "dumb"}, [], False),
    ],
    ids=str,
)
def test_colours_are_for_those_who_want_them(ingested, variables, options, colored):
    answer = ingested(*NOVEMBER, *options, env=variables).stdout
    error = ingested("usage", "--metric", "x", *options, env=variables, exits=4).stderr

    assert (COLOR in answer, COLOR in error) == (colored, colored)
    plain = re.sub(r"\x1b\[[0-9;]*m", "", answer)
    assert plain == ingested(*NOVEMBER).stdout


def test_data_never_has_colours(ingested):
    for output in ("json", "ndjson", "yaml", "csv", "markdown"):
        finished = ingested(*NOVEMBER, "-o", output, env={"NO_COLOR": "", "FORCE_COLOR": "1"})
        assert COLOR not in finished.stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 100])
def test_a_table_is_as_wide_as_the_terminal(ingested, columns):
    table = ingested(*NOVEMBER, env={"COLUMNS": str(columns)}).stdout

    widest = max(map(len, table.splitlines()))
    assert widest <= columns


@pytest.mark.parametrize(
    "command",
    [("metrics", "list"), ("events", "list"), ("ingest-runs", "list"), ("subscriptions", "list")],
    ids=" ".join,
)
def test_a_table_with_room_has_the_columns_of_the_data(ingested, command):
    named = ("--external-id", "s", "--external-customer-id", "nobody", "--started-at", "2026-12-01")
    ingested("subscriptions", "create", *named, "-q")
    keys = ingested(*command, "-o", "csv").stdout.splitlines()[0].split(",")

    for columns in ("", "400"):
        above, _, _ = ingested(*command, env={"COLUMNS": columns}).stdout.partition("\n─")
        *caption, heading = above.splitlines()
        shared = caption[0].split(" · ") if caption else []
        assert len(re.split(r" {2,}", heading.strip())) + len(shared) == len(keys)
    narrow = ingested(*command, env={"COLUMNS": "140"}).stdout
    assert max(map(len, narrow.splitlines())) <= 140


def test_a_table_into_a_pipe_is_whole(ingested):
    table = ingested(*NOVEMBER, env={"COLUMNS": ""}).stdout

    assert "…" not in table


# Streams ----------------------------------------------------------------------------------


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "yaml", "csv", "xlsx", "markdown"])
def test_a_reader_that_goes_away_is_no_error(lago, output):
    """Like `| head -1`: silent, and the exit code is 0."""
    lago(*CALLS)
    lines = [
        {"transaction_id": str(n), "external_customer_id": f"c{n}", "code": "calls", "timestamp": n}
        for n in range(1_795_000_000, 1_795_002_000)
    ]
    lago("ingest", "-q", lago.write("events.ndjson", lines))
    running = lago.start("usage", "--period", "all", "-o", output, bufsize=0)
    assert running.stdout.read(1) != b""
    running.stdout.close()
    said = running.stderr.read().decode()

    assert (running.wait(timeout=60), said) == (0, "")


def test_a_reader_that_was_never_there_is_no_error(ingested):
    program = " ".join(ingested.command("events", "export"))
    finished = subprocess.run(
        ["sh", "-c", f"({program}; echo $? >&2) | true"],
        capture_output=True,
        check=True,
        cwd=ingested.folder,
        env=ingested.environment(),
        text=True,
    )

    assert finished.stderr == "0\n"


@pytest.mark.parametrize("output", ["table", "json", "ndjson", "yaml", "csv", "xlsx", "markdown"])
@pytest.mark.parametrize("where", [">&-", "> /dev/full"])
def test_an_answer_that_nobody_can_get_is_an_error(ingested, where, output):
    if "full" in where and not Path("/dev/full").exists():
        pytest.skip("there is no such device")
    others = (("ingest",), ("--version",)) if output == "table" else ()
    for arguments in (("usage",), ("events", "list"), *others):
        program = " ".join(ingested.command(*arguments))
        finished = subprocess.run(
            ["sh", "-c", f"{program} {where}"],
            capture_output=True,
            check=False,
            cwd=ingested.folder,
            env=ingested.environment({"LAGO_OUTPUT": output}),
            stdin=subprocess.DEVNULL,
            text=True,
        )
        assert finished.returncode == 7, finished.stderr
        assert "The answer could not be written" in finished.stderr
        assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("closed", ["<&-", "2>&-", "<&- 2>&-"])
def test_a_closed_stream_is_like_one_that_goes_nowhere(ingested, closed):
    for arguments, code in ((NOVEMBER, 0), (("usage", "--metric", "x"), 4), (("usage", "-h"), 0)):
        program = " ".join(ingested.command(*arguments))
        finished = subprocess.run(
            ["sh", "-c", f"{program} {closed}"],
            capture_output=True,
            check=False,
            cwd=ingested.folder,
            env=ingested.environment(),
            text=True,
        )
        assert finished.returncode == code
        assert "Traceback" not in finished.stderr
        assert (finished.stdout == "") == (code == 4)


def test_the_answer_is_alone_on_standard_output(lago):
    """What is said beside it stands on standard error."""
    created = lago(*CALLS, "-o", "json")
    assert created.json()["code"] == "calls"
    assert created.stderr == "Created ./lago.db\n"

    event = '{"transaction_id": "1", "external_customer_id": "c", "code": "unknown"}'
    ingested = lago("ingest", "-o", "json", stdin=event)
    assert ingested.json()["unmatched"] == 1
    assert "Warning" in ingested.stderr


def test_an_answer_is_encodable_anywhere(lago):
    code = "é🙂"
    lago("metrics", "create", "--code", code, "--aggregation-type", "count")
    ascii_only = {"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"}

    for output in ("table", "csv", "markdown", "json", "ndjson", "yaml"):
        answer = lago("metrics", "list", "-o", output, env=ascii_only)
        assert answer.stdout_bytes.isascii()
    assert lago("metrics", "list", "-o", "json", env=ascii_only).json()[0]["code"] == code
    in_yaml = lago("metrics", "list", "-o", "yaml", env=ascii_only).stdout
    assert yaml.safe_load(in_yaml)[0]["code"] == code
    error = lago("metrics", "get", f"{code}?", env=ascii_only, exits=4)
    assert r"\xe9\U0001f642?" in error.stderr


@pytest.mark.parametrize(
    "command",
    [
        *(("metrics", "list"), ("metrics", "get", "storage"), ("customers", "list")),
        *(("events", "list"), ("events", "export"), ("ingest-runs", "list"), ("db", "check")),
        *(("usage",), ("usage", "explain"), ("mappings", "list")),
    ],
    ids=" ".join,
)
def test_yaml_has_the_values_of_json(ingested, command):
    """For one who knows YAML 1.1, and to the digit for the reader of this program."""
    in_json = ingested(*command, "-o", "json").stdout
    in_yaml = ingested(*command, "-o", "yaml").stdout

    assert yaml.safe_load(in_yaml) == json.loads(in_json)
    (ours,), (expected,) = read_documents(in_yaml.encode()), read_documents(in_json.encode())
    assert ours.value == expected.value


def test_an_empty_name_of_a_file_is_refused(lago):
    for arguments in (("usage",), ("ingest",), ("metrics", "list")):
        refused = lago(*arguments, "--db", "", "-o", "json", exits=2, stdin="")
        assert refused.error()["message"].endswith("it is empty.")
    assert list(lago.folder.iterdir()) == []
    assert "./lago.db" in lago("usage", env={"LAGO_DB": ""}, exits=4).stderr


def test_a_message_ends_once(lago):
    """Also where it ends with a sentence of somebody else."""
    for timestamp, end in (("x", "%z'.)"), ("1700000000000", "divide it by 1000.)")):
        sent = ("--code", "c", "--external-customer-id", "a", "--timestamp", timestamp)
        refused = lago("events", "send", *sent, "-o", "json", exits=5)
        assert refused.error()["message"].endswith(end)
    event = ("--expression", "1", "--event", "1")
    assert (
        not lago("metrics", "evaluate", *event, "-o", "json", exits=2)
        .error()["message"]
        .endswith("..")
    )
