"""Copies of the file: to standard output, and dated ones in a folder of which some are kept."""

from __future__ import annotations

import json
import os
import resource
import signal
import sqlite3
import stat
import subprocess
from contextlib import closing
from pathlib import Path
from shutil import copy

import pytest

from tests.conftest import Lago

LINE = {"external_customer_id": "a", "code": "c", "timestamp": 1795000000}
NIGHTS = [f"2026-11-{day}T03:17:00Z" for day in (10, 11, 12, 13)]


def lines(first, last):
    return "".join(
        json.dumps({**LINE, "transaction_id": str(n)}) + "\n" for n in range(first, last)
    )


@pytest.fixture(scope="module")
def filled_file(tmp_path_factory):
    lago = Lago(tmp_path_factory.mktemp("filled"))
    lago("metrics", "create", "--code", "c", "--aggregation-type", "count")
    lago("ingest", stdin=lines(0, 500))
    return lago.folder / "lago.db"


@pytest.fixture
def filled(lago, filled_file):
    copy(filled_file, lago.folder)
    return lago


def names(lago, folder="."):
    return sorted(path.name for path in (lago.folder / folder).iterdir())


def events(lago, path):
    lago("db", "check", "--db", path)
    return lago("db", "info", "-o", "json", "--db", path).json()["events"]


def named(night, number=""):
    return f"lago-{night.replace(':', '')}{number}.db"


# To standard output -----------------------------------------------------------------------


@pytest.mark.parametrize("options", [(), ("-o", "json"), ("-q",)], ids=" ".join)
def test_a_copy_on_standard_output_is_the_file_and_nothing_else(filled, options):
    sent = filled("db", "backup", "-", *options)
    (filled.folder / "sent.db").write_bytes(sent.stdout_bytes)

    assert sent.stderr == ""
    assert events(filled, "sent.db") == 500
    assert "-" not in names(filled)


def test_a_copy_on_standard_output_leaves_no_other_file(filled, tmp_path_factory):
    temporary = tmp_path_factory.mktemp("temporary")
    filled.process("db", "backup", "-", env={"TMPDIR": str(temporary)})

    assert (names(filled), list(temporary.iterdir())) == (["lago.db"], [])


def test_a_copy_on_standard_output_is_whole_while_somebody_writes(filled):
    writer = filled.start("ingest", "-q")
    found = []
    for piece in range(3):
        writer.stdin.write(lines(1_000 * piece + 500, 1_000 * piece + 1_500).encode())
        writer.stdin.flush()
        (filled.folder / f"{piece}.db").write_bytes(
            filled.process("db", "backup", "-").stdout_bytes
        )
        found.append(events(filled, f"{piece}.db"))
    writer.stdin.close()

    assert writer.wait(timeout=60) == 0
    assert found == sorted(found)
    assert 500 <= found[0] <= found[-1] <= 3_500


def test_who_reads_a_copy_may_go_away(filled):
    program = " ".join(filled.command("db", "backup", "-"))
    finished = subprocess.run(
        ["sh", "-c", f"{{ {program}; echo $? >&2; }} | head -c 10 | wc -c"],
        capture_output=True,
        check=False,
        cwd=filled.folder,
        env=filled.environment(),
        text=True,
    )

    assert (finished.stdout.strip(), finished.stderr) == ("10", "0\n")


def test_a_terminal_is_no_place_for_a_copy(filled):
    ours, theirs = os.openpty()
    process = subprocess.run(
        filled.command("db", "backup", "-"),
        check=False,
        cwd=filled.folder,
        env=filled.environment(),
        stdout=theirs,
        stderr=subprocess.PIPE,
        text=True,
    )
    os.close(theirs)
    os.close(ours)

    assert process.returncode == 2
    assert "lago db backup - | gzip > copy.db.gz" in process.stderr


def test_a_copy_that_has_no_room_before_it_is_sent_says_where(filled):
    def limit():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (50_000, 50_000))

    finished = subprocess.run(
        filled.command("db", "backup", "-", "-o", "json"),
        capture_output=True,
        check=False,
        cwd=filled.folder,
        env=filled.environment({"PYTHONDONTWRITEBYTECODE": "1"}),
        preexec_fn=limit,
    )
    error = json.loads(finished.stderr)["error"]

    assert (finished.returncode, finished.stdout, error["code"]) == (7, b"", "backup_failed")
    assert "TMPDIR" in error["hint"]


def test_standard_output_keeps_no_copies(filled):
    assert "wants a folder" in filled("db", "backup", "-", "--keep", 3, exits=2).stderr


# In a folder ------------------------------------------------------------------------------


def test_dated_copies_are_kept_and_the_oldest_go(filled):
    reports = [
        filled("db", "backup", "copies", "--keep", 2, "--now", night, "-o", "json").json()
        for night in NIGHTS
    ]

    assert [report["removed"] for report in reports] == [0, 0, 1, 1]
    assert reports[-1]["path"] == f"copies/{named(NIGHTS[-1])}"
    assert names(filled, "copies") == [named(night) for night in NIGHTS[-2:]]
    assert events(filled, reports[-1]["path"]) == 500
    assert stat.S_IMODE((filled.folder / "copies").stat().st_mode) == 0o700


