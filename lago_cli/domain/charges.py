"""
Charges of a plan: which metric is billed, by which model, and at which prices for whom.

The keys are Lago's own (API of August 2026); the rules are in its `Charge` and its charge
models' validators, with the decisions in docs/decisions.md.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

from lago_cli.domain.charge_models import CHARGE_MODELS, faults_with, read_model
from lago_cli.domain.definitions import (
    FLAG,
    TEXT,
    Defined,
    Faulty,
    Kind,
    Path,
    Values,
    definition,
    not_one_of,
    spec,
    wrong_type,
)
from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.domain.objects import Nested, Written, encoded, is_number
from lago_cli.errors import LagoError, refused

if TYPE_CHECKING:
    from datetime import tzinfo

    from lago_cli.domain.metrics import Metric
    from lago_cli.domain.pricing import ChargeModel

ALL_VALUES = "__ALL_FILTER_VALUES__"
"""Among the values of a filter: every value that the metric declares for the key."""

NO_RATES = "a tax is billed by its rate: write taxes, each with its rate"
LONGEST_AMOUNT = 18  # digits
GROUP_KEYS = ("pricing_group_keys", "grouped_by")  # the second is the old name


class _Cents(Kind):
    """An amount in the smallest unit of a currency."""

    cell = "count"

    def read(self, value: object, zone: tzinfo) -> int:  # noqa: ARG002
        text = value if isinstance(value, str) else ""
        if not (text.isascii() and text.isdigit()) or len(text) > LONGEST_AMOUNT:
            if is_number(value) or text:
                message = f"{str(text)[:40]!r} is no amount: a whole number of cents, from 0 on"
                raise refused("invalid_amount", message)
            raise wrong_type(value, "a whole number of cents")
        return int(text)


class _Decimal(Kind):
    """A decimal number from 0 on, as text or as a number; it is kept as text."""

    cell = "number"

    def read(self, value: object, zone: tzinfo) -> str:  # noqa: ARG002
        if not isinstance(value, str):
            raise wrong_type(value, "a decimal number")
        try:
            number = parse_decimal(str(value))
        except ValueError as error:
            raise refused("invalid_number", str(error)) from None
        if number < 0:
            raise refused("invalid_number", f"{value} is below 0")
        return as_plain(number)


class _Object(Kind):
    """An object whose keys depend on something else, as it stands there."""

    cell = "object"

    def read(self, value: object, zone: tzinfo) -> Mapping[str, Any]:  # noqa: ARG002
        if not isinstance(value, Mapping):
            raise wrong_type(value, "an object")
        return value


class _Values(_Object):
    """By key, the values that a filter takes."""

    def read(self, value: object, zone: tzinfo) -> Mapping[str, tuple[str, ...]]:
        faults = []
        found: dict[str, tuple[str, ...]] = {}
        for key, values in super().read(value, zone).items():
            if not isinstance(values, list):
                faults.append(((key,), wrong_type(values, "a list")))
                continue
            try:
                found[key] = tuple(TEXT.read(each, zone) for each in values)
            except LagoError as error:
                faults.append(((key,), error))
        if faults:
            raise Faulty(faults)
        return found

    def as_json(self, value: Any) -> dict[str, list[str]]:
        return {key: list(values) for key, values in value.items()}


CENTS, DECIMAL, OBJECT = _Cents(), _Decimal(), _Object()


@definition
class Tax(Defined):
    """A tax, in percent of what it is on."""

    ignored = frozenset({"description", "applied_to_organization"})

    rate: str = spec(required=True, kind=DECIMAL, stand_in="0")
    code: str | None = spec(default=None)
    name: str | None = spec(default=None)

    def faults(self) -> Iterator[LagoError]:
        yield from ()


def group_keys_of(properties: Mapping[str, Any]) -> tuple[str, ...]:
    """The properties of events by which a price is taken for each group."""
    keys = next((properties[name] for name in GROUP_KEYS if properties.get(name)), ())
    return tuple(keys)


def model_of(charge_model: str, properties: Mapping[str, Any]) -> ChargeModel:
    """The prices. Raises `Faulty`."""
    return read_model(charge_model, _as_written(_without_keys(properties)))


def _model_if_any(charge_model: str, properties: Mapping[str, Any]) -> ChargeModel | None:
    try:
        return model_of(charge_model, properties)
    except Faulty:
        return None


def _without_keys(properties: Mapping[str, Any]) -> dict[str, Any]:
    apart = (*GROUP_KEYS, "presentation_group_keys")  # how Lago shows usage, at no other price
    return {key: value for key, value in properties.items() if key not in apart}


def _as_written(value: Any) -> Any:
    """Plain numbers as a document gives them."""
    if isinstance(value, Mapping):
        return {key: _as_written(each) for key, each in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_as_written(each) for each in value]
    if value is None or isinstance(value, str | bool):
        return value
    return Written(encoded(value))


def _canonical(charge_model: str, properties: Mapping[str, Any]) -> Mapping[str, Any]:
    """Prices as plain decimal text, without what is absent; as it is where it is faulty."""
    if any(True for _ in _faults_of_properties(charge_model, properties)):
        return properties
    keys = group_keys_of(properties)
    found = model_of(charge_model, properties).as_json()
    return found | ({"pricing_group_keys": list(keys)} if keys else {})


def _faults_of_properties(
    charge_model: str, properties: Mapping[str, Any]
) -> Iterator[tuple[Path, LagoError]]:
    for name in GROUP_KEYS:
        keys = properties.get(name)
        if keys is not None and not isinstance(keys, list | tuple):
            yield (name,), wrong_type(keys, "a list")
            continue
        for number, key in enumerate(keys or ()):
            if type(key) is not str or not key.strip():
                message = "this is no name of a property: a text that is not empty"
                yield (name, number), refused("invalid_group_key", message)
    try:
        model_of(charge_model, properties)
    except Faulty as several:
        yield from several.faults


def _located(path: Path, error: LagoError) -> LagoError:
    error.within = path
    return error


@definition
class ChargeFilter(Defined):
    """Other prices for events with certain properties."""

    ignored = frozenset({"code"})

    values: Mapping[str, tuple[str, ...]] = spec(required=True, kind=_Values(), stand_in={})
    properties: Mapping[str, Any] | None = spec(default=None, kind=OBJECT)
    invoice_display_name: str | None = spec(default=None)

    def faults(self) -> Iterator[LagoError]:
        for key, values in self.values.items():
            if not key or not values or "" in values or len(set(values)) < len(values):
                message = f'The filter "{key}" has no values, or an empty or repeated one.'
                yield refused("invalid_filter", message, path=("values", key))


@definition
class Charge(Defined):
    """What a plan charges for one metric."""

    ignored = frozenset({"billable_metric_id", "lago_billable_metric_id", "lago_parent_id"})
    unused: ClassVar[Mapping[str, str]] = {
        "applied_pricing_unit": "pricing units are not billed: prices are in the plan's currency",
        "accepts_target_wallet": "there are no wallets",
        "tax_codes": NO_RATES,
    }

    missing: ClassVar[Mapping[str, str]] = {
        "billable_metric_code": "Name the metric by its code; an id of Lago says nothing here."
    }

    billable_metric_code: str = spec(required=True, heading="metric", cell="id")
    charge_model: str = spec(required=True, choices=CHARGE_MODELS, heading="model", cell="flag")
    code: str | None = spec(default=None)
    invoice_display_name: str | None = spec(default=None, heading="name", spare=2)
    pay_in_advance: bool = spec(default=False, kind=FLAG, heading="in advance", spare=3)
    prorated: bool = spec(default=False, kind=FLAG, spare=4)
    invoiceable: bool = spec(default=True, kind=FLAG, spare=6)
    regroup_paid_fees: str | None = spec(default=None, spare=7)
    min_amount_cents: int = spec(default=0, kind=CENTS, heading="minimum cents", spare=5)
    properties: Mapping[str, Any] | None = spec(default=None, kind=OBJECT)
    filters: tuple[ChargeFilter, ...] = spec(default=(), kind=Nested(ChargeFilter))
    taxes: tuple[Tax, ...] = spec(default=(), kind=Nested(Tax), spare=1)

    @classmethod
    def completed(cls, values: Values) -> Values:
        model = values.get("charge_model", "")
        if model not in CHARGE_MODELS:
            return values
        found = dict(values)
        found["properties"] = _canonical(model, values.get("properties") or {})
        found["filters"] = tuple(
            ChargeFilter(
                each.values, _canonical(model, each.properties or {}), each.invoice_display_name
            )
            for each in values.get("filters", ())
        )
        return found

    def faults(self) -> Iterator[LagoError]:
        if not self.billable_metric_code.strip():
            message = "A charge needs the code of its metric."
            yield refused("invalid_code", message, field="billable_metric_code")
        if self.charge_model not in CHARGE_MODELS:
            yield not_one_of("charge_model", "charge model", self.charge_model, CHARGE_MODELS)
            return
        for where, properties in self._all_properties():
            for path, error in _faults_of_properties(self.charge_model, properties):
                yield _located((*where, "properties", *path), error)

    def _all_properties(self) -> Iterator[tuple[Path, Mapping[str, Any]]]:
        yield (), self.properties or {}
        for number, each in enumerate(self.filters):
            yield ("filters", number), each.properties or {}

    def faults_with(self, metric: Metric) -> Iterator[LagoError]:
        """The rules that the metric of the charge decides."""
        seen = set()
        for _, properties in self._all_properties():
            found = faults_with(
                self.charge_model,
                _model_if_any(self.charge_model, properties),
                prorated=self.prorated,
                pay_in_advance=self.pay_in_advance,
                min_amount_cents=self.min_amount_cents,
                aggregation_type=metric.aggregation_type,
                recurring=metric.recurring,
            )
            for error in found:
                if error.message not in seen:
                    yield error
                seen.add(error.message)
        declared = {row.key: row.values for row in metric.filters}
        for number, each in enumerate(self.filters):
            for key, values in each.values.items():
                where = ("filters", number, "values", key)
                if key not in declared:
                    names = ", ".join(declared) or "none"
                    yield refused(
                        "unknown_filter",
                        f'The metric "{metric.code}" has no filter "{key}"; it has: {names}.',
                        f"Declare it with: lago metrics update {metric.code} --filter {key}=…",
                        path=where,
                    )
                    continue
                for value in values:
                    if value != ALL_VALUES and value not in declared[key]:
                        yield refused(
                            "unknown_filter_value",
                            f'"{value}" is none of the values that the metric "{metric.code}"'
                            f' declares for "{key}": {", ".join(declared[key])}',
                            path=where,
                        )

    def filter_of(self, number: int, metric: Metric) -> Mapping[str, Sequence[str]]:
        """What one of the filters asks of an event, with every value that `ALL_VALUES` is."""
        declared = {row.key: row.values for row in metric.filters}
        return {
            key: declared.get(key, ()) if ALL_VALUES in values else values
            for key, values in self.filters[number].values.items()
        }
