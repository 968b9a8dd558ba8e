"""What the server counts of itself, for `/metrics` in the text format of Prometheus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from threading import Lock

from lago_cli.server.words import tell

_BOUNDS_MS = (1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000)


class Gauges:
    """Counters since the start; nothing in them names a customer."""

    def __init__(self) -> None:
        self._lock = Lock()
        self.events = 0
        self.duplicates = 0
        self.rejected = 0
        self.turned_away = 0
        self.commits = 0
        self.failures: Counter[str] = Counter()
        self.requests: Counter[tuple[str, int]] = Counter()  # by method and status
        self._by_bound = [0] * (len(_BOUNDS_MS) + 1)
        self._microseconds = 0
        self.waiting: Callable[[], int] = lambda: 0

    def counted(self, *, stored: int, duplicates: int, rejected: int) -> None:
        """A group of requests was committed."""
        with self._lock:
            self.events += stored
            self.duplicates += duplicates
            self.rejected += rejected

    def committed(self, seconds: float) -> None:
        """A commit took so long, with all that was done in it."""
        milliseconds = seconds * 1000
        place = next(
            (at for at, bound in enumerate(_BOUNDS_MS) if milliseconds <= bound), len(_BOUNDS_MS)
        )
        with self._lock:
            self.commits += 1
            self._by_bound[place] += 1
            self._microseconds += int(seconds * 1_000_000)

    def answered(self, method: str, status: int) -> None:
        """A request was answered. `method` is one of a few: each is kept for ever."""
        with self._lock:
            self.requests[method, status] += 1

    def failed(self, error: BaseException) -> None:
        """Something went wrong that the client is told of without its details."""
        code = getattr(error, "code", None) or type(error).__name__
        with self._lock:
            self.failures[code] += 1
        tell(f"lago serve: {where(error)}")

    def text(self) -> str:
        """Everything, as Prometheus reads it."""
        with self._lock:
            lines = [
                *_counter("lago_events_total", "Events stored.", self.events),
                *_counter("lago_duplicates_total", "Repeated events.", self.duplicates),
                *_counter("lago_rejected_events_total", "Events refused.", self.rejected),
                *_counter("lago_turned_away_total", "Requests answered 429.", self.turned_away),
                *_counter("lago_commits_total", "Commits.", self.commits),
                "# HELP lago_commit_seconds How long commits took.",
                "# TYPE lago_commit_seconds histogram",
                *self._histogram(),
                "# HELP lago_waiting_events Events not answered yet.",
                "# TYPE lago_waiting_events gauge",
                f"lago_waiting_events {self.waiting()}",
                "# HELP lago_requests_total Requests answered.",
                "# TYPE lago_requests_total counter",
                *(
                    f'lago_requests_total{{method="{method}",status="{status}"}} {count}'
                    for (method, status), count in sorted(self.requests.items())
                ),
                "# HELP lago_failures_total Failures by code.",
                "# TYPE lago_failures_total counter",
                *(
                    f'lago_failures_total{{code="{code}"}} {count}'
                    for code, count in sorted(self.failures.items())
                ),
            ]
        return "\n".join(lines) + "\n"

    def _histogram(self) -> list[str]:
        lines = []
        so_far = 0
        for bound, count in zip(_BOUNDS_MS, self._by_bound, strict=False):
            so_far += count
            lines.append(f'lago_commit_seconds_bucket{{le="{_seconds(bound * 1000)}"}} {so_far}')
        return [
            *lines,
            f'lago_commit_seconds_bucket{{le="+Inf"}} {self.commits}',
            f"lago_commit_seconds_sum {_seconds(self._microseconds)}",
            f"lago_commit_seconds_count {self.commits}",
        ]


def where(error: BaseException) -> str:
    """What went wrong and where in the program; not with what data."""
    code = getattr(error, "code", None)
    if code is not None:
        return str(code)
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    place = f" at {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{place}"


def _counter(name: str, help_text: str, value: int) -> list[str]:
    return [f"# HELP {name} {help_text}", f"# TYPE {name} counter", f"{name} {value}"]


def _seconds(microseconds: int) -> str:
    whole, rest = divmod(microseconds, 1_000_000)
    return f"{whole}.{rest:06}".rstrip("0").rstrip(".")
