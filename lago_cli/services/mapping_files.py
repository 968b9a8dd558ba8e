"""
Mapping files: how the records of a source become events, under a name.

A file is YAML or JSON with the keys of `KEYS`, which say what the options of
`lago ingest` say. `lago` ships some, which are named without `.yml`.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

from lago_cli.domain.nearest import no_such
from lago_cli.domain.source_form import EventTold, Told
from lago_cli.errors import LagoError, refused
from lago_cli.readers.documents import read_documents
from lago_cli.readers.formats import FORMATS
from lago_cli.readers.whole import read_whole

_SUFFIX = ".yml"


def read_mapping(name: str) -> Told:
    """
    A file, or a shipped mapping by its name.

    Raises:
        LagoError: not found; refused `invalid_mapping_file`, with every fault and its place.
    """
    return mapping_in(*_bytes_of(name))


def mapping_in(place: str, data: bytes) -> Told:
    """
    What the bytes of a mapping file say; `place` is what it is called in messages.

    Raises:
        LagoError: refused `invalid_mapping_file`, with every fault and its place.
    """
    try:
        documents = read_documents(data)
    except LagoError as error:
        raise refused("invalid_mapping_file", f"{place}: {error.message}", error.hint) from None
    if len(documents) != 1:
        raise refused("invalid_mapping_file", f"{place} holds no mapping, or several.", _LIKE)
    told = Told()
    found = list(_read(documents[0].value, told))
    if not found:
        try:
            told.form()
        except LagoError as error:
            hint = f" {error.hint}" if error.hint else ""
            found = [((), f"{error.message}{hint}")]
    if found:
        faults = [f"{documents[0].place(place, path)}: {fault}" for path, fault in found]
        raise refused("invalid_mapping_file", "\n".join(["The mapping is faulty.", *faults]), _LIKE)
    return told


def shipped() -> list[str]:
    """Names of the mappings that come with the program."""
    folder = files("lago_cli") / "mappings"
    return sorted(
        each.name.removesuffix(_SUFFIX) for each in folder.iterdir() if each.name.endswith(_SUFFIX)
    )


def text_of_shipped(name: str) -> str:
    """
    The text of a shipped mapping, to begin one's own with.

    Raises:
        LagoError: not found.
    """
    if name not in shipped():
        raise no_such("mapping", name, shipped())
    return (files("lago_cli") / "mappings" / f"{name}{_SUFFIX}").read_text("utf-8")


def description_of(text: str) -> str:
    """What a mapping says of itself."""
    value = read_documents(text.encode())[0].value
    assert isinstance(value, dict)
    return str(value.get("description") or "")


def _bytes_of(name: str) -> tuple[str, bytes]:
    if _exists(name) or "/" in name or name.endswith((_SUFFIX, ".yaml", ".json")):
        return read_whole(name, io.BytesIO())
    return f"{name}{_SUFFIX}", text_of_shipped(name).encode()


def _exists(name: str) -> bool:
    try:
        return Path(name).exists()
    except (OSError, ValueError):
        return False


_Path = tuple[str | int, ...]
_Faults = Iterator[tuple[_Path, str]]


def _read(value: object, told: Told) -> _Faults:
    """Take in what a document says; give its faults."""
    if not isinstance(value, dict):
        yield (), "a mapping is an object with the keys " + ", ".join(KEYS)
        return
    for key, said in value.items():
        if key not in KEYS:
            yield (key,), f'"{key}" is no key of a mapping: {", ".join(KEYS)}'
        elif said is not None:
            attribute, check = KEYS[key]
            yield from _taken(told, attribute, check, said, (key,))


def _taken(into: Any, attribute: str, check: _Check, said: object, path: _Path) -> _Faults:
    try:
        value = check(said)
    except _Wrong as wrong:
        yield (*path, *wrong.path), wrong.wanted
        return
    if attribute:
        setattr(into, attribute, value)


class _Wrong(Exception):  # noqa: N818 - within this module only
    def __init__(self, wanted: str, *path: str | int) -> None:
        super().__init__(wanted)
        self.wanted = f"{wanted} is expected here" if wanted else ""
        self.path = path


_Check = Callable[[object], Any]


def _text(said: object) -> str:
    if not isinstance(said, str) or not said:
        raise _Wrong("a text")
    return str(said)


def _format(said: object) -> str:
    if said not in FORMATS:
        raise _Wrong(f"one of {', '.join(FORMATS)}")
    return str(said)


def _any_text(said: object) -> str:
    if not isinstance(said, str):
        raise _Wrong("a text")
    return str(said)


def _flag(said: object) -> bool:
    if not isinstance(said, bool):
        raise _Wrong("true or false")
    return said


def _texts(said: object) -> list[str]:
    """A list of texts, or one."""
    if not isinstance(said, list):
        return [_any_text(said)]
    for number, each in enumerate(said):
        if not isinstance(each, str):
            raise _Wrong("a text", number)
    return [str(each) for each in said]


def _values(said: object) -> list[str]:
    """As `--where` compares them: truths are texts, and null is the empty one."""
    words = {True: "true", False: "false", None: ""}
    each = said if isinstance(said, list) else [said]
    return _texts([words[value] if isinstance(value, bool | None) else value for value in each])


def _by_name(check: _Check) -> _Check:
    def checked(said: object) -> dict[str, Any]:
        if not isinstance(said, dict):
            raise _Wrong("an object")
        found = {}
        for key, each in said.items():
            try:
                found[str(key)] = check(each)
            except _Wrong as wrong:
                wrong.path = (key, *wrong.path)
                raise
        return found

    return checked


def _id_from(said: object) -> str | list[str]:
    return _texts(said) if isinstance(said, list) else _text(said)


def _events(said: object) -> list[EventTold]:
    if not isinstance(said, list) or not said:
        raise _Wrong("a list of objects")
    events = []
    for number, each in enumerate(said):
        if not isinstance(each, dict) or not isinstance(each.get("code"), str):
            raise _Wrong("an object with a code", number)
        event = EventTold("")
        for key, value in each.items():
            if key not in _EVENT_KEYS:
                raise _Wrong(f"one of the keys {', '.join(_EVENT_KEYS)}", number, key)
            attribute, check = _EVENT_KEYS[key]
            for path, _ in _taken(event, attribute, check, value, ()):
                raise _Wrong("another value", number, key, *path)
        events.append(event)
    codes = [event.code for event in events]
    if len(set(codes)) < len(codes) and all("{" not in code for code in codes):
        raise _Wrong("a code of its own for each event")
    return events


_EVENT_KEYS: dict[str, tuple[str, _Check]] = {
    "code": ("code", _text),
    "map": ("maps", _by_name(_text)),
    "set": ("sets", _by_name(_any_text)),
    "where": ("where", _by_name(_values)),
    "drop": ("drop", _texts),
}
KEYS: dict[str, tuple[str, _Check]] = {
    "name": ("", _text),
    "description": ("", _text),
    "format": ("format", _format),
    "records": ("records", _text),
    "encoding": ("encoding", _text),
    "where": ("where", _by_name(_values)),
    "map": ("maps", _by_name(_text)),
    "set": ("sets", _by_name(_any_text)),
    "drop": ("drop", _texts),
    "id_from": ("id_from", _id_from),
    "time_unit": ("time_unit", _text),
    "time_format": ("time_format", _text),
    "timezone": ("timezone", _text),
    "null": ("nulls", _texts),
    "decimal_comma": ("decimal_comma", _flag),
    "events": ("events", _events),
}
"""Key of a mapping file -> attribute of `Told` (none where nothing follows), and its check."""

_LIKE = "See one that is shipped: lago mappings get caddy"
