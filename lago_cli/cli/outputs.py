"""What a command may write to: never over the database, its companions, or what it reads."""

from __future__ import annotations

import os
import stat
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from lago_cli.errors import wrong_usage
from lago_cli.stores import COMPANIONS


def check_output(name: str, target: str, db: str, inputs: Sequence[str] = ()) -> None:
    """
    See that writing to `target` destroys nothing that the command uses.

    Args:
        name: The option or argument, for the message.
        target: The path it names.
        db: The path of the database, of which nothing needs to exist yet.
        inputs: Paths that are read; `-` is standard input.

    Raises:
        LagoError: wrong usage, by whatever spelling, link or case the file is named.
    """
    beside = [path + ending for path in (db, os.path.realpath(db)) for ending in COMPANIONS]
    for path in [db, *beside, *inputs]:
        if _are_same(target, path):
            shown = "standard input" if path == "-" else path
            message = f"{name} {target} would overwrite {shown}."
            if path in beside:
                message = f"{name} {target} would overwrite a part of the database {db}."
            code = name.removeprefix("--") + "_overwrite"
            raise wrong_usage(code, message, "Name another file.")


def _are_same(one: str, other: str) -> bool:
    """Whether both name one file, also one that is still to be made."""
    with suppress(OSError, ValueError):  # of two that exist; a device is not overwritten
        there = os.fstat(0) if other == "-" else Path(other).stat()
        return os.path.samestat(Path(one).stat(), there) and stat.S_ISREG(there.st_mode)
    with suppress(OSError, ValueError):
        return other != "-" and _place(one) == _place(other)
    return False


def _place(path: str) -> tuple[int, int, str]:
    """Folder and name, in which systems tell neither case nor the form of an accent apart."""
    real = Path(os.path.realpath(path))
    folder = real.parent.stat()
    return folder.st_dev, folder.st_ino, unicodedata.normalize("NFC", real.name).casefold()
