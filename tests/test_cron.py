"""
docs/cron.md, tried: its scripts, lines for cron and units are run as they stand there.

Only the places of the files are others. logrotate itself is not needed: what it does to a log is
done here in the same order.
"""

from __future__ import annotations

import configparser
import fcntl
import gzip
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from lago_cli.cli.exit_codes import ExitCode
from tests.conftest import Lago

REPOSITORY = Path(__file__).resolve().parent.parent
PAGE = (REPOSITORY / "docs" / "cron.md").read_text()
BLOCKS = re.findall(r"```(\w+)(?: (\S+))?\n(.*?)```", PAGE, re.DOTALL)
NAMED = {name: text for _, name, text in BLOCKS if name}
SHELL = [text for kind, name, text in BLOCKS if kind == "sh" and not name]
CRON_LINE = re.compile(r"^ *(?:[\d*/,-]+ +){5}(\S.*)$", re.MULTILINE)
CRON_LINES = [
    command for kind, _, text in BLOCKS if kind == "crontab" for command in CRON_LINE.findall(text)
]
(COLLECT,) = (line for line in CRON_LINES if "lago-collect" in line)
SAID = {"echo ok": "ok\n", "echo healthy": "healthy\n"}

pytestmark = pytest.mark.skipif(shutil.which("flock") is None, reason="there is no flock here")


