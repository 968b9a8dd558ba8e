"""
The one exception of this program.

A `LagoError` is something a person can cause and mend: it carries a stable
`code`, a `message` in the user's words and, where there is one, the next step
as a `hint`. Its `kind` says what a front end makes of it (an exit code, an HTTP
status). Every other exception is a bug and is left to crash.
"""

from __future__ import annotations

import re
from enum import Enum

_ONE_STOP = re.compile(r"((?<!\.)\.\)?)\.\Z")  # of two sentences, one in the other


class Kind(Enum):
    """What sort of failure it is; each front end maps every kind once."""

    USAGE = "usage"  # the command line makes no sense
    NOT_FOUND = "not_found"
    REFUSED = "refused"  # an invalid definition or event
    DATABASE = "database"  # unreadable, corrupt, read-only, full, or of a newer schema
    LOCKED = "locked"  # another process held the lock beyond the busy timeout
    CHECK_FAILED = "check_failed"


class LagoError(Exception):
    """A failure that a person can cause: what, where, and how to mend it."""

    def __init__(
        self,
        kind: Kind,
        code: str,
        message: str,
        hint: str | None = None,
        *,
        field: str | None = None,
        path: tuple[str | int, ...] = (),
    ) -> None:
        message = _ONE_STOP.sub(r"\1", message)
        super().__init__(message)
        self.kind = kind
        self.code = code
        self.message = message
        self.hint = hint
        self.field = field  # of a definition, where the fault is in the value of one
        self.within = path  # where in a definition, if the fault is deep in a value

    @property
    def path(self) -> tuple[str | int, ...]:
        """Where in a definition the fault is; nothing where that is all of it."""
        return self.within or ((self.field,) if self.field else ())


def wrong_usage(code: str, message: str, hint: str | None = None) -> LagoError:
    return LagoError(Kind.USAGE, code, message, hint)


def refused(
    code: str,
    message: str,
    hint: str | None = None,
    *,
    field: str | None = None,
    path: tuple[str | int, ...] = (),
) -> LagoError:
    return LagoError(Kind.REFUSED, code, message, hint, field=field, path=path)


def not_found(thing: str, name: str, hint: str | None = None) -> LagoError:
    """`thing` is a word such as "metric"; the code becomes `metric_not_found`."""
    code = thing.replace(" ", "_") + "_not_found"
    return LagoError(Kind.NOT_FOUND, code, f'There is no {thing} "{name}".', hint)


def database(code: str, message: str, hint: str | None = None) -> LagoError:
    return LagoError(Kind.DATABASE, code, message, hint)
