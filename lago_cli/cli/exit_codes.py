"""Exit codes: scripts depend on them, so a number never changes its meaning."""

from __future__ import annotations

from enum import IntEnum

from lago_cli.errors import Kind


class ExitCode(IntEnum):
    DONE = 0
    BUG = 1
    USAGE = 2
    NOT_FOUND = 4
    REFUSED = 5
    DATABASE = 7
    LOCKED = 8
    CHECK_FAILED = 9
    INTERRUPTED = 130


FOR_KIND = {
    Kind.USAGE: ExitCode.USAGE,
    Kind.NOT_FOUND: ExitCode.NOT_FOUND,
    Kind.REFUSED: ExitCode.REFUSED,
    Kind.DATABASE: ExitCode.DATABASE,
    Kind.LOCKED: ExitCode.LOCKED,
    Kind.CHECK_FAILED: ExitCode.CHECK_FAILED,
}
