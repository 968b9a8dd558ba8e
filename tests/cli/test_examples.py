"""Every example of every help page works, as it stands there."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from lago_cli.cli.app import COMMANDS, GROUPS, context_of
from lago_cli.cli.examples import all_examples
from tests.conftest import REPOSITORY, Lago
from tests.fake_lago import FakeLago

if TYPE_CHECKING:
    from collections.abc import Iterator

CLOCK = {"LAGO_NOW": "2026-11-30T12:00:00Z"}
NEW = ("", "ingest", "apply", "metrics create", "plans create")
"""Commands whose examples begin with nothing: they make what the others look at."""
OF_A_SHELL = re.compile(r"[|<>;&$`]")
CASES = [
    pytest.param(path, example.line, id=example.line)
    for path, examples in all_examples().items()
    for example in examples
]
ELSEWHERE = "https://lago.example.com"
PENDING = {"lago apply metrics.yml --dry-run": 9}  # there is something to do, as it says


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the sample events, definitions, and a database of them."""
    folder = tmp_path_factory.mktemp("prepared")
    for name in ("events.ndjson", "metrics.yml", "plan.yml"):
        shutil.copy(REPOSITORY / "sample_events" / name, folder)
    for name in ("access.ndjson", "caddy.ndjson"):
        (folder / name).write_text(ACCESS)
    (folder / "event.json").write_text('{"properties": {"gb": 3}}')
    lago = Lago(folder)
    plan = (folder / "plan.yml").read_text()
    for code in ("pro", "spare"):
        (folder / f"{code}.yml").write_text(plan.replace("code: basic", f"code: {code}"))
    for line in (
        "apply metrics.yml",
        "plans create --input plan.yml",
        "plans create --input pro.yml",
        "plans create --input spare.yml",
        "ingest events.ndjson",
        "subscriptions create harbor-pro --customer harbor --plan basic --started-at 2026-11-01",
        "events delete harbor-002 --reason test",
    ):
        lago(*line.split(), "-q", env=CLOCK)
    agreed = lago("usage", "--period", "2026-11", "-o", "csv", env=CLOCK).stdout
    (folder / "agreed.csv").write_text(agreed)
    return folder


ACCESS = (
    '{"ts": 1795348800.5, "request": {"remote_ip": "10.0.0.7", "method": "GET", "uri": "/",'
    ' "host": "lumen.example", "headers": {}}, "status": 200, "size": 512, "duration": 0.01}\n'
)


@pytest.mark.parametrize(("path", "line"), CASES)
def test_every_example_works(path: str, line: str, prepared: Path, lago: Lago) -> None:
    shutil.copytree(prepared, lago.folder, dirs_exist_ok=True)
    if ELSEWHERE in line:
        with FakeLago() as fake:
            lago(*shlex.split(line.replace(ELSEWHERE, fake.url))[1:], env=CLOCK)
        return
    if path in NEW:
        (lago.folder / "lago.db").unlink()
        for before in _lines_before(path, line):
            lago(*shlex.split(before)[1:], env=CLOCK)

    if line.startswith("lago ") and not OF_A_SHELL.search(line):
        lago(*shlex.split(line)[1:], env=CLOCK, exits=PENDING.get(line, 0))
        return
    finished = _in_a_shell(line, lago)
    assert finished.returncode == 0, finished.stderr
    assert "Error" not in finished.stderr


def _lines_before(path: str, line: str) -> Iterator[str]:
    """The examples of the program itself follow each other."""
    if path == "plans create":
        yield "lago apply metrics.yml"
    for example in all_examples()[""] if path == "" else ():
        if example.line == line:
            return
        yield example.line


def _in_a_shell(line: str, lago: Lago) -> subprocess.CompletedProcess[str]:
    path = f"{Path(sys.executable).parent}:/usr/bin:/bin"
    shell = re.search(r"\b(bash|zsh|fish)\b", line)
    program = shutil.which(shell[1] if shell else "sh")
    if program is None:
        pytest.skip("this shell is not installed here")
    return subprocess.run(
        [program, "-c", line],
        capture_output=True,
        check=False,
        text=True,
        cwd=lago.folder,
        env=lago.environment({**CLOCK, "PATH": path, "HOME": str(lago.folder)}),
    )


def paths() -> Iterator[str]:
    """Every command and group, without Lago's name of metrics."""
    yield ""
    for name in (*COMMANDS, *GROUPS):
        if name != "billable-metrics":
            yield name
            commands = getattr(context_of([name]).command, "commands", {})
            yield from (f"{name} {verb}" for verb, each in commands.items() if not each.hidden)


@pytest.mark.parametrize("path", list(paths()))
def test_every_help_ends_with_two_or_three_examples(path: str, lago: Lago) -> None:
    examples = all_examples()[path]
    shown = lago(*path.split(), "--help").stdout

    assert 2 <= len(examples) <= (5 if path == "" else 3)
    for what, line in examples:
        assert line in shown
        assert what in shown
    if path:
        assert shown.rstrip().endswith(examples[-1].line)


def test_no_example_is_of_a_command_that_is_not_there() -> None:
    assert set(all_examples()) == set(paths())
