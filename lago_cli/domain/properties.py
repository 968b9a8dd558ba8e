"""
What a path finds in an event's properties, as numbers, items, groups and filters take it.

Where a path with `*` finds exactly one value, it is that value. Several are no number and
no item; a group is the JSON list of them, and a filter holds if any of them is asked for.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from msgspec import Raw

from lago_cli.domain.json_text import encode, text_of
from lago_cli.domain.paths import parse_path, similar_paths


class Missing(ValueError):  # noqa: N818 - a state of the event, not an error of ours
    """An event is unusable because a path finds nothing in its properties."""

    def __init__(self, message: str, path: str) -> None:
        super().__init__(message)
        self.path = path


def one_at(properties: Mapping[str, Raw], path: str) -> Raw | None:
    """
    The value of a path, None where there is nothing.

    Raises:
        ValueError: with a reason, where there are several.
    """
    found = parse_path(path).find_all(properties)
    if len(found) > 1:
        raise ValueError(f"it finds {len(found)} values, not one")
    return found[0] if found else None


def text_at(properties: Mapping[str, Raw], path: str) -> str | None:
    """The text by which events are put into groups; None where it is missing or empty."""
    found = parse_path(path).find_all(properties)
    if len(found) > 1:
        return text_of(Raw(encode(found)))
    return (text_of(found[0]) or None) if found else None


def are_plain(paths: Iterable[str]) -> bool:
    """Whether each can only mean a member of the properties themselves."""
    return all(parse_path(path).is_key for path in paths)


def reason_of(error: ValueError, properties: Mapping[str, Raw]) -> str:
    """Why an event is unusable, and where that stands which is missing at its place."""
    places = similar_paths(properties, error.path) if isinstance(error, Missing) else []
    if not places:
        return str(error)
    return f"{str(error).removesuffix('.')}; there is {' and '.join(places)}"
