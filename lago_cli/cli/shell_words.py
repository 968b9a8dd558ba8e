"""A line of a shell that is being typed: its words so far, and what would complete the last."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

_IN_DOUBLE_QUOTES = '\\"$`'
_PLAIN = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_./:=@%+,^")


class Typed(NamedTuple):
    """The words before the one that is being typed, and that one, as the program would get it."""

    words: list[str]
    last: str
    quote: str = ""  # the one that is open
    replaced: str = ""  # the part of `last` that the shell replaces by the choice

    @classmethod
    def of_words(cls, words: Sequence[str]) -> Typed:
        *others, last = words or [""]
        return cls(others, last)

    @classmethod
    def of_line(cls, line: str, separators: str = "") -> Typed:
        """Of a line that begins with the program; bash takes `separators` for ends of words."""
        words: list[str] = []
        word, kept, quote, begun = "", "", "", False
        at = 0
        while at < len(line):
            sign = line[at]
            at += 1
            if sign == "\\" and quote != "'" and at < len(line):
                follows = line[at]
                at += 1
                plain = quote == '"' and follows not in _IN_DOUBLE_QUOTES
                word += "\\" + follows if plain else follows
                begun = True
            elif quote:
                if sign == quote:
                    quote = ""
                else:
                    word += sign
            elif sign in "\"'":
                quote, begun, kept = sign, True, word
            elif sign.isspace():
                if begun:
                    words.append(word)
                word, kept, begun = "", "", False
            else:
                word += sign
                begun = True
                if sign in separators:
                    kept = word
        return cls(words[1:], word, quote, word[len(kept) :])


def quoted(choice: str, typed: Typed) -> str | None:
    """What stands in the place of what bash replaces; None for a choice that is no completion."""
    kept = typed.last[: len(typed.last) - len(typed.replaced)]
    if not choice.startswith(kept):
        return None
    text = choice[len(kept) :]
    if typed.quote == "'":
        return text.replace("'", "'\\''")
    if typed.quote:
        return "".join(f"\\{sign}" if sign in _IN_DOUBLE_QUOTES else sign for sign in text)
    return "".join(sign if sign in _PLAIN or not sign.isascii() else f"\\{sign}" for sign in text)
