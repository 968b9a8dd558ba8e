"""What a command may touch: the store (opened on first use), the clock, the streams."""

from __future__ import annotations

import gc
import os
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from types import TracebackType
from typing import TYPE_CHECKING, TextIO

from lago_cli.errors import wrong_usage
from lago_cli.renderers import Answer, Terminal, TooLong, render, terminal_for

if TYPE_CHECKING:
    from lago_cli.cli.progress import Progress
    from lago_cli.stores.sqlite.store import SqliteStore


class Ended(Exception):  # noqa: N818 - it is no error
    """
    A command was interrupted, or nobody reads its answer any more.

    It carries a `KeyboardInterrupt` or `BrokenPipeError` through typer, which would take
    them for its own and exit silently, or with 1.
    """

    def __init__(self, reason: BaseException) -> None:
        super().__init__()
        self.reason = reason


class Session:
    """One command's surroundings. A context manager: it closes what it opened."""

    def __init__(
        self,
        *,
        db: str,
        output: str,
        output_chosen: bool,
        busy_timeout: float,
        now: int | None,
        quiet: bool,
        no_color: bool,
        raw: bool,
        excel: bool,
        no_pager: bool,
    ) -> None:
        self.db = db
        self.output = output
        self.output_chosen = output_chosen  # for this command, not by a variable for all
        self.quiet = quiet
        self.busy_timeout = busy_timeout
        self._no_color = no_color
        self.raw = raw
        self._excel = excel
        self._pager = not no_pager
        self._fixed_now = now
        self._stack = ExitStack()
        self._held: list[tuple[str, str, str]] = []
        self._progress: Progress | None = None
        self._late: list[tuple[str, str, str]] = []
        self._writes = False

    def __enter__(self) -> Session:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._stack.__exit__(kind, error, trace)
        self._say_late()
        if error is None:
            for text, label, style in self._held:
                say(text, label=label, style=style, no_color=self._no_color)

    def now(self) -> int:
        """Microseconds since 1970, of the test clock where one is given."""
        return time.time_ns() // 1000 if self._fixed_now is None else self._fixed_now

    def store(
        self, *, writable: bool = False, create: bool = True, as_it_is: bool = False
    ) -> SqliteStore:
        """
        The store, closed with the session; to write to it, a missing file is made.

        With `as_it_is` it may be one whose tables are not what they should be.

        Raises:
            LagoError: see `stores.open_store`.
        """
        from lago_cli.stores import open_store

        self._writes |= writable
        if not writable and gc.isenabled():  # a query makes few cyclic objects, and ends soon
            gc.disable()
            self._stack.callback(gc.enable)
        store = self._stack.enter_context(
            open_store(
                self.db,
                writable=writable,
                create=create,
                busy_timeout=self.busy_timeout,
                as_it_is=as_it_is,
                upgrading=lambda: self.progress(f"Bringing {self.db} up to date"),
            )
        )
        if store.created:
            self.note(f"Created {self.db}", at_once=True)
        return store

    def prepare(self, *, writable: bool) -> None:
        """See that the store can be opened, made or brought up to date; it is closed again."""
        self.store(writable=writable)
        self._stack.close()

    def store_to_try(self, *, dry_run: bool) -> SqliteStore:
        """The store to write to; for a dry run without a file, one that leaves no trace."""
        if dry_run and not os.path.exists(self.db):  # noqa: PTH110 - it raises nothing
            from lago_cli.stores import open_store

            return self._stack.enter_context(
                open_store(":memory:", writable=True, busy_timeout=self.busy_timeout)
            )
        return self.store(writable=True)

    def show(self, answer: Answer) -> None:
        """
        The answer, on stdout; a table that is longer than the screen, in the pager.

        Raises:
            LagoError: wrong usage, where it is too long for its format.
        """
        terminal = self.terminal(sys.stdout)
        try:
            if self._may_page:
                from lago_cli.cli.pager import paged

                with paged(sys.stdout, os.environ) as stream:
                    render(answer, self.output, stream, terminal)
            else:
                render(answer, self.output, sys.stdout, terminal)
        except TooLong as error:
            hint = "Ask for less, or write CSV: -o csv"
            raise wrong_usage("too_many_rows", str(error), hint) from None
        sys.stdout.flush()
        self._say_late()

    @property
    def _may_page(self) -> bool:
        return self._pager and self.output == "table" and sys.stdout.isatty()

    def _say_late(self) -> None:
        for text, label, style in self._late:
            say(text, label=label, style=style, no_color=self._no_color)
        self._late.clear()

    def tell(self, line: str) -> None:
        """The answer in one line, for the table; its hidden characters are made visible."""
        from lago_cli.renderers.escapes import encodable, visible

        print(encodable(visible(line), sys.stdout.encoding), flush=True)
        self._say_late()

    def done(self, report: Answer) -> None:
        """What a command did, where nothing but that was asked of it; with --quiet nothing."""
        if not self.quiet:
            self.show(report)

    @contextmanager
    def progress(self, what: str, *, wanted: bool = True) -> Iterator[Progress]:
        """How far something has come, on a terminal, if it takes long; none with --quiet."""
        from lago_cli.cli.progress import Progress

        before = self._progress
        can_draw = sys.stderr.isatty() and os.environ.get("TERM") != "dumb"
        stream = sys.stderr if wanted and can_draw and not self.quiet else None
        with Progress(stream, what) as self._progress:
            try:
                yield self._progress
            finally:
                self._progress = before

    def note(self, text: str, *, at_once: bool = False) -> None:
        """A word to the person, on stderr; none with --quiet."""
        self._say(text, at_once=at_once)

    def warn(self, text: str, *, always: bool = False) -> None:
        """Something that wants attention, on stderr; with --quiet only what is said `always`."""
        if always or not self.quiet:
            self._say(text, "Warning:", "33", is_wanted=True)

    def _say(
        self,
        text: str,
        label: str = "",
        style: str = "",
        *,
        at_once: bool = False,
        is_wanted: bool = False,
    ) -> None:
        """
        With JSON, words wait for a good end: beside an error they would be no JSON.

        With a pager they come after the answer, which would scroll them away.
        """
        if self.quiet and not is_wanted:
            return
        if self.output == "json" and not at_once:
            self._held.append((text, label, style))
        elif self._may_page and not self._writes and not at_once:
            self._late.append((text, label, style))
        else:
            with self._progress.aside() if self._progress else nullcontext():
                say(text, label=label, style=style, no_color=self._no_color)

    def terminal(self, stream: TextIO) -> Terminal:
        return terminal_for(stream, os.environ, self._no_color, raw=self.raw, excel=self._excel)


def say(text: str, *, label: str = "", style: str = "", no_color: bool = False) -> None:
    """One line on stderr, its hidden characters made visible, its label coloured."""
    from lago_cli.renderers.escapes import encodable, visible

    shown = encodable(visible(text), sys.stderr.encoding)
    if label:
        color = terminal_for(sys.stderr, os.environ, no_color).color
        shown = f"\x1b[{style}m{label}\x1b[0m {shown}" if color else f"{label} {shown}"
    print(shown, file=sys.stderr)
