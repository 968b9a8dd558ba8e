"""What a command may write, and where to: never over the database or what it reads."""

from __future__ import annotations

import os
import stat
import sys
import unicodedata
from collections.abc import Sequence
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from lago_cli.errors import wrong_usage
from lago_cli.stores import COMPANIONS


def check_file(output: str, *, excel: bool, watched: bool) -> None:
    """
    See that what is for a file can be written, before anything is done.

    Raises:
        LagoError: wrong usage: a workbook on a terminal, or without the library for it; one
            file after the other; `excel` for what no spreadsheet reads.
    """
    if output == "xlsx":
        if not _is_installed("xlsxwriter"):
            message = "To write Excel workbooks, lago needs XlsxWriter, which is not installed."
            raise wrong_usage("missing_extra", message, "pip install 'lago-cli[xlsx]'")
        if sys.stdout.isatty():
            message = "A workbook is no text, and is not written to a terminal."
            raise wrong_usage("binary_output", message, "Write it to a file: -o xlsx > usage.xlsx")
    if watched and output in ("xlsx", "svg"):
        message = f"A file of {output} holds one answer; --watch gives many."
        raise wrong_usage("invalid_output", message, "Leave out --watch or -o.")
    if excel and output not in ("csv", "xlsx"):
        message = f"--excel is about CSV, and the answer is written as {output}."
        raise wrong_usage("invalid_output", message, "Write: -o csv --excel, or -o xlsx")


def _is_installed(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ValueError:  # somebody has hidden it
        return False


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
