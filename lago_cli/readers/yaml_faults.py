"""What the YAML library complains about, in the words of who wrote the file."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from lago_cli.errors import refused
from lago_cli.readers.document import Place

if TYPE_CHECKING:
    from yaml import MarkedYAMLError

    from lago_cli.errors import LagoError


_INDENTATION = "Things of one level begin in the same column; what belongs to a key is indented."
_QUOTES = "Put a text with special characters in it into quotes."
_BRACKETS = "Put a text with commas or brackets in it into quotes."

_REASONS: tuple[tuple[str, str, str | None], ...] = (
    (
        "mapping values are not allowed here",
        'a ":" is not expected here',
        'Put a text with ": " in it into quotes, and check the indentation.',
    ),
    (
        "could not find expected ':'",
        'a ":" is missing after this key, or a space after the "-" of a list item',
        _INDENTATION,
    ),
    (r"found character '\\t' that", "a tab where something begins", "Indent with spaces."),
    (r"found character '(.)' that", r'a text cannot begin with "\1" here', _QUOTES),
    (
        "expected <block end>",
        "this belongs to nothing above: its indentation fits no line, or a quote closes too early",
        _INDENTATION,
    ),
    ("invalid indentation or unclosed", "a closing bracket or the indentation is missing", None),
    ("sequence entries are not allowed", 'a list item ("- ") is not expected here', _INDENTATION),
    ("mapping keys are not allowed", "a key is not expected here", _INDENTATION),
    (r"expected ',' or '([]}])'", r'a "," or "\1" is missing', _BRACKETS),
    ("found unexpected (end of stream|document sep)", "a closing quote is missing", None),
    ("expected the node content", "a value is missing", _QUOTES),
    (
        "expected '<document start>'",
        "something follows the end of the document",
        "Check the indentation; documents are parted by a line of ---.",
    ),
    (
        r"found unknown escape character '(\\?.)'",
        r"\\\1 means nothing in double quotes",
        "Write \\\\ for a backslash, or use single quotes.",
    ),
    (r"found undefined tag handle '(\S*)'", r"the tag \1 is not supported", None),
    (
        "found incompatible YAML document",
        "the file asks for a version of YAML other than 1",
        None,
    ),
)

_NOTICED_LATE = ("could not find expected ':'", "found unexpected")


def explained(error: MarkedYAMLError) -> LagoError:
    """The refusal: what is wrong, where, and what to do about it."""
    problem = error.problem or error.context or "it cannot be read"
    reason, hint = problem, None
    for pattern, words, advice in _REASONS:
        if found := re.match(pattern, problem, re.DOTALL):
            reason, hint = found.expand(words), advice
            break
    where = place_of(error.problem_mark)
    begin = place_of(error.context_mark) if error.context_mark else where
    if problem.startswith(_NOTICED_LATE):
        where = begin
    since = f"; it belongs to what begins on line {begin.line}" if begin.line < where.line else ""
    return refused("invalid_yaml", f"not valid YAML: {reason} ({where}{since})", hint)


def place_of(mark: Any) -> Place:
    """Where a mark of the library is, which counts from 0; without one, the beginning."""
    return Place(mark.line + 1, mark.column + 1) if mark else Place(1, 1)
