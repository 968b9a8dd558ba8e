"""Definition files: what YAML and JSON say is taken literally, or refused with its place."""

from __future__ import annotations

import json
import re
import time
from decimal import Decimal

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st

from lago_cli.errors import Kind, LagoError
from lago_cli.readers import document, documents
from lago_cli.readers.documents import Document, Number, read_documents
from tests.writing import as_yaml


def read(text: str) -> object:
    (document,) = read_documents(text.encode())
    return typed(document.value)


def measured(value: object) -> object:
    """With numbers by their value: `1e3` is written as `1.0e+3`, for older readers."""
    if isinstance(value, dict):
        return {key: measured(item) for key, item in value.items()}
    if isinstance(value, list):
        return [measured(item) for item in value]
    return ("number", Decimal(value[1])) if isinstance(value, tuple) else value


def typed(value: object) -> object:
    """The value with numbers told apart from texts, which compare equal."""
    if isinstance(value, dict):
        return {key: typed(item) for key, item in value.items()}
    if isinstance(value, list):
        return [typed(item) for item in value]
    return ("number", str(value)) if isinstance(value, Number) else value


def refusal(data: str | bytes) -> LagoError:
    with pytest.raises(LagoError) as caught:
        read_documents(data.encode() if isinstance(data, str) else data)
    assert caught.value.kind is Kind.REFUSED
    return caught.value


def refusal_if_any(data: bytes) -> LagoError | None:
    try:
        read_documents(data)
    except LagoError as error:
        return error
    return None


@pytest.mark.parametrize("text", ["", "~", "null", "Null", "NULL", "!!null ''", "# nothing"])
def test_nothing_is_none(text):
    assert read(f"a: {text}") == {"a": None}


@pytest.mark.parametrize("text", ["true", "True", "TRUE", "false", "False", "FALSE"])
def test_only_true_and_false_are_booleans(text):
    assert read(f"a: {text}") == {"a": text.lower() == "true"}


@pytest.mark.parametrize(
    "text", ["0", "0042", "1.10", "-3", "+4.5", "1e3", "1E-2", "9" * 400, "!!int 7", "!!float 7"]
)
def test_numbers_keep_every_digit(text):
    assert read(f"a: {text}") == {"a": ("number", text.split()[-1])}


SPECIAL_ELSEWHERE = [
    "yes",
    "No",
    "on",
    "OFF",
    "y",
    "2026-11-22",
    "12:30",
    "1_000",
    "0x1F",
    "0o7",
    "1.",
]
SPECIAL_ELSEWHERE += [".5", ".inf", "-.INF", ".nan", "NaN", "nULL", "=", "a:b", "a#b", "١٢", "a]"]


@pytest.mark.parametrize("text", SPECIAL_ELSEWHERE)
def test_what_looks_special_to_others_is_text(text):
    assert read(f"a: {text}") == {"a": text}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("'42'", "42", id="single quotes"),
        pytest.param('"true"', "true", id="double quotes"),
        pytest.param("!!str 42", "42", id="the tag of text"),
        pytest.param("!!str", "", id="the tag of text and nothing"),
        pytest.param("! 42", "42", id="the tag without a name"),
        pytest.param("|-\n  42", "42", id="a literal block"),
        pytest.param(">\n  a\n  b\n", "a b\n", id="a folded block"),
        pytest.param('"\\ud83d\\ude00"', "😀", id="a pair of surrogates"),
        pytest.param('"\\x85\\u2028\\0\\/"', "\x85\u2028\0/", id="escapes"),
    ],
)
def test_what_is_marked_as_text_is_text(text, expected):
    assert read(f"a: {text}") == {"a": expected}


def test_the_former_line_breaks_are_characters():
    """They end no line in YAML 1.2, neither in a text nor in the count of lines."""
    text = "a: x\u2028y\nb: 'p\x85q\u2029r'\nc: {"

    assert read(text.replace("{", "z")) == {"a": "x\u2028y", "b": "p\x85q\u2029r", "c": "z"}
    assert "line 3, column 5" in refusal(text).message


@pytest.mark.parametrize(
    ("text", "keys"),
    [
        pytest.param("1: a", ["1"], id="a number"),
        pytest.param("007: a", ["007"], id="a number with zeros"),
        pytest.param("True: a", ["True"], id="a boolean"),
        pytest.param("~: a", ["~"], id="null"),
        pytest.param("yes: a\nno: b", ["yes", "no"], id="words"),
        pytest.param("b: &x True\n*x : a", ["b", "True"], id="an alias"),
        pytest.param("? long\n: a", ["long"], id="an explicit key"),
    ],
)
def test_keys_are_text_as_written(text, keys):
    value = read(text)

    assert isinstance(value, dict)
    assert list(value) == keys


