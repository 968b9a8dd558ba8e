"""What the address of a page asks for: the options of the command line, under the same names."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING, Any, get_args

from lago_cli.domain.nearest import did_you_mean
from lago_cli.errors import LagoError, wrong_usage
from lago_cli.server.pages.addresses import address

if TYPE_CHECKING:
    from lago_cli.domain.stored import EventSelection
    from lago_cli.reports.usage_answers import View
    from lago_cli.services.requests import UsageRequest

Pairs = Sequence[tuple[str, str]]

PERIOD = ("period", "from", "to", "at")
SELECTION = (
    *("customer", "subscription", "metric"),
    *PERIOD,
    *("window", "group_by", "filter", "timezone", "prorated", "by", "as_of"),
)
VIEW = ("compare", "sort", "top", "total", "amounts")
OF_EVENTS = ("customer", "subscription", "code", "status", "from", "to", "limit")
OF_PAGES = ("page", "id", "done")
_CHOICES = {
    "window": ("hour", "day", "week", "month"),
    "by": ("customer", "subscription"),
    "status": ("counted", "unmatched", "unusable", "deleted"),
    "order": ("time", "value"),
}
_LARGEST = 1_000_000_000
_OFF = ("", "0", "false", "no", "off")


class Query:
    """The parameters of an address, in their order; what is empty was not filled in."""

    def __init__(self, pairs: Iterable[tuple[str, str]] = ()) -> None:
        self.pairs: Pairs = [(name, value) for name, value in pairs if value]

    def one(self, name: str) -> str | None:
        """Its value, the last where it is given more than once."""
        return next((value for each, value in reversed(self.pairs) if each == name), None)

    def all(self, name: str) -> list[str]:
        return list(dict.fromkeys(value for each, value in self.pairs if each == name))

    def flag(self, name: str) -> bool:
        return (self.one(name) or "").lower() not in _OFF

    def whole(self, name: str, default: int | None = None) -> int | None:
        """A number above zero. Raises `LagoError` (wrong usage)."""
        text = self.one(name)
        if text is None:
            return default
        if not (text.isascii() and text.isdigit()) or not 0 < int(text[:12]) <= _LARGEST:
            raise wrong_usage(f"invalid_{name}", f"{name}: {text[:40]} is no number from 1 on.")
        return int(text)

    def among(self, name: str) -> Any:
        """One of its choices. Raises `LagoError` (wrong usage)."""
        text, choices = self.one(name), _CHOICES[name]
        if text is not None and text not in choices:
            hint = f"One of: {', '.join(choices)}"
            raise wrong_usage(f"invalid_{name}", f'{name}: "{text[:40]}" is none.', hint)
        return text

    def instant(self, name: str) -> int | None:
        """Microseconds since 1970. Raises `LagoError` (wrong usage)."""
        from lago_cli.domain.instants import parse_moment

        text = self.one(name)
        try:
            return None if text is None else parse_moment(text)
        except ValueError as error:
            hint = "For example: 2026-11-22T00:00:00Z"
            raise wrong_usage("invalid_instant", f"{name}: {error}.", hint) from None

    def only(self, *names: str) -> list[tuple[str, str]]:
        """The pairs of these names."""
        return [pair for pair in self.pairs if pair[0] in names]

    def but(self, *names: str) -> list[tuple[str, str]]:
        """The pairs of all others; what page of a list it is goes with them."""
        return [pair for pair in self.pairs if pair[0] not in (*names, "page")]

    def refuse_others(self, known: Collection[str]) -> None:
        """Raises `LagoError` (wrong usage) for a parameter that would do nothing."""
        for name, _ in self.pairs:
            if name not in known and name not in OF_PAGES:
                near = did_you_mean(name, known)
                message = f'There is no parameter "{name[:40]}" here.{near}'
                raise LagoError(wrong_usage("", "").kind, "unknown_parameter", message)

    def usage_request(self, **fixed: Any) -> UsageRequest:
        """Whose usage is asked for, and when. Raises `LagoError` (wrong usage)."""
        from lago_cli.domain.conditions import parse_conditions
        from lago_cli.services.requests import UsageRequest

        given = {
            "customers": self.all("customer"),
            "subscriptions": self.all("subscription"),
            "metrics": self.all("metric"),
            "period": self.one("period"),
            "start": self.one("from"),
            "end": self.one("to"),
            "at": self.one("at"),
            "window": self.among("window"),
            "group_by": self.all("group_by"),
            "filters": parse_conditions(self.all("filter")),
            "timezone": self.one("timezone"),
            "prorated": self.flag("prorated"),
            "by": self.among("by"),
            "as_of": self.instant("as_of"),
        }
        return UsageRequest(**(given | fixed))

    def view(self) -> View:
        """What stands beside usage. Raises `LagoError` (wrong usage)."""
        from lago_cli.reports.usage_answers import SortBy, View

        sort: Any = self.one("sort")
        if sort is not None and sort not in get_args(SortBy):
            hint = f"One of: {', '.join(get_args(SortBy))}"
            raise wrong_usage("invalid_sort", f'sort: "{sort[:40]}" is none.', hint)
        return View(
            self.one("compare"), sort, self.whole("top"), self.flag("total"), self.flag("amounts")
        )

    def events(self) -> EventSelection:
        """Which events to list. Raises `LagoError` (wrong usage)."""
        from lago_cli.domain.instants import to_datetime
        from lago_cli.domain.periods import Period
        from lago_cli.domain.stored import EventSelection

        start, end = self.instant("from"), self.instant("to")
        if start is not None and end is not None and end < start:
            Period(to_datetime(start), to_datetime(end))
        return EventSelection(
            customers=tuple(self.all("customer")),
            subscriptions=tuple(self.all("subscription")),
            codes=tuple(self.all("code")),
            start=start,
            end=end,
            status=self.among("status"),
        )

    def command(self, *words: str) -> str:
        """The same on the command line."""
        from shlex import quote

        said = [*words]
        for name, value in self.pairs:
            option = f"--{name.replace('_', '-')}"
            if name in ("prorated", "total", "amounts"):
                said += [option] if self.flag(name) else []
            elif name not in OF_PAGES:
                said += (
                    [option, quote(value)]
                    if not value.startswith("-")
                    else [quote(f"{option}={value}")]
                )
        return " ".join(said)

    def address(self, path: str, *changes: tuple[str, str]) -> str:
        """The same question with some parameters changed; an empty value takes one away."""
        return address(path, [*self.but(*(name for name, _ in changes)), *changes])
