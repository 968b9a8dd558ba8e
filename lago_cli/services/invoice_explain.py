"""
Explaining invoices: the events behind every fee, and that it all adds up.

As with usage, events are read anew and told apart one by one (`services.explain`). What they
add are the units of a fee, the parts of its price are its precise amount, and that is its
amount in cents: `broken_links` names whatever does not lead to the next.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cached_property
from typing import NamedTuple

from msgspec import Raw

from lago_cli.domain.conditions import holds
from lago_cli.domain.fees import Fee, in_cents
from lago_cli.domain.instants import Window
from lago_cli.domain.invoices import Invoice
from lago_cli.domain.numbers import as_plain
from lago_cli.domain.properties import text_at
from lago_cli.domain.usage import Group
from lago_cli.services.explain import Figure, GroupOf, Line, explained
from lago_cli.services.invoicing import Invoicing
from lago_cli.services.questions import Question
from lago_cli.services.requests import Owner
from lago_cli.services.slicing import SliceCalendar
from lago_cli.services.tariffs import Tariff

NOTHING = Fraction(0)
_NOT_GIVEN_BACK = "nothing is given back for negative usage"
_BILLED = "is billed only beyond the highest total before"


class Counted(NamedTuple):
    """An event of a fee."""

    line: Line  # its units are what it adds to those of the fee
    prorated: Fraction | None = None  # what it adds to those by days, where they are priced
    amount: Fraction | None = None  # what it costs, where it has a price of its own


class Adjustment(NamedTuple):
    """What the units of a fee are changed by, beside its events."""

    rule: str
    reason: str
    units: Fraction


@dataclass(frozen=True, eq=False)
class FeeExplained:
    """A fee with its events by time, and those that were looked at and do not count."""

    fee: Fee
    digits: int  # decimals of its currency
    counted: Sequence[Counted] = ()
    adjustments: Sequence[Adjustment] = ()
    not_counted: Sequence[Line] = ()  # of the whole charge; they stand with its first fee

    @cached_property
    def counted_units(self) -> Fraction:
        """What the events add up to."""
        return sum((Fraction(each.line.units or 0) for each in self.counted), NOTHING)

    @cached_property
    def prorated_units(self) -> Fraction | None:
        """The same by days, where those are priced."""
        if not any(each.prorated is not None for each in self.counted):
            return None
        return sum((each.prorated or NOTHING for each in self.counted), NOTHING)

    @property
    def is_billed_one_by_one(self) -> bool:
        """Whether each event was rounded by itself."""
        return self.fee.charge is not None and self.fee.charge.pay_in_advance

    def broken_links(self) -> Iterator[str]:
        """Sentences on what does not add up."""
        fee = self.fee
        if fee.type == "charge":
            units = self.counted_units + sum((each.units for each in self.adjustments), NOTHING)
            if units != fee.units:
                yield f"its events make {as_plain(units)} units of {as_plain(fee.units)}"
        if (prorated := self.prorated_units) is not None:
            priced = sum((Fraction(part.told.get("units") or 0) for part in fee.parts), NOTHING)
            if prorated != priced:
                yield f"its events make {as_plain(prorated)} prorated units of {as_plain(priced)}"
        amounts = [part.amount for part in fee.parts]
        if sum(amounts, NOTHING) != fee.precise_amount:
            yield f"its parts are not {as_plain(fee.precise_amount)}"
        if self.is_billed_one_by_one:
            cents = sum(in_cents(amount, self.digits) for amount in amounts)
        else:
            cents = in_cents(fee.precise_amount, self.digits)
        if cents != fee.amount_cents:
            yield f"its amount rounds to {cents}, not to {fee.amount_cents}"
        own = [each.amount for each in self.counted if each.amount is not None]
        if own and sum(own, NOTHING) != self._of_events:
            yield "the prices of its events are not its parts"

    @property
    def _of_events(self) -> Fraction:
        """What its parts say of events with prices of their own."""
        kinds = ("event", "events")
        return sum((part.amount for part in self.fee.parts if part.kind in kinds), NOTHING)


@dataclass(frozen=True, eq=False)
class InvoiceExplained:
    """An invoice, and its fees explained."""

    invoice: Invoice
    fees: Sequence[FeeExplained]

    def broken_links(self) -> Iterator[str]:
        """Sentences on what does not add up."""
        for each in self.fees:
            charge = each.fee.charge
            name = f"{each.fee.type} {charge.billable_metric_code}" if charge else each.fee.type
            yield from (f"{name}: {sentence}" for sentence in each.broken_links())
        invoice = self.invoice
        cents = sum(fee.amount_cents for fee in invoice.fees)
        if cents != invoice.sub_total_cents:
            yield f"the fees are {cents}, the sub-total {invoice.sub_total_cents}"
        if cents + sum(line.amount_cents for line in invoice.taxes) != invoice.total_amount_cents:
            yield "sub-total and taxes are not the total"


class _WholePeriods(SliceCalendar):
    """Looks also at what lies beside a subscription's life, in its first and last period."""

    def __init__(self, invoicing: Invoicing, owner: Owner, life: Window) -> None:
        charging = invoicing.charging
        slices = charging.slices.get(owner, ())
        super().__init__({owner: slices} if slices else {}, charging.zones)
        windows = [each.window for each in slices]
        if slices and windows[0].start == life.start:
            windows[0] = Window(slices[0].whole.start, windows[0].end)
        if slices and windows[-1].end == life.end:
            windows[-1] = Window(windows[-1].start, slices[-1].whole.end)
        self._wide = {owner: windows}

    def asked(self, owner: Owner) -> Sequence[Window]:
        return self._wide.get(owner, ())


