"""Charts in the terminal and as SVG: exact figures, lengths in proportion, nothing to obey."""

from __future__ import annotations

import io
import re
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from lago_cli.renderers import Charts, Terminal, render
from lago_cli.renderers.chart import MOST_SHOWN, Chart, Point, Series

SVG = "{http://www.w3.org/2000/svg}"
HOSTILE = [
    "<script>alert(1)</script>",
    "\x1b[31mred\x00",
    "\u202egnp",
    "[bold]x[/]",
    "a\nb",
    "\ufffe",
]
figures = st.one_of(
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(places=3, min_value=-999, max_value=999).map(lambda value: f"{value:f}"),
    st.just("0"),
)


def bars(*figures, title="calls"):
    return Chart(title, bars=[Point(f"c{n}", figure) for n, figure in enumerate(figures)])


def line(*figures):
    return Chart("calls", lines=[line_of(*figures)])


def line_of(*figures, label=""):
    return Series(label, [Point(f"d{n}", figure) for n, figure in enumerate(figures)])


def drawn(*charts, output="table", width=80, unicode=True, **more):
    stream = io.StringIO()
    render(Charts(charts, **more), output, stream, Terminal(width=width, unicode=unicode))
    return stream.getvalue()


def picture(*charts, **more):
    return ET.fromstring(drawn(*charts, output="svg", **more))


def rectangles(*charts):
    found = picture(*charts).iter(f"{SVG}rect")
    return [(int(each.get("x")), int(each.get("width"))) for each in found if each.get("x")]


def text_in(image):
    return ["".join(each.itertext()) for each in image.iter(f"{SVG}text")]


# In the terminal --------------------------------------------------------------------------


def test_bars_are_as_long_as_their_figures():
    _, *lines = drawn(bars("100", "50", "25", "0"), width=40).splitlines()
    lengths = [text.count("█") for text in lines]

    assert lengths == [31, 15, 7, 0]
    assert [text.split()[1] for text in lines] == ["100", "50", "25", "0"]


def test_what_is_above_zero_is_seen():
    assert "▏" in drawn(bars("1000000", "0.001"))


def test_negative_bars_go_the_other_way():
    _, plus, minus = drawn(bars("10", "-10"), width=40).splitlines()

    assert minus.rindex("█") + 1 == plus.index("█")


def test_zero_everywhere_draws_nothing():
    text = drawn(bars("0", "0"), line("0", "0"))

    assert "█" not in text
    assert text.count("0") >= 4


def test_a_figure_too_long_for_the_terminal_stands_above_its_bar():
    figure = "9" * 40

    lines = drawn(bars(figure), width=40).splitlines()

    assert lines[1:3] == ["c0", f"  {figure}"]
    assert lines[3].strip() == "█" * 38


def test_only_the_largest_are_drawn_in_their_order():
    text = drawn(bars(*map(str, range(50))))
    names = re.findall(r"^c\d+", text, re.MULTILINE)

    assert names == [f"c{n}" for n in range(50 - MOST_SHOWN, 50)]
    assert "… 30 others, none larger than these" in text


def test_a_line_is_as_high_as_its_figures():
    text = drawn(line("0", "4", "8"))
    levels = [row.partition("│")[2] for row in text.splitlines() if "│" in row]

    assert sum(level[6:].strip() != "" for level in levels) == 8
    assert sum(level[6:7].strip() != "" for level in levels) == 4
    assert "highest 8 (d2)" in text
    assert "lowest 0 (d0)" in text


def test_a_line_of_more_points_than_there_is_room_for_says_so():
    text = drawn(line(*map(str, range(500))), width=60)

    assert max(map(len, text.splitlines())) <= 60
    assert "Each column is the highest of" in text
    assert "highest 499 (d499)" in text


def test_one_point_is_a_line_too():
    assert "d0" in drawn(line("5"))


def test_several_lines_have_one_scale():
    chart = Chart("calls", lines=[line_of("8", label="a"), line_of("4", label="b")])
    blocks = drawn(chart).split("\n\n")

    assert [block.count("█████") for block in blocks] == [4, 2]


