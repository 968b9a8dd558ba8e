"""
What the documents say is what the program does.

Console blocks are replayed in an empty folder with the sample events in it; `make golden`
writes their outputs and docs/cli.md anew.
"""

from __future__ import annotations

import io
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from lago_cli.cli.app import context_of
from lago_cli.cli.man_pages import PAGES
from tests import in_process
from tests.conftest import Lago

REPOSITORY = Path(__file__).resolve().parent.parent
TRANSCRIPTS = [
    REPOSITORY / "README.md",
    *(
        REPOSITORY / "docs" / name
        for name in (
            "why-four.md",
            "foreign-records.md",
            "prices.md",
            "why-412-50.md",
            "who-grew.md",
            "corrections.md",
        )
    ),
]
BLOCK = re.compile(r"```console\n(.*?)```", re.DOTALL)
OF_A_SHELL = re.compile(r"[|<>;&$`]")
CLOCK = "2026-12-01T08:00:00Z"
COMMANDS = (
    "",
    "metrics",
    *(f"metrics {verb}" for verb in ("create", "list", "get", "update", "delete", "evaluate")),
    "customers",
    *(f"customers {verb}" for verb in ("create", "list", "get", "update", "delete")),
    "subscriptions",
    *(
        f"subscriptions {verb}"
        for verb in ("create", "list", "get", "update", "change-plan", "terminate")
    ),
    "plans",
    *(
        f"plans {verb}"
        for verb in (
            *("create", "list", "get", "update", "delete"),
            *("lint", "estimate", "simulate"),
        )
    ),
    "apply",
    "export",
    "ingest",
    "push",
    "events",
    *(
        f"events {verb}"
        for verb in ("send", "list", "get", "explain", "export", "delete", "undelete")
    ),
    "ingest-runs",
    *(f"ingest-runs {verb}" for verb in ("list", "get", "revert")),
    "mappings",
    *(f"mappings {verb}" for verb in ("list", "get")),
    "usage",
    *(f"usage {verb}" for verb in ("explain", "check")),
    "invoices",
    *(f"invoices {verb}" for verb in ("preview", "explain")),
    "db",
    *(f"db {verb}" for verb in ("info", "check", "backup", "vacuum")),
    "help",
    "version",
    "completion",
)


@pytest.mark.parametrize("document", TRANSCRIPTS, ids=lambda path: path.name)
def test_every_transcript_can_be_repeated(
    document: Path, lago: Lago, request: pytest.FixtureRequest
) -> None:
    (lago.folder / "sample_events").symlink_to(REPOSITORY / "sample_events")
    text = document.read_text()

    replayed = BLOCK.sub(lambda block: f"```console\n{_replayed(block[1], lago)}```", text)

    if request.config.getoption("--update-golden"):
        document.write_text(replayed)
    assert replayed == document.read_text()


def _replayed(block: str, lago: Lago) -> str:
    commands = [line.removeprefix("$ ") for line in block.splitlines() if line.startswith("$ ")]
    assert commands, "a console block without a command"
    return "".join(f"$ {command}\n{_run(command, lago)}" for command in commands)


def _run(command: str, lago: Lago) -> str:
    """Both streams, as a terminal shows them; the time a run took is no news."""
    bin_folder = Path(sys.executable).parent
    environment = lago.environment(
        {"PATH": f"{bin_folder}:/usr/bin:/bin", "LAGO_NOW": CLOCK, "COLUMNS": "110"}
    )
    if command.startswith("lago ") and not OF_A_SHELL.search(command):
        shown = io.BytesIO()
        arguments = shlex.split(command)[1:]
        in_process.run(
            arguments, variables=environment, folder=lago.folder, stdout=shown, stderr=shown
        )
        said = shown.getvalue().decode()
    else:
        said = subprocess.run(
            ["/bin/sh", "-c", command],
            cwd=lago.folder,
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        ).stdout
        assert "Traceback" not in said
    return re.sub(r'(seconds"?:?\s*)\d+\.\d{3}\b', r"\g<1>0.012", said)


def test_every_command_and_option_is_documented(lago: Lago, request: pytest.FixtureRequest) -> None:
    page = ["# Commands and options\n\nWhat `--help` says, for every command.\n"]
    for command in COMMANDS:
        shown = lago(*command.split(), "--help", env={"COLUMNS": "100"})
        page.append(f"## lago {command}".rstrip() + f"\n\n```text\n{shown.stdout.strip()}\n```\n")
    path = REPOSITORY / "docs" / "cli.md"

    if request.config.getoption("--update-golden"):
        path.write_text("\n".join(page))
    assert "\n".join(page) == path.read_text(), "docs/cli.md is not what --help says: make golden"


@pytest.mark.parametrize("name", ["", *PAGES])
def test_every_page_for_man_is_what_help_says(
    name: str, lago: Lago, request: pytest.FixtureRequest
) -> None:
    page = lago("help", "--man", *name.split()).stdout
    path = REPOSITORY / "docs" / "man" / f"lago-{name}.1".replace("-.", ".")

    if request.config.getoption("--update-golden"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(page)
    assert page == path.read_text(), f"{path.name} is not what --help says: make golden"


def test_there_are_no_other_pages_for_man() -> None:
    names = {path.name for path in (REPOSITORY / "docs" / "man").iterdir()}

    assert names == {"lago.1", *(f"lago-{name}.1" for name in PAGES)}


def test_man_understands_the_pages() -> None:
    program = shutil.which("mandoc")
    if program is None:
        pytest.skip("mandoc is not installed here")
    pages = sorted((REPOSITORY / "docs" / "man").iterdir())
    checked = subprocess.run(
        [program, "-T", "lint", *pages], capture_output=True, check=False, text=True
    )
    said = [line for line in checked.stdout.splitlines() if "missing date" not in line]

    assert said == []


def test_every_command_that_help_lists_has_its_page() -> None:
    found = {f"{path} {verb}".strip() for path in COMMANDS for verb in commands_of(path)}

    assert found - {"billable-metrics"} == set(COMMANDS) - {""}


def commands_of(path: str) -> list[str]:
    commands = getattr(context_of(path.split()).command, "commands", {})
    return [name for name, each in commands.items() if not each.hidden]
