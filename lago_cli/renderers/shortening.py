"""
Ids that are too wide, cut in their middle: `org_2a…9f31`.

All ids of a column are cut at the same place, which is chosen so that different ones
look different; where no place does that, the column is wider.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from lago_cli.renderers.widths import are_plain, head, padded, tail, width_of

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator

MOST_PLACES = 24  # to cut at that are tried for a width
MOST_TRIALS = 48  # on all ids, before they stay whole
MOST_REMEMBERED = 100_000  # ids of earlier rows; later ones stay whole


class Shortener:
    """How the ids of one column are cut."""

    def __init__(self, mark: str = "…") -> None:
        self.mark = mark
        self.place: tuple[int, int] | None = None  # cells kept of head and tail; None: all
        self._alike: list[tuple[str, str]] = []  # different ids that a place did not tell apart
        self._shown: dict[str, str] = {}

    def fit(self, ids: Collection[str], width: int) -> int:
        """
        Choose a place for these ids.

        Returns:
            The width that they take: `width` at most, or more where it must be.
        """
        self.place = None
        if not ids:
            return 0
        plain = are_plain(list(ids))
        widest = max(map(len if plain else width_of, ids))
        trials = MOST_TRIALS
        for wanted in _widths(width, widest):
            for place in _places(wanted - 1):
                if any(
                    self._cut(one, place) == self._cut(other, place) for one, other in self._alike
                ):
                    continue
                if self._tells_apart(ids, place, plain=plain):
                    self.place = place
                    return wanted
                trials -= 1
                if not trials:
                    return widest
        return widest

    def fit_more(self, ids: Collection[str], width: int) -> None:
        """
        See that the ids of further rows look different from each other and those before.

        Where they do not, they are cut elsewhere, or stay whole.
        """
        if len(self._shown) > MOST_REMEMBERED:
            self.place = None
        elif self.place is None or not self._tells_apart(ids, self.place, plain=False):
            self.fit(ids, width)

    def remember(self, ids: Collection[str]) -> None:
        """What these ids were shown as; `fit` and `fit_more` use it for no others."""
        self._shown.update((self(each), each) for each in ids)

    def __call__(self, text: str) -> str:
        return text if self.place is None else self._cut(text, self.place)

    def _tells_apart(self, ids: Collection[str], place: tuple[int, int], *, plain: bool) -> bool:
        seen = dict(self._shown) if self._shown else {}
        begin, end = place
        longest = begin + end + 1
        for each in ids:
            if plain:
                shown = each if len(each) <= longest else each[:begin] + self.mark + each[-end:]
            else:
                shown = self._cut(each, place)
            other = seen.setdefault(shown, each)
            if other != each:
                self._alike.insert(0, (other, each))
                return False
        return True

    def _cut(self, text: str, place: tuple[int, int]) -> str:
        begin, end = place
        if width_of(text) <= begin + end + 1:
            return text
        (start,) = padded([head(text, begin)], begin, to_the_right=False)
        return start + self.mark + tail(text, end)


def _widths(width: int, widest: int) -> Iterator[int]:
    """The width that is wished for, and wider ones, in growing steps."""
    step = 1
    width = max(width, 3)
    while width < widest:
        yield width
        width += step
        step += width // 32


def _places(room: int) -> list[tuple[int, int]]:
    """Where to cut: best a little behind the middle, as ids often begin with a common word."""
    best = (room * 3 + 3) // 5
    step = max(room // MOST_PLACES, 1)
    begins = sorted(range(1, room, step), key=lambda begin: abs(begin - best))
    if step > 1 and 0 < best < room:
        begins.insert(0, best)
    return [(begin, room - begin) for begin in begins]
