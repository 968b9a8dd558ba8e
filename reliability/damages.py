"""Bytes of the file that were flipped or lost."""

from __future__ import annotations

import json
import shutil
import sqlite3
from contextlib import closing, suppress
from pathlib import Path
from random import Random

import msgspec
from msgspec import msgpack

from lago_cli.errors import LagoError
from lago_cli.stores import open_store
from lago_cli.stores.sqlite.packed import decompress
from reliability.experiments import Experiment, Outcome, repeated
from reliability.program import Ended, Found, Program, expect, lines

EVENTS = 300
COMMANDS: tuple[tuple[str, ...], ...] = (
    ("db", "check"),
    ("usage", "--period", "all"),
    ("events", "list"),
    ("events", "export"),
    ("events", "get", "e7"),
    ("metrics", "list"),
    ("ingest-runs", "list"),
    ("db", "backup", "copy.db"),
    ("ingest", "-"),
    ("metrics", "update", "c", "--name", "x"),
)
GIVEN = (
    *("metrics", "customers", "subscriptions", "ingest_runs", "events", "replaced_events"),
    *("deleted_events", "deletions"),
)
NAMES = ("codes", "parties")  # of which only the streams are maintained
PAGE = 16_384


def template(folder: Path) -> Path:
    """A file with parts of each kind: numbers, long ones, items, amounts, unusable, unmatched."""
    program = Program(folder)
    program.define()
    items = ("--aggregation-type", "unique_count_agg", "--field-name", "n")
    program.run("metrics", "create", "--code", "d", *items).expect(0)
    program.run("ingest", stdin=lines(range(EVENTS))).expect(0)
    odd = [
        {"code": code, "transaction_id": f"{code}{number}", "properties": {"n": value}}
        for code in ("c", "d", "unmatched")
        for number, value in enumerate(["x", "1.25", f"{10**30}", None, "[/red]"] * 4)
    ]
    for number, each in enumerate(odd):
        each["precise_total_amount_cents"] = (None, 1, "2.5", 10**30)[number % 4]
    given = "".join(json.dumps({"external_subscription_id": "s", **each}) + "\n" for each in odd)
    program.run("ingest", "--set", "timestamp=2026-11-22", stdin=given.encode()).expect(0)
    with open_store(str(program.file), writable=True, busy_timeout=1) as store, store.writing():
        store.derive(enough=1)
    copy = folder / "template.db"
    program.run("db", "backup", copy).expect(0)
    return copy


def maintained(path: Path) -> object:
    """All that is kept beside the events; what cannot be read counts as another answer."""
    with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        connection.text_factory = bytes
        try:
            tables = connection.execute(
                "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE '%sqlite%'"
            )
            derived = [each.decode() for (each,) in tables if each.decode() not in GIVEN + NAMES]
            queries = [
                "SELECT id, stream_id FROM parties",
                *(f"SELECT * FROM {t}" for t in derived),
            ]
            return [opened(connection.execute(query).fetchall()) for query in queries]
        except sqlite3.Error as error:
            return str(error)


def opened(value: object) -> object:
    """What is packed in it: a bit of a compressed column may mean nothing."""
    if isinstance(value, (list, tuple)):
        return [opened(each) for each in value]
    for unpack in (decompress, msgpack.decode) if isinstance(value, bytes) else ():
        with suppress(ValueError, msgspec.MsgspecError):
            return opened(unpack(value))  # type: ignore[operator]
    return value


def problems(path: Path) -> list[str]:
    """What `lago db check` finds, asked without starting a process each time."""
    try:
        with open_store(str(path), writable=False, busy_timeout=1) as store:
            return [name for name, found in store.maintenance.problems() if found]
    except LagoError as error:
        return [error.code]


def flipped(folder: Path, trials: int) -> Outcome:
    """One bit at a time, of those that change what is maintained beside the events."""
    whole = template(folder).read_bytes()
    path = folder / "flipped.db"
    path.write_bytes(whole)
    before = maintained(path)
    random = Random(1)
    findings: list[str] = []
    made = 0
    while made < trials:
        at, bit = random.randrange(PAGE, len(whole)), random.randrange(8)
        path.write_bytes(whole[:at] + bytes([whole[at] ^ 1 << bit]) + whole[at + 1 :])
        if maintained(path) == before:
            continue
        made += 1
        try:
            found = problems(path)
        except Exception as error:
            findings.append(f"bit {bit} of byte {at}: {error!r}")
            continue
        if not found:
            findings.append(f"bit {bit} of byte {at} was flipped, and nothing was found")
    return Outcome(made, findings)


def damaged(folder: Path, trials: int) -> Outcome:
    """Bytes, pages or the end of the file; every command says so, or does what it should."""
    original = template(folder)
    program = Program(folder)
    findings: list[str] = []
    for seed in range(trials):
        random = Random(seed)
        for leftover in (*folder.glob("lago.db*"), folder / "copy.db"):
            leftover.unlink(missing_ok=True)
        shutil.copy(original, program.file)
        _damage(program.file, random)
        words = COMMANDS[seed % len(COMMANDS)]
        try:
            _expect_a_plain_word(
                program.run(*words, "-o", "json", stdin=lines([1, 2, 1_000])), words
            )
        except Found as found:
            findings.append(f"seed {seed}: {found}")
    return Outcome(trials, findings)


def _expect_a_plain_word(ended: Ended, words: tuple[str, ...]) -> None:
    ended.expect(0, 4, 7, 9)
    if ended.code:
        expect(ended.error()["code"], "an error without a code")
    expect(ended.code != 9 or words == ("db", "check"), f"{ended.words}: exit code 9")


def _damage(path: Path, random: Random) -> None:
    size = path.stat().st_size
    kind = random.choice(("bytes", "page", "header", "cut"))
    with path.open("r+b") as file:
        if kind == "cut":
            file.truncate(random.randrange(1, size))
        elif kind == "page":
            file.seek(random.randrange(size // PAGE) * PAGE)
            file.write(random.randbytes(PAGE))
        else:
            for _ in range(random.choice((1, 10, 100))):
                file.seek(random.randrange(100 if kind == "header" else size))
                file.write(random.randbytes(1))


def of_tomorrow(folder: Path, seed: int) -> None:
    """A schema of tomorrow is refused by every command, and the file left as it is."""
    program = Program(folder)
    program.define()
    with closing(sqlite3.connect(program.file)) as connection:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        connection.execute(f"PRAGMA user_version = {version + 1 + seed * 7}")
    before = program.file.read_bytes()
    words = COMMANDS[seed % len(COMMANDS)]
    ended = program.run(*words, "-o", "json", stdin=lines([1])).expect(7)
    expect(ended.error()["code"] == "schema_too_new", f"it says {ended.error()}")
    expect(program.file.read_bytes() == before, "the file was changed")


EXPERIMENTS = (
    Experiment(
        "damage",
        "One flipped bit in what is maintained beside the events (parts, identities, streams):"
        " `lago db check` finds every one",
        "bits",
        1_000,
        flipped,
    ),
    Experiment(
        "damage",
        "Random bytes in the file or its header, a page of noise, the end cut off: every command"
        " ends with 0 or a plain error (4, 7, 9), never a traceback",
        "files",
        200,
        damaged,
    ),
    Experiment(
        "damage",
        "A file of a newer schema: every command refuses it with 7, and leaves every byte",
        "commands",
        len(COMMANDS),
        repeated(of_tomorrow),
    ),
)
