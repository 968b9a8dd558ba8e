"""Definitions in bodies: what is wrong with them in Lago's words, and what is not kept of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from lago_cli.domain.definitions import Faulty, Path
from lago_cli.domain.objects import Faults
from lago_cli.errors import Kind, LagoError, refused
from lago_cli.server.failures import ApiError, invalid, not_found
from lago_cli.services.objects import Unkept

MOST_TOLD = 20  # faults in a message

_CODES = {
    "missing_field": "value_is_mandatory",
    "invalid_code": "value_is_mandatory",
    "invalid_external_id": "value_is_mandatory",
    "field_name_required": "value_is_mandatory",
    "metric_exists": "value_already_exist",
    "plan_exists": "value_already_exist",
    "subscription_exists": "value_already_exist",
    "repeated_charge": "value_already_exist",
    "not_recurring": "not_compatible_with_aggregation_type",
    "invalid_expression": "invalid_expression",
    "unknown_timezone": "invalid_timezone",
    "invalid_instant": "invalid_date",
    "ends_before_start": "invalid_date",
    "outside_calendar": "invalid_date",
    "invalid_rounding_precision": "value_is_out_of_range",
    "invalid_prorated": "invalid_billable_metric_or_charge_model",
    "invalid_pay_in_advance": "invalid_aggregation_type_or_charge_model",
    "wrong_type": "value_is_invalid",
    "unknown_filter": "value_is_invalid",
    "unknown_filter_value": "value_is_invalid",
    "interval_of_plan": "value_is_invalid",
    "fixed_code": "value_is_invalid",
}
"""Lago's codes for ours; beside them all of ours that begin with `invalid_`."""

_FIELDS = {"billable_metric_code": "billable_metric_id"}
_REGISTERED_ELSEWHERE = {
    "tax_codes": "tax_not_found",
    "fixed_charges": "add_ons_not_found",
    "applied_pricing_unit": "pricing_unit_not_found",
}
"""What would change an amount, and names things that nobody can register here."""


@contextmanager
def in_words_of_lago() -> Iterator[None]:
    """Raises `ApiError` with all faults of a definition, by field."""
    try:
        yield
    except Faulty as several:
        raise refusal_of(several.faults) from None
    except LagoError as error:
        if error.kind is not Kind.REFUSED:
            raise
        raise refusal_of([(error.path, error)]) from None


def refusal_of(faults: Sequence[tuple[Path, LagoError]]) -> ApiError:
    """One answer for them all; its message has where each stands, in sentences."""
    details: dict[str, list[str]] = {}
    told = []
    for path, error in faults:
        field, code = _field_and_code(path, error)
        codes = details.setdefault(field, [])
        if code not in codes:
            codes.append(code)
        place = place_of(path)
        told.append(f"{place}: {error.message}" if place and len(path) > 1 else error.message)
    hint = faults[0][1].hint if len(faults) == 1 else None
    return invalid(details, "\n".join(told[:MOST_TOLD]), hint)


def _field_and_code(path: Path, error: LagoError) -> tuple[str, str]:
    is_missing = error.code == "missing_field" and error.field is not None
    place = (*path, str(error.field)) if is_missing else path
    if "properties" in place:
        return "properties", _code_of_property(place[place.index("properties") + 1 :], error)
    names = [str(step) for step in place if isinstance(step, str)]
    field = (names[1:2] or names)[0] if names[:1] == ["charges"] else "".join(names[:1])
    if error.code == "field_name_required":
        field = "field_name"
    default = "value_is_invalid" if error.code.startswith("invalid_") else error.code
    return _FIELDS.get(field, field) or "base", _CODES.get(error.code, default)


def _code_of_property(place: Path, error: LagoError) -> str:
    """Lago's codes name the property: `invalid_amount`, `missing_graduated_ranges`."""
    key = str(place[0]) if place else ""
    if not key or error.code == "unknown_key":
        return "value_is_invalid"
    is_missing = error.code in ("missing_field", "no_ranges") and len(place) == 1
    return f"missing_{key}" if is_missing and key.endswith("_ranges") else f"invalid_{key}"


def place_of(path: Path) -> str:
    """`charges[0].properties`"""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{step}" for step in path)
    return text.removeprefix(".")


def mandatory(row: Mapping[str, Any], *fields: str) -> Faults:
    """Fields that Lago wants to be there, though they have a default on the command line."""
    return [
        ((), refused("missing_field", f"{field} is missing", field=field))
        for field in fields
        if is_blank(row.get(field))
    ]


def is_blank(value: object) -> bool:
    """Whether Lago takes it for missing."""
    return value is None or (isinstance(value, str) and not value.strip())


def check_references(row: Mapping[str, Any]) -> None:
    """Raises `ApiError` (404) where an amount would hang on what is registered nowhere."""
    for key, code in _REGISTERED_ELSEWHERE.items():
        if row.get(key):
            message = f"{key} name what this server does not have; write taxes with their rates."
            raise not_found(code, message if key == "tax_codes" else None)


def answer(root: str, body: Any, unkept: Unkept) -> dict[str, Any]:
    """What was made of a body and, beside it, what is not kept of it."""
    warnings = [{"field": place_of(path), "message": why} for path, why in unkept]
    return {root: body, "warnings": warnings} if warnings else {root: body}
