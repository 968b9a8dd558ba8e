"""An invoice: the fees of one subscription in a period, and what they come to."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from lago_cli.domain.fees import Fee, TaxLine, tax_lines
from lago_cli.domain.instants import Window
from lago_cli.domain.plans import Plan
from lago_cli.domain.subscriptions import Subscription


class Bill:
    """Fees by plans of one currency, and what they come to."""

    plan: Plan
    fees: Sequence[Fee]

    @property
    def currency(self) -> str:
        return self.plan.amount_currency

    @cached_property
    def taxes(self) -> list[TaxLine]:
        return list(tax_lines(self.fees))

    @property
    def sub_total_cents(self) -> int:
        return sum(fee.amount_cents for fee in self.fees)

    @property
    def taxes_cents(self) -> int:
        return sum(line.amount_cents for line in self.taxes)

    @property
    def total_amount_cents(self) -> int:
        return self.sub_total_cents + self.taxes_cents


@dataclass(frozen=True, eq=False)
class Invoice(Bill):
    """What a subscription costs in a window, by one plan or several of the same currency."""

    subscription: Subscription
    plan: Plan  # the last one
    window: Window
    fees: Sequence[Fee]
