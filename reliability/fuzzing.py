"""
Fuzzing: a million inputs that are nearly right, each to be read or refused.

Every part runs in a process of its own with little memory, so that what would crash or
fill it is a finding like any other: `python -m reliability.fuzzing json 1 10000`.
"""

from __future__ import annotations

import json
import os
import resource
import signal
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from random import Random
from types import FrameType

from reliability.experiments import SHOWN, Experiment, Outcome, Run
from reliability.mutations import Mutator
from reliability.program import REPOSITORY, Found, Program, expect
from reliability.targets import TARGETS, Target, seeds_of

SECONDS = 20  # for one input: more is a hang, even on a busy machine
MEMORY = 1024 * 1024 * 1024  # of address space
PART = 25_000  # inputs of one process
FILES = 400  # inputs given to one process of the program


class Hanging(Exception):  # noqa: N818 - it is what the input does
    """An input that took too long."""


def _hang(_signal: int, _frame: FrameType | None) -> None:
    raise Hanging


def fuzz(name: str, seed: int, inputs: int) -> list[str]:
    """Try so many inputs; what is found, each with the input that shows it."""
    target = TARGETS[name]
    random = Random(f"{name} {seed}")
    mutator = Mutator(list(seeds_of(name)), target.words, random)
    findings: list[str] = []
    signal.signal(signal.SIGALRM, _hang)
    for _ in range(inputs):
        data = mutator.next()
        signal.setitimer(signal.ITIMER_REAL, SECONDS)
        try:
            target.law(data, random)
        except (Exception, MemoryError, RecursionError) as error:
            findings.append(f"{name}: {error!r} for {data!r}"[:2_000])
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
        if len(findings) == SHOWN:
            break
    return findings


def _fuzzed_apart(name: str, seed: int, inputs: int) -> tuple[list[str], int]:
    """The findings of another process, and its memory in MiB."""
    command = (sys.executable, "-m", "reliability.fuzzing", name, str(seed), str(inputs))

    def limit() -> None:
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))

    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONHASHSEED": "0"}
    done = subprocess.run(
        command, cwd=REPOSITORY, env=environment, preexec_fn=limit, capture_output=True, check=False
    )
    if done.returncode != 0:
        words = " ".join(command[1:])
        return [f"{words} ended with {done.returncode}: {done.stderr[-500:]!r}"], 0
    findings, mebibytes = json.loads(done.stdout)
    return findings, mebibytes


def fuzzed(name: str) -> Run:
    """One target, part after part."""

    def run(_folder: Path, trials: int) -> Outcome:
        findings: list[str] = []
        most = 0
        for part, first in enumerate(range(0, trials, PART)):
            found, mebibytes = _fuzzed_apart(name, part, min(PART, trials - first))
            findings += found
            most = max(most, mebibytes)
        return Outcome(trials, findings, f"at most {most} MiB of memory")

    return run


def through_the_program(folder: Path, trials: int) -> Outcome:
    """Inputs of every format as files of real runs, and back out again."""
    random = Random(7)
    readers = [name for name in TARGETS if name in ("json", "csv", "packed")]
    mutators = {n: Mutator(list(seeds_of(n)), TARGETS[n].words, random) for n in readers}
    findings: list[str] = []
    for first in range(0, trials, FILES):
        place = folder / str(first)
        place.mkdir()
        count = min(FILES, trials - first)
        for number in range(count):
            (place / str(number)).write_bytes(mutators[random.choice(readers)].next())
        try:
            _there_and_back(place, [str(number) for number in range(count)])
        except Found as found:
            findings.append(f"inputs {first} to {first + count - 1}: {found}")
    return Outcome(trials, findings)


def _there_and_back(folder: Path, names: list[str]) -> None:
    program = Program(folder)
    program.define()
    words = ("ingest", "--rejects", "rejects", "--id-from", "content", "-o", "json")
    run = program.run(*words, *names).expect(0, 5).json()
    parts = ("ingested", "duplicates", "replaced", "rejected")
    expect(run["read"] == sum(run[part] for part in parts), f"the account is not even: {run}")
    rejects = (folder / "rejects").read_bytes().splitlines()
    expect(len(rejects) == run["rejected"], f"{len(rejects)} rejects are written: {run}")
    export = program.run("events", "export").expect(0).stdout
    again = program.run("ingest", "-o", "json", stdin=export).expect(0).json()
    expect(again["duplicates"] == run["ingested"], f"{run['ingested']} events came back as {again}")
    expect(again["conflicts"] == 0, f"what was exported is not what was stored: {again}")
    program.run("events", "list", "--limit", 10_000).expect(0)
    program.run("usage", "--period", "all").expect(0)
    program.run("db", "check", "-o", "json").expect(0)


def _experiment(name: str, target: Target) -> Experiment:
    what = f"Inputs that are nearly right to {target.what}: read or refused with a reason"
    return Experiment("fuzz", what, "inputs", target.share * 1_000, fuzzed(name))


EXPERIMENTS = (
    *(_experiment(name, target) for name, target in TARGETS.items()),
    Experiment(
        "fuzz",
        "Such inputs as files of real runs: the account is even, all rejects are written, the"
        " export is what was stored, the file is sound",
        "inputs",
        10_000,
        through_the_program,
    ),
)


def main() -> None:
    name, seed, inputs = sys.argv[1:]
    findings = fuzz(name, int(seed), int(inputs))
    with suppress(BrokenPipeError):
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        print(json.dumps([findings, peak]))


if __name__ == "__main__":
    main()
