"""Trying an expression out on one event."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import msgspec

from lago_cli.domain.expressions import Unevaluable, parse_expression
from lago_cli.domain.json_text import decode_object, kind_of, members, text_of
from lago_cli.domain.numbers import exact
from lago_cli.domain.properties import reason_of
from lago_cli.domain.timestamps import ORDINARY
from lago_cli.errors import LagoError, refused, wrong_usage


def evaluate(expression: str, event: str | bytes, *, now: int) -> Decimal | Fraction | str:
    """
    The value that a metric with this expression reads from an event.

    Args:
        event: a JSON object with `properties`, and `code` and `timestamp` where the
            expression uses them; also Lago's `{"event": {…}}`.

    Raises:
        LagoError: wrong usage, for what is no event; refused, where the expression cannot
            be read (`invalid_expression`) or has no value for it (`unevaluable`).
    """
    parsed = parse_expression(expression)
    try:
        fields = decode_object(event)
        if list(fields) == ["event"] and kind_of(fields["event"]) == "object":
            fields = dict(members(fields["event"]))
        properties = fields.get("properties", msgspec.Raw(b"null"))
        has_properties = kind_of(properties) == "object"
        if not has_properties and kind_of(properties) != "null":
            raise ValueError("properties is no object")
        timestamp = text_of(fields.get("timestamp"))
        at = now if timestamp is None else ORDINARY.read(timestamp)
    except LagoError as error:
        raise wrong_usage("invalid_event", f"--event: {error.message}.", error.hint) from None
    except (ValueError, RecursionError) as error:
        raise wrong_usage(
            "invalid_event",
            f"--event: {error}.",
            """Write JSON, such as '{"properties": {"gb": 1.5}}', or @FILE, or - for stdin.""",
        ) from None
    inside = members(properties) if has_properties else {}
    try:
        with exact():
            code = text_of(fields.get("code")) or ""
            return parsed.evaluate(code, at, inside)
    except Unevaluable as error:
        reason = reason_of(error, inside).removesuffix(".")
        raise refused("unevaluable", f"The expression has no value: {reason}.") from None