def test_several_copies_of_one_moment_are_all_there(filled):
    for _ in range(12):
        filled("db", "backup", "copies", "--keep", 11, "--now", NIGHTS[0], "-q")

    found = names(filled, "copies")
    assert set(found) == {named(NIGHTS[0], f"_{number}") for number in range(2, 13)}


def test_the_new_copy_is_kept_also_where_the_clock_went_back(filled):
    for night in (NIGHTS[3], NIGHTS[2], NIGHTS[0]):
        filled("db", "backup", "copies", "--keep", 2, "--now", night, "-q")

    assert names(filled, "copies") == [named(NIGHTS[0]), named(NIGHTS[3])]


def test_nothing_else_in_the_folder_is_removed(filled):
    folder = filled.folder / "copies"
    folder.mkdir()
    others = {
        "lago.db",
        "lago-2026-11-01.db",
        "lago-2026-11-01T031700Z.db.gz",
        "lago-2026-11-01T031700Z.db.partial-x",
        "my-lago-2026-11-01T031700Z.db",
        "lagos-2026-11-01T031700Z.db",
        "lago-2026-11-01T031700Z.sqlite",
        "LAGO-2026-11-01T031700Z.db",
        "lago-٢٠٢٦-11-01T031700Z.db",
        "other-2026-11-01T031700Z.db",
    }
    for name in others:
        (folder / name).write_text("precious")
    (folder / "lago-2026-11-02T031700Z.db").symlink_to(filled.folder / "lago.db")
    (folder / "lago-2026-11-03T031700Z.db").mkdir()
    for night in NIGHTS:
        filled("db", "backup", "copies", "--keep", 1, "--now", night, "-q")

    links = {"lago-2026-11-02T031700Z.db", "lago-2026-11-03T031700Z.db"}
    assert set(names(filled, "copies")) == others | links | {named(NIGHTS[-1])}
    assert (filled.folder / "lago.db").exists()


@pytest.mark.parametrize("db", ["[a-z]*.sqlite", "no ending", "dots.of.it.db"])
def test_copies_are_named_after_the_database(filled, db):
    (filled.folder / "lago.db").rename(filled.folder / db)
    for night in NIGHTS[:2]:
        filled("db", "backup", ".", "--keep", 1, "--now", night, "-q", "--db", db)

    (made,) = set(names(filled)) - {db}
    path = Path(db)
    assert made == f"{path.stem}-2026-11-11T031700Z{path.suffix or '.db'}"


def test_a_copy_that_fails_removes_nothing(filled):
    for night in NIGHTS[:2]:
        filled("db", "backup", "copies", "--keep", 2, "--now", night, "-q")
    with (filled.folder / "lago.db").open("r+b") as file:
        file.seek(5 * 16_384)
        file.write(b"\xa5" * 16_384 * 3)
    failed = filled("db", "backup", "copies", "--keep", 1, "--now", NIGHTS[2], "-q", exits=7)

    assert failed.stderr.startswith("Error: ")
    assert names(filled, "copies") == [named(night) for night in NIGHTS[:2]]


def test_what_a_killed_run_left_is_removed_and_what_a_living_one_writes_is_not(filled):
    dead = subprocess.Popen(["true"])
    dead.wait()
    folder = filled.folder / "copies"
    folder.mkdir()
    left = [f"{named(NIGHTS[0])}.partial-{dead.pid}{end}" for end in ("", "-journal")]
    written = f"{named(NIGHTS[0])}.partial-{os.getppid()}"
    of_another = f"other-2026-11-10T031700Z.db.partial-{dead.pid}"
    for name in (*left, written, of_another):
        (folder / name).write_text("")
    filled("db", "backup", "copies", "--keep", 1, "--now", NIGHTS[1], "-q")

    assert set(names(filled, "copies")) == {written, of_another, named(NIGHTS[1])}


def test_only_the_last_folder_is_made(filled):
    said = filled("db", "backup", "mount/copies", "--keep", 1, exits=5).stderr

    assert "mount/copies cannot be written to: No such file or directory." in said
    assert names(filled) == ["lago.db"]


def test_a_file_is_no_folder_for_copies(filled):
    filled.write("copies", "precious")

    assert "it is no folder" in filled("db", "backup", "copies", "--keep", 1, exits=5).stderr
    assert (filled.folder / "copies").read_text() == "precious"


def test_a_folder_is_no_file_and_the_hint_says_how(filled):
    (filled.folder / "copies").mkdir()

    assert "--keep 7 copies" in filled("db", "backup", "copies", exits=5).stderr


@pytest.mark.parametrize("number", ["0", "-1", "x", "1.5"])
def test_a_number_of_copies_is_at_least_one(filled, number):
    filled("db", "backup", "copies", "--keep", number, exits=2)

    assert names(filled) == ["lago.db"]


def test_a_copy_of_a_damaged_file_is_not_kept(filled):
    """One page of a table that belongs to no other: SQLite copies it as it is."""
    with closing(sqlite3.connect(filled.folder / "lago.db")) as connection:
        query = "SELECT rootpage FROM sqlite_schema WHERE name = 'plans'"
        ((page,),) = connection.execute(query)
    with (filled.folder / "lago.db").open("r+b") as file:
        file.seek((page - 1) * 16_384)
        file.write(b"\xa5" * 16_384)
    error = filled("db", "backup", "copy.db", "-o", "json", exits=7).error()

    assert error["code"] == "database_corrupt"
    assert names(filled) == ["lago.db"]
