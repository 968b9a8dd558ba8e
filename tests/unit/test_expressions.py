from __future__ import annotations

import json
from contextlib import suppress
from decimal import Decimal, localcontext
from fractions import Fraction

import msgspec
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from lago_cli.domain.expression_parser import FUNCTIONS, MAX_LENGTH, MAX_NESTING
from lago_cli.domain.expressions import MAX_TEXT, Unevaluable, Value, as_text, parse_expression
from lago_cli.domain.numbers import MAX_DIGITS, as_plain
from lago_cli.errors import Kind, LagoError

READ = msgspec.json.Decoder(dict[str, msgspec.Raw])


def worth(expression: str, properties: str = "{}", code: str = "api", at: int = 0) -> Value:
    return parse_expression(expression).evaluate(code, at, READ.decode(properties.encode()))


def refusal(expression: str) -> LagoError:
    with pytest.raises(LagoError) as caught:
        parse_expression(expression)
    return caught.value


def reason(expression: str, properties: str = "{}") -> str:
    with pytest.raises(Unevaluable) as caught:
        worth(expression, properties)
    return str(caught.value)


# Arithmetic


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        pytest.param("1 / 3 * 3", "1", id="a third times three is one"),
        pytest.param("1/3 + 1/6", "0.5", id="two endless quotients may have a finite sum"),
        pytest.param("2 - 3 * 4 / 6 - 1", "-1", id="operators of one precedence go left to right"),
        pytest.param("-2 * -3", "6", id="a minus sign belongs to its own operand"),
        pytest.param("- ( 1 + 2 )", "-3", id="a minus sign may stand before parentheses"),
        pytest.param("2\t*\n3\r\n", "6", id="tabs and line ends are white space"),
        pytest.param("007.50", "7.5", id="a literal may have leading zeros"),
        pytest.param("round(-0.4)", "0", id="a negative fraction rounds to zero"),
        pytest.param("round(1250, -2)", "1300", id="negative digits round to hundreds"),
        pytest.param("ceil(1.001, 2)", "1.01", id="ceil takes digits"),
        pytest.param("floor(-1.001, 2)", "-1.01", id="floor goes down below zero"),
        pytest.param("round(1.2345, 0 - 0.9)", "1", id="a fractional digit count is cut"),
        pytest.param("round(-1 / 6, 2)", "-0.17", id="an endless quotient is rounded"),
        pytest.param("ceil(-1 / 3)", "0", id="ceil of an endless quotient"),
        pytest.param("floor(-1 / 3, 1)", "-0.4", id="floor of an endless quotient"),
        pytest.param("round(-1 / 3 - 1 / 6)", "-1", id="an exact half goes away from zero"),
        pytest.param("least(0.34, 1 / 3)", "1/3", id="least compares exactly"),
        pytest.param("GREATEST(0.33, 1/3, -5)", "1/3", id="greatest compares exactly"),
        pytest.param("greatest(-1)", "-1", id="one operand is its own extreme"),
        pytest.param("0 / 7", "0", id="nothing can be divided"),
    ],
)
def test_arithmetic(expression, value):
    assert Fraction(worth(expression)) == Fraction(value)


def test_a_number_with_a_finite_form_is_a_decimal():
    assert isinstance(worth("1 / 3 * 3"), Decimal)
    assert isinstance(worth("1 / 3"), Fraction)


def test_the_decimal_context_of_the_thread_does_not_matter():
    with localcontext(prec=3):
        assert worth("1234567.8 * 1000.1 - 0.1") == Decimal("1234691256.68")
        assert worth("round(1234567.85, 1)") == Decimal("1234567.9")
        assert worth("-1234567.8") == Decimal("-1234567.8")


def test_the_timestamp_is_in_whole_seconds_rounded_down():
    assert worth("event.timestamp", at=1_651_240_791_999_999) == 1_651_240_791
    assert worth("event.timestamp", at=-1) == -1


# Properties