def test_nothing_to_draw_is_said():
    assert drawn(empty="No usage.") == "No usage.\n"
    assert "No usage." in text_in(picture(empty="No usage."))


@pytest.mark.parametrize("width", [40, 80, 120, 200])
@settings(max_examples=25)
@given(st.lists(figures, min_size=1, max_size=30))
def test_no_line_is_wider_than_the_terminal(width, values):
    several = [line_of(*values, label="日本" * 40), line_of(*values, label="b")]
    charts = [bars(*values), line(*values), Chart("x", lines=several)]
    text = drawn(*charts, width=width)
    bound = max(width, *(len(value) + 20 for value in values))

    assert max(map(cell_len, text.splitlines())) <= bound
    assert all(value in text for value in values[:1])


@settings(max_examples=25)
@given(st.lists(figures, min_size=1, max_size=30), st.sampled_from(HOSTILE))
def test_a_stream_that_knows_ascii_only_gets_a_chart(values, label):
    chart = Chart(label, bars=[Point(label, value) for value in values])

    stream = io.TextIOWrapper(io.BytesIO(), "ascii", errors="strict")

    render(Charts([chart, line(*values)]), "table", stream, Terminal(width=80, unicode=False))
    stream.flush()
    assert b"d0" in stream.buffer.getvalue()


@pytest.mark.parametrize("text", HOSTILE)
def test_a_terminal_finds_nothing_to_obey(text):
    shown = drawn(Chart(text, bars=[Point(text, "1")], lines=[line_of("1", label=text)]))

    assert not set(shown) & set("\x1b\x00\u202e\r")


# As SVG -----------------------------------------------------------------------------------


def test_rectangles_are_as_wide_as_their_figures():
    (start, all_of_it), (again, half) = rectangles(bars("100", "50"))

    assert start == again
    assert abs(half * 2 - all_of_it) <= 1


def test_a_negative_rectangle_ends_where_zero_is():
    (zero, _), (start, width) = rectangles(bars("3", "-1"))

    assert start + width == zero


def test_figures_are_there_to_the_last_digit():
    figure = "1234567890123456789012345678901234567890.25"

    assert figure in text_in(picture(bars(figure)))


@given(st.lists(figures, min_size=1, max_size=30), st.text())
def test_any_picture_is_well_formed_and_stays_within_its_frame(values, label):
    chart = Chart(label, bars=[Point(label, value) for value in values])
    image = picture(chart, line(*values), Chart(label, lines=[line_of(*values, label=label)] * 2))
    _, _, width, height = map(int, image.get("viewBox").split())
    for each in image.iter(f"{SVG}rect"):
        x, y = int(each.get("x", 0)), int(each.get("y", 0))
        assert 0 <= x <= x + int(each.get("width")) <= width
        assert 0 <= y <= y + int(each.get("height")) <= height
    for each in image.iter(f"{SVG}polyline"):
        for place in each.get("points").split():
            x, y = map(int, place.split(","))
            assert (0 <= x <= width, 0 <= y <= height) == (True, True)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_picture_runs_and_fetches_nothing(text):
    chart = Chart(text, bars=[Point(text, "1", note=text)], lines=[line_of("1", label=text)])
    source = drawn(chart, output="svg", footer=[text])

    assert {each.tag for each in ET.fromstring(source).iter()} <= {
        f"{SVG}{name}"
        for name in ("svg", "title", "style", "rect", "text", "line", "polyline", "circle")
    }
    assert not re.search(r"href|url\(|@import|on\w+=", source)
    assert source.isascii()


def test_a_picture_has_a_title_for_those_who_do_not_see_it():
    image = picture(bars("1", title="calls · October"))

    assert image.get("role") == "img"
    assert image.find(f"{SVG}title").text == "calls · October"
    assert image.get("aria-labelledby") == image.find(f"{SVG}title").get("id")