@pytest.mark.parametrize(
    ("data", "values"),
    [
        pytest.param(b"", [], id="nothing"),
        pytest.param(b"# only a comment\n", [], id="a comment"),
        pytest.param(b"a: b", [{"a": "b"}], id="one without a mark"),
        pytest.param(b"---\na: b\n---\n- c\n", [{"a": "b"}, ["c"]], id="two"),
        pytest.param(b"---\n---\na: b\n...\n", [None, {"a": "b"}], id="an empty one"),
        pytest.param(b'{"a": "b"}\n---\n{"c": "d"}', [{"a": "b"}, {"c": "d"}], id="JSON-like"),
        pytest.param(b"%YAML 1.2\n---\na: b", [{"a": "b"}], id="a version"),
        pytest.param(b"\xef\xbb\xbfa: b", [{"a": "b"}], id="a byte-order mark"),
        pytest.param(b'\xef\xbb\xbf{"a":\t"b"}', [{"a": "b"}], id="a byte-order mark, JSON"),
        pytest.param("a: ü".encode("utf-16"), [{"a": "ü"}], id="UTF-16"),
        pytest.param(b"a: b\r\nc: d\r\n", [{"a": "b", "c": "d"}], id="CRLF"),
    ],
)
def test_a_file_holds_documents(data, values):
    assert [document.value for document in read_documents(data)] == values


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('{\n\t"a":\t1.0,\r\n\t"b": [true, null]\n}', None, id="tabs"),
        pytest.param('{"a": "\\/\\ud83d\\ude00\\u00e9\\n"}', None, id="escapes"),
        pytest.param(" [ ] ", None, id="an empty list"),
        pytest.param('"text"', None, id="a text"),
        pytest.param('{"<<": {"a": 1}, "": "~"}', None, id="what YAML knows as special"),
        pytest.param('{"a": "x\u2028y\x7f"}', None, id="characters that YAML forbids"),
        pytest.param('{"a": 1,}', {"a": ("number", "1")}, id="YAML: a comma at the end"),
        pytest.param("{a: 1}", {"a": ("number", "1")}, id="YAML: a key without quotes"),
        pytest.param("[Infinity Pool]", ["Infinity Pool"], id="YAML: words"),
        pytest.param('"a": 1\n"b": 2', {"a": ("number", "1"), "b": ("number", "2")}, id="YAML"),
    ],
)
def test_json_is_told_by_its_content(text, expected):
    as_json = expected or typed(json.loads(text, parse_int=Number, parse_float=Number))

    assert read(text) == as_json


