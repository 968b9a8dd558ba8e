"""What is offered at TAB, by the program and by real shells that ask it."""

from __future__ import annotations

import pytest

from lago_cli.cli.completion import MOST
from tests.cli.shells import offered

SEPARATORS = " \t\n\"'><=;|&(:"
AWKWARD = ('a:b c"d', "acme, inc's", "$HOME `x`", "tab\there")


@pytest.fixture
def filled(lago):
    """A file with metrics, customers, subscriptions, plans and a run."""
    lago("metrics", "create", "storage", "--aggregation-type", "count", "-q")
    lago("metrics", "create", "seats", "--aggregation-type", "count", "-q")
    lago("customers", "create", "globex", "-q")
    for name in AWKWARD:
        lago("customers", "create", name, "-q")
    lago("subscriptions", "create", "sub-1", "--customer", "globex", "-q")
    event = {"transaction_id": "1", "external_customer_id": "harbor", "timestamp": "2026-02-03"}
    event |= {"external_subscription_id": "sub-2", "code": "logins"}
    lago("ingest", lago.write("events.ndjson", [event]), "-q")
    plan = {"code": "basic", "name": "B", "interval": "monthly", "amount_cents": 0}
    plan |= {"amount_currency": "EUR"}
    lago("plans", "create", "--input", lago.write("plan.json", [plan]), "-q")
    return lago


def asked(lago, line, **more):
    """What bash is told for a line that ends at the cursor."""
    return lago("__complete", "bash", line, SEPARATORS, **more).stdout.splitlines()


@pytest.mark.parametrize(
    ("line", "choices"),
    [
        ("lago us", ["usage"]),
        ("lago usage ex", ["explain"]),
        ("lago help usage ch", ["check"]),
        ("lago help us", ["usage"]),
        ("lago completion ", ["bash", "zsh", "fish"]),
        ("lago usage --cust", ["--customer"]),
        ("lago usage --external-", ["--external-customer-id", "--external-subscription-id"]),
        ("lago usage --customer g", ["globex"]),
        ("lago usage --external-customer-id h", ["harbor"]),
        ("lago usage explain --customer=g", ["globex"]),
        ("lago usage --subscription ", ["sub-1", "sub-2"]),
        ("lago usage --metric ", ["logins", "seats", "storage"]),
        ("lago events list --code s", ["seats", "storage"]),
        ("lago events send --code st", ["storage"]),
        ("lago metrics get ", ["seats", "storage"]),
        ("lago billable-metrics delete se", ["seats"]),
        ("lago customers update gl", ["globex"]),
        ("lago subscriptions terminate ", ["sub-1"]),
        ("lago subscriptions change-plan sub-1 ", ["basic"]),
        ("lago subscriptions create x --plan ", ["basic"]),
        ("lago plans simulate basic ", ["basic"]),
        ("lago plans estimate basic --units st", ["storage="]),
        ("lago ingest-runs get ", ["1"]),
        ("lago usage --period 2026", ["2026-02"]),
        ("lago usage --period la", ["last-month", "last-7-days"]),
        ("lago usage --timezone Europe/Lis", ["Europe/Lisbon"]),
        ("lago customers create x --timezone Pacific/Auck", ["Pacific/Auckland"]),
        ("lago usage --window w", ["week"]),
        ("lago usage -o nd", ["ndjson"]),
        ("lago usage --output=c", ["csv"]),
        ("lago metrics create x --aggregation-type c", ["count_agg"]),
        ("lago metrics create s", []),
        ("lago mappings get ngi", ["nginx"]),
        ("lago ingest ev", ["@files\tev"]),
        ("lago ingest --rejects ", ["@files\t"]),
        ("lago db backup ", ["@files\t"]),
        ("lago usage --db=x", ["@files\tx"]),
        ("lago usage --group-by ", []),
        ("lago metrics get storage ", []),
        ("lago usage --customer nobody", []),
        ("lago nothing ", []),
        ("lago usage --filter a=b --metric st", ["storage"]),
    ],
)
def test_what_may_come_next(filled, line, choices):
    assert asked(filled, line) == choices


