"""Lists in pages: `?page=2&per_page=50`, and what stands under `meta`."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple, TypeVar

from lago_cli.domain.definitions import Defined, Entry

T = TypeVar("T")
D = TypeVar("D", bound=Defined)
PER_PAGE = 100
MOST = 1_000


class Page(NamedTuple):
    """Which part of a list is asked for; the first page is 1."""

    number: int = 1
    size: int = PER_PAGE

    @property
    def first(self) -> int:
        """How many rows come before it."""
        return (self.number - 1) * self.size

    def of(self, rows: Sequence[T]) -> Sequence[T]:
        return rows[self.first : self.first + self.size]

    def meta(self, count: int) -> dict[str, Any]:
        """What Lago says of a page of so many rows in all."""
        pages = -(-count // self.size)
        return {
            "current_page": self.number if count else 0,
            "next_page": self.number + 1 if self.number < pages else None,
            "prev_page": self.number - 1 if 1 < self.number <= pages + 1 and count else None,
            "total_pages": pages,
            "total_count": count,
        }


def page_of(number: str | None, size: str | None) -> Page:
    """What a query asks for; what is no number from 1 on counts as not said, as in Lago."""
    return Page(_positive(number, 1, 10**9), _positive(size, PER_PAGE, MOST))


def _positive(text: str | None, default: int, most: int) -> int:
    digits = (text or "")[:12]
    if not (digits.isascii() and digits.isdigit()) or int(digits) < 1:
        return default
    return min(int(digits), most)


def newest_first(entries: Iterable[Entry[D]], name_of: Callable[[D], str]) -> list[Entry[D]]:
    """Definitions as Lago lists them."""
    return sorted(entries, key=lambda each: (-each.created_at, name_of(each.value)))


def paginated(
    root: str, rows: Sequence[T], page: Page, shown: Callable[[T], Any]
) -> dict[str, Any]:
    """A page of a list, and what stands under `meta`."""
    return {root: [shown(row) for row in page.of(rows)], "meta": page.meta(len(rows))}