@pytest.mark.parametrize(
    ("text", "code", "message"),
    [
        ("a: 1\nb: c: d", "invalid_yaml", 'a ":" is not expected here (line 2, column 5)'),
        ("a:\n\t- b", "invalid_yaml", "a tab where something begins (line 2, column 1"),
        ("a:\n  b: 1\n c: 2", "invalid_yaml", "fits no line, or a quote closes too early (line 3,"),
        ("a: 'b\nc: d", "invalid_yaml", "a closing quote is missing (line 1, column 4)"),
        ("a: [1,\nb: c", "invalid_yaml", 'a "," or "]" is missing (line 2, column 5; it belongs'),
        ("a: 1\nb\nc: 2", "invalid_yaml", 'a ":" is missing after this key'),
        ("a: @b", "invalid_yaml", 'a text cannot begin with "@" here (line 1, column 4)'),
        ('a: "\\q"', "invalid_yaml", "\\q means nothing in double quotes (line 1, column 6)"),
        ('a: "\\U00110000"', "invalid_yaml", "is too large (line 1, column 7)"),
        ('a: "\\UFFFFFFFF"', "invalid_yaml", "is too large (line 1, column 7)"),
        ('a: "\\ud83d"', "invalid_yaml", "a lone surrogate cannot be stored as text (line 1,"),
        ("a: b\n---\nc: \x07", "invalid_yaml", "control character U+0007 may not stand in a file"),
        ("a: \0", "invalid_yaml", "U+0000 may not stand in a file (line 1, column 4)"),
        ("%YAML 3.0\n---\na: b", "invalid_yaml", "a version of YAML other than 1 (line 1,"),
        ("a: *b", "invalid_yaml", "the alias *b names no anchor above it (line 1, column 4)"),
        ("a: &b c\n---\na: *b", "invalid_yaml", "names no anchor above it (line 3, column 4)"),
        ("a: &b [*b]", "invalid_yaml", "*b stands inside of what it repeats (line 1, column 8)"),
        ("a:\n b: !x c", "invalid_yaml", 'the tag "!x" is not supported (line 2, column 5)'),
        ("!!python/object:os.system x", "invalid_yaml", 'the tag "!!python/object:os.system" is'),
        ("a: !!binary eA==", "invalid_yaml", 'the tag "!!binary" is not supported'),
        ("a: !!set {b}", "invalid_yaml", 'the tag "!!set" is not supported'),
        ("a: !!map [b]", "invalid_yaml", 'the tag "!!map" is not supported'),
        ("a: !!int 1.5", "invalid_yaml", '"1.5" is no !!int (line 1, column 4)'),
        ("a: !!bool yes", "invalid_yaml", '"yes" is no !!bool'),
        ("a: 1\n\na: 2", "duplicate_key", 'the key "a" stands twice in one mapping (line 3,'),
        ("1: a\n'1': b", "duplicate_key", "(line 2, column 1; first on line 1)"),
        ("[a]: b", "invalid_key", "a list or mapping cannot be a key (line 1, column 1)"),
        ("a: &x {}\n*x : b", "invalid_key", "a list or mapping cannot be a key (line 2, column 1)"),
        ("<<: b", "invalid_merge", "<< takes a mapping or a list of them (line 1, column 5)"),
        ("<<: {}\n<<: {}", "duplicate_key", 'the key "<<" stands twice'),
        (
            '{"a": 1, "b": {"c": 1,\n"c": 2}}',
            "duplicate_key",
            "(line 2, column 1; first on line 1)",
        ),
        ('{"a": NaN}', "invalid_json", "NaN is no JSON number (line 1, column 7)"),
        ("[1, -Infinity]", "invalid_json", "-Infinity is no JSON number (line 1, column 5)"),
        ('{"a": "\\ud83d"}', "invalid_json", "the lone surrogate \\ud83d cannot be stored"),
        ('{"a": 1 "b": 2}', "invalid_json", "expected ',' or '}' (line 1, column 9)"),
        ('{"a" 1\n}', "invalid_json", "expected ':' (line 1, column 6)"),
        ('{\n\t"a": 1,\n}', "invalid_json", "trailing comma in object (line 3, column 1)"),
        ('{"a": [1, 2', "invalid_json", "it ends too early (line 1, column 12)"),
        ('{"a": "b\n}', "invalid_json", "a closing quote is missing (line 1, column 9)"),
        ('{"a": "\\x"}', "invalid_json", "invalid escaped character (line 1, column 9)"),
        ('{"a": "\t"}\n]', "invalid_json", "invalid character (line 1, column 8)"),
        ('{"a": 1}\n{"b": 2}', "invalid_json", "trailing characters (line 2, column 2)"),
    ],
    ids=repr,
)
def test_a_fault_is_named_with_its_place(text, code, message):
    found = refusal(text)

    assert found.code == code
    assert message in found.message


def test_bytes_that_are_no_text_are_refused():
    found = refusal(b"\xef\xbb\xbfa: b\nc: \xc3\xbc\xff")

    assert found.code == "invalid_utf8"
    assert found.message == "not valid UTF-8: byte 0xff (line 2, column 5)"


def test_half_a_utf16_character_is_refused():
    assert refusal(b"\xff\xfea").code == "invalid_utf16"


def test_anchors_repeat_what_they_name():
    text = "a: &x [1, {b: c}]\nd: *x\ne: &x 5\nf: *x"

    again = [("number", "1"), {"b": "c"}]
    five = ("number", "5")
    assert read(text) == {"a": again, "d": again, "e": five, "f": five}


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("- &x {a: 1, b: 2}\n- <<: *x\n  a: 3", id="one mapping"),
        pytest.param("- &x {a: 1, b: 2}\n- {a: 3, <<: *x}", id="behind the keys"),
        pytest.param(
            "- &x {a: 1, b: 2}\n- {a: 3, <<: [*x, {b: 9}]}", id="the first of a list wins"
        ),
    ],
)
def test_a_merge_key_gives_defaults(text):
    value = read(text)

    assert isinstance(value, list)
    assert value[1] == {"a": ("number", "3"), "b": ("number", "2")}


