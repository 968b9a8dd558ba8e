"""
Estimates: what one full billing period of a plan would cost, given what is used in it.

Usage is told by metric and, where prices differ, by properties: they decide the filter and
the group, as those of an event do.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import NamedTuple

from lago_cli.domain.advance import price_in_advance
from lago_cli.domain.aggregations import round_units
from lago_cli.domain.fees import (
    Fee,
    charge_fee,
    minimum_commitment,
    minimum_spend,
    subscription_fee,
)
from lago_cli.domain.instants import Window
from lago_cli.domain.invoices import Bill
from lago_cli.domain.metrics import Metric
from lago_cli.domain.nearest import no_such
from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.domain.plans import Plan
from lago_cli.domain.pricing import Change, Price, Used, price_of
from lago_cli.domain.slices import Slice
from lago_cli.domain.steps import Steps
from lago_cli.errors import Kind, LagoError, wrong_usage
from lago_cli.services import wire_prices
from lago_cli.services.tariffs import Tariff
from lago_cli.services.wire import Row

MAX_EVENTS = 1_000_000  # that are priced one after the other
MONTHS = {"semiannual": 6, "yearly": 12}  # of the intervals whose charges may be monthly

_ONE_EACH = ("count_agg", "unique_count_agg")
_TEXT = r'"(?:[^"]|"")*"'
_PROPERTY = re.compile(rf"({_TEXT}|[^=]+)=({_TEXT}|[^,]*)(?:,|\Z)")
_EXAMPLE = "For example: {option} 'api_calls=1000' or {option} 'api_calls[region=eu]=1000'"

Properties = Mapping[str, str]
Group = tuple[str | None, ...]


class Amount(NamedTuple):
    """An argument of an option: `CODE=N` or `CODE[PROPERTY=VALUE,…]=N`."""

    option: str
    written: str  # without the number
    number: Fraction

    def read(self, codes: Iterable[str]) -> tuple[str, Properties]:
        """
        The code, one of `codes` wherever that is possible, and the properties.

        Raises:
            LagoError: wrong usage, where the properties cannot be read.
        """
        for code in sorted(codes, key=len, reverse=True):
            if self.written == code:
                return code, {}
            if self.written.startswith(f"{code}[") and self.written.endswith("]"):
                return code, self._properties(self.written[len(code) + 1 : -1])
        code, bracket, rest = self.written.partition("[")
        if code and bracket and rest.endswith("]"):
            return code, self._properties(rest[:-1])
        return self.written, {}

    def _properties(self, text: str) -> Properties:
        found: dict[str, str] = {}
        at = 0
        while at < len(text):
            pair = _PROPERTY.match(text, at)
            key = _unquoted(pair[1]) if pair else ""
            if pair is None or key in found:
                message = f"{self.option} {self.written}: expected CODE[PROPERTY=VALUE,…]=N."
                raise wrong_usage("invalid_units", message, _EXAMPLE.format(option=self.option))
            found[key] = _unquoted(pair[2])
            at = pair.end()
        return found


def _unquoted(text: str) -> str:
    quoted = len(text) > 1 and text[0] == text[-1] == '"'
    return text[1:-1].replace('""', '"') if quoted else text


def read_amounts(option: str, arguments: Iterable[str], *, whole: bool) -> list[Amount]:
    """
    The arguments of an option.

    Raises:
        LagoError: wrong usage, for one without a number from 0 on, or that comes twice.
    """
    found: dict[str, Amount] = {}
    for argument in arguments:
        written, equals, text = argument.rpartition("=")
        try:
            if not equals or not written:
                raise ValueError("expected CODE=N")
            number = Fraction(parse_decimal(text))
            if number < 0:
                raise ValueError(f"{text} is below 0")
            if whole and number.denominator > 1:
                raise ValueError(f"{text} is no whole number")
            if written in found:
                raise ValueError("it is given twice")
        except ValueError as error:
            message = f"{option} {argument}: {error}."
            hint = _EXAMPLE.format(option=option)
            raise wrong_usage("invalid_units", message, hint) from None
        found[written] = Amount(option, written, number)
    return list(found.values())


@dataclass(frozen=True, eq=False)
class Estimate(Bill):
    """What a full billing period costs."""

    plan: Plan
    fees: Sequence[Fee]
    carrying: Sequence[str] = ()  # metrics whose events carry prices, which nobody knows


class _Use(NamedTuple):
    """What is used at one price."""

    units: Fraction = Fraction(0)
    events: Fraction | None = None


def estimate(
    plans: Mapping[str, Plan],
    metrics: Mapping[str, Metric],
    plan_code: str,
    units: Sequence[Amount],
    events: Sequence[Amount] = (),
) -> Estimate:
    """
    What one full billing period of a plan costs.

    Where charges are billed monthly in a longer period, usage is that of each month. Events
    are all alike; by default there is one for each unit of a count, and else a single one.

    Raises:
        LagoError: not found, for a plan, or a metric that it does not charge; wrong usage.
    """
    if plan_code not in plans:
        raise no_such("plan", plan_code, plans)
    plan = plans[plan_code]
    tariffs = [
        Tariff(plan, number, metrics[charge.billable_metric_code])
        for number, charge in enumerate(plan.charges)
        if charge.billable_metric_code in metrics
    ]
    used = [(each, *_meant(each, plan, tariffs)) for each in units]
    counted = [(each, *_meant(each, plan, tariffs)) for each in events]
    whole = Window(0, 1)
    part = Slice(whole, whole, plan, first_day=1, last_day=1, full_days=1)
    months = MONTHS[plan.interval] if plan.bill_charges_monthly else 1
    fees = [subscription_fee(part, plan, trial_until=1)]
    for tariff in tariffs:
        found = list(_fees_of(part, tariff, used, counted))
        lacking = minimum_spend(part, plan, tariff.number, found)
        fees += [*found, *([lacking] if lacking else [])] * months
    lacking = minimum_commitment(part, plan, fees)
    fees += [lacking] if lacking else []
    carrying = [
        tariff.metric.code for tariff in tariffs if any(m.wants_amounts for m, _ in tariff.buckets)
    ]
    return Estimate(plan, [_undated(fee) for fee in fees], list(dict.fromkeys(carrying)))


def _meant(each: Amount, plan: Plan, tariffs: Sequence[Tariff]) -> tuple[str, Properties]:
    """The metric and the properties of an argument, which mean something to the plan."""
    codes = list(dict.fromkeys(tariff.metric.code for tariff in tariffs))
    code, properties = each.read(codes)
    if code not in codes:
        from lago_cli.domain.nearest import did_you_mean

        message = f'The plan "{plan.code}" has no charge for "{code}".{did_you_mean(code, codes)}'
        hint = f"It charges: {', '.join(codes)}" if codes else "It has no charges at all."
        raise LagoError(Kind.NOT_FOUND, "charge_not_found", message, hint)
    asked = dict.fromkeys(
        key for tariff in tariffs if tariff.metric.code == code for key in _keys_of(tariff)
    )
    for key in properties:
        if key not in asked:
            message = f'{each.option} {each.written}: no price of "{code}" asks for "{key}".'
            names = f"Prices ask for: {', '.join(asked)}" if asked else "It has one price for all."
            raise wrong_usage("unknown_property", message, names)
    return code, properties


def _keys_of(tariff: Tariff) -> Iterator[str]:
    for number, filters in enumerate([*tariff.declared, {}]):
        yield from filters
        yield from tariff.own_keys(number)


_Told = Sequence[tuple[Amount, str, Properties]]


def _fees_of(part: Slice, tariff: Tariff, used: _Told, counted: _Told) -> Iterator[Fee]:
    """Of one charge: by filter as declared, then by group."""
    places: dict[tuple[int, Group], _Use] = {}
    for each, code, properties in used:
        if code == tariff.metric.code:
            place = _place(tariff, properties)
            known = places.get(place, _Use())
            places[place] = known._replace(units=known.units + each.number)
    for each, code, properties in counted:
        if code == tariff.metric.code:
            place = _place(tariff, properties)
            known = places.get(place, _Use())
            places[place] = known._replace(events=(known.events or 0) + each.number)
    for bucket in range(len(tariff.buckets)):
        keys = tariff.own_keys(bucket)
        nobody: Group = (None,) * len(keys)
        groups = [group for number, group in places if number == bucket] or [nobody]
        for group in groups:
            use = places.get((bucket, group), _Use())
            events = _events(tariff.metric, use)
            price, cents = _price(part, tariff, bucket, use.units, events)
            named = dict(zip(keys, group, strict=True)) if keys else None
            yield charge_fee(part, tariff.plan, tariff.number, bucket, named, price, events, cents)


def _place(tariff: Tariff, properties: Properties) -> tuple[int, Group]:
    """The filter and the group of an event with these properties."""
    bucket = next(
        (
            number
            for number in tariff.order
            if all(
                properties.get(key, "") in values for key, values in tariff.declared[number].items()
            )
        ),
        len(tariff.declared),
    )
    return bucket, tuple(properties.get(key) or None for key in tariff.own_keys(bucket))


def _events(metric: Metric, use: _Use) -> int:
    """How many events the units come in."""
    if metric.aggregation_type not in _ONE_EACH:
        return int(use.units > 0) if use.events is None else int(use.events)
    is_count = metric.aggregation_type == "count_agg"
    if use.units.denominator > 1:
        message = f'"{metric.code}" counts whole units, not {as_plain(use.units)}.'
        raise wrong_usage("invalid_units", message)
    if use.events is None:
        return int(use.units)
    if use.events < use.units or (is_count and use.events > use.units):
        message = f'"{metric.code}" cannot be {as_plain(use.units)} of {use.events} events.'
        raise wrong_usage("invalid_units", message, "Leave out --events: every unit is one.")
    return int(use.events)


def _price(
    part: Slice, tariff: Tariff, bucket: int, units: Fraction, events: int
) -> tuple[Price, int | None]:
    """The price, and where events are billed one by one also the sum of their cents."""
    model, metric, plan = tariff.model(bucket), tariff.metric, tariff.plan
    is_one_by_one = tariff.charge.pay_in_advance or model.wants_steps
    if is_one_by_one and events > MAX_EVENTS:
        message = f'The charge for "{metric.code}" prices {events} events one by one.'
        raise wrong_usage("too_many_events", message, f"At most {MAX_EVENTS} can be estimated.")
    if tariff.charge.pay_in_advance:
        amounts = _steps(metric, Fraction(0), events) if model.wants_amounts else None
        advance = price_in_advance(
            model, _steps(metric, units, events), part.window.start, plan.digits, None, amounts
        )
        return advance.price, int(advance.rounded * 10**plan.digits)
    units = Fraction(round_units(units, metric.rounding_function, metric.rounding_precision))
    used = Used(units, events, units if tariff.charge.prorated else None)
    if metric.aggregation_type == "unique_count_agg":
        used = used._replace(steps=Steps((), (), items=("",)))
    if tariff.is_by_changes:
        used = used._replace(changes=[Change(units, Fraction(1))])
    return price_of(model, used), None


def _steps(metric: Metric, units: Fraction, events: int) -> Steps:
    """Events of equal size, one after the other."""
    at = [0] * events
    if metric.aggregation_type == "unique_count_agg":
        fresh = int(units)
        values = [int(fresh > 0)] * events
        return Steps(at, values, items=[str(min(n, fresh - 1)) for n in range(events)])
    return Steps(at, [units / events] * events if events else ())


def _undated(fee: Fee) -> Fee:
    """Without the days of the one that stands for the whole period."""
    parts = [
        each._replace(told={k: v for k, v in each.told.items() if k not in ("days", "full_days")})
        for each in fee.parts
    ]
    return fee._replace(parts=parts)


def as_json(each: Estimate) -> Row:
    """Like an invoice; the fees have no dates."""
    undated = {"from_datetime": None, "to_datetime": None}
    return {
        "plan_code": each.plan.code,
        "currency": each.currency,
        **wire_prices.sums(each),
        "fees": [wire_prices.fee(fee) | undated for fee in each.fees],
    }