@pytest.mark.parametrize("token", ["1.5", '"1.5"', '"+1.5"', "15e-1", '"015E-1"'])
def test_a_number_may_be_written_in_any_form(token):
    assert worth("event.properties.x", f'{{"x": {token}}}') == Decimal("1.5")


@pytest.mark.parametrize("text", [" 5", "5 ", ".5", "5.", "1_000", "٣", "5\n", "NaN", "Infinity"])
def test_text_that_only_resembles_a_number_is_text(text):
    properties = json.dumps({"x": text})

    assert worth("event.properties.x", properties) == text
    assert "is not a number" in reason("event.properties.x + 1", properties)


def test_digits_beyond_a_binary_float_are_kept():
    properties = '{"x": 12345678901234567890.123456789}'

    assert worth("event.properties.x * 1", properties) == Decimal("12345678901234567890.123456789")


@pytest.mark.parametrize(
    ("token", "sentence"),
    [
        pytest.param(None, 'The property "x" is missing.', id="missing"),
        pytest.param("null", 'The property "x" is null.', id="null"),
        pytest.param("true", 'The property "x" is true.', id="true"),
        pytest.param("false", 'The property "x" is false.', id="false"),
        pytest.param("[1]", 'The property "x" is a list.', id="a list"),
        pytest.param('{"y": 1}', 'The property "x" is an object.', id="an object"),
    ],
)
@pytest.mark.parametrize("use", ["{0}", "{0} + 1", "concat('a', {0})", "round({0})"])
def test_an_unusable_property_is_named_wherever_it_is_used(use, token, sentence):
    properties = "{}" if token is None else f'{{"x": {token}}}'

    assert reason(use.format("event.properties.x"), properties) == sentence


def test_an_unusable_property_that_is_not_used_does_not_matter():
    assert worth("event.properties.a", '{"a": 1, "b": null, "c": [true]}') == 1


def test_bytes_that_are_not_text_are_no_value():
    properties = {"x": msgspec.Raw(b'"\xff"')}

    with pytest.raises(Unevaluable, match="not valid Unicode"):
        parse_expression("event.properties.x").evaluate("api", 0, properties)


@pytest.mark.parametrize(
    ("expression", "sentence"),
    [
        ("event.code * 2", "event.code is text, where a number is needed."),
        ("'a' + 1", "'a' is text, where a number is needed."),
        ("-concat(1)", "The result of concat is text, where a number is needed."),
        ("1 / (2 - 2)", "The expression divides by zero."),
        ("1 / 3 / 0", "The expression divides by zero."),
    ],
)
def test_what_has_no_value_says_why(expression, sentence):
    assert reason(expression) == sentence


# Text


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        pytest.param("1.10 * 2", "2.20", id="a product keeps the scale"),
        pytest.param("1.5 + 1.50", "3.00", id="a sum keeps the larger scale"),
        pytest.param("1.50", "1.50", id="written zeros stay"),
        pytest.param("1.50 / 3", "0.50", id="a quotient keeps the scale if it can"),
        pytest.param("10 / 0.5", "20", id="there is never an exponent"),
        pytest.param("1 / 10000000", "0.0000001", id="small numbers are written out"),
        pytest.param("2 / 3", "0.666666666667", id="an endless quotient is cut for reading"),
        pytest.param("1 / 3 * 3", "1", id="a settled quotient is a plain number"),
        pytest.param("round(1.5, 2)", "1.50", id="rounding fills up with zeros"),
        pytest.param("round(149, -2)", "100", id="hundreds are written out"),
        pytest.param("ceil(-0.5)", "0", id="zero has no sign"),
        pytest.param("-(0.00)", "0.00", id="zero has no sign but a scale"),
        pytest.param("'a''b'", None, id="there are no escaped quotes"),
        pytest.param("'\"(\n', 'é'", '"(\né', id="text may hold anything but its quote"),
        pytest.param("concat('a'), event.code", "aapi", id="concat may be nested"),
        pytest.param("event.timestamp, '-', 7", "0-7", id="numbers become text"),
    ],
)
def test_concat(arguments, text):
    if text is None:
        assert "found" in refusal(f"concat({arguments})").message
    else:
        assert worth(f"concat({arguments})") == text


