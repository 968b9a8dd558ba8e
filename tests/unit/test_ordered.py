"""Steps are the same whatever way events come together."""

from __future__ import annotations

from fractions import Fraction

from hypothesis import given
from hypothesis import strategies as st

from lago_cli.domain.ordered import Ordered
from lago_cli.domain.steps import Steps

NUMBERS = st.sampled_from(
    ((1, 0, None), (-25, 2, None), (2**62, 0, None), ("1e40", None, None), ("1/3", None, None))
)
ITEMS = st.tuples(st.sampled_from("abc"), st.none(), st.sampled_from((1, -1)))


@given(st.data())
def test_steps_are_those_of_all_events_in_order(data):
    """However they were split into states, and these were merged."""
    measurements = data.draw(st.sampled_from((NUMBERS, ITEMS)))
    moments = data.draw(st.sets(st.tuples(st.integers(0, 3), st.integers(0, 9)), max_size=12))
    events = [(*moment, data.draw(measurements)) for moment in sorted(moments)]
    whole = Ordered()
    for each in events:
        whole.take(*each)
    merged = Ordered()
    shuffled = data.draw(st.permutations(events))
    cut = data.draw(st.integers(0, len(events)))
    for some in (shuffled[:cut], shuffled[cut:]):
        state = Ordered()
        for each in some:
            state.take(*each)
        merged.merge(state)

    assert merged.steps() == whole.steps()
    assert merged.events == len(events)
    assert list(whole.steps().at) == [at for at, _, _ in events]


def test_numbers_have_the_largest_scale_and_others_are_fractions_of_it():
    state = Ordered()
    for rank, measurement in enumerate(
        (
            (3, 0, None),
            ("1e20", None, None),
            ("1/3", None, None),
            (25, 2, None),
            ("1e-3", None, None),
        )
    ):
        state.take(7, rank, measurement)

    assert state.steps() == Steps([7] * 5, [300, 10**22, Fraction(100, 3), 25, Fraction(1, 10)], 2)


def test_steps_stay_as_they_were_when_more_events_come():
    """What a recurring metric carries over goes on to grow."""
    state = Ordered()
    state.take(1, 1, ("a", None, 1))
    steps = state.steps()
    state.take(2, 2, ("b", None, -1))

    assert steps == Steps([1], [1], 0, ["a"])
