"""
JSON values kept as they were written.

An object is decoded one level deep into `msgspec.Raw` members, so a number keeps all
its digits and a nested value its spelling. Of repeated keys the last one wins, here
and therefore everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

import msgspec
from msgspec import Raw

from lago_cli.domain.numbers import as_plain, parse_decimal

_OBJECT = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)
_KINDS = {"{": "object", "[": "array", '"': "text", "t": "boolean", "f": "boolean", "n": "null"}

decode_object = _OBJECT.decode
"""`decode_object(b'{"a": 1.10}')` is `{"a": Raw(b'1.10')}`; raises `msgspec.DecodeError`."""

encode = msgspec.json.encode
"""Compact JSON bytes; `Raw` members stand in it exactly as they were received."""


def kind_of(token: Raw) -> str:
    """`object`, `array`, `text`, `number`, `boolean` or `null`."""
    return _KINDS.get(chr(memoryview(token)[0]), "number")


def as_written(token: Raw) -> str:
    """The JSON text of a value."""
    return str(token, "utf-8")


def text_of(token: Raw | None) -> str | None:
    """
    A value as the text that filters, groups and unique items compare.

    Text stands for itself; a number for its plain digits where it has an exponent and
    else as written, so `2` and `"2"` are equal; null and a missing value give None.
    """
    if token is None:
        return None
    written = as_written(token)
    first = written[0]
    if first == '"':
        return _TEXT.decode(token)
    if first == "n":
        return None
    if first in "-0123456789" and ("e" in written or "E" in written):
        try:
            return as_plain(parse_decimal(written))
        except ValueError:
            return written
    return written


def number_of(token: Raw | None) -> Decimal:
    """
    A number, or text that reads as one.

    Raises:
        ValueError: with a reason, for everything else.
    """
    if token is None:
        raise ValueError("it is missing")
    kind = kind_of(token)
    if kind == "text":
        return parse_decimal(_TEXT.decode(token))
    if kind == "number":
        return parse_decimal(as_written(token))
    raise ValueError("it is null" if kind == "null" else f"it is {kind}, not a number")


def same_json(one: str, other: str) -> bool:
    """Whether two JSON texts mean the same: key order, spacing and `1.0` for `1` aside."""
    return one == other or _canonical(one.encode()) == _canonical(other.encode())


def members(token: Raw) -> Mapping[str, Raw]:
    """The members of an object value."""
    return _OBJECT.decode(token)


def canonical(fields: Mapping[str, Raw]) -> bytes:
    """One spelling for objects that mean the same: keys sorted, numbers in plain digits."""
    meant = {
        key: Raw(_canonical(bytes(token)))
        for key, token in fields.items()
        if kind_of(token) != "null"
    }
    return msgspec.json.encode(meant, order="sorted")


def _canonical(text: bytes) -> bytes:
    """The one spelling of a value; one that holds too long a number stays as written."""
    try:
        return msgspec.json.encode(_PLAIN.decode(text), order="sorted")
    except msgspec.MsgspecError:
        return text


def _plain_number(text: str) -> Raw:
    try:
        return Raw(as_plain(parse_decimal(text)).encode())
    except ValueError:
        return Raw(text.encode())


_PLAIN = msgspec.json.Decoder(float_hook=_plain_number)
