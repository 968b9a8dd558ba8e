"""
The examples that the help of every command ends with: what is asked, and how.

They stand in examples.txt, and are shown as they are there, so that they can be copied. A test
runs each of them, in a folder with the sample events or with a database of them.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import NamedTuple

_FILE = Path(__file__).with_name("examples.txt")


class Example(NamedTuple):
    """One of a command."""

    what: str
    line: str


@cache
def all_examples() -> dict[str, list[Example]]:
    """By command, without the program; of the program itself by nothing."""
    found: dict[str, list[Example]] = {}
    for block in _FILE.read_text(encoding="utf-8").strip().split("\n\n"):
        path, *lines = block.splitlines()
        pairs = zip(lines[::2], lines[1::2], strict=True)
        found[path.removeprefix("lago").strip()] = [
            Example(what.removeprefix("# "), line) for what, line in pairs
        ]
    return found
