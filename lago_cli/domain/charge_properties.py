"""
The properties of a charge, read key by key; every fault is kept, with its place.

In definition documents numbers arrive as a subclass of `str` that keeps every digit, so that
`type(value) is str` tells a text from a number.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from decimal import Decimal
from fractions import Fraction

from lago_cli.domain.definitions import Faulty, Path, wrong_type
from lago_cli.domain.numbers import as_plain, parse_decimal
from lago_cli.errors import LagoError, refused

ONE = Fraction(1)
MOST = 10**18 - 1
"""The largest count: one that every reader of JSON takes as it is."""


class Properties:
    """
    An object of properties. What is faulty reads as a stand-in, until `check` raises.

    Args:
        others: keys that may stand there too, as long as they are null or empty.
    """

    __slots__ = ("faults", "given", "path")

    def __init__(
        self,
        given: Mapping[str, object],
        keys: Collection[str],
        others: Collection[str] = (),
        path: Path = (),
    ) -> None:
        self.given = {key: value for key, value in given.items() if value is not None}
        self.path = path
        self.faults: list[tuple[Path, LagoError]] = []
        for key, value in self.given.items():
            if key not in keys and not (key in others and value in ("", [], {})):
                message = f'"{key}" is no key here: {", ".join(keys) or "there are none"}'
                self.fault(refused("unknown_key", message), key)

    def fault(self, error: LagoError, *place: str | int) -> None:
        self.faults.append(((*self.path, *place), error))

    def check(self) -> None:
        """Raises `Faulty`, where there is any fault so far."""
        if self.faults:
            raise Faulty(self.faults)

    def has(self, key: str) -> bool:
        return key in self.given

    def price(self, key: str) -> Fraction:
        """A decimal number from 0 on, as a number or a text. It has to be there."""
        return self._number(key, may_be_text=True)

    def optional_price(self, key: str) -> Fraction | None:
        return self.price(key) if self.has(key) else None

    def bound(self, key: str) -> Fraction:
        """A number from 0 on, and no text. It has to be there."""
        return self._number(key)

    def whole(self, key: str, least: int, default: int | None = None) -> int:
        """A whole number up to `MOST`, and no text; without a `default` it has to be there."""
        if default is not None and not self.has(key):
            return default
        before = len(self.faults)
        value = self._number(key)
        if len(self.faults) > before:
            return max(least, 1)
        if value.denominator == 1 and least <= value <= MOST:
            return int(value)
        message = f"{as_plain(value)} is no whole number from {least} to {MOST}"
        self.fault(refused("invalid_number", message, f"For example: {key}: 10"), key)
        return max(least, 1)

    def rows(self, key: str) -> list[object]:
        """A list with something in it. It has to be there."""
        value = self.given.get(key)
        if value is None:
            self._missing(key)
        elif not isinstance(value, list):
            self.fault(wrong_type(value, "a list"), key)
        elif not value:
            self.fault(refused("no_ranges", "there has to be a range, for example from 0 on"), key)
        return value if isinstance(value, list) else []

    def _missing(self, key: str) -> None:
        self.fault(refused("missing_field", f"{key} is missing", field=key))

    def _number(self, key: str, *, may_be_text: bool = False) -> Fraction:
        value = self.given.get(key)
        if value is None:
            self._missing(key)
            return ONE
        if not isinstance(value, str) or (type(value) is str and not may_be_text):
            self.fault(wrong_type(value, "a number"), key)
            return ONE
        try:
            number = Fraction(parse_decimal(str(value)))
        except ValueError as error:
            hint = f'For example: {key}: "0.05"' if may_be_text else None
            self.fault(refused("invalid_number", str(error), hint), key)
            return ONE
        if number < 0:
            message = f"{as_plain(number)} is less than 0"
            self.fault(refused("negative_number", message, "Write it without the sign."), key)
            return ONE
        return number


def as_number(value: Fraction) -> int | Decimal:
    """A bound, as JSON has it: an integer where it is one that every reader takes as it is."""
    is_count = value.denominator == 1 and value <= MOST
    return int(value) if is_count else Decimal(as_plain(value))
