"""Make long trials of what must never be lost. `python -m reliability --help` tells how."""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from reliability import bombs, damages, disks, fuzzing, interruptions, serving, writers
from reliability.experiments import Experiment, made
from reliability.program import REPOSITORY
from reliability.report import as_markdown, as_text

EXPERIMENTS: tuple[Experiment, ...] = (
    *interruptions.EXPERIMENTS,
    *writers.EXPERIMENTS,
    *disks.EXPERIMENTS,
    *damages.EXPERIMENTS,
    *bombs.EXPERIMENTS,
    *serving.EXPERIMENTS,
    *fuzzing.EXPERIMENTS,
)
AREAS = tuple(dict.fromkeys(experiment.area for experiment in EXPERIMENTS))


def areas(text: str) -> list[str]:
    wanted = text.split(",")
    for area in wanted:
        if area not in AREAS:
            raise argparse.ArgumentTypeError(f"{area!r} is none of {', '.join(AREAS)}")
    return wanted


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m reliability", description=__doc__)
    parser.add_argument(
        "--only", type=areas, default=AREAS, metavar="AREA,...", help=f"some of {', '.join(AREAS)}"
    )
    parser.add_argument("--trials", type=int, metavar="N", help="of each experiment")
    parser.add_argument("--write", action="store_true", help="write docs/reliability.md anew")
    asked = parser.parse_args(arguments)
    if asked.write and (asked.only is not AREAS or asked.trials is not None):
        parser.error("--write is for all trials in their full number")

    folder = Path(tempfile.mkdtemp(prefix="reliability-"))
    try:
        lines = []
        for number, experiment in enumerate(EXPERIMENTS):
            if experiment.area in asked.only:
                lines.append(made(experiment, folder / str(number), asked.trials))
                print(as_text(lines[-1]), flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    if asked.write:
        path = REPOSITORY / "docs" / "reliability.md"
        path.write_text(as_markdown(lines))
        print(f"wrote {path.relative_to(REPOSITORY)}", file=sys.stderr)
    return int(any(line.outcome.findings for line in lines))


if __name__ == "__main__":
    sys.exit(main())
