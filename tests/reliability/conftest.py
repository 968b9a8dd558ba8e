"""Trials start real processes; what they only ask before and after runs in this one."""

from __future__ import annotations

import io
from typing import Any

import pytest

from reliability.program import Ended, Program
from tests import in_process


@pytest.fixture
def asked_in_this_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Unless a run is given streams or limits of its own; not for trials that use threads."""
    in_a_process = Program.run

    def run(self: Program, *args: object, stdin: bytes = b"", **given: Any) -> Ended:
        if given:
            return in_a_process(self, *args, stdin=stdin, **given)
        words = [*map(str, args)]
        stdout, stderr = io.BytesIO(), io.BytesIO()
        code = in_process.run(
            words,
            variables=self._environment(),
            folder=self.folder,
            stdin=stdin,
            stdout=stdout,
            stderr=stderr,
        )
        return Ended(" ".join(["lago", *words]), code, stdout.getvalue(), stderr.getvalue())

    monkeypatch.setattr(Program, "run", run)
