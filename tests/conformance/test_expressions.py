"""The published cases of expressions, and whichever are added to the file."""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction
from pathlib import Path
from typing import Any

import msgspec
import pytest

from lago_cli.domain.expressions import Unevaluable, Value, parse_expression
from lago_cli.errors import LagoError

OURS: dict[str, dict[str, Any]] = {
    "event.property_nested": {"type": "number", "value": "1"},  # paths lead into properties
}
"""Where this product does more than Lago: what it answers."""


class CaseEvent(msgspec.Struct):
    code: str
    timestamp: Decimal
    properties: dict[str, msgspec.Raw]  # as written in the file


class Case(msgspec.Struct):
    id: str
    expression: str
    event: CaseEvent
    expect: dict[str, Any]
    better: dict[str, Any] | str | None = None
    notes: str = ""

    def expected(self) -> dict[str, Any]:
        """What this product does: Lago's answer, unless the case names a better one."""
        if self.id in OURS:
            return OURS[self.id]
        return self.better if isinstance(self.better, dict) else self.expect

    def fails_at(self, stage: str) -> bool:
        expected = self.expected()
        return bool(expected.get("error")) and expected["when"] == stage

    def evaluate(self) -> Value:
        event = self.event
        at_micros = int(event.timestamp * 1_000_000)
        return parse_expression(self.expression).evaluate(event.code, at_micros, event.properties)


FILE = Path(__file__).parent / "cases" / "expression.json"
CASES = msgspec.json.Decoder(list[Case], float_hook=Decimal).decode(FILE.read_bytes())


def having(failing: str | None) -> pytest.MarkDecorator:
    """The cases that fail at a stage, or those that have a value."""
    cases = [
        case
        for case in CASES
        if (case.fails_at(failing) if failing else not case.expected().get("error"))
    ]
    return pytest.mark.parametrize("case", cases, ids=lambda case: case.id)


@having(failing=None)
def test_value(case):
    value, expected = case.evaluate(), case.expected()

    if expected["type"] == "string":
        assert value == expected["value"], case.notes
    else:
        assert isinstance(value, Decimal | Fraction)
        difference = abs(Fraction(value) - Fraction(expected["value"]))
        assert difference <= Fraction(expected.get("tolerance", 0)), case.notes


@having(failing="parse")
def test_refused_when_the_metric_is_defined(case):
    with pytest.raises(LagoError):
        parse_expression(case.expression)


@having(failing="eval")
def test_without_a_value_for_this_event(case):
    parse_expression(case.expression)

    with pytest.raises(Unevaluable):
        case.evaluate()


def test_every_case_was_tried():
    stages = [case.expected().get("when", "value") for case in CASES]

    assert set(stages) == {"value", "parse", "eval"}