def test_a_merge_key_in_quotes_is_a_key():
    assert read("'<<': a") == {"<<": "a"}


NESTED = [
    pytest.param("[", "]", id="lists"),
    pytest.param('{"a":', "}", id="objects"),
    pytest.param("{a: ", "}", id="YAML mappings"),
    pytest.param("- ", "", id="items"),
]


@pytest.mark.parametrize(("begin", "end"), NESTED)
def test_500_levels_can_be_read(begin, end):
    assert len(read_documents((begin * 500 + "1" + end * 500).encode())) == 1


@pytest.mark.parametrize(("begin", "end"), NESTED)
@pytest.mark.parametrize("levels", [501, 100_000])
def test_more_levels_are_refused_at_once(begin, end, levels):
    started = time.monotonic()
    found = refusal(begin * levels + "1" + end * levels)

    assert found.code == "nested_too_deeply"
    assert "more than 500 levels deep (line 1, column" in found.message
    assert time.monotonic() - started < 5


def test_aliases_cannot_nest_deeper_either():
    deep = "[" * 300 + "]" * 300

    assert refusal(f"- &a {deep}\n- {'[' * 250}*a{']' * 250}").code == "nested_too_deeply"


def test_a_few_aliases_cannot_stand_for_millions():
    lines = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    lines += [f"b{i}: &b{i} [{', '.join([f'*b{i - 1}' if i else '*a'] * 9)}]" for i in range(30)]
    found = refusal("\n".join(lines))

    assert found.code == "too_many_values"
    assert "more than 1,000,000 values (line 7, column" in found.message


def test_merge_keys_cannot_stand_for_millions(monkeypatch):
    monkeypatch.setattr(document, "MAX_VALUES", 1000)
    fields = ", ".join(f"f{i}: x" for i in range(100))
    uses = "\n".join("- <<: *a" for _ in range(20))

    assert refusal(f"- &a {{{fields}}}\n{uses}").code == "too_many_values"


def test_a_file_that_is_too_large_is_refused(monkeypatch):
    monkeypatch.setattr(documents, "MAX_BYTES", 10)

    assert refusal(b"a: " + b"b" * 8).message == "the file is larger than 10 bytes"
    assert read("a: bbbbbbb") == {"a": "bbbbbbb"}


PLANS = """\
# what we sell

billable_metrics:
  - code: storage
    field_name: gb
  - &seats
    code: seats
    filters:
    - key: region
      values: [eu,
        us]
  - *seats
"""


@pytest.mark.parametrize(
    ("path", "place"),
    [
        pytest.param((), "plans.yml:3", id="the document"),
        pytest.param(("billable_metrics",), "plans.yml:3: billable_metrics", id="a key"),
        pytest.param(
            ("billable_metrics", 0, "field_name"),
            "plans.yml:5: billable_metrics[0].field_name",
            id="a key of an item",
        ),
        pytest.param(
            ("billable_metrics", 1, "filters", 0, "values", 1),
            "plans.yml:11: billable_metrics[1].filters[0].values[1]",
            id="an item over two lines",
        ),
        pytest.param(
            ("billable_metrics", 0, "missing", "x y", 3),
            'plans.yml:4: billable_metrics[0].missing["x y"][3]',
            id="what is missing stands in what lacks it",
        ),
        pytest.param(
            ("billable_metrics", 2, "code"),
            "plans.yml:12: billable_metrics[2].code",
            id="what is repeated stands at the alias",
        ),
    ],
)
def test_everything_has_its_place(path, place):
    (document,) = read_documents(PLANS.encode())

    assert document.place("plans.yml", path) == place


def test_json_has_places_too():
    (document,) = read_documents(b'{\n\t"a": [\n\t\t1,\n\t\t{"b": 2}\n\t]\n}')

    assert document.lines == {(): 1, ("a",): 2, ("a", 0): 3, ("a", 1): 4, ("a", 1, "b"): 4}


def test_lines_count_on_from_document_to_document():
    first, second = read_documents(b"---\na: 1\n---\nb: 2")

    assert (first.lines[("a",)], second.lines[("b",)]) == (2, 4)


def test_without_lines_a_place_is_a_path():
    assert Document({}, {}).place("plans.json", ("a", 2, "b")) == "plans.json: a[2].b"


def test_what_is_very_deep_has_the_place_of_what_it_is_in():
    (document,) = read_documents(b"a:\n" + b" " + b"- " * 30 + b"b")

    assert document.place("x.yml", ("a", *[0] * 30)) == "x.yml:2: a" + "[0]" * 30


