"""`lago usage check`: whether usage is what it is expected to be."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.options import command
from lago_cli.cli.push import Key, RetryFor, client_of
from lago_cli.cli.selection import SELECTION
from lago_cli.cli.session import Session
from lago_cli.errors import Kind, LagoError, wrong_usage
from lago_cli.reports.usage_words import prices_of, warn_of_unknown

if TYPE_CHECKING:
    from lago_cli.remote.client import Client
    from lago_cli.renderers import Report
    from lago_cli.services.limits import Limits
    from lago_cli.services.reconcile import Expectations, Tolerance
    from lago_cli.services.requests import UsageRequest
    from lago_cli.services.usage import UsageRow
    from lago_cli.stores.sqlite.store import SqliteStore

Expect = Annotated[
    str | None,
    typer.Option(
        "--expect",
        metavar="FILE",
        help="CSV with units or amount_cents and what tells figures apart, as lago usage -o csv"
        " writes it.",
    ),
]
ToleranceText = Annotated[
    str,
    typer.Option(
        "--tolerance",
        metavar="N|N%",
        help="How far off a figure may be: in units or cents, or in percent.",
    ),
]
Max = Annotated[
    list[str] | None,
    typer.Option("--max", metavar="CODE=N", help="No figure of the metric may be above N."),
]
Min = Annotated[
    list[str] | None,
    typer.Option(
        "--min",
        metavar="CODE=N",
        help="No figure of the metric may be below N; who used nothing of it has 0, and without"
        " --customer or --subscription that is everybody who is known.",
    ),
]
MaxAge = Annotated[
    str | None,
    typer.Option(
        "--max-age",
        metavar="DURATION",
        help="No metric may be without events for longer before now: 36h, 2d, 90m or PT36H. Told"
        " for each customer with --customer, --subscription or --by, else for all together;"
        " the period, --window and --group-by do not matter.",
    ),
]
RequireFigures = Annotated[
    bool,
    typer.Option("--require-figures", help="Exit code 9, too, where there is no figure at all."),
]
Against = Annotated[
    str | None,
    typer.Option(
        "--against",
        metavar="URL",
        help="Compare with what the Lago at URL says of each registered subscription: units and,"
        " with --amounts, cents.",
    ),
]
WithAmounts = Annotated[
    bool, typer.Option("--amounts", help="With --against: compare amounts, too.")
]
NOTHING = "No figure was found to compare."


def register(app: typer.Typer) -> None:
    """Add the command to the group."""
    command(app, "check", given=SELECTION)(check)


@dataclass
class _Outcome:
    """What the checks of one run found."""

    reports: list[Report] = field(default_factory=list)
    rows: list[UsageRow] = field(default_factory=list)
    figures: int = 0
    agreed: list[str] = field(default_factory=list)  # what to say where nothing is wrong
    wrong: list[tuple[str, str]] = field(default_factory=list)  # code and sentence

    def add(self, report: Report, figures: int, agreed: str, *wrong: tuple[str, str]) -> None:
        self.reports.append(report)
        self.figures += figures
        self.agreed += [agreed] if agreed else []
        self.wrong += [(code, sentence) for code, sentence in wrong if sentence]


def check(
    session: Session,
    request: UsageRequest,
    expect: Expect = None,
    tolerance: ToleranceText = "0",
    max_: Max = None,
    min_: Min = None,
    max_age: MaxAge = None,
    against: Against = None,
    amounts: WithAmounts = False,
    key: Key = None,
    retry_for: RetryFor = 60,
    require_figures: RequireFigures = False,
) -> None:
    """
    Compare usage with expected figures, limits or another Lago.

    Exit code 9 where something is wrong, and a table of it; the error code of -o json is
    usage_differs, limit_exceeded, below_minimum, too_old or no_figures, the first that is
    true. With -q nothing is written where all is well.
    """
    from lago_cli.reports.limits import together
    from lago_cli.services import limits
    from lago_cli.services.freshness import parse_duration
    from lago_cli.services.names import refuse_unknown

    if expect is against is None and not max_ and not min_ and max_age is None:
        raise wrong_usage(
            "nothing_to_check",
            "There is nothing to compare with.",
            "Give --expect FILE, --against URL, --max CODE=N, --min CODE=N or --max-age DURATION.",
        )
    if expect is against is None and tolerance != "0":
        message = "--tolerance is about --expect, and no file is given."
        raise wrong_usage("invalid_tolerance", message, "Add --expect FILE, or leave it out.")
    if expect is not None and against is not None:
        message = "--expect and --against both say what is expected."
        raise wrong_usage("several_expectations", message, "Check them one after the other.")
    if amounts and against is None:
        message = "--amounts is about --against; a file of --expect says so by its columns."
        raise wrong_usage("invalid_amounts", message, "Add --against URL, or leave it out.")
    highest = limits.read_limits("--max", max_ or ())
    lowest = limits.read_limits("--min", min_ or ())
    limits.refuse_crossed(highest, lowest)
    most = None if max_age is None else parse_duration(max_age)
    read = None if expect is None else _read(session, expect, tolerance)
    outcome, store = _Outcome(), session.store()
    refuse_unknown(
        store,
        customers=request.customers,
        subscriptions=request.subscriptions,
        metrics=[*request.metrics, *highest, *lowest],
    )
    if read is not None:
        _expected(session, store, request, outcome, *read)
    if against is not None:
        with client_of(session, against, key, retry_for) as client:
            _against(session, store, request, outcome, client, tolerance, amounts=amounts)
    if highest or lowest:
        _limited(session, store, request, outcome, highest, lowest)
    if most is not None and max_age is not None:
        _aged(session, store, request, outcome, max_age, most)
    asked = request
    if expect is against is max_age is None:
        asked = replace(request, metrics=[*request.metrics, *highest, *lowest])
    warn_of_unknown(session, store, asked, outcome.rows)
    is_short = require_figures and not outcome.figures
    if outcome.wrong or is_short or not session.quiet:
        empty = NOTHING if is_short or not outcome.agreed else " ".join(outcome.agreed)
        session.show(together(outcome.reports, empty=empty))
    if is_short and not outcome.wrong:
        outcome.wrong.append(("no_figures", NOTHING))
    if outcome.wrong:
        message = " ".join(sentence for _, sentence in outcome.wrong)
        hint = "See the events behind them: lago usage explain"
        if outcome.wrong[0][0] in ("too_old", "no_figures"):
            hint = "See what came last: lago events list"
        raise LagoError(Kind.CHECK_FAILED, outcome.wrong[0][0], message, hint)


def _read(session: Session, file: str, tolerance: str) -> tuple[str, Expectations, Tolerance]:
    from lago_cli.readers.whole import read_table, read_whole
    from lago_cli.services import reconcile

    allowed = reconcile.parse_tolerance(tolerance)
    name, data = read_whole(file, sys.stdin.buffer)
    expectations = reconcile.parse_expectations(name, *read_table(name, data))
    if expectations.ignored:
        session.warn(f"{name}: not compared: {', '.join(expectations.ignored)}.")
    return name, expectations, allowed


def _expected(
    session: Session,
    store: SqliteStore,
    request: UsageRequest,
    outcome: _Outcome,
    name: str,
    expectations: Expectations,
    allowed: Tolerance,
) -> None:
    from lago_cli.services.usage import usage_for

    if request.by is None and expectations.is_by_subscription:
        request = replace(request, by="subscription")
    rows = list(usage_for(store, request, now=session.now()))
    outcome.rows += rows
    _compared(session, store, request, outcome, name, expectations, allowed, rows)


def _against(
    session: Session,
    store: SqliteStore,
    request: UsageRequest,
    outcome: _Outcome,
    client: Client,
    tolerance: str,
    *,
    amounts: bool,
) -> None:
    from lago_cli.cli.usage_against import other_side, refuse_others, warn_of
    from lago_cli.services.reconcile import parse_tolerance

    refuse_others(request)
    allowed = parse_tolerance(tolerance)
    there = other_side(session, store, request, client, amounts=amounts)
    warn_of(session, client.url, there)
    wanted, rows = there.expectations, there.rows
    _compared(session, store, there.request, outcome, client.url, wanted, allowed, rows)


def _compared(
    session: Session,
    store: SqliteStore,
    request: UsageRequest,
    outcome: _Outcome,
    name: str,
    expectations: Expectations,
    allowed: Tolerance,
    rows: list[UsageRow],
) -> None:
    from lago_cli.reports.reconciliation import differences_report
    from lago_cli.services.reconcile import differences

    prices = (
        prices_of(session, store, request, rows, now=session.now())
        if expectations.has_amounts
        else []
    )
    found = differences(name, expectations, rows, request.group_by, allowed, prices)
    agreed = len(expectations.rows)
    sentence = "The one figure agrees." if agreed == 1 else f"All {agreed} figures agree."
    figures = "1 figure differs" if len(found) == 1 else f"{len(found)} figures differ"
    outcome.add(
        differences_report(found, expectations),
        len(rows),
        sentence if agreed else "",
        ("usage_differs", f"{figures} from {name}." if found else ""),
    )


def _limited(
    session: Session,
    store: SqliteStore,
    request: UsageRequest,
    outcome: _Outcome,
    highest: Limits,
    lowest: Limits,
) -> None:
    from lago_cli.reports.limits import breaches_report, told_breaches
    from lago_cli.services.limits import breaches, limited_rows

    rows = limited_rows(store, request, highest, lowest, now=session.now())
    outcome.rows += rows
    found = breaches(rows, highest, lowest)
    outcome.add(
        breaches_report(found, request.group_by),
        len(rows),
        _within(len(rows)),
        ("limit_exceeded", told_breaches(found, "above")),
        ("below_minimum", told_breaches(found, "below")),
    )


def _within(figures: int) -> str:
    if figures < 2:
        return "The one figure is within its limits." * figures
    return f"All {figures} figures are within their limits."


def _aged(
    session: Session,
    store: SqliteStore,
    request: UsageRequest,
    outcome: _Outcome,
    max_age: str,
    most: int,
) -> None:
    from lago_cli.reports.limits import stale_report, told_stale
    from lago_cli.services.freshness import stale

    found, looked_at = stale(store, request, most, now=session.now())
    outcome.add(
        stale_report(found, max_age),
        looked_at,
        f"No metric is without events for longer than {max_age}." if looked_at else "",
        ("too_old", told_stale(found, max_age)),
    )
