"""
What the documents say is what the program does.

Console blocks are replayed in an empty folder with the sample events in it; `make golden`
writes their outputs and docs/cli.md anew.
"""

from __future__ import annotations

import io
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

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


def test_every_command_that_help_lists_has_its_page() -> None:
    listed = re.compile(r"^  ([a-z-]+)(?: +\S.*)?$", re.MULTILINE)
    found = []
    for page in (REPOSITORY / "docs" / "cli.md").read_text().split("\n## lago")[1:]:
        group, _, text = page.partition("\n")
        commands = text.partition("\nCommands:\n")[2]
        found += [f"{group.strip()} {verb}".strip() for verb in listed.findall(commands)]

    assert set(found) - {"billable-metrics"} == set(COMMANDS) - {""}
