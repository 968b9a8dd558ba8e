"""
What a metric's expression is worth for an event: parsed once, evaluated per event.

Arithmetic is exact to the end, division too: a quotient without a finite decimal form
stays a `Fraction`, so that `1 / 3 * 3` is 1. A number with a finite decimal form is
always a `Decimal`, which keeps the written zeros (`1.10 * 2` is 2.20). Nothing depends
on the decimal context of the thread.
"""

from __future__ import annotations

import decimal
import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Context, Decimal, DecimalException
from fractions import Fraction
from typing import NamedTuple, TypeAlias

import msgspec

from lago_cli.domain import expression_parser as syntax
from lago_cli.domain.numbers import MAX_DIGITS, NUMBER, ZERO, as_plain, parse_decimal
from lago_cli.domain.properties import Missing, one_at

MAX_TEXT = 1_000_000
"""Longest text that `concat` may build, in characters."""

Quantity: TypeAlias = Decimal | Fraction
Value: TypeAlias = Decimal | Fraction | str

# With Emin = 0 every number has at most MAX_DIGITS - 1 decimals, with Emax and the precision
# it has at most MAX_DIGITS plain digits; what needs more is inexact, and trapped.
_ROUNDING = Context(
    prec=MAX_DIGITS,
    Emin=0,
    Emax=MAX_DIGITS - 1,
    traps=[decimal.Overflow, decimal.InvalidOperation],
)
_LIMITS = _ROUNDING.copy()
_LIMITS.traps[decimal.Inexact] = True
# To find that 1/3 never ends takes as long as there are digits allowed, hence few.
_SHORT = _LIMITS.copy()
_SHORT.prec = 40
_LARGEST = 10**MAX_DIGITS
_TOO_LONG = f"The result has more than {MAX_DIGITS} digits."
_SECOND = 1_000_000  # microseconds
_TEXT = msgspec.json.Decoder(str)


class Unevaluable(ValueError):  # noqa: N818 - a state of the event, not an error of ours
    """An expression has no value for this event; the message says why, in a sentence."""


class Unfound(Unevaluable, Missing):
    """A property is missing."""


@dataclass(frozen=True, slots=True)
class Expression:
    text: str  # as written
    properties: frozenset[str]  # paths of the properties it uses
    _meaning: Meaning = field(repr=False, compare=False)

    def evaluate(
        self, code: str, at_micros: int, properties: Mapping[str, msgspec.Raw]
    ) -> Decimal | Fraction | str:
        """
        The value for one event, whose `properties` are JSON tokens as written.

        Raises:
            Unevaluable: where a property is missing, null or not usable, a divisor is
                zero, or a result exceeds `MAX_DIGITS` plain digits.
        """
        try:
            return self._meaning(_Event(code, at_micros, properties))
        except DecimalException:
            raise Unevaluable(_TOO_LONG) from None


class _Event(NamedTuple):
    code: str
    at_micros: int
    properties: Mapping[str, msgspec.Raw]


Meaning: TypeAlias = Callable[[_Event], Value]
_Count: TypeAlias = Callable[[_Event], Quantity]
_Wording: TypeAlias = Callable[[_Event], str]
_Operation: TypeAlias = Callable[[Quantity, Quantity], Quantity]


def parse_expression(text: str) -> Expression:
    """
    Read an expression once, for many events.

    Raises:
        LagoError: `invalid_expression` with the column and what was expected there;
            `value_is_mandatory` where there is nothing but white space.
    """
    tree, properties = syntax.parse_syntax(text)
    return Expression(text, properties, _value_of(tree))


def _value_of(node: syntax.Node) -> Meaning:
    match node:
        case syntax.Text(value):
            return lambda _: value
        case syntax.Code():
            return lambda event: event.code
        case syntax.Property(name):
            return lambda event: _property_value(name, event)
        case syntax.Call("concat", arguments):
            return _joined([_text_of(argument) for argument in arguments])
        case _:
            return _number_of(node)


def _text_of(node: syntax.Node) -> _Wording:
    if isinstance(node, syntax.Property):  # as written: "007" and "1e3" are identifiers here
        return lambda event: _written(node.name, event)
    meaning = _value_of(node)
    return lambda event: as_text(meaning(event))


