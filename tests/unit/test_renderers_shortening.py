"""Ids that are too wide lose their middle, and different ones stay different."""

from __future__ import annotations

import time

from hypothesis import given
from hypothesis import strategies as st
from rich.cells import cell_len

from lago_cli.renderers import shortening
from lago_cli.renderers.shortening import Shortener

IDS = st.lists(
    st.one_of(st.text("ab", max_size=30), st.text("a…日é\u0301", max_size=20)), min_size=1
)


def shown(ids, width):
    cut = Shortener()
    return cut.fit(set(ids), width), [cut(each) for each in ids]


def test_an_id_keeps_its_beginning_and_its_end():
    assert shown(["org_2a7781c09f31", "org_2b"], 11) == (11, ["org_2a…9f31", "org_2b"])


def test_the_place_is_where_ids_differ():
    ids = [f"customer_{number:03d}_of_a_long_name" for number in range(200)]
    width, texts = shown(ids, 14)

    assert width == 14
    assert texts[0] == "customer_000…e"
    assert len(set(texts)) == 200


def test_where_no_place_tells_them_apart_the_column_is_wider():
    ids = ["a" * 10 + middle + "z" * 10 for middle in ("b", "c")]
    width, texts = shown(ids, 8)

    assert width == 13
    assert len(set(texts)) == 2


def test_a_whole_id_may_look_like_a_cut_one():
    width, texts = shown(["abcde…ghi", "abcdefffghi"], 9)

    assert len(set(texts)) == 2
    assert width >= 9


@given(IDS, st.integers(3, 30))
def test_distinct_ids_stay_distinct_in_the_width_they_take(ids, width):
    taken, texts = shown(ids, width)

    assert len(set(texts)) == len(set(ids))
    assert max(map(cell_len, texts)) <= taken
    assert taken <= max(width, *map(cell_len, ids))


@given(st.lists(IDS, min_size=2, max_size=4), st.integers(3, 20))
def test_ids_of_later_rows_differ_from_earlier_ones(batches, width):
    cut, seen = Shortener(), {}
    cut.fit(set(batches[0]), width)
    for number, batch in enumerate(batches):
        if number:
            cut.fit_more(set(batch), width)
        cut.remember(set(batch))
        for each in batch:
            assert seen.setdefault(cut(each), each) == each


def test_beyond_what_is_remembered_ids_are_whole(monkeypatch):
    monkeypatch.setattr(shortening, "MOST_REMEMBERED", 2)
    cut = Shortener()
    ids = {f"{number}-a-long-id" for number in range(3)}
    cut.fit(ids, 8)
    cut.remember(ids)

    cut.fit_more({"another-long-id"}, 8)

    assert cut("another-long-id") == "another-long-id"


def test_many_ids_take_little_time():
    ids = {f"customer-{number:032x}-{number % 7}" for number in range(100_000)}
    start = time.process_time()

    width, _ = shown(ids, 12)

    assert width < 20
    assert time.process_time() - start < 5