def test_writing_is_in_blocks_and_in_order():
    value = {
        "plans": [
            {"code": "basic plan", "price": Number("1.10"), "free": None, "on": True},
            [["a", 3], []],
            {},
        ],
        "größe": "don't",
        "1": Decimal("2.50"),
        "note": "two\nlines: 😀",
    }

    assert as_yaml(value) == (
        "plans:\n"
        "  - code: basic plan\n"
        "    price: 1.10\n"
        "    free: null\n"
        '    "on": true\n'
        "  - - - a\n"
        "      - 3\n"
        "    - []\n"
        "  - {}\n"
        "größe: don't\n"
        '"1": 2.50\n'
        'note: "two\\nlines: 😀"\n'
    )


HOSTILE = ["yes", "0042", "1e3", "0o7", "~", "null", "true", "2026-11-22", "12:30", "=", "<<"]
HOSTILE += ["- a", "#", "a #b", "a: b", "a:", "a ", " a", "---", "...", "%a", "@", "`", "!a", "&a"]
HOSTILE += ["*a", "?", "|", ">", "'", '"', "\\", "{", "[", "\x00", "\x7f", "\x85", "\u2028", ".inf"]
HOSTILE += ["\u2029", "\ufeff", "\ufffe", "\uffff", "\U0010ffff", "😀", "\r", "\t", "\n", "a\n\n b"]
HOSTILE += ["", "NaN", "Infinity", "NO", "a\x85b", "k" * 2000, "é" * 1500 + ": x"]

texts = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(st.characters(exclude_categories=["Cs"])),
    st.text("ab0 :#-'\"\\\n\t\r\x85\u2028\ufeff{}[],&*!|>%@`~"),
)
numbers = st.from_regex(
    r"-?(0|[1-9][0-9]{0,30})(\.[0-9]{1,30})?([eE][+-]?[0-9]{1,3})?", fullmatch=True
)
values = st.recursive(
    st.none() | st.booleans() | texts | numbers.map(Number),
    lambda inner: st.lists(inner) | st.dictionaries(texts, inner),
)


@given(values)
def test_what_is_written_reads_back(value):
    assert measured(read(as_yaml(value))) == measured(typed(value))


@pytest.mark.parametrize("text", HOSTILE, ids=ascii)
def test_every_text_reads_back(text):
    """As a value, as a key, in a list, and alone."""
    value = {text: [text, {text: text}], "x": {"y": text}}

    assert read(as_yaml(value)) == value
    assert read(as_yaml(text)) == text


@given(st.dictionaries(texts, texts))
def test_others_read_what_is_written_as_text_too(value):
    """A reader by the older rules, to which `yes` is a boolean."""
    assert yaml.safe_load(as_yaml(value)) == value


def test_what_is_nested_deeply_can_be_written():
    value: object = "x"
    for level in range(200):
        value = [value] if level % 2 else {"a": value}
    written = as_yaml(value)  # type: ignore[arg-type]

    assert as_yaml(read_documents(written.encode())[0].value) == written


@given(values, st.sampled_from([None, 0, 2, "\t"]), st.booleans())
def test_json_is_read_as_the_standard_library_reads_it(value, indent, ascii_only):
    text = json.dumps(value, indent=indent, ensure_ascii=ascii_only)

    assert read(text) == typed(json.loads(text, parse_int=Number, parse_float=Number))


@given(numbers)
def test_numbers_in_json_stay_as_they_are(number):
    assert read(f"[{number}]") == [("number", number)]


ALPHABET = "ab1:-?,.[]{}#&*!|>%@`~<= \n\t\r'\"\\uUx/0\ufeff\x85"


@given(st.text(ALPHABET) | st.lists(st.sampled_from([*ALPHABET, "\n  ", "- ", ": ", "&a ", "*a "])))
@example('"\\xfg"')
@example("!<%ff> a")
@example("%TAG ! !\n---\n! a")
@example("%YAML 1." + "9" * 5000 + "\n---\n")
def test_whatever_comes_in_is_read_or_refused(pieces):
    """No other exception leaves the reader, and a refusal has a place."""
    error = refusal_if_any("".join(pieces).encode())

    assert error is None or re.search(r"\(line \d+, column \d+", error.message), error


@given(st.binary())
def test_whatever_bytes_come_in_are_read_or_refused(data):
    error = refusal_if_any(data)

    assert error is None or error.kind is Kind.REFUSED