class Machine:
    """A file system of its own in which lago is installed as the page says."""

    def __init__(self, lago: Lago) -> None:
        self.lago = lago
        self.root = lago.folder
        self.log = self.root / "var/log/shop/usage.log"
        self.db = self.root / "var/lib/lago/lago.db"
        for folder in ("bin", "var/log/shop", "var/lib/lago", "var/backups"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "bin/lago").symlink_to(Path(sys.executable).parent / "lago")
        script = self.root / "bin/lago-collect"
        script.write_text(self.here(NAMED["lago-collect"]))
        script.chmod(0o755)
        lago("metrics", "create", "--code", "requests", "--aggregation-type", "count", *self.on)

    @property
    def on(self) -> tuple[str, Path]:
        return "--db", self.db

    def here(self, text: str) -> str:
        """A text of the page, with its places in this folder."""
        moved = re.sub(r"(?<![\w/])/var/", f"{self.root}/var/", text)
        return moved.replace("/usr/local/bin", f"{self.root}/bin")

    def start(self, command: str, **more: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            ["/bin/sh", "-c", self.here(command)],
            cwd=self.root,
            env=self.lago.environment({"PATH": f"{self.root}/bin:/usr/bin:/bin", **more}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, command: str, code: int = 0, **more: str) -> tuple[str, str]:
        """What it says on both streams."""
        process = self.start(command, **more)
        said = process.communicate(timeout=60)
        assert process.returncode == code, said
        return said

    def write(self, first: int, last: int, path: Path | None = None, end: str = "") -> None:
        """Add lines to a log, as the shop does."""
        with (path or self.log).open("a") as log:
            for number in range(first, last):
                at = f"2026-11-{number % 28 + 1:02}T00:00:00.{number:06}Z"
                log.write(json.dumps({"customer": "acme", "time": at, "path": "/"}) + "\n")
            log.write(end)

    def rotate(self) -> None:
        """What logrotate does with the configuration of the page."""
        before = self.log.with_name("usage.log.1")
        if before.exists():
            packed = gzip.compress(before.read_bytes())
            before.with_name("usage.log.2.gz").write_bytes(packed)
            before.unlink()
        self.log.rename(before)
        self.log.touch()

    def count(self) -> int:
        asked = ("usage", "--metric", "requests", "--period", "all", "-o", "json")
        return sum(row["events_count"] for row in self.lago(*asked, *self.on).json())


@pytest.fixture
def machine(lago: Lago) -> Machine:
    return Machine(lago)


@pytest.fixture
def rotated(machine: Machine) -> Machine:
    """Sixty lines in three logs, all of them counted; a backup."""
    for first in (0, 20):
        machine.write(first, first + 20)
        machine.run(COLLECT)
        machine.rotate()
    machine.write(40, 60)
    machine.run(COLLECT)
    machine.lago("db", "backup", "--keep", 3, machine.root / "var/backups/lago", *machine.on)
    return machine


@pytest.mark.parametrize("command", SHELL, ids=lambda text: text.splitlines()[0][:40])
def test_a_script_of_the_page_runs(rotated: Machine, command: str) -> None:
    expected = next((said for ending, said in SAID.items() if ending in command), "")

    assert rotated.run(f"set -e\n{command}") == (expected, "")
    assert rotated.count() == 60


@pytest.mark.parametrize("command", CRON_LINES, ids=lambda text: text[-30:])
def test_a_line_for_cron_says_nothing_where_all_is_well(rotated: Machine, command: str) -> None:
    if "yesterday" in command:
        asked = ("usage", "--period", "yesterday", *rotated.on)
        if rotated.lago(*asked, exits=None).code == ExitCode.USAGE:
            pytest.skip("--period knows no yesterday yet")

    assert rotated.run(command, LAGO_NOW="2026-11-28T01:00:00Z") == ("", "")


def test_a_limit_that_is_passed_tells_cron_who(rotated: Machine) -> None:
    (command,) = (line for line in CRON_LINES if "--max requests" in line)
    command = command.replace("=1000000", "=5") + " --period 2026-11"

    assert "acme" in "".join(rotated.run(command, code=9))


def test_the_exit_codes_are_those_of_the_program() -> None:
    codes = [int(code) for code in re.findall(r"^\| (\d+) \|", PAGE, re.MULTILINE)]

    assert codes == sorted(ExitCode)


def test_a_log_is_collected_again_and_again(machine: Machine) -> None:
    machine.write(0, 10)
    machine.run(COLLECT)
    machine.write(10, 15)

    assert [machine.run(COLLECT), machine.run(COLLECT)] == [("", "")] * 2
    assert machine.count() == 15


def test_there_may_be_no_log_yet(machine: Machine) -> None:
    assert machine.run(COLLECT) == ("", "")
    assert machine.count() == 0


def test_a_line_that_is_being_written_is_left_for_the_next_time(machine: Machine) -> None:
    machine.write(0, 3, end='{"customer": "acme", "ti')
    machine.run(COLLECT)
    first = machine.count()
    machine.log.write_text(machine.log.read_text() + 'me": "2026-11-09", "path": "/x"}\n')
    machine.run(COLLECT)

    assert (first, machine.count()) == (3, 4)


def test_a_log_that_is_rotated_is_counted_once(machine: Machine) -> None:
    """Also what was written between the last run and the renaming, and to the old file after it."""
    machine.write(0, 20)
    machine.run(COLLECT)
    machine.write(20, 30)
    machine.rotate()
    machine.write(30, 40, machine.log.with_name("usage.log.1"))
    machine.write(40, 50)
    machine.run(COLLECT)
    machine.rotate()
    machine.write(50, 60)
    machine.run(COLLECT)
    machine.run(COLLECT)

    assert machine.count() == 60


def test_a_run_while_another_is_busy_ends_at_once(machine: Machine) -> None:
    machine.write(0, 5)
    with (machine.db.parent / "collect.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        said = machine.run(COLLECT)
        machine.run(COLLECT.replace(" -E 0", ""), code=1)
        meanwhile = machine.count()
    machine.run(COLLECT)

    assert (said, meanwhile, machine.count()) == (("", ""), 0, 5)


def test_runs_without_a_lock_count_once_too(machine: Machine) -> None:
    machine.write(0, 3_000)
    running = [machine.start("lago-collect") for _ in range(3)]
    said = [process.communicate(timeout=60) for process in running]

    assert said == [("", "")] * 3
    assert machine.count() == 3_000


def test_a_run_that_was_killed_is_made_up_for_by_the_next(machine: Machine) -> None:
    machine.write(0, 150_000)  # which takes it long enough to be hit
    running = machine.start("exec lago-collect")
    journal = machine.db.with_name("lago.db-wal")
    while running.poll() is None and not (journal.exists() and journal.stat().st_size > 0):
        time.sleep(0.01)
    running.kill()
    running.communicate()
    assert running.returncode == -signal.SIGKILL
    machine.write(150_000, 150_010)

    assert machine.run(COLLECT) == ("", "")
    assert machine.count() == 150_010


def test_a_failure_is_what_cron_mails(machine: Machine) -> None:
    machine.write(0, 2)
    with machine.log.open("a") as log:
        log.write('{"customer": "acme", "time": "soon"}\n')
    _, mailed = machine.run(COLLECT, code=5)
    (kept,) = map(json.loads, (machine.db.parent / "rejects.ndjson").read_text().splitlines())

    assert "usage.log:3: invalid_timestamp: " in mailed
    assert "Error: 1 event was rejected; all others are stored." in mailed
    assert (kept["line"], machine.count()) == (3, 2)


def test_the_service_runs_what_the_script_is(machine: Machine) -> None:
    machine.write(0, 7)
    unit = configparser.ConfigParser()
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read_string(NAMED["lago-collect.service"])
    service = unit["Service"]
    name, _, value = service["Environment"].partition("=")

    assert machine.run(service["ExecStart"], **{name: machine.here(value)}) == ("", "")
    assert machine.count() == 7
    assert int(service["SuccessExitStatus"]) == ExitCode.LOCKED


def test_systemd_understands_the_units(machine: Machine) -> None:
    tool = shutil.which("systemd-analyze")
    if tool is None:
        pytest.skip("there is no systemd-analyze here")
    units = machine.root / "units"
    units.mkdir()
    for name in ("lago-collect.service", "lago-collect.timer"):
        (units / name).write_text(machine.here(NAMED[name]).replace("User=lago\n", ""))
    environment = {**os.environ, "SYSTEMD_UNIT_PATH": f"{units}:"}
    checked = subprocess.run(
        [tool, "verify", "--man=no", *map(str, units.iterdir())],
        capture_output=True,
        check=False,
        env=environment,
        text=True,
    )
    ours = [line for line in checked.stderr.splitlines() if "lago-collect" in line]

    assert ours == []


def test_a_backup_is_restored_and_the_log_completes_it(rotated: Machine) -> None:
    rotated.write(60, 70)
    rotated.run(COLLECT)
    rotated.db.write_bytes(b"lost")

    assert rotated.run(NAMED["restore"]) == ("", "")
    assert rotated.count() == 60
    rotated.run(COLLECT)
    assert rotated.count() == 70


def test_what_follows_a_pipe_runs_only_on_success(machine: Machine) -> None:
    on = f"-q --db {machine.db} --set code=requests --set external_customer_id=a --id-from content"

    assert machine.run(f"echo '{{\"timestamp\": 1795000000}}' | lago ingest {on} && echo ok") == (
        "ok\n",
        "",
    )
    said, mailed = machine.run(f"echo nonsense | lago ingest {on} && echo ok", code=5)
    assert "ok" not in said
    assert "Error: The event was rejected" in mailed