@pytest.mark.parametrize("line", ["lago ", "lago help "])
def test_commands_are_offered_and_no_hidden_ones(filled, line):
    found = asked(filled, line)

    assert {"ingest", "usage", "metrics", "help", "completion"} <= set(found)
    assert "__complete" not in found


def test_names_are_written_as_bash_reads_them(filled):
    found = asked(filled, "lago usage --customer a")
    assert found == ['a:b\\ c\\"d', "acme,\\ inc\\'s"]
    assert asked(filled, "lago usage --customer a:") == ['b\\ c\\"d']
    assert asked(filled, "lago usage --customer 'a:") == ['a:b c"d']
    assert asked(filled, 'lago usage --customer "a:') == ['a:b c\\"d']
    assert asked(filled, "lago usage --customer 'acme") == ["acme, inc'\\''s"]
    assert asked(filled, "lago usage --customer acme,\\ ") == ["acme,\\ inc\\'s"]
    assert asked(filled, "lago usage --customer \\$") == ["\\$HOME\\ \\`x\\`"]
    assert asked(filled, "lago usage --customer tab") == []


def test_the_file_is_the_one_of_the_line_or_the_variable(filled):
    (filled.folder / "lago.db").rename(filled.folder / "other.db")

    assert asked(filled, "lago usage --customer g") == []
    assert asked(filled, "lago usage --db other.db --customer g") == ["globex"]
    assert asked(filled, "lago usage --customer g", env={"LAGO_DB": "other.db"}) == ["globex"]
    assert {path.name for path in filled.folder.iterdir()} == {
        "other.db",
        "events.ndjson",
        "plan.json",
    }


@pytest.mark.parametrize("content", [None, b"", b"no database at all", b"\0" * 5000])
def test_where_there_is_no_such_file_nothing_is_offered_said_or_made(lago, content):
    if content is not None:
        (lago.folder / "lago.db").write_bytes(content)
    before = [path.name for path in lago.folder.iterdir()]
    answered = lago("__complete", "bash", "lago usage --customer ", SEPARATORS)

    assert (answered.stdout, answered.stderr) == ("", "")
    assert [path.name for path in lago.folder.iterdir()] == before


@pytest.mark.parametrize(
    "words",
    [(), ("bash",), ("tcsh", "x"), ("bash", "lago \ud800", "")],
    ids=["nothing", "no line", "no shell", "no text"],
)
def test_a_question_that_makes_no_sense_is_answered_with_nothing(lago, words):
    answered = lago("__complete", *words)

    assert answered.stderr == ""


def test_many_names_are_not_all_offered(lago):
    events = [
        {"transaction_id": str(n), "external_customer_id": f"c{n:04}", "code": "x"}
        for n in range(MOST + 50)
    ]
    lago("ingest", lago.write("events.ndjson", events), "-q")

    assert len(asked(lago, "lago usage --customer ")) == MOST
    assert asked(lago, "lago usage --customer c0249") == ["c0249"]


# Shells -------------------------------------------------------------------------------------


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete_commands_options_names_and_files(filled, shell):
    whole = "" if shell == "bash" else "--customer="
    files = ["files of ev"] if shell == "zsh" else ["events.ndjson"]

    assert offered(filled, shell, "lago us") == ["usage"]
    assert offered(filled, shell, "lago usage --cust") == ["--customer"]
    assert offered(filled, shell, "lago usage --customer gl") == ["globex"]
    assert offered(filled, shell, "lago usage --customer=gl") == [f"{whole}globex"]
    assert offered(filled, shell, "lago ingest ev") == files


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_get_awkward_names_whole(filled, shell):
    names = ['a:b\\ c\\"d', "acme,\\ inc\\'s"] if shell == "bash" else list(AWKWARD[:2])

    assert offered(filled, shell, "lago usage --customer a") == names


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_script_is_for_both_names_of_the_program(lago, shell):
    script = lago("completion", shell).stdout

    assert "lago-cli" in script


def test_an_unknown_shell_is_wrong_use(lago):
    refused = lago("completion", "tcsh", exits=2)

    assert "'bash', 'zsh', 'fish'" in refused.stderr
