"""
Fees: what a slice of a subscription costs, line by line, in the smallest unit of its currency.

Every fee is rounded once, half away from zero; sums are sums of rounded fees. Rules and their
sources stand in docs/prices.md.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

from lago_cli.domain.charges import Charge, Tax
from lago_cli.domain.instants import Window
from lago_cli.domain.numbers import round_half_up
from lago_cli.domain.plans import Plan
from lago_cli.domain.pricing import Part, Price
from lago_cli.domain.slices import Slice

FeeType = Literal["subscription", "charge", "minimum_spend", "minimum_commitment"]


class Fee(NamedTuple):
    """One line of an invoice."""

    type: FeeType
    window: Window
    amount_cents: int
    precise_amount: Fraction  # in currency units, unrounded
    parts: Sequence[Part]  # what it is made of; together they are the precise amount
    units: Fraction
    unit_amount: Fraction
    events_count: int = 0
    charge: Charge | None = None
    number: int = -1  # of the charge in its plan
    bucket: int = -1  # number of the charge's filter; that of the rest is the number of filters
    group: Mapping[str, str | None] | None = None
    taxes: Sequence[Tax] = ()
    part_of: Slice | None = None
    aggregated: Fraction = Fraction(0)  # what was measured, whatever of it is billed

    @property
    def filter(self) -> Mapping[str, Sequence[str]] | None:
        """As the charge declares it; None for the rest, and where there is no filter."""
        if self.charge is None or self.bucket not in range(len(self.charge.filters)):
            return None
        return self.charge.filters[self.bucket].values

    @property
    def is_nothing(self) -> bool:
        """Whether an invoice does without it."""
        return not (self.amount_cents or self.precise_amount or self.units or self.events_count)


def in_cents(amount: Fraction, digits: int) -> int:
    """Currency units in the smallest unit, rounded half away from zero."""
    return int(round_half_up(Fraction(amount) * 10**digits, 0))


def subscription_fee(part: Slice, plan: Plan, trial_until: int) -> Fee:
    """
    The plan's own amount for the days of a slice.

    Args:
        trial_until: the ordinal of the first day after the trial.
    """
    paid = part._replace(first_day=max(part.first_day, trial_until))
    full = Fraction(plan.amount_cents, 10**plan.digits)
    parts = [_days("days", paid.share * full, paid.days, part.full_days, full)]
    if part.days > paid.days:
        told = {"days": Fraction(part.days - paid.days)}
        parts.insert(0, Part("trial", Fraction(0), told))
    amount = paid.share * full
    return Fee(
        "subscription",
        part.window,
        in_cents(amount, plan.digits),
        amount,
        parts,
        units=Fraction(1),
        unit_amount=full,
        taxes=plan.taxes,
        part_of=part,
    )


def charge_fee(
    part: Slice,
    plan: Plan,
    number: int,
    bucket: int,
    group: Mapping[str, str | None] | None,
    price: Price,
    events: int,
    cents: int | None = None,
) -> Fee:
    """Of one bucket and group; `cents` where its parts were rounded one by one."""
    charge = plan.charges[number]
    return Fee(
        "charge",
        part.window,
        in_cents(price.amount, plan.digits) if cents is None else cents,
        price.amount,
        price.parts,
        price.units,
        price.unit_amount,
        events,
        charge,
        number,
        bucket,
        group,
        charge.taxes or plan.taxes,
        part,
    )


def minimum_spend(part: Slice, plan: Plan, number: int, fees: Iterable[Fee]) -> Fee | None:
    """What a charge lacks to its minimum; None where nothing is due."""
    charge = plan.charges[number]
    if not charge.min_amount_cents or charge.pay_in_advance:
        return None
    used = sum(fee.amount_cents for fee in fees)
    full = Fraction(charge.min_amount_cents, 10**plan.digits)
    lacking = full * part.share - Fraction(used, 10**plan.digits)
    if lacking <= 0:
        return None
    return Fee(
        "minimum_spend",
        part.window,
        in_cents(lacking, plan.digits),
        lacking,
        _lacking(part, plan, full, used),
        Fraction(1),
        lacking,
        charge=charge,
        number=number,
        taxes=charge.taxes or plan.taxes,
        part_of=part,
    )


def minimum_commitment(part: Slice, plan: Plan, fees: Iterable[Fee]) -> Fee | None:
    """What all fees of a slice lack to the plan's commitment; None where nothing is due."""
    if plan.minimum_commitment is None:
        return None
    full = Fraction(plan.minimum_commitment.amount_cents, 10**plan.digits)
    committed = in_cents(full * part.share, plan.digits)
    used = sum(fee.amount_cents for fee in fees)
    if committed <= used:
        return None
    lacking = Fraction(committed - used, 10**plan.digits)
    rounding = Fraction(committed, 10**plan.digits) - full * part.share
    parts = _lacking(part, plan, full, used)
    if rounding:
        parts.append(Part("rounding", rounding))
    return Fee(
        "minimum_commitment",
        part.window,
        committed - used,
        lacking,
        parts,
        Fraction(1),
        lacking,
        taxes=plan.minimum_commitment.taxes or plan.taxes,
        part_of=part,
    )


def _lacking(part: Slice, plan: Plan, full: Fraction, used: int) -> list[Part]:
    return [
        _days("minimum", full * part.share, part.days, part.full_days, full),
        Part("used", -Fraction(used, 10**plan.digits)),
    ]


def _days(kind: str, amount: Fraction, days: int, full_days: int, full: Fraction) -> Part:
    told = {"days": Fraction(days), "full_days": Fraction(full_days), "full_amount": full}
    return Part(kind, amount, told)


class TaxLine(NamedTuple):
    """A tax on an invoice."""

    tax: Tax
    base_cents: int
    amount_cents: int


def tax_lines(fees: Iterable[Fee]) -> Iterator[TaxLine]:
    """Each tax on all the fees that bear it together, rounded once."""
    bases: dict[Tax, int] = {}
    for fee in fees:
        for tax in fee.taxes:
            bases[tax] = bases.get(tax, 0) + fee.amount_cents
    for tax, base in bases.items():
        yield TaxLine(tax, base, int(round_half_up(base * Fraction(tax.rate) / 100, 0)))
