"""`lago push`: the file as an outbox of another Lago."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Annotated

import typer

from lago_cli.cli.events import MOST, SELECTION
from lago_cli.cli.options import command, not_empty
from lago_cli.cli.session import Session
from lago_cli.errors import LagoError, refused, wrong_usage

if TYPE_CHECKING:
    from collections.abc import Callable
    from fractions import Fraction

    from lago_cli.domain.stored import EventSelection
    from lago_cli.remote.client import Client
    from lago_cli.remote.push import Push, PushOptions, PushReport, Refused

Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="KEY",
        envvar=["LAGO_API_KEY", "LAGO_KEY"],
        callback=not_empty,
        help="The API key of that Lago.",
    ),
]
RetryFor = Annotated[
    int,
    typer.Option(
        "--retry-for",
        metavar="SECONDS",
        min=0,
        max=86_400,
        help="How long to try again where it is busy or away.",
    ),
]


def register(app: typer.Typer) -> None:
    """Add the command to the tree."""
    command(app, "push", SELECTION)(push)


def push(
    session: Session,
    selection: EventSelection,
    url: Annotated[
        str, typer.Argument(metavar="URL", help="Of Lago's API, with or without /api/v1.")
    ],
    key: Key = None,
    limit: Annotated[
        int | None,
        typer.Option("--limit", metavar="N", min=0, max=MOST, help="Send no more than that."),
    ] = None,
    rate: Annotated[
        int | None,
        typer.Option("--rate", metavar="N", min=1, max=MOST, help="At most N events a second."),
    ] = None,
    retry_refused: Annotated[
        bool,
        typer.Option("--retry-refused", help="Send again, too, what was refused there before."),
    ] = False,
    retry_for: RetryFor = 60,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say how many would be sent, send nothing.")
    ] = False,
    no_progress: Annotated[
        bool, typer.Option("--no-progress", help="Do not show how far it has come.")
    ] = False,
) -> None:
    """
    Send stored events on to a Lago, each once for ever.

    Which events a URL has answered for is remembered in the file, however often this is run.
    """
    from lago_cli.remote.address import normalised
    from lago_cli.remote.push import Push, PushOptions
    from lago_cli.services.names import refuse_unknown_in

    if selection.status == "deleted":
        message = "Deleted events are not sent."
        raise wrong_usage("invalid_status", message, "Bring one back: lago events undelete")
    options = PushOptions(limit, rate, retry_refused, dry_run)
    url = normalised(url)
    store = session.store(writable=not dry_run, create=False)
    refuse_unknown_in(store, selection)
    started = time.monotonic_ns()
    run = Push(
        store,
        store.outbox(url),
        store.wanted_by(selection),
        options,
        clock=time.monotonic_ns,
        pause=sleep,
    )
    if dry_run:
        report = run.run(None, lambda _: None, lambda _: None)
    else:
        with client_of(session, url, key, retry_for) as client:
            report = _send(session, run, client, progress=not no_progress)
    if not session.quiet or report.refused:
        _show_summary(session, url, report, time.monotonic_ns() - started)
    _tell(session, report, options)
    if report.refused:
        raise _some_refused(url, report)


def client_of(session: Session, url: str, key: str | None, retry_for: int) -> Client:
    """Raises `LagoError` (wrong usage) for a URL or a key that is none."""
    from fractions import Fraction

    from lago_cli.remote.client import Client, Surroundings

    surroundings = Surroundings(
        clock=time.monotonic_ns, now=session.now, pause=sleep, say=session.warn
    )
    return Client(url, key, surroundings, patience=Fraction(retry_for))


def sleep(seconds: Fraction) -> None:
    time.sleep(seconds.numerator / seconds.denominator)


def _send(session: Session, run: Push, client: Client, *, progress: bool) -> PushReport:
    told = _Told(session)
    try:
        with session.progress(f"Sending to {client.url}", wanted=progress) as shown:
            return run.run(client, shown, told)
    except BaseException as error:
        if not isinstance(error, LagoError) or error.code != "database_replaced":
            error.add_note(_what_is_sent(run.report))
        raise


class _Told:
    """Names the first refusals, where no summary as JSON does."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._count = 0

    def __call__(self, each: Refused) -> None:
        from lago_cli.remote.push import SHOWN

        self._count += 1
        if self._session.output != "json" and self._count <= SHOWN:
            event = each.event.event
            whose = event.external_subscription_id or event.external_customer_id
            self._session.warn(
                f'"{event.transaction_id}" of "{whose}" was refused: {each.refusal.code}'
                f" ({each.refusal.message})",
                always=True,
            )


def _what_is_sent(report: PushReport) -> str:
    done = report.sent + report.already_there
    if not done:
        return "Nothing was sent."
    was = "1 event was" if done == 1 else f"{done} events were"
    return f"{was} sent before that, and will not be sent again. Run it again to go on."


def _show_summary(session: Session, url: str, report: PushReport, nanoseconds: int) -> None:
    from lago_cli.reports.pushes import in_one_line, push_report

    if session.output == "table" and not session.raw and sys.stdout.isatty():
        session.tell(in_one_line(url, report, nanoseconds))
    else:
        session.show(push_report(url, report, nanoseconds))


def _tell(session: Session, report: PushReport, options: PushOptions) -> None:
    """Say in what the other side is not as the file is."""
    from lago_cli.remote.push import SHOWN

    def say(count: int, one: str, more: str, told: Callable[[str], None] = session.warn) -> None:
        if count:
            told(one if count == 1 else f"{count} {more}")

    if report.refused > SHOWN and session.output != "json":
        session.warn(f"… and {report.refused - SHOWN} more refused")
    say(
        report.refused_before,
        "1 event was refused there before, and is not sent again: --retry-refused",
        "events were refused there before, and are not sent again: --retry-refused",
    )
    say(
        report.replaced_since,
        "1 event was replaced here after it was sent; the other side keeps the first.",
        "events were replaced here after they were sent; the other side keeps the first.",
    )
    say(
        report.deleted_since,
        "1 event was deleted here after it was sent; the other side still has it.",
        "events were deleted here after they were sent; the other side still has them.",
    )
    if options.dry_run:
        session.note("Dry run: nothing was sent.")
    elif report.left:
        say(report.left, "1 event is left.", "events are left.", session.note)


def _some_refused(url: str, report: PushReport) -> LagoError:
    was = "1 event was" if report.refused == 1 else f"{report.refused} events were"
    others = "all others are there" if report.sent + report.already_there else "none was sent"
    return refused(
        "events_refused",
        f"{was} refused by {url}; {others}.",
        "Mend them there or here; --retry-refused sends them again.",
    )