@pytest.mark.parametrize("token", ["1e3", '"007"', '"1e3"', '"+5"', "1.230", '" x "', "-0"])
def test_concat_keeps_a_property_as_it_was_written(token):
    text = worth("Concat((event.properties.id), '')", f'{{"id": {token}}}')

    assert text == token.strip('"')


def test_concat_reads_escaped_text():
    assert worth("concat(event.properties.x)", r'{"x": "\u00e9\n\ud83d\ude00"}') == "é\n😀"


def test_the_text_of_values():
    assert as_text("1e3") == "1e3"
    assert as_text(Decimal("-0E+3")) == "0"
    assert as_text(Fraction(1, 3)) == "0.333333333333"


# The parsed expression


def test_an_expression_knows_its_text_and_its_properties():
    expression = parse_expression(
        " event.properties.b + least(event.properties.A1_, event.timestamp)"
    )

    assert expression.text.startswith(" event.")
    assert expression.properties == {"b", "A1_"}
    assert parse_expression("'event.properties.x'").properties == frozenset()


@pytest.mark.parametrize(
    ("expression", "column", "expected"),
    [
        pytest.param("1 +", 4, "expected a number", id="an operand is missing"),
        pytest.param("1 2", 3, "expected an operator (+ - * /) or the end", id="two numbers"),
        pytest.param("7 % 2", 3, "found '%'", id="an unknown sign"),
        pytest.param("(1", 3, 'or ")", found the end', id="an open parenthesis"),
        pytest.param("1)", 2, "found ')'", id="a closing parenthesis too many"),
        pytest.param("round(1;2)", 8, '"," or ")"', id="a wrong separator"),
        pytest.param("round()", 7, "expected a number", id="no argument"),
        pytest.param("floor(1, 2, 3)", 11, "floor takes at most 2 arguments", id="three arguments"),
        pytest.param("concat(1,)", 10, "expected a number", id="a trailing comma"),
        pytest.param(" mAx(1)", 2, "no function mAx", id="an unknown function"),
        pytest.param("ended_at - 1", 1, "no variable ended_at", id="a bare name"),
        pytest.param("event. code", 1, "no variable event.", id="space in a variable"),
        pytest.param("event.codex", 1, "no variable", id="a variable with a tail"),
        pytest.param(
            "event.properties.é", 1, "no variable event.properties.", id="a foreign letter"
        ),
        pytest.param("event.properties.aé", 19, "found 'é'", id="a foreign letter inside"),
        pytest.param("--1", 2, "found '-'", id="two signs"),
        pytest.param("+1", 1, "found '+'", id="a plus sign"),
        pytest.param("1 - 'a", 5, "the quote is never closed", id="an open quote"),
        pytest.param('"a"', 1, "expected", id="double quotes"),
        pytest.param(".5", 1, "found '.'", id="a leading point"),
        pytest.param("5.", 2, "found '.'", id="a trailing point"),
        pytest.param("1_000", 2, "found '_000'", id="an underscore in a number"),
        pytest.param("1 +\xa02", 4, r"found '\xa0'", id="a no-break space"),
        pytest.param("٣", 1, "found '٣'", id="a foreign digit"),
        pytest.param("'\udcff'", 1, "not valid Unicode", id="a byte that is no text"),
        pytest.param("\udcff", 1, r"found '\udcff'", id="a byte that is no text outside"),
    ],
)
def test_a_wrong_expression_is_refused_at_its_place(expression, column, expected):
    error = refusal(expression)

    assert (error.kind, error.code) == (Kind.REFUSED, "invalid_expression")
    assert f"at column {column}:" in error.message
    assert expected in error.message
    assert error.hint
    error.message.encode()  # can be printed


