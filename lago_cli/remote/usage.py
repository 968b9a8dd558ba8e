"""What another Lago says was used: by metric, of one subscription in one period."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple
from urllib.parse import quote

from lago_cli.domain.instants import parse_instant
from lago_cli.domain.numbers import parse_decimal
from lago_cli.errors import LagoError, refused
from lago_cli.remote.client import Answer, Client

_ADD_UP = ("count_agg", "sum_agg", "weighted_sum_agg")
_MOST_PAGES = 100
_SECOND = 10**6


@dataclass(slots=True)
class Charged:
    """What the charges of a metric say together."""

    units: set[Fraction] = field(default_factory=set)  # every charge counts the same events
    cents: Fraction = Fraction(0)
    currency: str | None = None

    def units_beside(self, ours: Fraction) -> Fraction | None:
        """The figure that is furthest off; None where what stands there does not add up."""
        return max(self.units, key=lambda each: abs(each - ours), default=None)


class Period(NamedTuple):
    """Usage of a subscription from `start` to `end` (exclusive), by metric."""

    start: int
    end: int
    metrics: Mapping[str, Charged]


def current_usage(client: Client, customer: str, subscription: str) -> Period | None:
    """
    None where it knows no such active subscription.

    Raises:
        LagoError: see `Client`.
    """
    asked = {"external_subscription_id": subscription, "apply_taxes": "false"}
    answer = client.get(f"/customers/{quote(customer, safe='')}/current_usage", asked)
    body = _body_of(client, answer)
    return None if body is None else _period(client, body.get("customer_usage"))


def past_usage(client: Client, customer: str, subscription: str, at: int) -> Period | None:
    """The same of the period that the instant `at` lies in; None, too, where it has none."""
    path = f"/customers/{quote(customer, safe='')}/past_usage"
    for page in range(1, _MOST_PAGES):
        asked = {"external_subscription_id": subscription, "page": str(page), "per_page": "100"}
        body = _body_of(client, client.get(path, asked))
        if body is None:
            return None
        rows = body.get("usage_periods")
        for row in rows if isinstance(rows, list) else ():
            found = _period(client, row)
            if found.start <= at < found.end:
                return found
        meta = body.get("meta")
        if not rows or not isinstance(meta, dict) or not meta.get("next_page"):
            return None
    return None


def _body_of(client: Client, answer: Answer) -> Mapping[str, Any] | None:
    if answer.status in (404, 405):
        return None
    if answer.status >= 300 or answer.body is None:
        raise _unreadable(client, f"answers {answer.said.strip()}")
    return answer.body


def _period(client: Client, usage: object) -> Period:
    try:
        if not isinstance(usage, dict):
            raise TypeError
        end = parse_instant(usage["to_datetime"])
        inclusive = -end % (60 * _SECOND) <= _SECOND and end % (60 * _SECOND) > 0
        end = -(-end // (60 * _SECOND)) * 60 * _SECOND if inclusive else end
        charges = usage["charges_usage"]
        return Period(parse_instant(usage["from_datetime"]), end, _metrics(charges))
    except (LagoError, KeyError, TypeError, ValueError, AttributeError):
        raise _unreadable(client, "answers with usage of another form than Lago's") from None


def _metrics(charges: Iterable[Mapping[str, Any]]) -> dict[str, Charged]:
    found: dict[str, Charged] = {}
    for charge in charges:
        metric = charge["billable_metric"]
        row = found.setdefault(str(metric["code"]), Charged())
        is_split = bool(charge.get("filters") or charge.get("grouped_usage"))
        if not is_split or metric.get("aggregation_type", _ADD_UP[0]) in _ADD_UP:
            row.units.add(_number(charge["units"]))
        row.cents += _number(charge.get("amount_cents", 0))
        row.currency = charge.get("amount_currency") or row.currency
    return found


def _number(given: object) -> Fraction:
    return Fraction(parse_decimal(str(given)))


def _unreadable(client: Client, what: str) -> LagoError:
    return refused("unexpected_answer", f"{client.url} {what}.", "See what serves that URL.")
