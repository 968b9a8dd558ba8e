"""How a source writes values: texts that mean null, and decimal commas."""

from __future__ import annotations

import re
from collections.abc import Container

from msgspec import Raw

from lago_cli.domain.json_text import encode, text_of
from lago_cli.domain.paths import map_texts

_NULL = Raw(b"null")
_GROUP = "[.'\u2019 \u00a0\u202f]"
_DECIMAL_COMMA = re.compile(
    rf"(?P<sign>[+-]?)(?:(?P<plain>[0-9]+)|(?P<grouped>[0-9]{{1,3}}(?P<mark>{_GROUP})[0-9]{{3}}"
    rf"(?:(?P=mark)[0-9]{{3}})*))(?:,(?P<fraction>[0-9]+))?"
)
_ADDRESS = re.compile(r"(?:[0-9]{1,3}\.){3}[0-9]{1,3}")


def with_nulls(record: dict[str, Raw], nulls: Container[str]) -> dict[str, Raw]:
    """A record in which every text that is one of `nulls` is null."""

    def meant(token: Raw) -> Raw:
        return _NULL if text_of(token) in nulls else token

    return {name: map_texts(token, meant) for name, token in record.items()}


def with_decimal_points(token: Raw) -> Raw:
    """
    A value in which every text that is a number with a decimal comma is written with a point.

    `1.111,11` becomes `1111.11`, and `1.111` becomes `1111`. Four numbers with points between
    them are the address of a computer, and stay.
    """
    return map_texts(token, _with_point)


def _with_point(token: Raw) -> Raw:
    text = text_of(token) or ""
    found = _DECIMAL_COMMA.fullmatch(text)
    if found is None or found["plain"] == text or _ADDRESS.fullmatch(text):
        return token
    mark = found["mark"] or ""
    whole = (found["plain"] or found["grouped"]).replace(mark, "") if mark else found["plain"]
    fraction = f".{found['fraction']}" if found["fraction"] else ""
    return Raw(encode(found["sign"] + (whole or "") + fraction))
