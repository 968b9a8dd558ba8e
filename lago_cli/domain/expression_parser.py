"""
The grammar of a metric's expression: text → syntax tree.

    expression = term (("+" | "-") term)*
    term       = atom (("*" | "/") atom)*
    atom       = ["-"] (number | 'text' | variable | function | "(" expression ")")
    function   = name "(" expression ("," expression)* ")"
    variable   = event.code | event.timestamp | event.properties.PATH

A PATH is as in `paths`, but a name in it is of letters, digits and underscores, and there
is no `*`, which multiplies. In double quotes, with the escapes of JSON, it is any path.
Spaces, tabs and line ends may stand around every token. What a tree is worth for an
event is the matter of `expressions`.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, NoReturn, TypeAlias

import msgspec

from lago_cli.domain.numbers import parse_decimal
from lago_cli.errors import refused

if TYPE_CHECKING:
    from decimal import Decimal

MAX_LENGTH = 10_000
MAX_NESTING = 50
ANY_NUMBER = MAX_LENGTH
FUNCTIONS = {  # most arguments of each; the least is one
    "concat": ANY_NUMBER,
    "round": 2,
    "ceil": 2,
    "floor": 2,
    "least": ANY_NUMBER,
    "greatest": ANY_NUMBER,
}


@dataclass(frozen=True, slots=True)
class Number:
    value: Decimal


@dataclass(frozen=True, slots=True)
class Text:
    value: str


@dataclass(frozen=True, slots=True)
class Code:
    """The code of the event."""


@dataclass(frozen=True, slots=True)
class Timestamp:
    """The instant of the event."""


@dataclass(frozen=True, slots=True)
class Property:
    name: str


@dataclass(frozen=True, slots=True)
class Negated:
    operand: Node


@dataclass(frozen=True, slots=True)
class Chain:
    """Operands of one precedence, from left to right; flat, so that long sums stay shallow."""

    first: Node
    rest: tuple[tuple[str, Node], ...]


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    arguments: tuple[Node, ...]


Node: TypeAlias = Number | Text | Code | Timestamp | Property | Negated | Chain | Call

SELECTOR = r'\[(?:[0-9]{1,9}|(?:"(?:[^"\\]|\\.)*"|[^=\[\]"]+)=(?:"(?:[^"\\]|\\.)*"|[^\]]*))\]'
_TOKEN = re.compile(
    rf"""[ \t\r\n]*(?:
        (?P<number> [0-9]+ (?:\.[0-9]+)? )
      | (?P<text>   '[^']*' )
      | (?P<name>   event\.properties\."(?:[^"\\]|\\.)*"
                  | [A-Za-z_][A-Za-z0-9_.]* (?:{SELECTOR}(?:\.[A-Za-z0-9_][A-Za-z0-9_.]*)?)* )
      | (?P<sign>   [-+*/(),] )
      | (?P<end>    \Z )
      | (?P<wrong>  . )
    )""",
    re.VERBOSE | re.DOTALL,
)
_PROPERTY = re.compile(
    rf"event\.properties\.([A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+|{SELECTOR})*)", re.DOTALL
)
_QUOTED_PROPERTY = re.compile(r'event\.properties\.(".*")', re.DOTALL)
_SPELLINGS = {
    spelling: name for name in FUNCTIONS for spelling in (name, name.upper(), name.capitalize())
}
_OPERAND = "a number, 'text', a variable, a function or \"(\""
_LANGUAGE = (
    "An expression is built of numbers, 'text', + - * / ( ), event.code, event.timestamp,"
    f" event.properties.PATH and the functions {', '.join(FUNCTIONS)}."
)


def parse_syntax(text: str) -> tuple[Node, frozenset[str]]:
    """
    The tree of an expression, and the names of the properties it uses.

    Raises:
        LagoError: `invalid_expression` with the column and what was expected there;
            `value_is_mandatory` where there is nothing but white space.
    """
    if len(text) > MAX_LENGTH:
        message = f"The expression is longer than {MAX_LENGTH} characters."
        raise refused("invalid_expression", message, "Compute part of it before sending events.")
    if not text.strip(" \t\r\n"):
        raise refused("value_is_mandatory", "The expression is empty.", _LANGUAGE)
    parser = _Parser(text)
    tree = parser.parse_all()
    return tree, frozenset(parser.properties)


@dataclass(slots=True)
class _Parser:
    """Recursive descent; always stands on the token that comes next."""

    source: str
    kind: str = ""
    word: str = ""
    start: int = 0
    end: int = 0
    nesting: int = 0
    properties: set[str] = field(default_factory=set)

    def parse_all(self) -> Node:
        self.advance()
        tree = self.parse_expression()
        if self.kind != "end":
            self.refuse("an operator (+ - * /) or the end")
        return tree

    def advance(self) -> None:
        found = _TOKEN.match(self.source, self.end)
        assert found is not None  # "wrong" takes anything
        assert found.lastgroup is not None
        self.kind = found.lastgroup
        self.word = found[self.kind]
        self.start, self.end = found.span(self.kind)

    def refuse(self, expected: str, hint: str = _LANGUAGE) -> NoReturn:
        excerpt = repr(self.word if len(self.word) <= 40 else self.word[:40] + "…")
        found = "the end" if self.kind == "end" else excerpt
        self.refuse_at(self.start, f"expected {expected}, found {found}", hint)

    def refuse_at(self, offset: int, reason: str, hint: str = _LANGUAGE) -> NoReturn:
        message = f"The expression is wrong at column {offset + 1}: {reason}."
        raise refused("invalid_expression", message, hint)

    def parse_expression(self) -> Node:
        first = self.parse_term()
        rest = []
        while self.word in ("+", "-"):
            sign = self.word
            self.advance()
            rest.append((sign, self.parse_term()))
        return Chain(first, tuple(rest)) if rest else first

    def parse_term(self) -> Node:
        first = self.parse_atom()
        rest = []
        while self.word in ("*", "/"):
            sign = self.word
            self.advance()
            rest.append((sign, self.parse_atom()))
        return Chain(first, tuple(rest)) if rest else first

    def parse_atom(self) -> Node:
        if self.word != "-":
            return self.parse_primary()
        self.advance()
        return Negated(self.parse_primary())

    def parse_primary(self) -> Node:
        kind, word, start = self.kind, self.word, self.start
        if kind in ("wrong", "end") or (kind == "sign" and word != "("):
            self.refuse_operand()
        self.advance()
        if kind == "number":
            return Number(parse_decimal(word))
        if kind == "text":
            return Text(self.readable(word[1:-1], start))
        if kind == "name":
            is_call = self.word == "("
            return self.parse_call(word, start) if is_call else self.variable(word, start)
        inner = self.parse_nested()
        self.close('an operator (+ - * /) or ")"')
        return inner

    def parse_nested(self) -> Node:
        if self.nesting == MAX_NESTING:
            self.refuse_at(self.start, f"it is nested more than {MAX_NESTING} deep")
        self.nesting += 1
        inner = self.parse_expression()
        self.nesting -= 1
        return inner

    def close(self, expected: str) -> None:
        if self.word != ")":
            self.refuse(expected)
        self.advance()

    def parse_call(self, word: str, start: int) -> Node:
        name = _SPELLINGS.get(word)
        if name is None:
            hint = f"The functions are {', '.join(FUNCTIONS)}, in lower case."
            self.refuse_at(start, f"there is no function {word[:40]}", hint)
        self.advance()
        arguments = [self.parse_nested()]
        while self.word == ",":
            if len(arguments) == FUNCTIONS[name]:
                self.refuse_at(self.start, f"{name} takes at most {FUNCTIONS[name]} arguments")
            self.advance()
            arguments.append(self.parse_nested())
        self.close('an operator (+ - * /), "," or ")"')
        return Call(name, tuple(arguments))

    def variable(self, word: str, start: int) -> Node:
        if word == "event.code":
            return Code()
        if word == "event.timestamp":
            return Timestamp()
        found = _PROPERTY.fullmatch(word) or _QUOTED_PROPERTY.fullmatch(word)
        if found is None:
            hint = (
                "The variables are event.code, event.timestamp and event.properties.PATH,"
                " where PATH is such as user.id, items[0].n or labels[key=team].value;"
                ' with other characters, or with a *, quote it: event.properties."cost [EUR]".'
            )
            self.refuse_at(start, f"there is no variable {word[:40]}", hint)
        path = found[1] if found.re is _PROPERTY else self.unquoted(found[1], start)
        self.properties.add(path)
        return Property(path)

    def unquoted(self, literal: str, start: int) -> str:
        try:
            path = msgspec.json.decode(self.readable(literal, start), type=str)
        except msgspec.DecodeError:
            path = ""
        if not path:
            self.refuse_at(start, "this is no path in double quotes")
        return path

    def refuse_operand(self) -> NoReturn:
        if self.word == "'":
            self.refuse_at(self.start, "the quote is never closed")
        if self.word in ('"', "`"):
            self.refuse(_OPERAND, "Text stands in single quotes.")
        if self.word in ("-", "+"):
            self.refuse(_OPERAND, "A value takes one minus sign at most, and no plus sign.")
        self.refuse(_OPERAND)

    def readable(self, literal: str, start: int) -> str:
        try:
            literal.encode()
        except UnicodeEncodeError:  # bytes of the command line that are not UTF-8
            self.refuse_at(start, "this text is not valid Unicode")
        return literal