@pytest.mark.parametrize("blank", ["", " ", "\t\r\n"])
def test_a_blank_expression_is_said_to_be_mandatory(blank):
    assert refusal(blank).code == "value_is_mandatory"


@pytest.mark.parametrize("name", FUNCTIONS)
def test_functions_are_spelled_in_three_ways(name):
    for spelling in (name, name.upper(), name.capitalize()):
        assert Decimal(worth(f"{spelling} (1)")) == 1
    assert "no function" in refusal(f"{name[0]}{name[1:].upper()}(1)").message


# Limits


@pytest.mark.parametrize("opening", ["(", "-(", "round(", "concat(1, ", "1+(2*("])
def test_deep_nesting_is_refused_with_a_reason(opening):
    assert f"nested more than {MAX_NESTING} deep" in refusal(opening * 200).message


def test_a_hundred_thousand_parentheses_are_too_long():
    assert "longer than" in refusal("(" * 100_000).message


@pytest.mark.parametrize("opening", ["(", "-(", "round(", "concat(", "least(1+1*"])
def test_the_deepest_nesting_can_be_evaluated(opening):
    closing = ")" * MAX_NESTING

    assert worth(opening * MAX_NESTING + "1" + closing) is not None


def test_the_longest_sum_can_be_evaluated():
    text = "1+" * (MAX_LENGTH // 2 - 1) + "1"

    assert worth(text) == MAX_LENGTH // 2
    assert "longer than" in refusal(text + "+1" * 50_000).message


@pytest.mark.parametrize(
    "expression",
    [
        "round(1, 999999999)",
        "round(1, -999999999)",
        "round(1 / 3, 999999999)",
        f"round(1, {MAX_DIGITS})",
        f"round(10, {MAX_DIGITS - 1})",
        f"round(100 / 3, {MAX_DIGITS - 1})",
        "event.properties.huge * 10",
        "event.properties.huge * event.properties.huge",
        "event.properties.tiny * event.properties.tiny",
        "event.properties.tiny / 10",
        "event.properties.tiny / event.properties.huge",
        "event.properties.huge / event.properties.tiny",
        "event.properties.huge + event.properties.tiny",
        "event.properties.huge / 3 * 100",
        "event.properties.absurd",
        "event.properties.absurd + 1",
        "event.properties.quoted",
        "*".join(["event.properties.huge"] * 400),
        "/".join(["1"] + ["(event.properties.huge + 1 / 7)"] * 200),
    ],
)
def test_numbers_beyond_the_limit_have_no_value(expression):
    properties = (
        f'{{"huge": 9e{MAX_DIGITS - 1}, "tiny": 1e-{MAX_DIGITS - 1},'
        ' "absurd": 1e999999999, "quoted": "1e999999999"}'
    )

    assert "digits" in reason(expression, properties)


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        (f"round(1, {MAX_DIGITS - 1})", Fraction(1)),
        ("event.properties.huge / 3", Fraction(10) ** (MAX_DIGITS - 1) / 3),
        ("event.properties.huge / 4", Fraction(10) ** (MAX_DIGITS - 1) / 4),
        ("1 / event.properties.huge", Fraction(1, 10 ** (MAX_DIGITS - 1))),
        ("event.properties.huge - 1", Fraction(10 ** (MAX_DIGITS - 1) - 1)),
        ("/".join(["1"] + ["2"] * 4000), Fraction(1, 2**4000)),
    ],
)
def test_numbers_up_to_the_limit_are_exact(expression, value):
    got = worth(expression, f'{{"huge": 1e{MAX_DIGITS - 1}}}')

    assert Fraction(got) == value
    assert len(as_plain(got)) <= MAX_DIGITS + 14


def test_a_text_beyond_the_limit_is_not_built():
    properties = json.dumps({"x": "x" * MAX_TEXT})
    copies = ",".join(["event.properties.x"] * 400)

    assert len(worth("concat(event.properties.x)", properties)) == MAX_TEXT
    assert "longer than" in reason(f"concat({copies})", properties)


# Laws

