"""
Reading foreign records: which part of a record is which field of an event.

`--map TARGET=PATH` takes a value from a dotted path, `--set TARGET=TEXT` gives a
constant in which `{PATH}` stands for the record's value. A field nobody maps is taken
from the member of its own name; without a mapping of properties, the members that are
left become the properties.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from msgspec import Raw

from lago_cli.domain.events import FIELDS
from lago_cli.domain.json_text import (
    as_written,
    canonical,
    encode,
    kind_of,
    members,
    text_of,
)
from lago_cli.errors import LagoError, refused, wrong_usage

_PROPERTY = "properties."
_IDENTIFIERS = ("transaction_id", "code", "external_customer_id", "external_subscription_id")
_NULL = Raw(b"null")
_PLACEHOLDER = re.compile(r"\{\{|\}\}|\{([^{}]*)\}")

Fields = Mapping[str, Raw]


@dataclass(frozen=True, slots=True)
class RecordMapping:
    """How the members of a foreign record become those of an event."""

    paths: Mapping[str, str]  # target -> path into the record
    texts: Mapping[str, str]  # target -> constant with {PATH} placeholders

    def apply(self, record: Fields, body: Fields | None = None) -> Fields:
        """
        The members of an event.

        Of a record inside of a body that says more, the body is read as it stands, unless
        the record itself also tells its id, its code or whose it is: then the record is read,
        and paths reach what is around it too.

        Raises:
            LagoError: refused `missing_path`, where a placeholder finds nothing.
        """
        if body is None:
            return self._event(record, record)
        whole, inner = None, None
        with suppress(LagoError):
            whole = self._event(body, body)
        with suppress(LagoError):
            inner = self._event(record, {**body, **record})
        if whole is not None and (inner is None or _told(inner) <= _told(whole)):
            return whole
        return inner or self._event(record, {**body, **record})

    def _event(self, record: Fields, reach: Fields) -> Fields:
        """The event that `record` is, by what paths find in `reach`."""
        found = {target: find(reach, path) for target, path in self.paths.items()}
        values = {target: token for target, token in found.items() if token is not None}
        values |= {target: Raw(encode(_filled(text, reach))) for target, text in self.texts.items()}
        event = {name: record[name] for name in FIELDS if name in record and self._is_free(name)}
        event |= {
            target: _as_text(token) if target in _IDENTIFIERS else token
            for target, token in values.items()
            if target in FIELDS
        }
        added = {
            target.removeprefix(_PROPERTY): token
            for target, token in values.items()
            if target.startswith(_PROPERTY)
        }
        properties = values.get("properties") or self._properties(record)
        event["properties"] = _with(properties, added) if added else properties
        return event

    def _is_free(self, name: str) -> bool:
        return name not in self.paths and name not in self.texts

    def _properties(self, record: Fields) -> Raw:
        """Properties that nobody mapped as a whole: the record's own, else its other members."""
        if any(target.startswith("properties") for target in self.paths):
            return Raw(b"{}")
        own = record.get("properties")
        if own is not None and kind_of(own) != "null":
            return own
        mapped = {_first_key(record, path) for path in self.paths.values()}
        taken = mapped | {name for name in FIELDS if self._is_free(name)}
        others = {name: token for name, token in record.items() if name not in taken}
        return Raw(encode(others))


def _told(event: Fields) -> set[str]:
    """Which of those members an event has that none can be without."""
    told = {name for name in _IDENTIFIERS if kind_of(event.get(name, _NULL)) != "null"}
    return {"party" if name.startswith("external") else name for name in told}


def parse_mapping(maps: Iterable[str], sets: Iterable[str]) -> RecordMapping | None:
    """
    The mapping of `--map` and `--set` arguments, None where there are none.

    Raises:
        LagoError: wrong usage, for an argument without `=` or of an unknown target.
    """
    paths = dict(_argument(text, "--map", "PATH") for text in maps)
    texts = dict(_argument(text, "--set", "TEXT") for text in sets)
    both = paths.keys() & texts.keys()
    if both:
        raise wrong_usage("invalid_mapping", f"{min(both)} is given by both --map and --set.")
    return RecordMapping(paths, texts) if paths or texts else None


def _argument(text: str, option: str, what: str) -> tuple[str, str]:
    target, equals, value = text.partition("=")
    is_property = target.startswith(_PROPERTY) and target != _PROPERTY
    if not equals or (target not in FIELDS and not is_property) or (what == "PATH" and not value):
        raise wrong_usage(
            "invalid_mapping",
            f"{option} {text}: expected TARGET={what}.",
            f"TARGET is one of: {', '.join(FIELDS)}, properties.NAME",
        )
    return target, value


def find(record: Fields, path: str) -> Raw | None:
    """The value at a dotted path; a key that itself holds dots is found too."""
    if path in record:
        return record[path]
    first, dot, rest = path.partition(".")
    while dot:
        inner = record.get(first)
        if inner is not None and kind_of(inner) == "object":
            found = find(members(inner), rest)
            if found is not None:
                return found
        more, dot, rest = rest.partition(".")
        first = f"{first}.{more}"
    return None


def _first_key(record: Fields, path: str) -> str:
    """The member of the record that a path starts at."""
    keys = [key for key in record if path == key or path.startswith(key + ".")]
    return max(keys, key=len, default=path)


def _filled(text: str, record: Fields) -> str:
    def value(found: re.Match[str]) -> str:
        if found[0] in ("{{", "}}"):
            return found[0][0]
        filled = text_of(find(record, found[1]))
        if filled is None:
            raise refused("missing_path", f"{found[0]} in --set finds nothing in the record")
        return filled

    return _PLACEHOLDER.sub(value, text)


def _with(properties: Raw, added: Fields) -> Raw:
    """An object and single properties; whatever is no object stays as it is, to be refused."""
    if kind_of(properties) == "null":
        return Raw(encode(added))
    if kind_of(properties) != "object":
        return properties
    return Raw(encode({**members(properties), **added}))


def _as_text(token: Raw) -> Raw:
    """Names may be numbers in foreign records."""
    return Raw(encode(as_written(token))) if kind_of(token) == "number" else token


def with_content_id(fields: Fields) -> Fields:
    """`fields` with a transaction id out of everything else they say, where they have none."""
    own = text_of(fields.get("transaction_id"))
    if own is not None and own.strip():
        return fields
    said = {name: token for name, token in fields.items() if name in FIELDS}
    said.pop("transaction_id", None)
    import hashlib

    digest = hashlib.blake2b(canonical(said), digest_size=16).hexdigest()
    return {**fields, "transaction_id": Raw(encode(f"content-{digest}"))}
