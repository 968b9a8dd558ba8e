"""What is said to a person beside an answer."""

from __future__ import annotations

from typing import Protocol


class Voice(Protocol):
    """Who says it: the terminal on stderr, the page above the answer."""

    def note(self, text: str) -> None:
        """A word to the person."""

    def warn(self, text: str, *, always: bool = False) -> None:
        """Something that wants attention; what is said `always` is never left out."""


class Heard:
    """A voice that only remembers what was said."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.warnings: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)

    def warn(self, text: str, *, always: bool = False) -> None:  # noqa: ARG002 - it is all kept
        self.warnings.append(text)
