"""A name that nobody knows: which one may have been meant."""

from __future__ import annotations

from collections.abc import Iterable


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean "acme"?`, or nothing where no name is near."""
    from difflib import get_close_matches

    by_folded = {each.casefold(): each for each in known}
    near = get_close_matches(name.casefold(), by_folded, n=1)
    return f' Did you mean "{by_folded[near[0]]}"?' if near else ""
