"""
Decimal numbers: the only door from foreign text to a number, and back.

One grammar holds everywhere (aggregation, expressions, prices, amounts): JSON numbers
of any form, and text `[+-]digits[.digits][e[+-]digits]`. Everything stays exact: a
`Decimal` is never rounded, and a quotient is a `Fraction` until it is shown.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import ROUND_HALF_UP, Context, Decimal, Inexact, localcontext
from fractions import Fraction

ZERO = Decimal(0)

Units = Decimal | Fraction

MAX_DIGITS = 10_000
"""Longest plain form of a number, so that `1e999999999` is no way to fill the memory."""

MAX_QUOTIENT_PLACES = 12
"""Decimals shown of a quotient without a finite decimal form (rounded half up)."""

NUMBER = re.compile(r"[+-]?([0-9]+)(?:\.([0-9]+))?(?:[eE]([+-]?[0-9]+))?")
_EXACT = Context(prec=8 * MAX_DIGITS, Emax=10**6, Emin=-(10**6), traps=[Inexact])
_ORDINARY = range(-(2**63), 2**63)
_MAX_SCALE = 18


@contextmanager
def exact() -> Iterator[None]:
    """Decimal arithmetic that cannot round: an inexact result raises `decimal.Inexact`."""
    with localcontext(_EXACT):
        yield


def parse_decimal(text: str) -> Decimal:
    """
    Read a number exactly as written.

    Raises:
        ValueError: with a sentence, where `text` does not follow the grammar or is
            longer than `MAX_DIGITS` in plain digits.
    """
    found = NUMBER.fullmatch(text)
    if found is None:
        raise ValueError(f"{_excerpt(text)} is not a number")
    whole, fraction, exponent = found.groups("")
    shift = MAX_DIGITS if len(exponent) > 8 else abs(int(exponent or 0))
    size = len(whole) + len(fraction) + shift
    if size > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits is not counted")
    return Decimal(text)


def _excerpt(text: str) -> str:
    return repr(text if len(text) <= 40 else text[:40] + "…")


def to_scaled(value: Decimal) -> tuple[int, int] | None:
    """
    `(mantissa, scale)` with value = mantissa / 10**scale, or None where the mantissa
    does not fit into 64 bits or the scale exceeds 18: such values are summed apart.
    """
    sign, digits, exponent = value.as_tuple()
    if not isinstance(exponent, int) or len(digits) + max(exponent, 0) > 20:
        return None
    mantissa = int("".join(map(str, digits)))
    if exponent > 0:
        mantissa *= 10**exponent
    scale = max(-exponent, 0)
    while scale and mantissa % 10 == 0:
        mantissa //= 10
        scale -= 1
    mantissa = -mantissa if sign else mantissa
    return (mantissa, scale) if mantissa in _ORDINARY and scale <= _MAX_SCALE else None


def from_scaled(mantissa: int, scale: int) -> Decimal:
    """Inverse of `to_scaled`; `mantissa` may be of any size."""
    if -(2**100) < mantissa < 2**100:
        return Decimal(f"{mantissa}e{-scale}")
    with exact():
        return Decimal(mantissa).scaleb(-scale)


def as_plain(value: Decimal | Fraction | int) -> str:
    """
    Plain digits: no exponent, no trailing zeros, no negative zero.

    Numbers with a finite decimal form are shown in full; of other quotients
    `MAX_QUOTIENT_PLACES` decimals, rounded half away from zero.
    """
    if isinstance(value, int):
        return str(value)
    if isinstance(value, Fraction):
        if value.denominator == 1:
            return str(value.numerator)
        value = _finite(value)
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text in ("-0", "") else text


def _finite(value: Fraction) -> Decimal:
    rest, twos, fives = value.denominator, 0, 0
    while rest % 2 == 0:
        rest, twos = rest // 2, twos + 1
    while rest % 5 == 0:
        rest, fives = rest // 5, fives + 1
    if rest == 1:
        places = max(twos, fives)
        return from_scaled(value.numerator * 10**places // value.denominator, places)
    return round_half_up(value, MAX_QUOTIENT_PLACES)


def round_half_up(value: Fraction | Decimal, places: int) -> Decimal:
    """Round half away from zero to `places` decimals (negative: tens, hundreds, …)."""
    if isinstance(value, Decimal):
        with localcontext(_EXACT) as context:
            context.traps[Inexact] = False
            return value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP)
    scaled = abs(value) * Fraction(10) ** places
    mantissa = (2 * scaled.numerator + scaled.denominator) // (2 * scaled.denominator)
    return from_scaled(mantissa if value >= 0 else -mantissa, places)


def add(one: Units, other: Units) -> Units:
    """A sum; a `Decimal` and a `Fraction` do not add by themselves."""
    if isinstance(one, Decimal) and isinstance(other, Decimal):
        return one + other
    return Fraction(one) + Fraction(other)


def number_in(value: int | str | None, scale: int | None) -> Units:
    """The number of a measurement: `value / 10**scale`, or text where that is too small."""
    if isinstance(value, int):
        return from_scaled(value, scale or 0)
    text = value or "0"
    return Fraction(text) if "/" in text else Decimal(text)
