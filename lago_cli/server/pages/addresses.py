"""Addresses of pages: names of users percent-encoded, whatever stands in them."""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote, urlencode

BY_ID = "by-id"
_RESERVED = {"explain", BY_ID, ".", ".."}  # of paths; browsers take dots for folders
DATA = ("json", "csv")
"""Each page is there as these, too, under its address with that ending."""


def address(path: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """A path with its query."""
    query = urlencode([(name, value) for name, value in parameters if value], errors="replace")
    return f"{path}?{query}" if query else path


def address_of(section: str, name: str, parameters: Iterable[tuple[str, str]] = ()) -> str:
    """The page of one thing, `/customers/acme`; a name that a path cannot have is a parameter."""
    if name in _RESERVED or name.endswith(tuple(f".{ending}" for ending in DATA)):
        return address(f"/{section}/{BY_ID}", [("id", name), *parameters])
    return address(f"/{section}/{quote(name, safe='', errors='replace')}", parameters)