LITERALS = st.decimals(0, 1000, places=3).map(lambda number: f"{number:f}") | st.sampled_from(
    ["0", "1", "3", "7", "0.10", "007"]
)


def grown(trees: st.SearchStrategy) -> st.SearchStrategy:
    return (
        st.tuples(st.sampled_from("+-*/"), trees, trees)
        | st.tuples(st.just("negated"), trees)
        | st.tuples(st.sampled_from(["least", "greatest"]), trees, trees)
        | st.tuples(st.sampled_from(["round", "ceil", "floor"]), trees, st.integers(-2, 4))
    )


TREES = st.recursive(LITERALS, grown, max_leaves=20)
PRECEDENCE = {"+": 1, "-": 1, "*": 2, "/": 2}


def shown(tree, outside: int = 0) -> str:
    """With no more parentheses than needed, so that precedence is put to the test."""
    match tree:
        case str():
            return tree
        case ("negated", operand):
            text, inside = "-" + shown(operand, 4), 3
        case (("+" | "-" | "*" | "/") as sign, left, right):
            inside = PRECEDENCE[sign]
            text = f"{shown(left, inside)} {sign}{shown(right, inside + 1)}"
        case (function, *arguments):
            operands = [str(a) if isinstance(a, int) else shown(a) for a in arguments]
            return f"{function}({', '.join(operands)})"
    return f"({text})" if inside < outside else text


def computed(tree) -> Fraction:
    match tree:
        case str() | int():
            return Fraction(tree)
        case ("negated", operand):
            return -computed(operand)
        case ("+", left, right):
            return computed(left) + computed(right)
        case ("-", left, right):
            return computed(left) - computed(right)
        case ("*", left, right):
            return computed(left) * computed(right)
        case ("/", left, right):
            return computed(left) / computed(right)
        case ("least", left, right):
            return min(computed(left), computed(right))
        case ("greatest", left, right):
            return max(computed(left), computed(right))
    function, operand, digits = tree
    value = computed(operand) * Fraction(10) ** digits
    below = value.numerator // value.denominator
    up = {"floor": False, "ceil": value > below, "round": value - below > Fraction(1, 2)}[function]
    if function == "round" and value - below == Fraction(1, 2):
        up = value > 0
    return (below + up) / Fraction(10) ** digits


@given(TREES)
def test_an_expression_is_worth_what_fractions_say(tree):
    try:
        value = computed(tree)
    except ZeroDivisionError:
        assert reason(shown(tree)) == "The expression divides by zero."
        return

    got = worth(shown(tree))

    assert Fraction(got) == value
    assert as_plain(got) == as_plain(value)


@given(st.text(alphabet="0123456789.+-*/(), 'aeconcatround_event.properties\n", max_size=30))
@example("event.properties.a")
@example("'")
def test_random_text_is_read_or_refused(text):
    with suppress(LagoError):
        assert parse_expression(text).text == text


@given(st.text())
def test_any_text_is_read_or_refused(text):
    try:
        found, message = parse_expression(text).text, "none"
    except LagoError as error:
        found, message = text, error.message

    assert found == text
    assert message.encode()


VARIABLES = ["event.code", "event.timestamp", "event.properties.x"]
TOKENS = st.sampled_from(
    ["1", "2.50", "'a'", *"+-*/(),", "concat(", "round(", "least(", *VARIABLES]
)


@given(
    st.lists(TOKENS, max_size=20).map(" ".join),
    st.dictionaries(
        st.just("x"),
        st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.integers()) | LITERALS,
    ),
)
def test_an_event_has_a_value_or_a_reason(text, properties):
    with suppress(LagoError, Unevaluable):
        assert isinstance(worth(text, json.dumps(properties)), Decimal | Fraction | str)


@given(st.text())
def test_a_property_passes_through_concat_untouched(text):
    properties = {"x": msgspec.Raw(msgspec.json.encode(text))}

    assert parse_expression("concat(event.properties.x)").evaluate("api", 0, properties) == text
