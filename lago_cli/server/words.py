"""Words of a server on stderr: few, and never waited for."""

from __future__ import annotations

import select
import sys
import time
from contextlib import suppress

_SECONDS = 10  # between two that are the same
_MOST = 100  # that are remembered
_told: dict[str, float] = {}


def tell(text: str) -> None:
    """
    One line, unless it was said just now, or nobody takes it.

    A pipe that nobody reads is full some time, and would hold up whoever writes to it.
    """
    now = time.monotonic()
    if now - _told.get(text, -_SECONDS) < _SECONDS:
        return
    if len(_told) >= _MOST:
        _told.clear()
    _told[text] = now
    with suppress(OSError, ValueError):
        if _takes_more():
            print(text, file=sys.stderr, flush=True)


def _takes_more() -> bool:
    try:
        poll = select.poll()
        poll.register(sys.stderr.fileno(), select.POLLOUT)
    except (OSError, ValueError, AttributeError):  # it is no file of the system
        return True
    return bool(poll.poll(0))