def explain_invoice(
    invoicing: Invoicing, invoice: Invoice, metrics: Collection[str] = ()
) -> InvoiceExplained:
    """Every fee of an invoice, down to its events; or only those of some metrics."""
    subscription = invoice.subscription
    owner = subscription.external_customer_id, subscription.external_id
    explaining = _Explaining(invoicing, owner, subscription.life)
    wanted = [fee for fee in invoice.fees if not metrics or _metric_of(fee) in metrics]
    fees = list(explaining.fees(wanted))
    return InvoiceExplained(invoice, fees)


def _metric_of(fee: Fee) -> str | None:
    return fee.charge.billable_metric_code if fee.charge else None


Key = tuple[Window, Group]
"""Window of a figure, and its group: the number of the bucket, and then the values of its keys."""


def _groups_of(tariff: Tariff) -> GroupOf:
    """Tells all buckets of a charge apart at once: each event is read one time."""
    keys = [tariff.keys(bucket) for bucket in range(len(tariff.buckets))]

    def group_of(properties: Mapping[str, Raw]) -> Group:
        matching = (n for n in tariff.order if holds(tariff.declared[n], properties))
        bucket = next(matching, len(tariff.declared))
        return (str(bucket), *(text_at(properties, key) for key in keys[bucket]))

    return group_of


