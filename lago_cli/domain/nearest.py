"""A name that nobody knows: which one may have been meant."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from lago_cli.errors import LagoError, not_found

_LONG = 200  # letters; comparing names longer than that would take its time
_IGNORED = str.maketrans("", "", "-_. ")
_NONE_YET: Mapping[str, str] = {
    "customer": "There are none yet: their first event creates them, or lago customers create.",
    "subscription": "There are none yet: their first event names them, or lago subscriptions"
    " create.",
    "metric": "There are none yet. Define one with: lago metrics create",
    "plan": "There are none yet. Define one with: lago plans create --input FILE",
    "code": "There are no events yet, and no metrics.",
}
_LISTED: Mapping[str, str] = {
    "customer": "List them with: lago customers list",
    "subscription": "List them with: lago subscriptions list",
    "metric": "List them with: lago metrics list",
    "plan": "List them with: lago plans list",
    "code": "List metrics with: lago metrics list",
    "mapping": "List them with: lago mappings list",
}


def no_such(word: str, name: str, known: Iterable[str]) -> LagoError:
    """`There is no customer "acmee". Did you mean "acme"?`, and where to find the names."""
    near = list(known)
    error = not_found(word, name, (_LISTED if near else _NONE_YET)[word])
    if name in near:
        error.message = f'The {word} "{name}" is not registered: only events name it.'
        error.hint = f"Register it with: lago {word}s create --external-id {name}"
    else:
        error.message += did_you_mean(name, near)
    return error


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """` Did you mean "acme"?`, or nothing where no name is near."""
    near = nearest(name, known)
    return "" if near is None else f' Did you mean "{near}"?'


def nearest(name: str, known: Iterable[str]) -> str | None:
    """
    The name that takes the fewest slips: a letter more, less, wrong, or two exchanged.

    Case, `-`, `_`, dots and blanks aside. None where it would take too many.
    """
    wanted = bare(name)
    best: tuple[int, bool, str] | None = None
    most = 1 if len(wanted) < 6 else 2 if len(wanted) < 12 else 3
    if len(wanted) > _LONG:
        most = 0
    for each in known:
        found = bare(each)
        if abs(len(found) - len(wanted)) > most:
            continue
        slips = _slips(wanted, found, most)
        if slips is None or (slips and _is_too_short(wanted, found)):
            continue
        candidate = slips, each[:1].casefold() != name[:1].casefold(), each
        if best is None or candidate < best:
            best, most = candidate, slips
    return None if best is None else best[2]


def bare(name: str) -> str:
    """What of a name nobody mistypes without noticing."""
    return name.casefold().translate(_IGNORED) or name


def one_slip_away(name: str) -> Iterator[str]:
    """Names that are one slip away, to be looked up where there are too many to go through."""
    letters = sorted({*"abcdefghijklmnopqrstuvwxyz0123456789-_.", *name})
    for place in range(len(name) + 1):
        head, tail = name[:place], name[place:]
        if tail:
            yield head + tail[1:]
            yield from (head + letter + tail[1:] for letter in letters)
        if len(tail) > 1:
            yield head + tail[1] + tail[0] + tail[2:]
        yield from (head + letter + tail for letter in letters)


def _is_too_short(one: str, other: str) -> bool:
    """Whether a slip makes another name of it: `s1` and `s2`, `a` and `ab`."""
    shorter = min(len(one), len(other))
    is_another_letter = len(one) == len(other) and sorted(one) != sorted(other)
    return shorter < 2 or (shorter < 3 and is_another_letter)


def _slips(one: str, other: str, most: int) -> int | None:
    """How many slips lead from one to the other, two exchanged letters being one of them."""
    if one == other:
        return 0
    if most == 0:
        return None
    before: list[int] = []
    row = list(range(len(other) + 1))
    for i, letter in enumerate(one):
        earlier, before, row = before, row, [i + 1]
        for j, another in enumerate(other):
            cost = min(before[j] + (letter != another), before[j + 1] + 1, row[j] + 1)
            if i and j and letter == other[j - 1] and one[i - 1] == another:
                cost = min(cost, earlier[j - 1] + 1)
            row.append(cost)
        if min(row) > most:
            return None
    return row[-1] if row[-1] <= most else None
