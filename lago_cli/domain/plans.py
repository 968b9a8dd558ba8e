"""
Plans: what a subscription costs.

The keys are Lago's own (API of August 2026), as it takes them and as it answers.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC
from decimal import Decimal
from typing import TYPE_CHECKING, Any, ClassVar

from lago_cli.domain.charges import CENTS, NO_RATES, Charge, Tax
from lago_cli.domain.currencies import CURRENCIES, minor_digits
from lago_cli.domain.definitions import (
    FLAG,
    Defined,
    Definition,
    Kind,
    Path,
    Values,
    created_at,
    definition,
    not_one_of,
    spec,
)
from lago_cli.domain.numbers import parse_decimal
from lago_cli.domain.objects import Nested, Row, draft_of, read_fields
from lago_cli.domain.subscriptions import INTERVALS
from lago_cli.errors import LagoError, refused

if TYPE_CHECKING:
    from datetime import tzinfo

    from lago_cli.domain.metrics import Metric

MONTHLY_CHARGES = ("semiannual", "yearly")  # the intervals with `bill_charges_monthly`
LONGEST_TRIAL = 36_500  # days


class _Days(Kind):
    """Whole days; Lago writes them as 5, 5.0 or "5"."""

    cell = "count"

    def read(self, value: object, zone: tzinfo) -> int:  # noqa: ARG002
        try:
            days = parse_decimal(str(value)) if isinstance(value, str) else Decimal(-1)
        except ValueError:
            days = Decimal(-1)
        if days < 0 or days > LONGEST_TRIAL or days != int(days):
            raise refused("invalid_trial_period", "this is no number of whole days, from 0 on")
        return int(days)


@definition
class MinimumCommitment(Defined):
    """What a period costs at least, with its plan fee and all charges."""

    ignored = frozenset({"plan_code", "interval", "commitment_type"})
    unused: ClassVar[Mapping[str, str]] = {"tax_codes": NO_RATES}

    amount_cents: int = spec(required=True, kind=CENTS, stand_in=0)
    invoice_display_name: str | None = spec(default=None)
    taxes: tuple[Tax, ...] = spec(default=(), kind=Nested(Tax))

    def faults(self) -> Iterator[LagoError]:
        yield from ()


@definition
class Plan(Defined):
    """One plan."""

    ignored = frozenset(
        {
            *("active_subscriptions_count", "draft_invoices_count", "customers_count"),
            *("charges_count", "parent_id", "lago_parent_id", "bill_fixed_charges_monthly"),
        }
    )
    unused: ClassVar[Mapping[str, str]] = {
        "fixed_charges": "fixed charges are not billed",
        "usage_thresholds": "no invoice is made when usage passes a threshold",
        "applicable_usage_thresholds": "no invoice is made when usage passes a threshold",
        "tax_codes": NO_RATES,
        "entitlements": "features are not kept",
        "metadata": "metadata is not kept",
    }

    code: str = spec("CODE", "The code of the plan.", required=True, fixed=True, cell="id")
    name: str = spec(removable=True, spare=3)
    interval: str = spec(required=True, choices=INTERVALS, cell="flag", spare=1)
    amount_cents: int = spec(required=True, kind=CENTS, stand_in=0, heading="cents")
    amount_currency: str = spec(required=True, choices=CURRENCIES, heading="currency", cell="flag")
    pay_in_advance: bool = spec(default=False, kind=FLAG, heading="in advance", spare=4)
    trial_period: int = spec(default=0, kind=_Days(), heading="trial days", spare=5)
    bill_charges_monthly: bool = spec(default=False, kind=FLAG, heading="charges monthly", spare=6)
    description: str | None = spec(default=None, spare=8)
    invoice_display_name: str | None = spec(default=None, spare=9)
    minimum_commitment: MinimumCommitment | None = spec(
        default=None, kind=Nested(MinimumCommitment, single=True), spare=7
    )
    taxes: tuple[Tax, ...] = spec(default=(), kind=Nested(Tax), spare=7)
    charges: tuple[Charge, ...] = spec(default=(), kind=Nested(Charge, is_long=True))

    @property
    def digits(self) -> int:
        """Decimals of its currency: 2 of EUR, 0 of JPY."""
        return minor_digits(self.amount_currency)

    @property
    def charge_interval(self) -> str:
        """How long usage adds up for one price."""
        return "monthly" if self.bill_charges_monthly else self.interval

    def faults(self) -> Iterator[LagoError]:
        if not self.code.strip():
            yield refused("invalid_code", "A plan needs a code.", field="code")
        if self.interval not in INTERVALS:
            yield not_one_of("interval", "billing interval", self.interval, INTERVALS)
        if self.amount_currency not in CURRENCIES:
            yield refused(
                "invalid_amount_currency",
                f'"{self.amount_currency[:40]}" is no currency.',
                "Write its code of ISO 4217, such as EUR.",
                field="amount_currency",
            )
        if self.bill_charges_monthly and self.interval not in MONTHLY_CHARGES:
            yield refused(
                "invalid_bill_charges_monthly",
                "Charges are billed monthly only where the interval is semiannual or yearly.",
                field="bill_charges_monthly",
            )
        codes = [charge.code for charge in self.charges if charge.code is not None]
        for number, charge in enumerate(self.charges):
            if charge.code is not None and codes.count(charge.code) > 1:
                yield refused(
                    "repeated_charge",
                    f'Several charges have the code "{charge.code}".',
                    path=("charges", number, "code"),
                )

    def faults_with(self, metrics: Mapping[str, Metric]) -> Iterator[tuple[Path, LagoError]]:
        """The rules that the metrics of its charges decide, each with its place."""
        for number, charge in enumerate(self.charges):
            yield from _faults_of_charge(number, charge, metrics)


def faults_of_charges(row: Row, metrics: Mapping[str, Metric]) -> Iterator[tuple[Path, LagoError]]:
    """The rules that metrics decide, of a plan that breaks others: as far as it can be read."""
    charges = row.get("charges")
    for number, each in enumerate(charges if isinstance(charges, list) else ()):
        if isinstance(each, Mapping):
            values, faults = read_fields(Charge, each, UTC)
            unread = {path[0] for path, _ in faults if path}
            if each.get("billable_metric_code") and "billable_metric_code" not in unread:
                yield from _faults_of_charge(number, draft_of(Charge, values), metrics)


def _faults_of_charge(
    number: int, charge: Charge, metrics: Mapping[str, Metric]
) -> Iterator[tuple[Path, LagoError]]:
    code = charge.billable_metric_code
    if code not in metrics:
        yield (("charges", number, "billable_metric_code"), _unknown_metric(code, metrics))
        return
    for error in charge.faults_with(metrics[code]):
        yield ("charges", number, *error.path), error


def _unknown_metric(code: str, metrics: Mapping[str, Metric]) -> LagoError:
    from lago_cli.domain.nearest import did_you_mean

    return refused(
        "metric_not_found",
        f'There is no metric "{code}".{did_you_mean(code, metrics)}',
        "Define it first, or in the same file.",
    )


def with_defaults(values: Mapping[str, Any]) -> Values:
    """The code as its name."""
    found = dict(values)
    found["name"] = found.get("name") or found.get("code", "")
    return found


PLAN = Definition(
    of=Plan,
    word="plan",
    section="plans",
    key="code",
    key_help="The plan's code.",
    is_made="defined",
    derived=(created_at(spare=10),),
    complete=lambda values, _now, _earlier: with_defaults(values),
)