@dataclass(eq=False)
class _Explaining:
    """Asks for the events of each charge once."""

    invoicing: Invoicing
    owner: Owner
    life: Window
    _figures: dict[tuple[int, int, bool], dict[Key, Figure]] = field(default_factory=dict)

    @cached_property
    def calendar(self) -> SliceCalendar:
        return _WholePeriods(self.invoicing, self.owner, self.life)

    def fees(self, fees: Iterable[Fee]) -> Iterator[FeeExplained]:
        told: set[tuple[int, int, Window]] = set()
        for fee in fees:
            plan = fee.part_of.plan if fee.part_of else None
            assert plan is not None
            if fee.type != "charge":
                yield FeeExplained(fee, plan.digits)
                continue
            tariffs = self.invoicing.charging.tariffs(plan)
            tariff = next(each for each in tariffs if each.number == fee.number)
            of_charge = id(plan), fee.number, fee.window
            not_counted = [] if of_charge in told else self._not_counted(tariff, fee.window)
            told.add(of_charge)
            yield self._explained(fee, tariff, not_counted)

    def figures(self, tariff: Tariff, *, prorated: bool = False) -> dict[Key, Figure]:
        place = id(tariff.plan), tariff.number, prorated
        if place not in self._figures:
            invoicing = self.invoicing
            request = replace(
                invoicing.request, metrics=[tariff.metric.code], prorated=prorated, group_by=()
            )
            question = Question(
                invoicing.store, request, invoicing.now, invoicing.selection, self.calendar
            )
            self._figures[place] = {
                (each.window, each.group or ()): each
                for each in explained(invoicing.store, question, _groups_of(tariff))
                if each.owner == self.owner
            }
        return self._figures[place]

    def _not_counted(self, tariff: Tariff, window: Window) -> list[Line]:
        lines = [
            line
            for figure in self.figures(tariff).values()
            if figure.window == window
            for line in figure.lines
            if line.units is None
        ]
        return sorted(lines, key=lambda line: (line.event.at, line.event.position))

    def _explained(self, fee: Fee, tariff: Tariff, not_counted: Sequence[Line]) -> FeeExplained:
        key = fee.window, (str(fee.bucket), *(fee.group or {}).values())
        figure = self.figures(tariff).get(key)
        if figure is None:
            return FeeExplained(fee, tariff.plan.digits, not_counted=not_counted)
        lines = [line for line in figure.lines if line.units is not None]
        if tariff.charge.pay_in_advance:
            counted, adjustments = _in_advance(fee, lines)
            return FeeExplained(fee, tariff.plan.digits, counted, adjustments, not_counted)
        counted, adjustments = [Counted(line) for line in lines], list(_adjusted(fee, figure))
        if tariff.charge.prorated and not any(part.kind == "negative" for part in fee.parts):
            by_days = self.figures(tariff, prorated=True).get(key)
            counted = _with_days(counted, by_days.lines if by_days else ())
        if tariff.model(fee.bucket).wants_amounts:
            counted = [_with_price(each, tariff.plan.digits) for each in counted]
        return FeeExplained(fee, tariff.plan.digits, counted, adjustments, not_counted)


def _adjusted(fee: Fee, figure: Figure) -> Iterator[Adjustment]:
    measured = Fraction(figure.units)
    rounding = measured - Fraction(figure.unrounded)
    if rounding:
        yield Adjustment("rounding", "the metric rounds its figures", rounding)
    is_negative = measured < 0 or any(part.kind == "negative" for part in fee.parts)
    if measured and not fee.units and is_negative:
        yield Adjustment("negative", _NOT_GIVEN_BACK, -measured)


def _in_advance(fee: Fee, lines: Sequence[Line]) -> tuple[list[Counted], list[Adjustment]]:
    """Only growth beyond the highest total is billed; each event has its part of the price."""
    amounts = {
        int(Fraction(part.told["event"] or 0)): part.amount
        for part in fee.parts
        if part.kind == "event"
    }
    carried = [line for line in lines if line.event.at < fee.window.start]
    total = sum((Fraction(line.units or 0) for line in carried), NOTHING)
    adjustments = [Adjustment("negative", _NOT_GIVEN_BACK, -total)] if total < 0 else []
    counted = [Counted(line) for line in carried]
    highest = max(total, NOTHING)
    for number, line in enumerate(lines[len(carried) :], len(carried)):
        units = Fraction(line.units or 0)
        total += units
        growth = max(NOTHING, total - highest)
        highest += growth
        if growth != units:
            line = line._replace(units=growth, rule="billed_before", reason=_BILLED)
        counted.append(Counted(line, amount=amounts.get(number, NOTHING)))
    return counted, adjustments


def _with_days(counted: Sequence[Counted], by_days: Sequence[Line]) -> list[Counted]:
    units: Mapping[object, Fraction] = {
        line.event.position: Fraction(line.units) for line in by_days if line.units is not None
    }
    return [
        each._replace(prorated=units.get(each.line.event.position, NOTHING)) for each in counted
    ]


def _with_price(each: Counted, digits: int) -> Counted:
    text = each.line.event.event.precise_total_amount_cents
    return each._replace(amount=Fraction(text or 0) / 10**digits)
