"""Invoices in words: amounts, lines, and how an amount comes about."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import tzinfo
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING

from lago_cli.domain.currencies import minor_digits
from lago_cli.domain.numbers import Units, as_plain
from lago_cli.domain.slices import day_of

if TYPE_CHECKING:
    from lago_cli.domain.fees import Fee, TaxLine
    from lago_cli.domain.instants import Window
    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.pricing import Part
    from lago_cli.services.invoice_explain import FeeExplained

LONGEST_PLACES = 12  # that are shown of a number in full
SHORTEST_PLACES, SIGNIFICANT = 6, 4  # of another one
NONE = "–"  # where an event lacks a property


def money(cents: int, currency: str) -> str:
    """An amount in the smallest unit as one in units: 1,234.50."""
    digits = minor_digits(currency)
    whole, rest = divmod(abs(cents), 10**digits)
    sign = "-" if cents < 0 else ""
    return f"{sign}{whole:,}.{rest:0{digits}d}" if digits else f"{sign}{whole:,}"


def cents(amount: int, currency: str) -> str:
    """An amount in the smallest unit, as such."""
    return f"{amount} cents" if minor_digits(currency) == 2 else f"{amount} {currency} minor units"


def number(value: Units | int) -> str:
    """Plain digits in groups, all of them; where there is no end to them it shows."""
    plain = as_plain(value)
    whole, _, decimals = plain.partition(".")
    more = ""
    if len(decimals) > LONGEST_PLACES or Fraction(plain) != value:
        zeros = len(decimals) - len(decimals.lstrip("0")) if whole in ("0", "-0") else 0
        decimals, more = decimals[: max(SHORTEST_PLACES, zeros + SIGNIFICANT)], "…"
    sign = "-" if whole.startswith("-") else ""
    text = f"{sign}{int(whole.removeprefix('-')):,}"
    return f"{text}.{decimals}{more}" if decimals else text + more


def price(value: Fraction, currency: str) -> str:
    """A price of one unit: with the decimals of the currency, or those that it has."""
    text, digits = number(value), minor_digits(currency)
    whole, _, decimals = text.partition(".")
    decimals = decimals.ljust(digits, "0")
    return f"{whole}.{decimals}" if decimals and not whole.endswith("…") else text


def days(window: Window, zone: tzinfo) -> str:
    """The first and the last local day."""
    return _from_to(day_of(window.start, zone), day_of(max(window.end - 1, window.start), zone))


def fee_days(fee: Fee, zone: tzinfo) -> str:
    """
    The days of a fee: those that are billed or, of a charge, those whose events count.

    They differ on the day on which a plan is left for another one.
    """
    part = fee.part_of
    if fee.type == "charge" or part is None or not part.days:
        return days(fee.window, zone)
    return _from_to(part.first_day, part.last_day)


def _from_to(first: int, last: int) -> str:
    from datetime import date

    dates = [date.fromordinal(day).isoformat() for day in (first, last)]
    return dates[0] if first == last else " to ".join(dates)


def tax_text(line: TaxLine, currency: str) -> str:
    name = line.tax.name or line.tax.code or "Tax"
    return f"{name} {number(Fraction(line.tax.rate))} % of {money(line.base_cents, currency)}"


def fee_text(fee: Fee, metrics: Mapping[str, Metric]) -> str:
    """What a line of an invoice is for."""
    plan = fee.part_of.plan if fee.part_of else None
    if fee.type == "minimum_commitment":
        commitment = plan.minimum_commitment if plan else None
        return (commitment and commitment.invoice_display_name) or "Minimum commitment"
    charge = fee.charge
    if charge is None:
        return (plan and (plan.invoice_display_name or plan.name or plan.code)) or "Plan"
    code = charge.billable_metric_code
    metric = metrics.get(code)
    name = charge.invoice_display_name or (metric and metric.name) or code
    if fee.type == "minimum_spend":
        return f"{name}: minimum"
    words = [name]
    if fee.filter is not None:
        shown = charge.filters[fee.bucket].invoice_display_name
        words.append(shown or ", ".join(_values(fee.filter)))
    words += [NONE if text is None else text for text in (fee.group or {}).values()]
    return " · ".join(words)


def _values(wanted: Mapping[str, Sequence[str]]) -> Iterator[str]:
    from lago_cli.domain.charges import ALL_VALUES

    for key, values in wanted.items():
        yield f"any {key}" if ALL_VALUES in values else " or ".join(values)


@dataclass(frozen=True, slots=True)
class _Numbers:
    """What a part is made of, as text."""

    part: Part

    def __getitem__(self, key: str) -> str:
        value = self.part.told[key]
        return value if isinstance(value, str) else number(value or 0)

    def has(self, key: str) -> bool:
        return bool(self.part.told.get(key))

    def many(self, key: str, noun: str) -> str:
        return f"{self[key]} {noun}" if self.part.told[key] == 1 else f"{self[key]} {noun}s"

    @property
    def amount(self) -> str:
        return number(self.part.amount)


def _days(of: _Numbers) -> str:
    return f"{of['days']} of {of['full_days']} days × {of['full_amount']} = {of.amount}"


def _tier(of: _Numbers) -> str:
    is_open = of.part.told.get("to") is None
    name = f"from {of['from']}" if is_open else f"{of['from']}–{of['to']}"
    rate = "per_unit_amount" if "per_unit_amount" in of.part.told else "rate"
    percent = " %" if rate == "rate" else ""
    flat = f" + {of['flat_amount']}" if of.has("flat_amount") else ""
    return f"tier {name}: {of['units']} × {of[rate]}{percent}{flat} = {of.amount}"


def _free(of: _Numbers) -> str:
    named = [of.many(f"{noun}s", noun) for noun in ("event", "unit") if of.has(f"{noun}s")]
    return f"{' and '.join(named) or 'nothing'} free"


def _packages(of: _Numbers) -> str:
    packages = of.many("packages", "package")
    return f"{packages} of {of['package_size']} × {of['per_package_amount']} = {of.amount}"


def _minimum(of: _Numbers) -> str:
    if of.has("full_days"):
        return f"minimum: {_days(of)}"
    if of.has("full_amount"):
        return f"minimum: {of['full_amount']}"
    return f"{of.many('events', 'event')} raised to the minimum: {of.amount}"


_WORDS: Mapping[str, Callable[[_Numbers], str]] = {
    "days": _days,
    "trial": lambda of: f"{of.many('days', 'day')} of trial free",
    "units": lambda of: f"{of['units']} × {of['per_unit_amount']} = {of.amount}",
    "tier": _tier,
    "free": _free,
    "packages": _packages,
    "percentage": lambda of: f"{of['units']} × {of['rate']} % = {of.amount}",
    "fixed": lambda of: f"{of.many('events', 'event')} × {of['fixed_amount']} = {of.amount}",
    "minimum": _minimum,
    "maximum": lambda of: f"{of.many('events', 'event')} cut to the maximum: {of.amount}",
    "events": lambda of: f"the prices of {of.many('events', 'event')} = {of.amount}",
    "used": lambda of: f"billed already: {of.amount}",
    "carried": lambda of: f"carried over, {of.many('units', 'unit')} = {of.amount}",
    "negative": lambda of: f"never less than nothing: {of.amount}",
    "rounding": lambda of: f"rounding: {of.amount}",
}


def part_texts(parts: Sequence[Part]) -> Iterator[str]:
    """How a price comes about; events that are billed one by one are told together."""
    for kind, found in groupby(parts, key=lambda part: part.kind):
        if kind == "event":
            yield _one_by_one(list(found))
        elif kind in _WORDS:
            yield from (_WORDS[kind](_Numbers(part)) for part in found)
        else:
            yield from (f"{kind}: {number(part.amount)}" for part in found)


def _one_by_one(parts: Sequence[Part]) -> str:
    units = sum((Fraction(part.told["units"] or 0) for part in parts), Fraction(0))
    amount = sum((part.amount for part in parts), Fraction(0))
    events = f"{number(len(parts))} events billed one by one"
    if len(parts) == 1:
        events = "1 event billed by itself"
    noun = "unit" if units == 1 else "units"
    return f"{events}, {number(units)} {noun} = {number(amount)}"


def chain(explained: FeeExplained, currency: str) -> str:
    """From events to units, to the parts of a price, to cents."""
    fee = explained.fee
    links = [_from_events(explained)] if explained.counted else []
    parts = list(part_texts(fee.parts))
    if parts:
        exact = f"; together {price(fee.precise_amount, currency)}" if len(parts) > 1 else ""
        links.append(", ".join(parts) + exact)
    if explained.is_billed_one_by_one and len(fee.parts) > 1:
        links.append("each rounded")
    return " → ".join([*links, cents(fee.amount_cents, currency)])


def _from_events(explained: FeeExplained) -> str:
    events = len(explained.counted)
    text = f"{number(events)} {'event' if events == 1 else 'events'}"
    text += f" = {number(explained.counted_units)}"
    for each in explained.adjustments:
        text += f" {'-' if each.units < 0 else '+'} {number(abs(each.units))} ({each.rule})"
    if explained.adjustments:
        text += f" = {number(explained.fee.units)}"
    text += " unit" if explained.fee.units == 1 else " units"
    by_days = explained.prorated_units
    return text if by_days is None else f"{text}, {number(by_days)} by days"
