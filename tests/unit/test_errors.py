"""What a failure says."""

from __future__ import annotations

import pytest

from lago_cli.errors import refused


@pytest.mark.parametrize(
    ("message", "said"),
    [
        ("It is so.", "It is so."),
        ("It is so..", "It is so."),
        ("It is so (really.).", "It is so (really.)"),
        ("It is so (--strict).", "It is so (--strict)."),
        ("It is so…", "It is so…"),
        ("and so on...", "and so on..."),
        ('There is no metric "a.".', 'There is no metric "a.".'),
    ],
)
def test_a_sentence_ends_once(message, said):
    assert (refused("code", message).message, str(refused("code", message))) == (said, said)
