"""`lago usage check --against`: usage beside what another Lago says of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import partial
from operator import truediv
from typing import TYPE_CHECKING

from lago_cli.domain.numbers import as_plain
from lago_cli.errors import wrong_usage
from lago_cli.services.questions import Question
from lago_cli.services.reconcile import Expectations, Expected
from lago_cli.services.requests import PREVIOUS
from lago_cli.services.usage import UsageRow, usage_for

if TYPE_CHECKING:
    from lago_cli.cli.session import Session
    from lago_cli.domain.instants import Window
    from lago_cli.domain.subscriptions import Subscription
    from lago_cli.remote.client import Client
    from lago_cli.remote.usage import Charged, Period
    from lago_cli.services.requests import UsageRequest
    from lago_cli.stores.sqlite.store import SqliteStore

COLUMNS = ("external_customer_id", "external_subscription_id", "billable_metric_code")
_NAMED = 10
_SECOND = 10**6
_OTHERS = {
    "start": "--from",
    "end": "--to",
    "window": "--window",
    "group_by": "--group-by",
    "filters": "--filter",
    "timezone": "--timezone",
    "as_of": "--as-of",
}


@dataclass
class OtherSide:
    """What another Lago says, and what there is here beside it."""

    expectations: Expectations
    request: UsageRequest  # that asks for the same here
    rows: list[UsageRow]
    unknown: list[str] = field(default_factory=list)  # subscriptions
    no_period: list[str] = field(default_factory=list)  # subscriptions
    uncharged: dict[str, None] = field(default_factory=dict)  # metrics
    split: list[str] = field(default_factory=list)  # figures that do not add up there
    shifted: list[str] = field(default_factory=list)  # subscriptions, of other periods there


def refuse_others(request: UsageRequest) -> None:
    """Raises `LagoError` (wrong usage) for what no Lago can be asked for."""
    given = [name for key, name in _OTHERS.items() if getattr(request, key)]
    given += ["--by customer"] if request.by == "customer" else []
    if request.period not in (None, "current", *PREVIOUS):
        given.append(f"--period {request.period}")
    if given:
        message = f"{given[0]} and --against do not go together: Lago knows billing periods alone."
        raise wrong_usage("invalid_against", message, "Take --period current, previous or --at.")


def other_side(
    session: Session, store: SqliteStore, request: UsageRequest, client: Client, *, amounts: bool
) -> OtherSide:
    """
    Ask for the usage of every registered subscription that lives in the period.

    Raises:
        LagoError: see `remote.client.Client`.
    """
    now = session.now()
    everybody = replace(request, by="subscription", everybody=True)
    question = Question(store, everybody, now)
    wanted = [
        (each, windows[0])
        for each in store.accounts.subscriptions()
        if _is_wanted(each, request)
        if (windows := question.windows((each.external_customer_id, each.external_id)))
        if windows[0].start < windows[0].end
    ]
    names = [each.external_id for each, _ in wanted]
    asked = replace(everybody, customers=(), subscriptions=names, everybody=False)
    found = OtherSide(Expectations(COLUMNS, True, amounts, {}, ()), asked, [])
    if not wanted:
        return found
    ours = {(row.owner[1], row.metric.code): row for row in usage_for(store, asked, now=now)}
    expected: dict[tuple[object, ...], Expected] = {}
    with session.progress(f"Asking {client.url}") as shown:
        for done, (each, window) in enumerate(wanted):
            shown.share = partial(truediv, done, len(wanted))
            there = _ask(client, each, window, now)
            if there is not None:
                if _is_shifted(there, window, question.asked(_owner(each))[0]):
                    found.shifted.append(each.external_id)
                expected |= _expected(each, there, request, ours, found, amounts=amounts)
            elif window.start <= now < window.end and each.is_active(now):
                found.unknown.append(each.external_id)
            else:
                found.no_period.append(each.external_id)
    for (subscription, code), row in ours.items():
        if (*row.owner, code) in expected or subscription in found.unknown:
            found.rows.append(row)
        elif row.units and subscription not in found.no_period and not _is_split(found, row):
            found.uncharged[code] = None
    found.expectations = Expectations(COLUMNS, True, amounts, expected, ())
    return found


def _is_shifted(there: Period, lived: Window, whole: Window) -> bool:
    """A period that is begun late is told from its start, or from that of the subscription."""
    return not (
        any(abs(there.start - start) < _SECOND for start in (lived.start, whole.start))
        and any(abs(there.end - end) < _SECOND for end in (lived.end, whole.end))
    )


def _owner(each: Subscription) -> tuple[str | None, str | None]:
    return each.external_customer_id, each.external_id


def _is_wanted(each: Subscription, request: UsageRequest) -> bool:
    return (not request.customers or each.external_customer_id in request.customers) and (
        not request.subscriptions or each.external_id in request.subscriptions
    )


def _ask(client: Client, each: Subscription, window: Window, now: int) -> Period | None:
    from lago_cli.remote.usage import current_usage, past_usage

    if window.start <= now < window.end:
        return current_usage(client, each.external_customer_id, each.external_id)
    middle = (window.start + window.end) // 2
    return past_usage(client, each.external_customer_id, each.external_id, middle)


def _expected(
    each: Subscription,
    there: Period,
    request: UsageRequest,
    ours: dict[tuple[str | None, str], UsageRow],
    found: OtherSide,
    *,
    amounts: bool,
) -> dict[tuple[object, ...], Expected]:
    rows: dict[tuple[object, ...], Expected] = {}
    for code, charged in there.metrics.items():
        if request.metrics and code not in request.metrics:
            continue
        row = ours.get((each.external_id, code))
        units = charged.units_beside(Fraction(as_plain(row.units)) if row else Fraction(0))
        if units is None:
            found.split.append(f"{code} of {each.external_id}")
            if not amounts:
                continue
        key = (*_owner(each), code)
        rows[key] = _line(key, units, charged if amounts else None)
    return rows


def _line(key: tuple[object, ...], units: Fraction | None, charged: Charged | None) -> Expected:
    if charged is None:
        return Expected(None, key, units, None)
    return Expected(None, key, units, None, charged.cents, None, charged.currency)


def _is_split(found: OtherSide, row: UsageRow) -> bool:
    return f"{row.metric.code} of {row.owner[1]}" in found.split


def warn_of(session: Session, url: str, found: OtherSide) -> None:
    """Name what was not compared, and what is told of other periods."""
    for names, said in (
        (found.unknown, "{} does not know: {}. Its figures are 0 there."),
        (found.no_period, "Not compared, for {} has no such period of: {}."),
        (list(found.uncharged), "Not compared, for {} charges nothing for: {}."),
        (found.split, "Units are not compared where {} splits what does not add up: {}."),
        (found.shifted, "The billing period at {} differs from the one here for: {}."),
    ):
        if names:
            session.warn(said.format(url, _joined(names)))


def _joined(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED} others" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more
