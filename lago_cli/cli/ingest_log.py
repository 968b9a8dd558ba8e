"""What a person sees of an ingest while it runs: progress, rejections, conflicts."""

from __future__ import annotations

from contextlib import ExitStack
from types import TracebackType
from typing import IO, TYPE_CHECKING

from lago_cli.cli.session import Session
from lago_cli.errors import LagoError, wrong_usage
from lago_cli.services.ingest_report import SHOWN

if TYPE_CHECKING:
    from lago_cli.cli.progress import Progress
    from lago_cli.domain.runs import Tally
    from lago_cli.readers.source import Source
    from lago_cli.services.conflicts import Conflict
    from lago_cli.services.ingest_report import IngestReport, Rejection


class IngestLog:
    """The listener of one run. A context manager: it closes the file of rejects."""

    def __init__(
        self, session: Session, rejects: str | None, *, progress: bool, names: bool
    ) -> None:
        self._session = session
        self._stack = ExitStack()
        self._rejects = self._open(rejects)
        self._wants_progress = progress
        self._names = names  # rejections one by one; JSON has them in its summary
        self._rejected = self._conflicts = 0
        self._progress: Progress | None = None

    def __enter__(self) -> IngestLog:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)

    def close(self, report: IngestReport) -> None:
        """The run is over: take its progress away, say how much was not named."""
        self._stack.close()
        self._progress = None
        if report.refused and self._session.quiet and self._names and report.tally.read > 1:
            for rejection in report.rejections:  # of a single one the error says why
                self._name(rejection)
        self._say_what_was_not_shown(report)

    def reading(self, source: Source) -> None:
        """A new input begins; how much of it is read is known of files."""
        if self._progress is None:
            shown = self._session.progress("", wanted=self._wants_progress)
            self._progress = self._stack.enter_context(shown)
        size = source.size
        self._progress.what = f"Reading {source.name}"
        self._progress.share = (lambda: source.position / size) if size else None

    def progressed(self, tally: Tally) -> None:
        if self._progress is not None:
            self._progress.events = tally.read

    def rejected(self, rejection: Rejection) -> None:
        if self._rejects is not None:
            self._write(self._rejects, rejection)
        self._rejected += 1
        if self._rejected <= SHOWN and self._names and not self._session.quiet:
            self._name(rejection)

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

    def _name(self, rejection: Rejection) -> None:
        """With --quiet only once the run has failed by it."""
        place = f"{rejection.file}:{rejection.line}"
        self._session.warn(f"{place}: {rejection.code}: {rejection.message}", always=True)

    def _say_what_was_not_shown(self, report: IngestReport) -> None:
        if self._rejected > SHOWN and self._names:
            more = f"… and {self._rejected - SHOWN} more rejected: --rejects FILE"
            self._session.warn(more, always=report.refused)
        if self._conflicts > SHOWN:
            self._session.warn(f"… and {self._conflicts - SHOWN} more in conflict")


def _not_writable(path: str, error: OSError | ValueError) -> LagoError:
    reason = getattr(error, "strerror", None) or str(error)
    return wrong_usage("rejects_not_writable", f"--rejects {path}: {reason}.")
