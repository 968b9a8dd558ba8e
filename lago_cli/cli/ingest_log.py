"""What a person sees of an ingest while it runs: progress, rejections, conflicts."""

from __future__ import annotations

import sys
from contextlib import ExitStack
from types import TracebackType
from typing import IO, TYPE_CHECKING, Any

from lago_cli.cli.session import Session
from lago_cli.errors import LagoError, wrong_usage
from lago_cli.services.ingest_report import SHOWN

if TYPE_CHECKING:
    from lago_cli.domain.runs import Tally
    from lago_cli.readers.source import Source
    from lago_cli.services.conflicts import Conflict
    from lago_cli.services.ingest_report import Rejection

ROOMY = 70  # columns of a terminal in which all of the progress bar has room


class IngestLog:
    """The listener of one run. A context manager: it closes the file of rejects."""

    def __init__(
        self, session: Session, rejects: str | None, *, progress: bool, names: bool
    ) -> None:
        self._session = session
        self._stack = ExitStack()
        self._rejects = self._open(rejects)
        self._wants_progress = progress and sys.stderr.isatty()
        self._names = names  # rejections one by one; JSON has them in its summary
        self._rejected = self._conflicts = 0
        self._source: Source | None = None
        self._bar: Any = None
        self._task: Any = None

    def __enter__(self) -> IngestLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def close(self) -> None:
        """The run is over: take the bar away, say how much was not named."""
        self._stack.close()
        self._bar = None
        self._say_what_was_not_shown()

    def reading(self, source: Source) -> None:
        """A new input begins; files get a bar in bytes."""
        self._source = source
        if not self._wants_progress or source.size is None:
            return
        if self._bar is None:
            self._bar = self._stack.enter_context(_progress_bar())
        self._task = self._bar.add_task(source.name, total=source.size, events="")

    def progressed(self, tally: Tally) -> None:
        if self._bar is not None and self._source is not None and self._source.size is not None:
            self._bar.update(
                self._task, completed=self._source.position, events=f"{tally.read} events"
            )

    def rejected(self, rejection: Rejection) -> None:
        if self._rejects is not None:
            self._write(self._rejects, rejection)
        self._rejected += 1
        if self._rejected <= SHOWN and self._names:
            place = f"{rejection.file}:{rejection.line}"
            self._session.warn(f"{place}: {rejection.code}: {rejection.message}")

    def conflicting(self, conflict: Conflict) -> None:
        self._conflicts += 1
        if self._conflicts <= SHOWN:
            stays = "the stored event stays"
            if conflict.deletion is not None:
                from shlex import quote

                stays = f"it stays so: lago events undelete {quote(conflict.transaction_id)}"
            self._session.warn(
                f"{conflict.file}:{conflict.line}: {conflict.said}; {stays}",
                always=conflict.is_lost,
            )

    def _open(self, path: str | None) -> IO[bytes] | None:
        if path is None:
            return None
        try:
            return self._stack.enter_context(open(path, "wb", buffering=0))  # noqa: PTH123
        except (OSError, ValueError) as error:
            raise _not_writable(path, error) from None

    @staticmethod
    def _write(stream: IO[bytes], rejection: Rejection) -> None:
        from lago_cli.domain.json_text import encode

        left = memoryview(encode(rejection._asdict()) + b"\n")
        try:
            while left:
                left = left[stream.write(left) :]
        except OSError as error:
            raise _not_writable(str(stream.name), error) from None

    def _say_what_was_not_shown(self) -> None:
        if self._rejected > SHOWN and self._names:
            self._session.warn(f"… and {self._rejected - SHOWN} more rejected: --rejects FILE")
        if self._conflicts > SHOWN:
            self._session.warn(f"… and {self._conflicts - SHOWN} more in conflict")


def _not_writable(path: str, error: OSError | ValueError) -> LagoError:
    reason = getattr(error, "strerror", None) or str(error)
    return wrong_usage("rejects_not_writable", f"--rejects {path}: {reason}.")


def _progress_bar() -> Any:
    """One line in any terminal: what does not fit gives way, and a long name is cut."""
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        Progress,
        ProgressColumn,
        TextColumn,
        TimeRemainingColumn,
    )
    from rich.table import Column

    console = Console(file=sys.stderr)
    name = Column(no_wrap=True, overflow="ellipsis", max_width=console.width // 4)
    columns: list[ProgressColumn] = [
        TextColumn("{task.description}", markup=False, table_column=name),
        BarColumn(console.width // 7, table_column=Column(no_wrap=True)),
        DownloadColumn(table_column=Column(no_wrap=True)),
    ]
    if console.width >= ROOMY:
        columns += [
            TextColumn("{task.fields[events]}", markup=False, table_column=Column(no_wrap=True)),
            TimeRemainingColumn(table_column=Column(no_wrap=True)),
        ]
    return Progress(*columns, console=console, transient=True)
