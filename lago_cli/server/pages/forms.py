"""Forms of definitions: their fields, what was typed into them, and faults beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from shlex import quote
from typing import TYPE_CHECKING, Any, NamedTuple

from lago_cli.domain.definitions import FLAG
from lago_cli.server.pages.query import Query

if TYPE_CHECKING:
    from lago_cli.domain.definitions import Definition, Field
    from lago_cli.errors import LagoError

Choices = Sequence[tuple[str, str]]
_OF_TERMINALS = ("Give it with", "Write it as", "Change it", "Name a", "Name an")
_LISTS = ("filters",)  # with a line each


class Fault(NamedTuple):
    """What is wrong, and with which field; with none, where that is none of the form's."""

    field: str
    text: str


@dataclass(frozen=True, slots=True)
class Blank:
    """One field of a form, with what was typed into it."""

    name: str
    label: str
    hint: str
    value: str
    kind: str  # text, area, choice, flag
    choices: Choices = ()
    required: bool = False
    faults: Sequence[str] = ()
    suggestions: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Form:
    """Which fields of a definition there are, and what they are called."""

    of: Definition[Any]
    labels: Mapping[str, str]
    hints: Mapping[str, str] = field(default_factory=dict)

    def names(self, known: object | None) -> list[str]:
        """The fields to create one, or to change the one that is known."""
        return [name for name in self.labels if known is None or not self._row(name).fixed]

    def blanks(
        self,
        given: Query,
        known: object | None,
        faults: Sequence[Fault],
        choices: Mapping[str, Choices],
        suggestions: Mapping[str, Sequence[str]],
    ) -> list[Blank]:
        return [
            Blank(
                name,
                self.labels[name],
                self.hints.get(name, ""),
                given.one(name) or "",
                _kind(self._row(name), choices),
                choices.get(name, ()),
                required=self._row(name).required,
                faults=[each.text for each in faults if each.field == name],
                suggestions=suggestions.get(name, ()),
            )
            for name in self.names(known)
        ]

    def given(self, form: Query, known: object | None = None) -> dict[str, Any]:
        """As options: with one to change, what is empty takes a value away."""
        given: dict[str, Any] = {}
        for name in self.names(known):
            text = (form.one(name) or "").replace("\r\n", "\n").strip()
            if self._row(name).kind is FLAG:
                given[name] = form.flag(name)
            elif name in _LISTS:
                lines = [line for line in text.split("\n") if line.strip()]
                given[name] = lines or ([""] if known else None)
            elif text or (known is not None and self._row(name).removable):
                given[name] = text
        return given

    def typed(self, value: object) -> Query:
        """What the form of one that is there has in its fields."""
        found: list[tuple[str, str]] = []
        for name in self.labels:
            each, row = getattr(value, name), self._row(name)
            if name in _LISTS:
                found.append((name, "\n".join(map(_filter, each))))
            elif each is not None and each is not False:
                found.append((name, str(row.kind.as_json(each))))
        return Query(found)

    def faults(self, errors: Iterable[LagoError]) -> list[Fault]:
        """The same in the words of the form."""
        found = []
        for error in errors:
            name = str(error.path[0]) if error.path else ""
            if error.code == "missing_field" and name in self.labels:
                found.append(Fault(name, f"{self.labels[name]} is needed."))
            else:
                found.append(Fault(name if name in self.labels else "", told(error)))
        return found

    def command(self, given: Query, known: object | None) -> str:
        """The line that does the same in a terminal."""
        options = self.given(given, known)
        before = self.given(self.typed(known), known) if known else {}
        key = self.of.key
        name = str(getattr(known, key)) if known else options.pop(key, None)
        words = [f"lago {self.of.plural}", "update" if known else "create"]
        words.append(_argument(self.of, name))
        for each, value in options.items():
            if (known and before.get(each) == value) or value is None:
                continue
            option = self._row(each).option.partition("/")[0]
            if self._row(each).kind is FLAG:
                words += [option] if value else [f"--no-{option[2:]}"] if known else []
            elif each in _LISTS:
                words += [f"{option} {quote(one)}" for one in value]
            else:
                words.append(f"{option}{'=' if value.startswith('-') else ' '}{quote(value)}")
        return " ".join(words)

    def _row(self, name: str) -> Field:
        return self.of.field(name)


def _kind(row: Field, choices: Mapping[str, Choices]) -> str:
    if row.name in choices:
        return "choice"
    if row.kind is FLAG:
        return "flag"
    return "area" if row.name in _LISTS else "text"


def told(error: LagoError) -> str:
    """Without what a terminal alone has: options, and commands that mend it."""
    message = error.message.partition(": ")[2] if error.message.startswith("--") else error.message
    if not error.hint or error.hint.startswith(_OF_TERMINALS):
        return message
    stop = "" if message.endswith((".", "?")) else "."
    return f"{message}{stop} {error.hint}"


def _argument(of: Definition[Any], name: str | None) -> str:
    if name is None:
        return str(of.field(of.key).metavar)
    return f"{of.field(of.key).option}={quote(name)}" if name.startswith("-") else quote(name)


def _filter(each: Any) -> str:
    from lago_cli.server.pages.usage import in_list

    return f"{each.key}={','.join(map(in_list, each.values))}"