def _number_of(node: syntax.Node) -> _Count:
    match node:
        case syntax.Number(constant):
            return lambda _: constant
        case syntax.Timestamp():
            return lambda event: Decimal(event.at_micros // _SECOND)
        case syntax.Property(name):
            return lambda event: _counted(name, _written(name, event))
        case syntax.Negated(operand):
            number = _number_of(operand)
            return lambda event: _subtract(ZERO, number(event))
        case syntax.Chain(first, rest):
            return _chained(_number_of(first), [(_OPERATIONS[o], _number_of(n)) for o, n in rest])
        case syntax.Call("least" | "greatest" as function, arguments):
            return _extreme(function, [_number_of(argument) for argument in arguments])
        case syntax.Call("round" | "ceil" | "floor" as function, arguments):
            return _rounded(function, *[_number_of(argument) for argument in arguments])
        case _:
            return _no_number(node)


def _no_number(node: syntax.Node) -> _Count:
    what = "event.code" if isinstance(node, syntax.Code) else "The result of concat"
    if isinstance(node, syntax.Text):
        what = repr(node.value if len(node.value) <= 40 else node.value[:40] + "…")

    def refuse(_: _Event) -> Quantity:
        raise Unevaluable(f"{what} is text, where a number is needed.")

    return refuse


def _chained(first: _Count, rest: list[tuple[_Operation, _Count]]) -> _Count:
    def chain(event: _Event) -> Quantity:
        total = first(event)
        for operation, number in rest:
            total = operation(total, number(event))
        return total

    return chain


def _extreme(function: str, numbers: list[_Count]) -> _Count:
    choose: Callable[[list[Quantity]], Quantity] = min if function == "least" else max
    return lambda event: choose([number(event) for number in numbers])


def _joined(texts: list[_Wording]) -> _Wording:
    def join(event: _Event) -> str:
        parts, room = [], MAX_TEXT
        for text in texts:
            parts.append(text(event))
            room -= len(parts[-1])
            if room < 0:
                raise Unevaluable(f"The text is longer than {MAX_TEXT} characters.")
        return "".join(parts)

    return join


def _written(name: str, event: _Event) -> str:
    """A property as it was written, without its quotes."""
    try:
        raw = one_at(event.properties, name)
    except ValueError as error:
        raise Unevaluable(f'The property "{name}" cannot be used: {error}.') from None
    if raw is None:
        raise Unfound(f'The property "{name}" is missing.', name)
    token = bytes(raw)
    first = token[:1]
    if first == b'"':
        try:
            return _TEXT.decode(token)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Unevaluable(f'The property "{name}" is not valid Unicode.') from None
    if first == b"-" or first.isdigit():
        return token.decode("ascii")
    kind = {b"n": "null", b"t": "true", b"f": "false", b"[": "a list", b"{": "an object"}
    raise Unevaluable(f'The property "{name}" is {kind.get(first, "empty")}.')


def _property_value(name: str, event: _Event) -> Value:
    text = _written(name, event)
    return _counted(name, text) if NUMBER.fullmatch(text) else text


def _counted(name: str, text: str) -> Decimal:
    try:
        return parse_decimal(text)
    except ValueError as error:
        raise Unevaluable(f'The property "{name}" cannot be counted: {error}.') from None


def as_text(value: Value) -> str:
    """Plain digits, keeping the written zeros of a decimal; text as it is."""
    if isinstance(value, Decimal):
        return format(value or value.copy_abs(), "f")  # no negative zero
    return value if isinstance(value, str) else as_plain(value)


def _settled(quotient: Fraction) -> Quantity:
    """A `Decimal` where there is a finite form, within the limits."""
    top, bottom = quotient.numerator, quotient.denominator
    if max(abs(top), bottom) > _LARGEST:
        raise Unevaluable(_TOO_LONG)
    places = bottom.bit_length()  # enough for any product of twos and fives
    if pow(10, places, bottom):
        return quotient
    return _LIMITS.normalize(_LIMITS.scaleb(Decimal(top * 10**places // bottom), -places))


def _exactly(
    decimals: Callable[[Decimal, Decimal], Decimal],
    fractions: Callable[[Fraction, Fraction], Fraction],
) -> _Operation:
    def operate(left: Quantity, right: Quantity) -> Quantity:
        if isinstance(left, Decimal) and isinstance(right, Decimal):
            return decimals(left, right)
        return _settled(fractions(Fraction(left), Fraction(right)))

    return operate


def _divide(left: Quantity, right: Quantity) -> Quantity:
    if not right:
        raise Unevaluable("The expression divides by zero.")
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        try:
            return _SHORT.divide(left, right)
        except DecimalException:
            pass
    top, bottom = left.as_integer_ratio()
    divisor_top, divisor_bottom = right.as_integer_ratio()
    return _settled(Fraction(top * divisor_bottom, bottom * divisor_top))


_subtract = _exactly(_LIMITS.subtract, operator.sub)
_OPERATIONS: dict[str, _Operation] = {
    "+": _exactly(_LIMITS.add, operator.add),
    "-": _subtract,
    "*": _exactly(_LIMITS.multiply, operator.mul),
    "/": _divide,
}


def _half_away(top: int, bottom: int) -> int:
    whole = (2 * abs(top) + bottom) // (2 * bottom)
    return whole if top >= 0 else -whole


_ROUNDINGS: dict[str, tuple[str, Callable[[int, int], int]]] = {
    "round": (decimal.ROUND_HALF_UP, _half_away),
    "ceil": (decimal.ROUND_CEILING, lambda top, bottom: -(-top // bottom)),
    "floor": (decimal.ROUND_FLOOR, operator.floordiv),
}


def _rounded(function: str, number: _Count, digits: _Count = lambda _: ZERO) -> _Count:
    mode, whole = _ROUNDINGS[function]

    def rounded(event: _Event) -> Quantity:
        value = number(event)
        places = int(digits(event))
        if abs(places) >= MAX_DIGITS:
            raise Unevaluable(f"{function} is asked for {MAX_DIGITS} digits or more.")
        if isinstance(value, Decimal):
            return value.quantize(Decimal((0, (1,), -places)), mode, _ROUNDING)
        top = value.numerator * 10 ** max(places, 0)
        bottom = value.denominator * 10 ** max(-places, 0)
        return _LIMITS.scaleb(Decimal(whole(top, bottom)), -places)

    return rounded
