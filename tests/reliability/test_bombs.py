"""Input without measure, beyond what `tests/cli/test_bad_input_huge.py` has: refused alone."""

from __future__ import annotations

import pytest

from reliability.bombs import BOMBS, dropped

pytestmark = pytest.mark.usefixtures("asked_in_this_process")

SMALLER = 0.01  # of what takes its time; still more than a record may have
LONG = 8_000_000
TRIED = [bomb for bomb in BOMBS if "--set" not in bomb.options and bomb.name != "a line of 2 GB"]


@pytest.mark.parametrize("bomb", TRIED, ids=lambda bomb: bomb.name)
def test_it_is_refused_alone(tmp_path, bomb):
    dropped(tmp_path, bomb, SMALLER if bomb.size >= LONG else 1)
